"""Executes GraphQL with the embedded engine: in this process, as the role that owns the app tables."""

from typing import Any

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.types import Receive, Scope, Send

from hasura.engine.engine import Engine
from hasura.engine.errors import EngineError
from hasura.engine.options import AdministrationLimits, EngineOptions
from hasura.engine.session import Session
from hasura.engine.transport.http import EngineApp
from hasura.engine.transport.websocket import serve_websocket
from platform_api.core.database import ENGINE_ROLE, as_engine_role, driver_connection
from platform_api.core.errors import Unprocessable
from platform_api.graphql.backends.backend import (
    JSON_CONTENT,
    Authenticate,
    GraphQLAnswer,
    explanation_of,
    plan_lines,
)

# A tenant's query may be arbitrarily expensive, and must not hold a connection for long.
_STATEMENT_SECONDS = 60.0


def create_engine(
    database_url: str, *, admin_secret: SecretStr | None, administration: AdministrationLimits | None = None
) -> Engine:
    """Returns an engine for the platform's database; without an admin secret it has no administrator."""
    return Engine(
        EngineOptions(
            database_url=database_url,
            database_role=ENGINE_ROLE,
            admin_secret=None if admin_secret is None else admin_secret.get_secret_value(),
            statement_timeout_seconds=_STATEMENT_SECONDS,
            administration=administration or AdministrationLimits(),
        )
    )


class EmbeddedBackend:
    """Executes documents in this process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._admin_app = EngineApp(engine)

    async def execute(self, body: bytes, session: Session) -> GraphQLAnswer:
        answer = await self._engine.execute(body, session)
        return GraphQLAnswer(answer.status, answer.body, (*JSON_CONTENT, *answer.headers))

    @property
    def is_transactional(self) -> bool:
        return True

    async def execute_within(
        self, database_session: AsyncSession, payload: dict[str, Any], session: Session
    ) -> GraphQLAnswer:
        connection = await driver_connection(database_session)
        try:
            async with database_session.begin_nested(), as_engine_role(database_session):
                body = await self._engine.execute_within(payload, session, connection)
        except EngineError as error:
            body = self._engine.render_error(error, session)
        return GraphQLAnswer(200, body)

    async def explain(self, payload: dict[str, Any], session: Session) -> list[str]:
        try:
            explained = await self._engine.explain(explanation_of(payload, session), Session.admin())
        except EngineError as error:
            raise Unprocessable(error.message) from error
        return plan_lines(explained)

    async def serve_admin(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._admin_app(scope, receive, send)

    async def serve_websocket(
        self, scope: Scope, receive: Receive, send: Send, *, authenticate: Authenticate
    ) -> None:
        await serve_websocket(self._engine, scope, receive, send, authenticate=authenticate)

"""Executes GraphQL with the embedded engine: in this process, as the role that owns the app tables.

What is large, and what an organization sends that has used up its time of the event loop, goes to a process of its
own (`heavy`).
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypedDict

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
from platform_api.graphql.heavy.budget import LoopBudget
from platform_api.graphql.heavy.lane import HeavyLane
from platform_api.graphql.heavy.sockets import BoundedOperations, BoundedSocket, OpenSubscriptions

# A tenant's query may be arbitrarily expensive, and must not hold a connection for long.
_STATEMENT_SECONDS = 60.0
# Operations of one request: each costs something, also one that is refused.
MAX_BATCH_OPERATIONS = 1000
MAX_SMALL_BYTES = 32 * 1024
"""A request of more bytes may take longer than others should have to wait, whatever it says."""
_MAX_MESSAGE_BYTES = 256 * 1024


class ServingOptions(TypedDict):
    """Holds those of `EngineOptions` on which answers to tenants depend."""

    database_url: str
    database_role: str
    statement_timeout_seconds: float
    max_batch_operations: int


def create_engine(
    database_url: str, *, admin_secret: SecretStr | None, administration: AdministrationLimits | None = None
) -> Engine:
    """Returns an engine for the platform's database; without an admin secret it has no administrator."""
    return Engine(
        EngineOptions(
            **serving_options(database_url),
            admin_secret=None if admin_secret is None else admin_secret.get_secret_value(),
            administration=administration or AdministrationLimits(),
        )
    )


def serving_options(database_url: str) -> ServingOptions:
    """Returns what the engines of this process and of the one for heavy requests have in common."""
    return ServingOptions(
        database_url=database_url,
        database_role=ENGINE_ROLE,
        statement_timeout_seconds=_STATEMENT_SECONDS,
        max_batch_operations=MAX_BATCH_OPERATIONS,
    )


class EmbeddedBackend:
    """Executes documents in this process, and in that of `lane`."""

    def __init__(self, engine: Engine, lane: HeavyLane, *, max_subscriptions: int) -> None:
        self._engine = engine
        self._lane = lane
        self._budget = LoopBudget(lambda: engine.operations.compilations)
        subscriptions = OpenSubscriptions(max_subscriptions)
        self._operations = BoundedOperations(engine, self._budget, subscriptions, max_document=MAX_SMALL_BYTES)
        self._admin_app = EngineApp(engine)

    async def execute(self, body: bytes, session: Session) -> GraphQLAnswer:
        tenant = session.tenant
        if tenant is None:
            answer = await self._engine.execute(body, session)
        elif len(body) > MAX_SMALL_BYTES or self._budget.is_used_up(tenant):
            async with self._lane.place(tenant):
                return await self._lane.execute(body, session)
        else:
            answer = await self._budget.run(tenant, self._engine.execute(body, session))
        return GraphQLAnswer(answer.status, answer.body, (*JSON_CONTENT, *answer.headers))

    async def execute_read(
        self, read: Callable[[], Awaitable[bytes]], session: Session, *, announced_bytes: int | None
    ) -> GraphQLAnswer:
        if session.tenant is None or (announced_bytes is not None and announced_bytes <= MAX_SMALL_BYTES):
            return await self.execute(await read(), session)
        # The place comes first: what is read for nobody's turn would fill the memory.
        async with self._lane.place(session.tenant):
            return await self._lane.execute(await read(), session)

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
        socket = BoundedSocket(receive, send, authenticate, budget=self._budget, max_bytes=_MAX_MESSAGE_BYTES)
        await serve_websocket(self._operations, scope, socket.receive, send, authenticate=socket.authenticate)

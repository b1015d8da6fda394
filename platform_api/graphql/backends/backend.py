"""Defines the interface of what executes GraphQL: the embedded engine, or a Hasura v2 over HTTP."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.types import Receive, Scope, Send

from hasura.engine.session import Session

RawHeaders = tuple[tuple[bytes, bytes], ...]
"""Holds headers as ASGI does; names in lower case."""

JSON_CONTENT: RawHeaders = ((b"content-type", b"application/json; charset=utf-8"),)


@dataclass(frozen=True, slots=True)
class GraphQLAnswer:
    """Holds a GraphQL response as it goes to the client: status, the body's bytes untouched, and headers."""

    status: int
    body: bytes
    headers: RawHeaders = JSON_CONTENT


def explanation_of(payload: dict[str, Any], session: Session) -> dict[str, Any]:
    """Returns the body of Hasura's `/v1/graphql/explain` for a request in `session`."""
    return {"query": payload, "user": {**session.variables, "x-hasura-role": session.role}}


def plan_lines(explained: Any) -> list[str]:
    """Returns the plan of the only field in an answer of `/v1/graphql/explain`; empty when it has none."""
    return [str(line) for line in explained[0].get("plan") or ()] if isinstance(explained, list) and explained else []


class Authenticate(Protocol):
    """Authenticates a WebSocket by its headers and its `connection_init` payload.

    Raises `hasura.engine.errors.EngineError` when these hold no valid credential.
    """

    async def __call__(self, headers: Mapping[str, str], payload: Mapping[str, object] | None) -> Session:
        """Returns the session in which the connection's operations run."""
        ...


class GraphQLBackend(Protocol):
    """Executes GraphQL requests of a session."""

    async def execute(self, body: bytes, session: Session) -> GraphQLAnswer:
        """Executes the JSON of one GraphQL request, or of a batch. Reports errors in the answer."""
        ...

    async def execute_read(
        self, read: Callable[[], Awaitable[bytes]], session: Session, *, announced_bytes: int | None
    ) -> GraphQLAnswer:
        """Does what `execute` does with a body that is still to be read; it may have to wait before it is read."""
        ...

    @property
    def is_transactional(self) -> bool:
        """Returns whether `execute_within` joins the caller's transaction; otherwise it commits by itself."""
        ...

    async def execute_within(
        self, database_session: AsyncSession, payload: dict[str, Any], session: Session
    ) -> GraphQLAnswer:
        """Executes one request, in the transaction of `database_session` if `is_transactional`.

        An answer with errors has changed nothing, and leaves the transaction usable.
        """
        ...

    async def explain(self, payload: dict[str, Any], session: Session) -> list[str]:
        """Returns PostgreSQL's plan, in lines, of a query of one field. Raises PlatformError when it is refused."""
        ...

    async def serve_admin(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves an HTTP request that carries the admin secret or is for an administrator's endpoint."""

    async def serve_websocket(
        self, scope: Scope, receive: Receive, send: Send, *, authenticate: Authenticate
    ) -> None:
        """Serves a WebSocket of `graphql-transport-ws` or `graphql-ws` in the session that `authenticate` returns."""

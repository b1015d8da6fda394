"""What executes GraphQL: the embedded engine in this process, or a Hasura v2 over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.types import Receive, Scope, Send

from hasura.engine.session import Session

RawHeaders = tuple[tuple[bytes, bytes], ...]
"""Headers as ASGI has them; names in lower case."""

JSON_CONTENT: RawHeaders = ((b"content-type", b"application/json; charset=utf-8"),)


@dataclass(frozen=True, slots=True)
class GraphQLAnswer:
    """A GraphQL reply as it goes to the client: status, the body's bytes untouched, and headers."""

    status: int
    body: bytes
    headers: RawHeaders = JSON_CONTENT


class Authenticate(Protocol):
    """Tells whose a WebSocket is, from its headers and its `connection_init` payload.

    Raises `hasura.engine.errors.EngineError` when it is nobody's.
    """

    async def __call__(self, headers: Mapping[str, str], payload: Mapping[str, object] | None) -> Session:
        """The session that the connection's operations run in."""
        ...


class GraphQLBackend(Protocol):
    """Executes GraphQL requests of a session."""

    async def execute(self, body: bytes, session: Session) -> GraphQLAnswer:
        """`body` is the JSON of one GraphQL request (or of a batch). Errors are in the answer."""
        ...

    @property
    def is_transactional(self) -> bool:
        """Whether `execute_within` is part of the caller's transaction, or commits at once by itself."""
        ...

    async def execute_within(
        self, database_session: AsyncSession, payload: dict[str, Any], session: Session
    ) -> GraphQLAnswer:
        """One request, in the transaction of `database_session` where `is_transactional`.

        When errors are in the answer, nothing of it happened and the transaction goes on.
        """
        ...

    async def serve_admin(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An HTTP request that carries the admin secret, or asks for an administrator's endpoint."""

    async def serve_websocket(
        self, scope: Scope, receive: Receive, send: Send, *, authenticate: Authenticate
    ) -> None:
        """A WebSocket of `graphql-transport-ws` or `graphql-ws` whose session `authenticate` tells."""

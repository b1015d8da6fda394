"""Ends a WebSocket with its credential: no subscription outlives a revoked token or a suspended install."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Receive, Scope, Send

from hasura.engine.errors import AccessDenied, EngineError
from hasura.engine.session import Session
from platform_api.core.errors import PlatformError
from platform_api.graphql.backends.backend import GraphQLBackend

SECONDS_BETWEEN_CHECKS = 10.0
FORBIDDEN = 4403

Resolve = Callable[[Mapping[str, Any]], Awaitable[Session]]
"""Returns the session for a `connection_init` payload; raises when the credential is not, or no longer, valid."""


class _Opening:
    """Remembers the payload and session that a connection was opened with."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._payload: Mapping[str, Any] | None = None
        self._session: Session | None = None

    async def authenticate(self, headers: Mapping[str, str], payload: Mapping[str, object] | None) -> Session:
        self._payload = dict(payload or {})
        self._session = await _resolve(self._resolve, self._payload)
        return self._session

    async def until_invalid(self) -> str:
        """Returns the reason once the credential is no longer valid or resolves to another session."""
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_CHECKS)
            if self._payload is None:
                continue
            try:
                session = await self._resolve(self._payload)
            except (PlatformError, EngineError) as error:
                return error.message
            except Exception:  # the database is unreachable: queries fail anyway, and the session may still be valid
                continue
            if session != self._session:
                return "the access of this credential has changed; connect again"


async def _resolve(resolve: Resolve, payload: Mapping[str, Any]) -> Session:
    try:
        return await resolve(payload)
    except PlatformError as error:
        raise AccessDenied(error.message) from error
    except (SQLAlchemyError, OSError) as error:
        raise AccessDenied("the database cannot be reached at the moment; try again") from error


async def serve_while_valid(
    backend: GraphQLBackend, scope: Scope, receive: Receive, send: Send, *, resolve: Resolve
) -> None:
    """Has `backend` serve the WebSocket while `resolve` returns the session that it began with."""
    opening = _Opening(resolve)
    serving = asyncio.ensure_future(backend.serve_websocket(scope, receive, send, authenticate=opening.authenticate))
    watching = asyncio.ensure_future(opening.until_invalid())
    try:
        await asyncio.wait({serving, watching}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
            return
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        reason = watching.result().encode()[:120].decode(errors="ignore")
        await send({"type": "websocket.close", "code": FORBIDDEN, "reason": reason})
    finally:
        for task in (serving, watching):
            task.cancel()
        await asyncio.gather(serving, watching, return_exceptions=True)

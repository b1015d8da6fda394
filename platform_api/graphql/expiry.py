"""Ends a WebSocket with its credential: no subscription outlives a revoked token or a suspended install."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Receive, Scope, Send

from hasura.engine.errors import AccessDenied, EngineError
from hasura.engine.session import Session
from platform_api.core.errors import PlatformError
from platform_api.graphql.backends.backend import GraphQLBackend

SECONDS_BETWEEN_CHECKS = 10.0
FORBIDDEN = 4403

Watching = Callable[[Mapping[str, Any], Callable[[], None]], AbstractContextManager[None]]
"""Calls what it is given when the credential of a `connection_init` payload may have ended."""
Resolve = Callable[[Mapping[str, Any]], Awaitable[Session]]
"""Returns the session for a `connection_init` payload; raises when the credential is not, or no longer, valid."""


class _Opening:
    """Remembers the payload and session that a connection was opened with."""

    def __init__(self, resolve: Resolve, watching: Watching) -> None:
        self._resolve = resolve
        self._watching = watching
        self._payload: Mapping[str, Any] | None = None
        self._session: Session | None = None
        self._is_open = asyncio.Event()

    async def authenticate(self, headers: Mapping[str, str], payload: Mapping[str, object] | None) -> Session:
        self._payload = dict(payload or {})
        self._session = await _resolve(self._resolve, self._payload)
        self._is_open.set()
        return self._session

    async def until_invalid(self) -> str:
        """Returns the reason once the credential is no longer valid or resolves to another session."""
        # Until then nothing is answered, and whoever sends nothing is disconnected by the backend.
        await self._is_open.wait()
        assert self._payload is not None
        is_doubtful = asyncio.Event()
        with self._watching(self._payload, is_doubtful.set):
            reason = await self._wait_until_invalid(self._payload, is_doubtful)
        return reason

    async def _wait_until_invalid(self, payload: Mapping[str, Any], is_doubtful: asyncio.Event) -> str:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SECONDS_BETWEEN_CHECKS):
                    await is_doubtful.wait()
            is_doubtful.clear()
            try:
                session = await self._resolve(payload)
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
    backend: GraphQLBackend, scope: Scope, receive: Receive, send: Send, *, resolve: Resolve, watching: Watching
) -> None:
    """Has `backend` serve the WebSocket while `resolve` returns the session that it began with."""
    opening = _Opening(resolve, watching)
    serving = asyncio.ensure_future(backend.serve_websocket(scope, receive, send, authenticate=opening.authenticate))
    judging = asyncio.ensure_future(opening.until_invalid())
    try:
        await asyncio.wait({serving, judging}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
            return
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        reason = judging.result().encode()[:120].decode(errors="ignore")
        await send({"type": "websocket.close", "code": FORBIDDEN, "reason": reason})
    finally:
        for task in (serving, judging):
            task.cancel()
        await asyncio.gather(serving, judging, return_exceptions=True)

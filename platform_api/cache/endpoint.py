"""Serves the cache (contract §13) under `/cache` as raw ASGI: it is called more often than anything else.

The published clients return any JSON they receive, whatever the status: an error must not be JSON, or a script would
take it for the value. A miss is `null` with 200.
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from platform_api.accounts.actor import Actor
from platform_api.cache.lifespan import Cache
from platform_api.cache.messages import (
    MAX_BODY_BYTES,
    check_key,
    delete_body,
    entry_body,
    progress_body,
    read_progress,
    read_set,
    set_body,
)
from platform_api.cache.store import CacheScope, CacheStore
from platform_api.core.database import Database
from platform_api.core.errors import BadRequest, NotFound, PlatformError, TooLarge, Unavailable
from platform_api.core.services import Services
from platform_api.runs.service import set_progress

log = structlog.stdlib.get_logger()

PREFIX = "/cache/"

_Handler: TypeAlias = Callable[["CacheEndpoint", Request, Actor, str], Awaitable[bytes]]


class MethodNotAllowed(PlatformError):
    """Reports that the path does not support the request's method."""

    status_code = 405
    code = "method_not_allowed"


class CacheEndpoint:
    """Serves `get/{key}/`, `set/`, `delete/{key}/` and `set-progress/{task_id}/`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def serves(self, path: str) -> bool:
        return path.startswith(PREFIX)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        except Exception as error:  # the last place that can report it as text
            response = _error_response(error)
        await response(scope, receive, send)

    async def get(self, request: Request, actor: Actor, key: str) -> bytes:
        """Serves `GET get/{key}/`."""
        check_key(key)
        entry = await self._store.get(_scope(request, actor), key)
        return b"null" if entry is None else entry_body(key, entry)

    async def set(self, request: Request, actor: Actor, rest: str) -> bytes:
        """Serves `POST set/`."""
        scope = _scope(request, actor)
        key, value, ttl = read_set(await _body(request))
        await self._store.set(scope, key, value, ttl)
        return set_body(key, ttl)

    async def delete(self, request: Request, actor: Actor, key: str) -> bytes:
        """Serves `DELETE delete/{key}/`."""
        check_key(key)
        return delete_body(key, deleted=await self._store.delete(_scope(request, actor), key))

    async def set_progress(self, request: Request, actor: Actor, task_id: str) -> bytes:
        """Serves `POST set-progress/{task_id}/`."""
        check_key(task_id)
        progress, info, status = read_progress(await _body(request))
        async with self._services[Database].transaction() as session:
            is_shown = await set_progress(session, actor, task_id, progress=progress, info=info, status=status)
        return progress_body(task_id, progress, info, status, is_shown=is_shown)

    @property
    def _store(self) -> CacheStore:
        return self._services[Cache].store

    async def _answer(self, request: Request) -> Response:
        operation, _, rest = request.scope["path"].removeprefix(PREFIX).partition("/")
        if operation not in _OPERATIONS:
            raise NotFound("the cache serves get/{key}/, set/, delete/{key}/ and set-progress/{task_id}/")
        method, handler = _OPERATIONS[operation]
        if request.method != method:
            raise MethodNotAllowed(f"{operation} must be called with {method}", headers={"Allow": method})
        actor = await self._services[Cache].callers.resolve(request.headers.get("authorization"))
        # The key is everything up to the path's last slash, and may contain slashes.
        body = await handler(self, request, actor, rest.removesuffix("/"))
        return Response(body, media_type="application/json")


_OPERATIONS: dict[str, tuple[str, _Handler]] = {
    "get": ("GET", CacheEndpoint.get),
    "set": ("POST", CacheEndpoint.set),
    "delete": ("DELETE", CacheEndpoint.delete),
    "set-progress": ("POST", CacheEndpoint.set_progress),
}


def _scope(request: Request, actor: Actor) -> CacheScope:
    """Returns the scope, which the token decides; `task_id` and `action_id` are only informative."""
    kind = request.query_params.get("cache_type", "app")
    if kind == "org":
        return CacheScope(actor.organization_id, 0)
    if kind != "app":
        raise BadRequest(f"cache_type: {kind[:50]!r} must be app or org")
    if actor.app_id is None:
        raise BadRequest("the token is not bound to an app, so it has no app cache; create one for the app")
    return CacheScope(actor.organization_id, actor.app_id)


async def _body(request: Request) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:19]) > MAX_BODY_BYTES:
        raise _too_large()
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise _too_large()
        parts.append(part)
    return b"".join(parts)


def _too_large() -> TooLarge:
    return TooLarge(f"the request is larger than {MAX_BODY_BYTES} bytes")


def _error_response(error: Exception) -> Response:
    request_id = f"req_{secrets.token_hex(8)}"
    if not isinstance(error, PlatformError):
        log.error("cache.unexpected_error", request_id=request_id, exc_info=error)
        if isinstance(error, SQLAlchemyError | OSError):
            error = Unavailable("the database cannot be reached at the moment; try again")
        else:
            error = PlatformError(f"an unexpected error happened; its request id is {request_id}")
    headers = {**error.headers, "X-Request-Id": request_id, "X-Content-Type-Options": "nosniff"}
    return PlainTextResponse(error.message, status_code=error.status_code, headers=headers)

"""Gives every request an id, in the logs and in the answer, and turns a fault of ours into a clean 500."""

import re
import secrets
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from platform_api.core.http.error_answers import unexpected_error
from platform_api.core.logs.redaction import mask_path

log = structlog.stdlib.get_logger()

REQUEST_ID_HEADER = "X-Request-Id"
_ACCEPTED_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestContextMiddleware:
    """Wraps all other layers. Keeps the caller's own `X-Request-Id` when it is short and plain."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        path = mask_path(scope["path"])
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = request_id
            await send(message)

        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, send_with_id)
            except Exception as error:  # the last place where it can be reported under the request's id
                log.error("request.unexpected_error", method=scope["method"], path=path, exc_info=error)
                if status is None:
                    await (await unexpected_error(Request(scope), error))(scope, receive, send_with_id)
            milliseconds = round((time.perf_counter() - started) * 1000, 1)
            # Probes ask every few seconds; what matters about them is their failures.
            write = log.debug if scope["path"] == "/health" and status == 200 else log.info
            write("request", method=scope["method"], path=path, status=status, ms=milliseconds)


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
    return given if _ACCEPTED_REQUEST_ID.fullmatch(given) else f"req_{secrets.token_hex(8)}"

"""Refuses request bodies that are too large, announced or not, before anything reads them into memory."""

import re
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from platform_api.core.http.error_answers import error_response


class BodyLimitMiddleware:
    """Answers 413 to a body over `limit` bytes; `exceptions` are other limits of POSTs, by a pattern of the path."""

    def __init__(self, app: ASGIApp, *, limit: int, exceptions: Mapping[re.Pattern[str], int] | None = None) -> None:
        self.app = app
        self.limit = limit
        self.exceptions = dict(exceptions or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self._limit_of(scope)
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced[:19]) > limit:
            await error_response(scope, 413, _detail(limit))(scope, receive, send)
            return
        received = 0

        async def limited_receive() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > limit:
                    # An HTTPException, because FastAPI turns any other error while reading into a 400.
                    raise HTTPException(413, _detail(limit))
            return message

        await self.app(scope, limited_receive, send)

    def _limit_of(self, scope: Scope) -> int:
        if scope["method"] == "POST":
            for pattern, limit in self.exceptions.items():
                if pattern.fullmatch(scope["path"]):
                    return limit
        return self.limit


def _detail(limit: int) -> str:
    return f"the request body is larger than {limit} bytes; send less, or in several requests"

"""Answers a path whose slashes are not as declared, without a redirect (a redirected POST becomes a GET).

The published clients double a slash when their base URL ends in one, and people forget the trailing one. Only a
path that no route matches as it is gets here, so the usual request pays nothing and a cache key keeps its slashes.
"""

import re

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

_SLASHES = re.compile(r"/{2,}")
_TRIED = "automio.slashes_tried"


class SlashTolerance:
    """Tries the path with single slashes, with and without the trailing one, where the API router finds nothing."""

    def __init__(self, app: FastAPI) -> None:
        self._router = app.router
        self._not_found: ASGIApp = app.router.default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        candidates = scope.get(_TRIED)
        if candidates is None:
            candidates = scope[_TRIED] = _candidates(scope["path"])
            scope["automio.path"] = scope["path"]
        if not candidates:
            scope["path"] = scope["automio.path"]
            await self._not_found(scope, receive, send)
            return
        scope["path"] = candidates.pop(0)
        await self._router(scope, receive, send)


def _candidates(path: str) -> list[str]:
    collapsed = _SLASHES.sub("/", path)
    toggled = (collapsed.rstrip("/") or "/") if collapsed.endswith("/") else collapsed + "/"
    return [candidate for candidate in (collapsed, toggled) if candidate != path]

"""Decides which pages of other origins may call an app's GraphQL from a browser, and writes the CORS headers.

Such a page sends a token. The sign-in cookie is for the platform's own pages: `Access-Control-Allow-Credentials` is
never sent, and a request or WebSocket that carries only the cookie is refused (`refuse_foreign_page`).
"""

import re
from collections.abc import Iterable

from sqlalchemy import select

from platform_api.apps.models import App
from platform_api.apps.references import names_app
from platform_api.core.database import Database
from platform_api.core.remembered import Remembered
from platform_api.graphql.backends.backend import RawHeaders

ANY = "*"
_EXPOSED_HEADERS = b"RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id"
_VARY = (b"vary", b"Origin")
_PREFLIGHT_SECONDS = b"600"
_MAX_REFERENCE_LENGTH = 300
_HEADER_NAMES = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~, -]{0,2000}")


class ForeignPages:
    """Looks up which origins' pages may call which apps, and caches the result for a moment."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered: Remembered[tuple[str, str | None], str] = Remembered()

    async def allowed(self, origin: str, app_reference: str | None) -> str | None:
        """Returns the `Access-Control-Allow-Origin` for a page of `origin` that calls an app; None when it may not.

        Without an app (a preflight to `/v1/graphql` carries no token) it is enough that any app allows the origin:
        the request that follows is decided by its token's app.
        """
        if max(len(origin), len(app_reference or "")) > _MAX_REFERENCE_LENGTH or "\x00" in f"{origin}{app_reference}":
            return None
        key = (origin, app_reference)
        if (allowed := self._remembered.get(key)) is None:
            begun = self._remembered.begin()
            allowed = await self._look_up(origin, app_reference)
            self._remembered.keep(key, allowed, begun)
        return allowed or None

    def forget(self) -> None:
        """Clears the cache."""
        self._remembered.forget()

    async def _look_up(self, origin: str, app_reference: str | None) -> str:
        statement = select(App.cors_origins).where(App.cors_origins.overlap([origin, ANY]), App.is_active)
        if app_reference is not None:
            statement = statement.where(names_app(app_reference))
        async with self._database.transaction() as session:
            origins: list[str] | None = await session.scalar(statement.limit(1))
        if origins is None:
            return ""
        return ANY if ANY in origins else origin


def answer_headers(allowed: str | None) -> RawHeaders:
    """Returns the headers to add to a response to a page of another origin."""
    if allowed is None:
        return (_VARY,)
    return (
        (b"access-control-allow-origin", allowed.encode("latin-1")),
        (b"access-control-expose-headers", _EXPOSED_HEADERS),
        _VARY,
    )


def preflight_headers(requested: bytes) -> RawHeaders:
    """Returns the headers to add to the response to an allowed preflight that requests these header names.

    All of them are granted: a page's headers prove nothing that another program could not send as well.
    """
    granted = requested if _HEADER_NAMES.fullmatch(requested) else b"authorization, content-type"
    return (
        (b"access-control-allow-methods", b"POST"),
        (b"access-control-allow-headers", granted),
        (b"access-control-max-age", _PREFLIGHT_SECONDS),
    )


def requested_headers(raw: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """Returns the header names that a preflight requests; None when the request is not a preflight."""
    headers = dict(raw)
    if b"access-control-request-method" not in headers:
        return None
    return headers.get(b"access-control-request-headers", b"")


def refusal_of(origin: str) -> str:
    """Returns the message that says why a preflight is refused and how to allow the origin."""
    return (
        f"pages of {origin[:_MAX_REFERENCE_LENGTH]} may not call this app; its builders can allow an origin with"
        ' PUT /api/apps/{app}/ and {"cors_origins": ["https://host"]}'
    )

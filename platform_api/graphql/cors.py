"""Pages of other origins: which may call an app's GraphQL from a browser, and how their browsers are told.

A page brings a token. The sign-in cookie stays with our own pages: `Access-Control-Allow-Credentials` is never sent,
and a request or WebSocket that has nothing but the cookie is refused (`refuse_foreign_page`).
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
_SHOWN = b"RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id"
_VARY = (b"vary", b"Origin")
_PREFLIGHT_SECONDS = b"600"
_LONGEST = 300
_HEADER_NAMES = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~, -]{0,2000}")


class ForeignPages:
    """Which origins' pages may call which apps, remembered for a moment."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered: Remembered[tuple[str, str | None], str] = Remembered()

    async def allowed(self, origin: str, app_reference: str | None) -> str | None:
        """What `Access-Control-Allow-Origin` says to a page of `origin` that calls an app; None: it may not.

        Without an app (a preflight to `/v1/graphql` carries no token) it is enough that any app allows the origin:
        the answer to the request itself is shown as the token's app says.
        """
        if max(len(origin), len(app_reference or "")) > _LONGEST or "\x00" in f"{origin}{app_reference}":
            return None
        key = (origin, app_reference)
        if (found := self._remembered.get(key)) is None:
            begun = self._remembered.begin()
            found = await self._look_up(origin, app_reference)
            self._remembered.keep(key, found, begun)
        return found or None

    def forget(self) -> None:
        """Makes every origin be looked up again."""
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
    """What is added to an answer to a page of another origin."""
    if allowed is None:
        return (_VARY,)
    return (
        (b"access-control-allow-origin", allowed.encode("latin-1")),
        (b"access-control-expose-headers", _SHOWN),
        _VARY,
    )


def preflight_headers(requested: bytes) -> RawHeaders:
    """What is added to the answer to an allowed preflight, for the header names that it asks for.

    They are granted as they come: no header of a page proves anything that a program could not send as well.
    """
    granted = requested if _HEADER_NAMES.fullmatch(requested) else b"authorization, content-type"
    return (
        (b"access-control-allow-methods", b"POST"),
        (b"access-control-allow-headers", granted),
        (b"access-control-max-age", _PREFLIGHT_SECONDS),
    )


def requested_headers(raw: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The header names that a preflight asks for; None when the request is none."""
    found = dict(raw)
    if b"access-control-request-method" not in found:
        return None
    return found.get(b"access-control-request-headers", b"")


def refusal_of(origin: str) -> str:
    """Why a preflight is refused, and what would be right."""
    return (
        f"pages of {origin[:_LONGEST]} may not call this app; its builders allow an origin with"
        ' PUT /api/apps/{app}/ and {"cors_origins": ["https://host"]}'
    )

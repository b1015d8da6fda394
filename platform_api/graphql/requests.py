"""Reads raw ASGI requests and writes responses for the GraphQL endpoints."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from http.cookies import CookieError, SimpleCookie

import orjson
import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Receive, Send

from hasura.engine.transport.asgi import text_of
from platform_api.accounts.dependencies import SESSION_COOKIE
from platform_api.accounts.viewing import VIEW_AS_HEADER
from platform_api.core.errors import BodyTimeout, Forbidden, PlatformError, TooLarge, Unavailable
from platform_api.core.http.compression import accepts_gzip, gzip_body
from platform_api.core.http.origins import is_own_origin
from platform_api.graphql.backends.backend import JSON_CONTENT, GraphQLAnswer
from platform_api.graphql.sessions import Credential

log = structlog.stdlib.get_logger()

MAX_BODY_SECONDS = 30.0
"""A place for a large request is held while its body is read."""
ADMIN_SECRET_HEADER = "x-hasura-admin-secret"
VIEW_AS = VIEW_AS_HEADER.lower()
_VARY = (b"vary", b"accept-encoding")
_GZIP = (b"content-encoding", b"gzip")

_CODES = {
    **{400: "bad-request", 401: "access-denied", 403: "access-denied", 404: "not-found"},
    **{408: "bad-request", 413: "bad-request"},
    429: "rate-limit-exceeded",
}
_APP = re.compile(r"/+(?:(?:api/+)?apps/+(?P<app>[^/]+(?:/[^/]+)?)/+)?v1/+graphql/*")


class ClientGone(Exception):
    """Reports that the client closed the connection before it sent the whole body."""


@dataclass(slots=True)
class RequestHeaders:
    """Holds the headers that GraphQL endpoints use, by lower-case name, with the client's `x-hasura-*` separate."""

    own: dict[str, str] = field(default_factory=dict)
    hasura: dict[str, str] = field(default_factory=dict)
    admin_secret: str | None = None

    def credential(self) -> Credential:
        """Returns the credential that the request carries."""
        cookie = self.own.get("cookie")
        return Credential(
            self.own.get("authorization"),
            _session_cookie(cookie) if cookie else None,
            self.own.get("x-organization-id"),
            self.own.get(VIEW_AS),
        )


_OWN = frozenset(
    {
        b"accept-encoding",
        b"authorization",
        b"cookie",
        b"x-organization-id",
        b"x-app-id",
        VIEW_AS.encode(),
        b"content-length",
        b"origin",
        b"host",
        b"sec-fetch-site",
    }
)


def read_headers(raw: Iterable[tuple[bytes, bytes]]) -> RequestHeaders:
    """Selects the headers that are used from ASGI's, whose names are in lower case."""
    headers = RequestHeaders()
    for name, value in raw:
        if name in _OWN:
            headers.own[name.decode()] = text_of(value)
        elif name.startswith(b"x-hasura-"):
            headers.hasura[text_of(name)] = text_of(value)
    headers.admin_secret = headers.hasura.pop(ADMIN_SECRET_HEADER, None)
    return headers


def named_app(path: str, headers: RequestHeaders) -> str | None:
    """Returns the app named in the path or in `X-App-Id`; None leaves it to the token."""
    match = _APP.fullmatch(path)
    return (match["app"] if match else None) or headers.own.get("x-app-id")


def is_graphql_path(path: str) -> bool:
    """Returns whether `path` is `/v1/graphql` or `/api/apps/{app}/v1/graphql`."""
    return path.rstrip("/").endswith("/graphql") and _APP.fullmatch(path) is not None


def refuse_foreign_page(headers: RequestHeaders, *, public_url: str) -> None:
    """Raises Forbidden unless the platform's own page sends the request: a browser adds the cookie for any page."""
    if headers.own.get("origin") is None:
        is_own = headers.own.get("sec-fetch-site") == "same-origin"
    else:
        is_own = foreign_origin(headers, public_url=public_url) is None
    if not is_own:
        raise Forbidden("a sign-in may be used from this platform's own pages only; use a token elsewhere")


def foreign_origin(headers: RequestHeaders, *, public_url: str) -> str | None:
    """Returns the origin of the page that sent the request; None for the platform's own page, or for no page."""
    origin = headers.own.get("origin")
    if origin is None or is_own_origin(origin, host=headers.own.get("host"), public_url=public_url):
        return None
    return origin


def announced_length(headers: RequestHeaders, *, limit: int) -> int | None:
    """Returns the length of the body, None where it is not announced. Raises `TooLarge` beyond `limit` bytes."""
    announced = headers.own.get("content-length", "")
    if not announced.isdecimal():
        return None
    length = int(announced[:19])
    if length > limit:
        raise _too_large(limit)
    return length


async def read_body(receive: Receive, headers: RequestHeaders, *, limit: int) -> bytes:
    """Returns the request's body. Raises `ClientGone`, `BodyTimeout`, and `TooLarge` beyond `limit` bytes."""
    announced_length(headers, limit=limit)
    try:
        async with asyncio.timeout(MAX_BODY_SECONDS):
            return await _read_body(receive, limit)
    except TimeoutError as error:
        raise BodyTimeout(f"the request's body did not arrive within {MAX_BODY_SECONDS:.0f} seconds") from error


async def _read_body(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size, is_complete = 0, False
    while not is_complete:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        is_complete = not message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def compressed(answer: GraphQLAnswer, accept_encoding: str | None) -> GraphQLAnswer:
    """Returns an answer that is worth it compressed, if the client accepts that.

    A page may use the sign-in's cookie from our own origin only, so that no other page can provoke answers and learn
    from their lengths what is in them.
    """
    headers = (*answer.headers, _VARY)
    if accept_encoding is None or not accepts_gzip(accept_encoding):
        return replace(answer, headers=headers)
    body = await gzip_body(answer.body)
    return replace(answer, body=body, headers=(*headers, _GZIP))


async def send_answer(send: Send, answer: GraphQLAnswer) -> None:
    """Sends an answer, with its body unchanged."""
    length = (b"content-length", str(len(answer.body)).encode())
    headers = [*answer.headers, length, (b"x-content-type-options", b"nosniff")]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def error_answer(error: PlatformError, *, request_id: str) -> GraphQLAnswer:
    """Returns a platform error in the shape of a GraphQL answer, with its HTTP status."""
    extensions = {"path": "$", "code": _CODES.get(error.status_code, "unexpected")}
    body = orjson.dumps({"errors": [{"message": error.message, "extensions": extensions}]})
    own = {"x-request-id": request_id, **error.headers}
    headers = tuple((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in own.items())
    return GraphQLAnswer(error.status_code, body, (*JSON_CONTENT, *headers))


def as_platform_error(error: Exception, *, request_id: str) -> PlatformError:
    """Converts an unexpected error to one that is safe to show to the caller, and logs the details."""
    if isinstance(error, PlatformError):
        return error
    log.error("graphql.unexpected_error", request_id=request_id, exc_info=error)
    if isinstance(error, SQLAlchemyError | OSError):
        return Unavailable("the database cannot be reached at the moment; try again", headers={"Retry-After": "1"})
    return PlatformError(f"an unexpected error happened; its request id is {request_id}")


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the request body is larger than {limit} bytes; split it into several requests")


def _session_cookie(header: str) -> str | None:
    try:
        morsel = SimpleCookie(header).get(SESSION_COOKIE)
    except CookieError:
        return None
    return None if morsel is None else morsel.value

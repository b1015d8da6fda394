"""Finds out who opens a WebSocket: by a token, or on our own pages by the sign-in cookie."""

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection

from platform_api.accounts.actor import Actor
from platform_api.accounts.authentication import (
    authenticate_session,
    authenticate_token,
    read_authorization,
    unauthenticated,
)
from platform_api.accounts.dependencies import ORGANIZATION_HEADER, SESSION_COOKIE, ForeignPage, token_digest_of
from platform_api.core.http.origins import is_own_origin
from platform_api.core.services import services_of
from platform_api.core.settings import Settings
from platform_api.core.watchers import AccessChanges, WatchingAccess


async def actor_of_socket(session: AsyncSession, connection: HTTPConnection, *, organization: str | None) -> Actor:
    """Returns who opens the connection, acting in `organization` unless a header names another.

    Raises Unauthenticated and Forbidden. A browser sends the sign-in's cookie along wherever a page connects from, so
    with a cookie the page must be ours.
    """
    acting_in = connection.headers.get(ORGANIZATION_HEADER) or organization
    if (authorization := connection.headers.get("authorization")) is not None:
        return await authenticate_token(session, read_authorization(authorization), organization=acting_in)
    if cookie := connection.cookies.get(SESSION_COOKIE):
        _refuse_foreign_page(connection)
        return await authenticate_session(session, cookie, organization=acting_in)
    raise unauthenticated("the token is missing: send `Authorization: App-Token <token>` (APP_TOKEN), or sign in")


def access_of_socket(connection: HTTPConnection) -> WatchingAccess:
    """Returns what tells when the right of whoever opened the connection may have ended."""
    changes, digest = services_of(connection)[AccessChanges], token_digest_of(connection.headers)
    return lambda wake: changes.watching(wake, digest)


def _refuse_foreign_page(connection: HTTPConnection) -> None:
    origin = connection.headers.get("origin")
    public_url = services_of(connection)[Settings].public_url
    if origin is None or not is_own_origin(origin, host=connection.headers.get("host"), public_url=public_url):
        raise ForeignPage("a sign-in may open a WebSocket from this platform's own pages only; use a token elsewhere")

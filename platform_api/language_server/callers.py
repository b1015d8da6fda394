"""Decides who may use a language server: who may change the app, from the platform's own pages or with a token."""

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection

from platform_api.accounts.actor import Actor
from platform_api.accounts.authentication import (
    authenticate_session,
    authenticate_token,
    read_authorization,
    unauthenticated,
)
from platform_api.accounts.dependencies import ORGANIZATION_HEADER, SESSION_COOKIE, ForeignPage
from platform_api.apps.access import get_buildable_app
from platform_api.apps.models import App
from platform_api.core.http.origins import is_own_origin
from platform_api.core.services import services_of
from platform_api.core.settings import Settings


async def find_builder(
    session: AsyncSession, connection: HTTPConnection, app: str, *, organization: str | None
) -> tuple[Actor, App]:
    """Returns who opens the connection, and the app that they may change.

    Raises Unauthenticated, Forbidden, NotFound. A browser sends the sign-in's cookie along wherever a page connects
    from, so with a cookie the page must be ours.
    """
    acting_in = connection.headers.get(ORGANIZATION_HEADER) or organization
    if (authorization := connection.headers.get("authorization")) is not None:
        actor = await authenticate_token(session, read_authorization(authorization), organization=acting_in)
    elif cookie := connection.cookies.get(SESSION_COOKIE):
        _refuse_foreign_page(connection)
        actor = await authenticate_session(session, cookie, organization=acting_in)
    else:
        raise unauthenticated("the token is missing: send `Authorization: App-Token <token>` (APP_TOKEN), or sign in")
    return actor, await get_buildable_app(session, actor, app)


def _refuse_foreign_page(connection: HTTPConnection) -> None:
    origin = connection.headers.get("origin")
    public_url = services_of(connection)[Settings].public_url
    if origin is None or not is_own_origin(origin, host=connection.headers.get("host"), public_url=public_url):
        raise ForeignPage("a sign-in may open a language server from this platform's own pages only; use a token")

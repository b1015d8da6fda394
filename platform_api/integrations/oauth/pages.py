"""Serves the pages of a sign-in: ours, which says for whom it is, and the provider's callback."""

import re
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from platform_api.accounts.authentication import authenticate_session
from platform_api.accounts.dependencies import SESSION_COOKIE
from platform_api.core.database import SessionDep
from platform_api.core.errors import PlatformError
from platform_api.core.http.dependencies import DatabaseDep, SettingsDep
from platform_api.core.types import UserId
from platform_api.integrations.lifespan import OAuthFlowDep
from platform_api.integrations.oauth.flow import CALLBACK_PATH, CONNECT_PATH
from platform_api.web.templating import render

router = APIRouter(include_in_schema=False)

_COOKIE = "automio_oauth"
_COOKIE_SECONDS = 600
_SECRET = re.compile(r"[A-Za-z0-9]{48}")


@router.get(CONNECT_PATH + "{ticket}/")
async def connect_page(
    request: Request,
    session: SessionDep,
    settings: SettingsDep,
    flow: OAuthFlowDep,
    ticket: Annotated[str, Path(max_length=100)],
) -> Response:
    """Shows what will be connected to which organization, with a link to the provider."""
    if request.scope.get("is_head"):
        # Who only looks whether the page is there, as a chat does with a link, does not open it.
        return Response()
    try:
        page = await flow.open(
            session, ticket, browser_secret=_browser_secret(request), signed_in=await _signed_in(request, session)
        )
    except PlatformError as error:
        return render("connected.html", error=error.message, connected=None, status_code=error.status_code)
    response = render("connect.html", page=page)
    # Lax: sent with the provider's redirect, a top-level navigation, and with no other cross-site request.
    response.set_cookie(
        _COOKIE,
        page.browser_secret,
        max_age=_COOKIE_SECONDS,
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings.is_public_url_secure,
    )
    return response


@router.get(CALLBACK_PATH)
async def callback(
    request: Request,
    database: DatabaseDep,
    flow: OAuthFlowDep,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str | None, Query(max_length=4000)] = None,
    error: Annotated[str | None, Query(max_length=2000)] = None,
    oauth_token: Annotated[str | None, Query(max_length=1000)] = None,
    oauth_verifier: Annotated[str | None, Query(max_length=1000)] = None,
    denied: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """Finishes a sign-in with the provider's code, in OAuth 1 with its verifier, or shows its refusal."""
    if denied is not None:
        state, code, error = denied, None, error or "the sign-in was denied"
    elif oauth_token is not None:
        state, code = oauth_token, oauth_verifier
    async with database.transaction() as session:
        signed_in = await _signed_in(request, session)
    try:
        connected = await flow.finish(
            state=state,
            browser_secret=_browser_secret(request),
            code=code,
            error=error,
            signed_in=signed_in,
            query=request.query_params,
        )
    except PlatformError as refused:
        return render("connected.html", error=refused.message, connected=None, status_code=refused.status_code)
    # The cookie stays: other sign-ins may be under way in this browser.
    return render("connected.html", error="", connected=connected)


def _browser_secret(request: Request) -> str | None:
    """Returns the browser's cookie; None without one, and for one that we did not make."""
    secret = request.cookies.get(_COOKIE, "")
    return secret if _SECRET.fullmatch(secret) else None


async def _signed_in(request: Request, session: AsyncSession) -> UserId | None:
    """Returns the user who is signed in to our pages in this browser, if anybody is."""
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie:
        return None
    try:
        return (await authenticate_session(session, cookie)).user_id
    except PlatformError:
        return None

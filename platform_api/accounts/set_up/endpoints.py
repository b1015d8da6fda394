"""Serves the set-up of an installation over HTTP."""

from fastapi import APIRouter, Request, Response

from platform_api.accounts.authentication import signed_in_actor
from platform_api.accounts.dependencies import browser_of, refuse_cross_site, set_session_cookie
from platform_api.accounts.models import Role
from platform_api.accounts.schemas import Me
from platform_api.accounts.set_up.first_sign_in import set_up_and_sign_in
from platform_api.accounts.set_up.schemas import SetUp, SetUpRead
from platform_api.accounts.set_up.service import is_set_up_needed
from platform_api.core.database import SessionDep
from platform_api.core.http.dependencies import DatabaseDep, SettingsDep

router = APIRouter(prefix="/set-up", tags=["accounts"])


@router.get("/", summary="Return whether this installation still needs its first user")
async def get_set_up(session: SessionDep, settings: SettingsDep) -> SetUpRead:
    is_needed = await is_set_up_needed(session)
    return SetUpRead(is_needed=is_needed, can_send_mail=settings.smtp_url is not None)


@router.post("/", status_code=201, summary="Create the first user and organization, and sign in (sets a cookie)")
async def set_up(
    request: Request,
    response: Response,
    session: SessionDep,
    database: DatabaseDep,
    settings: SettingsDep,
    body: SetUp,
) -> Me:
    if "origin" in request.headers:
        refuse_cross_site(request)
    browser = browser_of(request)
    first, secret = await set_up_and_sign_in(session, database, body, browser=browser, days=settings.session_days)
    set_session_cookie(response, secret, settings, browser=browser, email=first.user.email)
    actor = signed_in_actor(first.user, first.organization.id, Role.OWNER)
    return Me.of(actor, first.user, first.organization)

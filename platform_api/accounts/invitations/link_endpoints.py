"""Serves invitations to whoever has the link. The secret in the address is the credential."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from platform_api.accounts import service as accounts
from platform_api.accounts.dependencies import (
    CREDENTIALS,
    browser_of,
    find_caller,
    place_of,
    refuse_cross_site,
    set_session_cookie,
)
from platform_api.accounts.invitations import accepting
from platform_api.accounts.invitations.errors import SignedInAlready, SignInNeeded
from platform_api.accounts.invitations.schemas import InvitationAccept, InvitationAccepted, InvitationOpened
from platform_api.accounts.links.secret import MAX_SECRET_LENGTH
from platform_api.accounts.passwords import hash_password
from platform_api.accounts.sessions.sign_in import start_sign_in
from platform_api.accounts.sessions.throttle import Limit, count_use
from platform_api.core.database import Database, SessionDep, release_connection
from platform_api.core.http.dependencies import DatabaseDep, SettingsDep

router = APIRouter(prefix="/invitations", tags=["accounts"])

MAX_OPENED = 100
"""From one place in a window, known or not: guessing is hopeless, and asking for e-mails should be too."""

Token = Annotated[str, Path(description="The last part of the link", max_length=MAX_SECRET_LENGTH)]


@router.get("/{token}/", summary="Return what an invitation is for, without a sign-in")
async def open_invitation(
    request: Request, session: SessionDep, database: DatabaseDep, token: Token
) -> InvitationOpened:
    await _count(database, request)
    opened = await accepting.open_invitation(session, token)
    return InvitationOpened.of(
        opened,
        has_account=await accepting.has_account(session, opened.invitation),
        invited_by=await accepting.name_of_inviter(session, opened.invitation),
    )


@router.post(
    "/{token}/accept/",
    summary="Accept an invitation, signed in or with a new account",
    dependencies=CREDENTIALS,
)
async def accept_invitation(
    request: Request,
    response: Response,
    session: SessionDep,
    database: DatabaseDep,
    settings: SettingsDep,
    token: Token,
    body: InvitationAccept | None = None,
) -> InvitationAccepted:
    await _count(database, request)
    user_id = await find_caller(request, session)
    if user_id is not None:
        if body is not None:
            raise SignedInAlready("you are signed in; send no account, or sign out to make another one")
        opened = await accepting.accept_as_user(session, token, user_id)
        return InvitationAccepted.of(opened, await accounts.load_user(session, user_id))
    if "origin" in request.headers:
        refuse_cross_site(request)
    pending = await accepting.open_invitation(session, token)
    if body is None:
        raise SignInNeeded("sign in to accept this invitation, or send name, email and password of a new account")
    await accepting.require_new_email(session, pending.invitation, body.email)
    # Hashing is slow on purpose: not while we hold a connection and a lock.
    await release_connection(session)
    new = accepting.NewUser(body.email, body.name, await hash_password(body.password))
    opened, user = await accepting.accept_as_new_user(session, token, new)
    browser = browser_of(request)
    secret = await start_sign_in(session, user.id, browser=browser, days=settings.session_days)
    set_session_cookie(response, secret, settings, browser=browser, email=user.email)
    return InvitationAccepted.of(opened, user)


async def _count(database: Database, request: Request) -> None:
    limit = Limit(("invitations opened", place_of(request)), MAX_OPENED)
    await count_use(database, limit, what="invitations opened from this address")

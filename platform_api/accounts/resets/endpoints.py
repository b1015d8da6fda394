"""Serves password resets over HTTP, for people who are not signed in."""

from fastapi import APIRouter, Request

from platform_api.accounts.dependencies import browser_of, place_of
from platform_api.accounts.links.mail import mail_password_changed, mail_password_reset
from platform_api.accounts.passwords import hash_password
from platform_api.accounts.resets import service
from platform_api.accounts.resets.schemas import PasswordResetConfirm, PasswordResetRequest
from platform_api.accounts.service import normalize_email
from platform_api.accounts.sessions.throttle import Limit, count_use, forget_attempts
from platform_api.core.database import SessionDep, release_connection
from platform_api.core.http.dependencies import DatabaseDep, SettingsDep

router = APIRouter(prefix="/password-resets", tags=["accounts"])

MAX_FOR_ONE_EMAIL = 3
"""In a window: each is a mail to somebody who may not have asked for it."""
MAX_FROM_ONE_PLACE = 30
MAX_CONFIRMS = 30
"""From one place in a window."""


@router.post("/", status_code=204, summary="Send a link to set a new password, if the e-mail has an account")
async def request_password_reset(
    request: Request, session: SessionDep, database: DatabaseDep, settings: SettingsDep, body: PasswordResetRequest
) -> None:
    if settings.smtp_url is None:
        raise service.MailNotConfigured(
            "this installation cannot send mail (SMTP_URL is not set); ask an operator to set a new password,"
            " with `automio user set-password` or PATCH /api/users/{user_id}/"
        )
    email = normalize_email(body.email)
    await count_use(
        database,
        Limit(("password resets", "place", place_of(request)), MAX_FROM_ONE_PLACE),
        Limit(("password resets", "email", email), MAX_FOR_ONE_EMAIL),
        what="password resets for this e-mail or from this address",
    )
    await mail_password_reset(session, email)


@router.post("/confirm/", status_code=204, summary="Set a new password with the link; ends every sign-in of the user")
async def confirm_password_reset(
    request: Request, session: SessionDep, database: DatabaseDep, settings: SettingsDep, body: PasswordResetConfirm
) -> None:
    browser = browser_of(request)
    limit = Limit(("password resets confirmed", browser.place), MAX_CONFIRMS)
    await count_use(database, limit, what="attempts to set a new password from this address")
    await service.check_reset(session, body.token)
    # Hashing is slow on purpose: not while we hold a connection.
    await release_connection(session)
    user = await service.reset_password(session, body.token, await hash_password(body.password))
    if settings.smtp_url is not None:
        await mail_password_changed(session, user.id)
    await release_connection(session)
    # Who proved that the account is theirs need not wait because of the passwords they tried before.
    await forget_attempts(database, browser.attempt(user.email))

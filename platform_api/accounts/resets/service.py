"""Makes links to set a new password, and sets it. A link works once, for half an hour by the database's clock."""

from datetime import timedelta
from typing import ClassVar

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.links.secret import LinkKind, new_secret
from platform_api.accounts.models import User
from platform_api.accounts.resets.models import PasswordReset
from platform_api.accounts.service import store_password
from platform_api.accounts.tokens import digest_of
from platform_api.core.errors import BadRequest, Unavailable

LIFETIME = timedelta(minutes=30)


class MailNotConfigured(Unavailable):
    """Reports that the installation cannot send mail."""

    code: ClassVar[str] = "mail_not_configured"


class WrongResetLink(BadRequest):
    """Reports a link that is unknown, used or too old: an answer that told which would tell strangers more."""

    code: ClassVar[str] = "reset_link_invalid"


async def issue_reset(session: AsyncSession, user: User) -> str:
    """Returns the secret of a new link for the user."""
    await session.execute(
        delete(PasswordReset)
        .where(PasswordReset.expires_at <= func.now())
        .execution_options(synchronize_session=False)
    )
    token = new_secret(LinkKind.PASSWORD_RESET)
    session.add(PasswordReset(digest=digest_of(token), user_id=user.id, expires_at=func.now() + LIFETIME))
    await session.flush()
    return token


async def check_reset(session: AsyncSession, token: str) -> None:
    """Raises WrongResetLink unless the link would work now."""
    if await session.scalar(select(PasswordReset.user_id).where(_is_valid(token))) is None:
        raise _wrong_link()


async def reset_password(session: AsyncSession, token: str, password_hash: str) -> User:
    """Sets a new password; ends the user's sign-ins and all other links. Raises WrongResetLink.

    Of two at once with one link, the second finds it used.
    """
    used = delete(PasswordReset).where(_is_valid(token)).returning(PasswordReset.user_id)
    user_id = await session.scalar(used.execution_options(synchronize_session=False))
    user = None if user_id is None else await session.get(User, user_id)
    if user is None or not user.is_active:
        raise _wrong_link()
    await store_password(session, user, password_hash)
    await session.flush()
    return user


def _is_valid(token: str) -> ColumnElement[bool]:
    return (PasswordReset.digest == digest_of(token)) & (PasswordReset.expires_at > func.now())


def _wrong_link() -> WrongResetLink:
    return WrongResetLink("token: is unknown, used or older than 30 minutes; ask for a new link")

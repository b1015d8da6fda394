"""Signs users in and out on the web pages, with e-mail and password."""

import secrets
from datetime import timedelta

from sqlalchemy import delete, func
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.authentication import unauthenticated
from platform_api.accounts.models import SignIn, User
from platform_api.accounts.passwords import is_password_right
from platform_api.accounts.service import find_user
from platform_api.accounts.sessions.throttle import count_attempt, forget_attempts
from platform_api.accounts.tokens import digest_of
from platform_api.core.database import Database
from platform_api.core.errors import Unauthenticated


class WrongCredentials(Unauthenticated):
    """Reports that no user has this e-mail and this password."""

    code = "wrong_credentials"


async def sign_in(
    session: AsyncSession, database: Database, *, email: str, password: str, place: str, days: int
) -> tuple[User, str]:
    """Returns the user and the secret for their cookie. Raises Unauthenticated, TooManyRequests.

    The refusal does not tell whether the e-mail is known. `place` is the client's network address: attempts are
    limited per e-mail and place.
    """
    await count_attempt(database, email=email, place=place)
    async with database.transaction() as reading:
        user = await find_user(reading, email)
    # Without a connection: hashing is slow on purpose, and concurrent sign-ins must not exhaust the pool.
    is_correct = await is_password_right(password, user.password_hash if user else None)
    if user is None or not is_correct or not user.is_active:
        raise unauthenticated("the e-mail or the password is wrong", WrongCredentials)
    await forget_attempts(database, email=email, place=place)
    secret = secrets.token_urlsafe(32)
    await session.execute(delete(SignIn).where(SignIn.user_id == user.id, SignIn.expires_at <= func.now()))
    session.add(SignIn(digest=digest_of(secret), user_id=user.id, expires_at=func.now() + timedelta(days=days)))
    return user, secret


async def sign_out(session: AsyncSession, secret: str) -> None:
    """Ends one sign-in."""
    await session.execute(delete(SignIn).where(SignIn.digest == digest_of(secret)))

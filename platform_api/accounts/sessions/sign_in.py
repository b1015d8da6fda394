"""Signs users in and out on the web pages, with e-mail and password."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.authentication import unauthenticated
from platform_api.accounts.models import SignIn, User
from platform_api.accounts.passwords import is_password_right
from platform_api.accounts.service import find_user
from platform_api.accounts.sessions.known_browsers import KnownBrowser
from platform_api.accounts.sessions.places import place_of_address
from platform_api.accounts.sessions.throttle import Attempt, count_attempt, forget_attempts
from platform_api.accounts.tokens import digest_of
from platform_api.core.database import Database
from platform_api.core.errors import Unauthenticated
from platform_api.core.types import UserId

MAX_SIGN_INS = 100
"""For one user; a new one ends the oldest."""
_MAX_USER_AGENT_LENGTH = 200
_MAX_ADDRESS_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Browser:
    """Describes where a request comes from: the client's network address, and what it calls itself."""

    address: str
    user_agent: str
    known: KnownBrowser | None = None

    @property
    def place(self) -> str:
        """Returns what limits count the address as."""
        return place_of_address(self.address)

    def attempt(self, email: str) -> Attempt:
        """Describes an attempt to sign in with `email` from here."""
        is_known = self.known is not None and self.known.knows(email)
        return Attempt(email, self.place, self.known.id if self.known is not None and is_known else None)


class WrongCredentials(Unauthenticated):
    """Reports that no user has this e-mail and this password."""

    code = "wrong_credentials"


async def sign_in(
    session: AsyncSession, database: Database, *, email: str, password: str, browser: Browser, days: int
) -> tuple[User, str]:
    """Returns the user and the secret for their cookie. Raises Unauthenticated, TooManyRequests.

    The refusal does not tell whether the e-mail is known. Attempts are limited as `count_attempt` says.
    """
    attempt = browser.attempt(email)
    await count_attempt(database, attempt)
    async with database.transaction() as reading:
        user = await find_user(reading, email)
    # Without a connection: hashing is slow on purpose, and concurrent sign-ins must not exhaust the pool.
    is_correct = await is_password_right(password, user.password_hash if user else None)
    if user is None or not is_correct or not user.is_active:
        raise unauthenticated("the e-mail or the password is wrong", WrongCredentials)
    await forget_attempts(database, attempt)
    return user, await start_sign_in(session, user.id, browser=browser, days=days)


async def start_sign_in(session: AsyncSession, user_id: UserId, *, browser: Browser, days: int) -> str:
    """Returns the secret for the cookie of a user who has proved who they are."""
    kept = (
        select(SignIn.digest)
        .where(SignIn.user_id == user_id)
        .order_by(SignIn.created_at.desc(), SignIn.digest)
        .limit(MAX_SIGN_INS - 1)
    )
    is_over = (SignIn.expires_at <= func.now()) | SignIn.digest.not_in(kept)
    await session.execute(
        delete(SignIn).where(SignIn.user_id == user_id, is_over).execution_options(synchronize_session=False)
    )
    secret = secrets.token_urlsafe(32)
    session.add(
        SignIn(
            digest=digest_of(secret),
            user_id=user_id,
            expires_at=func.now() + timedelta(days=days),
            user_agent=_shown(browser.user_agent, _MAX_USER_AGENT_LENGTH),
            address=_shown(browser.address, _MAX_ADDRESS_LENGTH),
        )
    )
    return secret


async def sign_out(session: AsyncSession, secret: str) -> None:
    """Ends one sign-in."""
    await session.execute(delete(SignIn).where(SignIn.digest == digest_of(secret)))


def _shown(text: str, max_length: int) -> str:
    """Returns the beginning of what a client sent, as one line that can be stored and shown."""
    return "".join(character if character.isprintable() else " " for character in text[:max_length]).strip()

"""Limits what can be guessed or abused without a sign-in: a number of attempts in a window, then a pause.

Counts are committed in their own transaction, because a refused sign-in rolls its own back. An attempt is counted
before it is judged, so that concurrent attempts cannot exceed the limit. The window is one of the database's clock.

Guessing from one place stops at that place's limit. What is refused there counts nowhere else, and no limit of an
account refuses everybody: who guesses somebody's password, from however many places, cannot lock its owner out.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.models import SignInAttempts
from platform_api.accounts.service import normalize_email
from platform_api.core.database import Database
from platform_api.core.errors import TooManyRequests

WINDOW = timedelta(minutes=15)
MAX_ATTEMPTS_FROM_ONE_PLACE = 10
"""For one e-mail address, from one place; for a browser that is known, in that browser."""
MAX_ATTEMPTS_OF_ONE_PLACE = 100
"""From one place, for whatever e-mail addresses: an office shares a place, and so does a list of accounts to try."""
MAX_ATTEMPTS_FROM_EVERYWHERE = 100
"""For one e-mail address in all; over it, each place has fewer attempts, and a known browser as many as before."""
MAX_ATTEMPTS_WHILE_GUESSED = 3
"""For one e-mail address, from one place, while guesses come from many places."""

_KEPT = 4 * WINDOW
_MAX_FORGOTTEN = 100


@dataclass(frozen=True, slots=True)
class Limit:
    """Allows `max_uses` of something in a window. `key` names what, and whose or from where."""

    key: tuple[str, ...]
    max_uses: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """Describes where a sign-in is attempted from; `known_browser` names a browser that the account knows."""

    email: str
    place: str
    known_browser: str | None = None

    @property
    def here(self) -> Limit:
        """Returns the limit of this e-mail at this place, or in this browser."""
        email = normalize_email(self.email)
        if self.known_browser is not None:
            return Limit(("sign-in", "browser", self.known_browser, email), MAX_ATTEMPTS_FROM_ONE_PLACE)
        return Limit(("sign-in", "here", self.place, email), MAX_ATTEMPTS_FROM_ONE_PLACE)

    @property
    def shared(self) -> Sequence[Limit]:
        """Returns the limits that the attempt shares with others, which a known browser is not subject to."""
        if self.known_browser is not None:
            return ()
        return (
            Limit(("sign-in", "place", self.place), MAX_ATTEMPTS_OF_ONE_PLACE),
            Limit(("sign-in", "e-mail", normalize_email(self.email)), MAX_ATTEMPTS_FROM_EVERYWHERE),
        )


@dataclass(frozen=True, slots=True)
class _Count:
    """Holds how often something was done in the window, and the time until the window ends."""

    attempts: int
    wait: timedelta


async def count_attempt(database: Database, attempt: Attempt) -> None:
    """Counts an attempt to sign in; raises TooManyRequests."""
    what = "sign-in attempts for this e-mail"
    async with database.transaction() as session:
        await _forget_old(session)
    async with database.transaction() as session:
        here = await _count(session, attempt.here)
    _judge(here, attempt.here.max_uses, what=what)
    for limit, is_of_place in zip(attempt.shared, (True, False), strict=False):
        async with database.transaction() as session:
            shared = await _count(session, limit)
        if is_of_place:
            _judge(shared, limit.max_uses, what="sign-in attempts from this address")
        elif shared.attempts > limit.max_uses:
            _judge(here, MAX_ATTEMPTS_WHILE_GUESSED, what=what)


async def count_use(database: Database, *limits: Limit, what: str) -> None:
    """Counts one use under each limit in turn; raises TooManyRequests over one of them.

    `what` names it, in the plural. A use that one limit refuses does not count under those after it.
    """
    async with database.transaction() as session:
        await _forget_old(session)
    for limit in limits:
        async with database.transaction() as session:
            count = await _count(session, limit)
        _judge(count, limit.max_uses, what=what)


async def forget_attempts(database: Database, attempt: Attempt) -> None:
    """Resets the count of the place or browser after a successful sign-in, and takes it back where it is shared."""
    async with database.transaction() as session:
        await session.execute(delete(SignInAttempts).where(SignInAttempts.digest == _key(attempt.here)))
        for limit in attempt.shared:
            await session.execute(
                update(SignInAttempts)
                .where(SignInAttempts.digest == _key(limit), SignInAttempts.attempts > 0)
                .values(attempts=SignInAttempts.attempts - 1)
                .execution_options(synchronize_session=False)
            )


def _judge(count: _Count, max_uses: int, *, what: str) -> None:
    if count.attempts > max_uses:
        seconds = max(1, round(count.wait.total_seconds()))
        raise TooManyRequests(f"too many {what}; wait {seconds} seconds", retry_after=seconds)


async def _count(session: AsyncSession, limit: Limit) -> _Count:
    new = insert(SignInAttempts).values(digest=_key(limit), attempts=1, since=func.now())
    wait = SignInAttempts.since + WINDOW - func.now()
    is_over = SignInAttempts.since < func.now() - WINDOW
    statement = new.on_conflict_do_update(
        index_elements=[SignInAttempts.digest],
        set_={
            "attempts": case((is_over, 1), else_=SignInAttempts.attempts + 1),
            "since": case((is_over, new.excluded.since), else_=SignInAttempts.since),
        },
    ).returning(SignInAttempts.attempts, wait.label("wait"))
    row = (await session.execute(statement)).one()
    return _Count(row.attempts, row.wait)


async def _forget_old(session: AsyncSession) -> None:
    """Deletes counts whose window is long over; those that somebody counts in at the moment stay."""
    old = (
        select(SignInAttempts.digest)
        .where(SignInAttempts.since < func.now() - _KEPT)
        .limit(_MAX_FORGOTTEN)
        .with_for_update(skip_locked=True)
    )
    await session.execute(
        delete(SignInAttempts).where(SignInAttempts.digest.in_(old)).execution_options(synchronize_session=False)
    )


def _key(limit: Limit) -> bytes:
    return hashlib.blake2b(repr(limit.key).encode(errors="replace"), digest_size=32).digest()

"""Limits what can be guessed or abused without a sign-in: a number of attempts in a window, then a pause.

Counts are committed in their own transaction, because a refused sign-in rolls its own back. An attempt is counted
before it is judged, so that concurrent attempts cannot exceed the limit.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import case, delete, func
from sqlalchemy.dialects.postgresql import insert

from platform_api.accounts.models import SignInAttempts
from platform_api.accounts.service import normalize_email
from platform_api.core.database import Database
from platform_api.core.errors import TooManyRequests

WINDOW = timedelta(minutes=15)
MAX_ATTEMPTS_FROM_ONE_PLACE = 10
"""For one e-mail address, from one client address."""
MAX_ATTEMPTS_FROM_EVERYWHERE = 100
"""For one e-mail address in all: guessing may be spread, but one client alone cannot lock a person out."""


async def count_attempt(database: Database, *, email: str, place: str) -> None:
    """Counts a sign-in attempt for `email` from `place` (the client's address); raises TooManyRequests."""
    address = normalize_email(email)
    limits = {_digest(address, place): MAX_ATTEMPTS_FROM_ONE_PLACE, _digest(address): MAX_ATTEMPTS_FROM_EVERYWHERE}
    await _count(database, limits, what="sign-in attempts for this e-mail")


@dataclass(frozen=True, slots=True)
class Limit:
    """Allows `max_uses` of something in a window. `key` names what, and whose or from where."""

    key: tuple[str, ...]
    max_uses: int


async def count_use(database: Database, *limits: Limit, what: str) -> None:
    """Counts one use under each limit; raises TooManyRequests over one of them. `what` names it, in the plural."""
    await _count(database, {_key(limit.key): limit.max_uses for limit in limits}, what=what)


async def forget_attempts(database: Database, *, email: str, place: str) -> None:
    """Resets the count of the place after a successful sign-in."""
    async with database.transaction() as session:
        digest = _digest(normalize_email(email), place)
        await session.execute(delete(SignInAttempts).where(SignInAttempts.digest == digest))


async def _count(database: Database, limits: Mapping[bytes, int], *, what: str) -> None:
    values = [{"digest": digest, "attempts": 1, "since": func.now()} for digest in sorted(limits)]
    new = insert(SignInAttempts).values(values)
    wait = SignInAttempts.since + WINDOW - func.now()
    is_over = SignInAttempts.since < func.now() - WINDOW
    statement = new.on_conflict_do_update(
        index_elements=[SignInAttempts.digest],
        set_={
            "attempts": case((is_over, 1), else_=SignInAttempts.attempts + 1),
            "since": case((is_over, new.excluded.since), else_=SignInAttempts.since),
        },
    ).returning(SignInAttempts.digest, SignInAttempts.attempts, wait.label("wait"))
    async with database.transaction() as session:
        await session.execute(delete(SignInAttempts).where(SignInAttempts.since < func.now() - 4 * WINDOW))
        rows = (await session.execute(statement)).all()
    for row in rows:
        if row.attempts > limits[row.digest]:
            seconds = max(1, round(row.wait.total_seconds()))
            raise TooManyRequests(f"too many {what}; wait {seconds} seconds", retry_after=seconds)


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).digest()


def _key(parts: tuple[str, ...]) -> bytes:
    # Another function than that of sign-ins, whose e-mail may be any text: no e-mail can count against this.
    return hashlib.blake2b(repr(parts).encode(errors="replace"), digest_size=32).digest()

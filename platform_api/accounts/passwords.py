"""Password hashing with argon2, off the event loop and at most as many at once as there are cores."""

import os
from functools import lru_cache

import anyio
from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()
# One hash takes 64 MiB: without a limit a burst of sign-ins would exhaust the machine.
_limiter: RunVar[CapacityLimiter] = RunVar("password_limiter")


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    """Verified for unknown users, so that the time of the answer does not tell who exists."""
    return _hasher.hash("nobody has this password")


def _get_limiter() -> CapacityLimiter:
    try:
        return _limiter.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(os.cpu_count() or 1)
        _limiter.set(limiter)
        return limiter


async def hash_password(password: str) -> str:
    """The argon2 hash to store."""
    return await to_thread.run_sync(_hasher.hash, password, limiter=_get_limiter())


async def is_password_right(password: str, password_hash: str | None) -> bool:
    """Whether `password` is the hashed one; takes as long for a user without a password."""
    right = await to_thread.run_sync(_verify, password, password_hash, limiter=_get_limiter())
    return right and password_hash is not None


def _verify(password: str, password_hash: str | None) -> bool:
    # Made for everybody's first sign-in, not for an unknown user's alone.
    nobodys_hash = _nobodys_hash()
    try:
        return _hasher.verify(password_hash or nobodys_hash, password)
    except (VerificationError, InvalidHashError):
        return False

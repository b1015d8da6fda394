"""Hashes passwords with argon2, off the event loop and at most one at a time per core."""

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
def _dummy_hash() -> str:
    """Returns a hash to verify for unknown users, so that the response time does not reveal who exists."""
    return _hasher.hash("nobody has this password")


def _get_limiter() -> CapacityLimiter:
    try:
        return _limiter.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(os.cpu_count() or 1)
        _limiter.set(limiter)
        return limiter


async def hash_password(password: str) -> str:
    """Returns the argon2 hash of a password."""
    return await to_thread.run_sync(_hasher.hash, password, limiter=_get_limiter())


async def is_password_right(password: str, password_hash: str | None) -> bool:
    """Returns whether `password` matches the hash; takes equally long for a user without a password."""
    is_correct = await to_thread.run_sync(_verify, password, password_hash, limiter=_get_limiter())
    return is_correct and password_hash is not None


def _verify(password: str, password_hash: str | None) -> bool:
    # Computed at the first sign-in of all, so that it does not delay only an unknown user's.
    dummy_hash = _dummy_hash()
    try:
        return _hasher.verify(password_hash or dummy_hash, password)
    except (VerificationError, InvalidHashError):
        return False

"""Counting against a rate that all processes share, by the library `limits`, in Redis or in PostgreSQL.

What counts may be away. Then everything is let through, and the log says so: a limit is there to be considerate, and
a platform that refuses everything is not.
"""

import time
from dataclasses import dataclass

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError

log = structlog.stdlib.get_logger()

# Between two lines in the log about a storage that is away.
_SECONDS_QUIET = 10.0
# A refusal and the look at when to come again are two questions; in between the time may have come.
_MIN_WAIT_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `amount` in any `seconds`."""

    amount: int
    seconds: int


class SharedRates:
    """Counts in a storage that the processes share."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._moving = MovingWindowRateLimiter(storage)
        self._quiet_until = 0.0

    async def take(self, namespace: str, key: str, rate: Rate) -> float:
        """Counts one more: 0, or (nothing was counted then) the seconds after which it may be tried again."""
        item = RateLimitItemPerSecond(rate.amount, rate.seconds, namespace)
        try:
            if await self._moving.hit(item, key):
                return 0.0
            window = await self._moving.get_window_stats(item, key)
        except StorageError as error:
            self._report(error)
            return 0.0
        return max(window.reset_time - time.time(), _MIN_WAIT_SECONDS)

    async def count(self, namespace: str, key: str, amount: int, *, seconds: int) -> int | None:
        """Counts `amount` more under a key for `seconds` from its first count; the total, None if nobody counts."""
        try:
            return await self._storage.incr(f"{namespace}/{key}", seconds, amount)
        except StorageError as error:
            self._report(error)
            return None

    def _report(self, error: StorageError) -> None:
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + _SECONDS_QUIET
            log.error("limits.storage_unavailable", error=str(error.storage_error) or type(error).__name__)

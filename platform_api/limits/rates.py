"""Counts against rates that all processes share, with the library `limits`, in Redis or in PostgreSQL.

While the storage is unreachable everything is allowed, and the log says so: a limit protects a shared service, and a
service that refuses everything protects nobody.
"""

import time
from dataclasses import dataclass

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError

log = structlog.stdlib.get_logger()

# Between two log lines about an unreachable storage.
_SECONDS_QUIET = 10.0
# The refusal and the time to retry are two queries; the window may have moved between them.
_MIN_WAIT_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Rate:
    """Allows at most `amount` in any `seconds`."""

    amount: int
    seconds: int


class SharedRates:
    """Counts in a storage that all processes share."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._moving = MovingWindowRateLimiter(storage)
        self._quiet_until = 0.0

    async def take(self, namespace: str, key: str, rate: Rate) -> float:
        """Counts one hit and returns 0; over the limit, counts nothing and returns the seconds to wait."""
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
        """Adds `amount` under a key, for `seconds` from its first count; returns the total; None without storage."""
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

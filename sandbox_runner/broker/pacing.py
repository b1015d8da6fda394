"""Limits a run's requests by slowing them down, not by failing them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator


class Pace:
    """Allows `per_second` requests on average (`burst` at once after a pause), and `concurrent` open ones."""

    def __init__(self, *, per_second: float, burst: int, concurrent: int) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._allowance = float(burst)
        self._updated = time.monotonic()
        self._slots = asyncio.Semaphore(concurrent)

    @contextlib.asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        """Waits for a free slot and for the rate limit, then holds the slot for a request."""
        async with self._slots:
            await self._take_turn()
            yield

    async def _take_turn(self) -> None:
        now = time.monotonic()
        self._allowance = min(self._burst, self._allowance + (now - self._updated) * self._per_second)
        self._updated = now
        self._allowance -= 1
        if self._allowance < 0:
            await asyncio.sleep(-self._allowance / self._per_second)

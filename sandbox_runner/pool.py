"""Ready-made jails: each is given one run and never used again."""

import asyncio
import contextlib
from collections import deque

import structlog

from sandbox_runner.backoff import Backoff
from sandbox_runner.errors import JailFailed
from sandbox_runner.jail import Jail, JailFactory

log = structlog.stdlib.get_logger()


class JailPool:
    """Keeps `size` jails ready; `take` gives one away and a new one is made."""

    def __init__(self, factory: JailFactory, *, size: int) -> None:
        self._factory = factory
        self._size = size
        self._ready: deque[Jail] = deque()
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._refilling = asyncio.create_task(self._refill())

    @property
    def ready(self) -> int:
        """How many jails are waiting."""
        return sum(jail.is_alive for jail in self._ready)

    async def take(self) -> Jail:
        """A ready jail, or a fresh one when none is ready. Raises JailFailed."""
        while self._ready:
            jail = self._ready.popleft()
            self._wanted.set()
            if jail.is_alive:
                return jail
            await jail.destroy()
        # Somebody waits for this one: the script imports what it needs, and perhaps that is nothing.
        return await self._factory.start(preload=False)

    def give_back(self, jail: Jail) -> None:
        """Returns a jail that was not given a run after all."""
        self._ready.append(jail)

    async def close(self) -> None:
        """Ends all waiting jails."""
        self._refilling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._refilling
        await asyncio.gather(*(jail.destroy() for jail in self._ready))
        self._ready.clear()

    async def _refill(self) -> None:
        backoff = Backoff(first=0.5, most=30)
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while len(self._ready) < self._size:
                try:
                    jail = await self._factory.start()
                except JailFailed as error:
                    log.error("jail.failed", reason=str(error))
                    await asyncio.sleep(backoff.seconds())
                    continue
                backoff.reset()
                self._ready.append(jail)

"""Keeps jails ready; each is used for one run and never again."""

import asyncio
import contextlib
from collections import deque

import structlog

from sandbox_runner.backoff import Backoff
from sandbox_runner.errors import JailFailed
from sandbox_runner.jails.jail import Jail, JailFactory

log = structlog.stdlib.get_logger()


class JailPool:
    """Keeps `size` jails ready, and starts a new one for each that is taken."""

    def __init__(self, factory: JailFactory, *, size: int) -> None:
        self._factory = factory
        self._size = size
        self._ready: deque[Jail] = deque()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._refilling = asyncio.create_task(self._refill())

    @property
    def ready(self) -> int:
        """Returns the number of jails that are ready."""
        return sum(jail.is_alive for jail in self._ready)

    async def take(self) -> Jail:
        """Returns a ready jail, or starts one; raises JailFailed."""
        while self._ready:
            jail = self._ready.popleft()
            self._has_room.set()
            if jail.is_alive:
                return jail
            await jail.destroy()
        # A run is waiting, so nothing is preloaded: the script imports what it needs.
        return await self._factory.start(preload=False)

    def release(self, jail: Jail) -> None:
        """Puts back a jail that got no run after all."""
        self._ready.append(jail)

    async def close(self) -> None:
        """Ends all jails that are ready."""
        self._refilling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._refilling
        await asyncio.gather(*(jail.destroy() for jail in self._ready))
        self._ready.clear()

    async def _refill(self) -> None:
        backoff = Backoff(first_wait=0.5, max_wait=30)
        while True:
            await self._has_room.wait()
            self._has_room.clear()
            while len(self._ready) < self._size:
                try:
                    jail = await self._factory.start()
                except JailFailed as error:
                    log.error("jail.failed", reason=str(error))
                    await asyncio.sleep(backoff.seconds())
                    continue
                backoff.reset()
                self._ready.append(jail)

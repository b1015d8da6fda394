"""Working in the background on what waits in the database, in any number of processes at once.

A notification says that something may wait. One may be missed, and what a dead process had is announced by nobody, so
one idle task of each loop looks again by itself; more would only ask the database in vain.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

log = structlog.stdlib.get_logger()

LOOK_AGAIN_SECONDS = 10.0
_PAUSE_AFTER_ERROR_SECONDS = 1.0


class WorkLoop:
    """Calls `work` until it says that nothing waits, and again when woken; `at_once` calls at the same time."""

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[bool]],
        *,
        at_once: int = 1,
        look_again_seconds: float = LOOK_AGAIN_SECONDS,
    ) -> None:
        """`work` does one piece and says whether there was one; what it raises is logged as `NAME.failed`."""
        self._name = name
        self._work = work
        self._at_once = at_once
        self._look_again = look_again_seconds
        self._times_woken = 0
        self._looker: asyncio.Future[bool] | None = None
        """The idle task that looks again by itself; True: it was woken before."""
        self._idle: deque[asyncio.Future[bool]] = deque()
        """The others. True: woken; False: the looker has gone to look, and the role is theirs."""

    def wake(self, payload: str | None = None) -> None:
        """To be called when something was committed, perhaps (a `core.listener.Receiver`)."""
        self._times_woken += 1
        idle, self._idle = self._idle, deque()
        for waiting in (*idle, self._looker):
            if waiting is not None and not waiting.done():
                waiting.set_result(True)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works in the background as long as the block runs."""
        tasks = [asyncio.create_task(self._repeat()) for _ in range(self._at_once)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _repeat(self) -> None:
        while True:
            # Taken before the look: what is committed during it must not be missed.
            times_woken = self._times_woken
            try:
                if await self._work():
                    continue
            except Exception as error:  # whatever went wrong now, what waits must be done later
                log.warning(f"{self._name}.failed", error=str(error) or type(error).__name__)
                await asyncio.sleep(_PAUSE_AFTER_ERROR_SECONDS)
                continue
            if times_woken == self._times_woken:
                await self._wait()

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        if self._looker is not None:
            waiting: asyncio.Future[bool] = loop.create_future()
            self._idle.append(waiting)
            if await waiting:
                return
        else:
            self._looker = loop.create_future()
        looker = self._looker
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._look_again):
                    await looker
        finally:
            self._hand_over()

    def _hand_over(self) -> None:
        """What the looker finds may keep it busy for long: somebody else looks meanwhile."""
        self._looker = None
        while self._idle:
            waiting = self._idle.popleft()
            if not waiting.done():
                # At once, or whoever looked would take the role again before its heir runs.
                self._looker = asyncio.get_running_loop().create_future()
                waiting.set_result(False)
                return

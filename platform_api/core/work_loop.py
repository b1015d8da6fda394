"""Works in the background on what waits in the database, in any number of processes at once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

log = structlog.stdlib.get_logger()

_PAUSE_AFTER_ERROR_SECONDS = 1.0


class WorkLoop:
    """Calls `work` until it says that nothing waits, and again when woken; `at_once` calls at the same time."""

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[bool]],
        *,
        at_once: int = 1,
        look_again_seconds: float | None = None,
    ) -> None:
        """Takes `work`, which does one piece and returns whether there was one; errors are logged as `NAME.failed`.

        With `look_again_seconds` each idle call looks again by itself; without, somebody must wake it.
        """
        self._name = name
        self._work = work
        self._at_once = at_once
        self._look_again = look_again_seconds
        self._woken = asyncio.Event()

    def wake(self, payload: str | None = None) -> None:
        """Has every idle call look: something was committed, perhaps (a `core.listener.Receiver`)."""
        # Whoever looks at this moment holds the old event, and finds it set: nothing committed meanwhile is missed.
        woken, self._woken = self._woken, asyncio.Event()
        woken.set()

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
            woken = self._woken
            try:
                if await self._work():
                    continue
            except Exception as error:  # whatever went wrong now, what waits must be done later
                log.warning(f"{self._name}.failed", error=str(error) or type(error).__name__)
                await asyncio.sleep(_PAUSE_AFTER_ERROR_SECONDS)
                continue
            # Not `wait_for`: before Python 3.12 it loses a cancellation that comes together with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._look_again):
                    await woken.wait()

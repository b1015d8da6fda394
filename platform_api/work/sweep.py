"""Finds what waits below the notifications: one statement every ten seconds for all queues of a process.

A notification may be missed, nobody announces what a dead process had, and nothing notifies of time. While leases are
held, it looks more often, to judge those that expire.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ScalarSelect, Select, func, null, select

from platform_api.core.database import Database
from platform_api.work.queue import LEASE
from platform_api.work.watch import Look, Watch

log = structlog.stdlib.get_logger()

_PAUSE_AFTER_ERROR_SECONDS = 1.0
_SHORTLY_AFTER_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Times:
    """Says how long a lease lasts in this process, and what follows from it."""

    lease: timedelta = LEASE
    sweep_seconds: float = 10.0
    """Between looks while no lease is held."""

    @property
    def renew_seconds(self) -> float:
        """Returns how often a lease is renewed: several times, so that one of them may fail."""
        return self.lease.total_seconds() / 4

    @property
    def judge_seconds(self) -> float:
        """Returns the pause between looks while leases are held."""
        return min(self.sweep_seconds, self.lease.total_seconds() / 5)

    @property
    def tolerance_seconds(self) -> float:
        """Returns how much longer than planned a look may last, or come later, without being a gap.

        A hang that costs a lease lasts as long as the lease without the time between two renewals. A look begins
        during it, within `judge_seconds`, and lasts more than twice as long as this.
        """
        return self.lease.total_seconds() / 5


@dataclass(frozen=True, slots=True)
class Source:
    """Describes something that may have to be done: at a time, and when a lease has expired."""

    name: str
    wake: Callable[[], None]
    """Called when there is something to do; must return at once."""
    due: ScalarSelect[Any] | None = None
    """The time of the next thing to do."""
    expiry: ScalarSelect[Any] | None = None
    """The time when the next lease expires."""


class Sweep:
    """Looks for all sources of a process; `watch` decides which expired leases count."""

    def __init__(self, database: Database, times: Times) -> None:
        self.database = database
        self.times = times
        self.watch = Watch(lease_seconds=times.lease.total_seconds(), tolerance_seconds=times.tolerance_seconds)
        self._sources: dict[str, Source] = {}
        self._task: asyncio.Task[None] | None = None
        self._look_now = asyncio.Event()

    @asynccontextmanager
    async def serving(self, source: Source) -> AsyncIterator[None]:
        """Looks for `source` as long as the block runs."""
        self._sources[source.name] = source
        self._look_now.set()
        if self._task is None:
            self._task = asyncio.create_task(self._repeat())
        try:
            yield
        finally:
            del self._sources[source.name]
            if not self._sources and (task := self._task) is not None:
                self._task = None
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def look_in(self, delay: timedelta) -> None:
        """Looks once more after `delay`: something will be due then."""
        asyncio.get_running_loop().call_later(delay.total_seconds() + _SHORTLY_AFTER_SECONDS, self._look_now.set)

    async def _repeat(self) -> None:
        pause = 0.0
        while True:
            self._look_now.clear()
            try:
                async with asyncio.timeout(2 * self.times.lease.total_seconds()):
                    pause = await self._look(pause)
            except Exception as error:  # whatever went wrong now, what waits must be found later
                self.watch.interrupted()
                log.warning("work.sweep_failed", error=str(error) or type(error).__name__)
                pause = _PAUSE_AFTER_ERROR_SECONDS
            # Not `wait_for`: before Python 3.12 it loses a cancellation that comes together with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._look_now.wait()

    async def _look(self, pause: float) -> float:
        """Looks once, `pause` seconds after the last time; returns how long to wait."""
        sources = list(self._sources.values())
        began = time.monotonic()
        async with self.database.transaction() as session:
            now, *times = (await session.execute(_statement(sources))).one()
        self.watch.looked(Look(began, time.monotonic(), now), pause=pause)
        waits = [self.times.sweep_seconds]
        for source, due, expiry in zip(sources, times[::2], times[1::2], strict=True):
            if due is not None and due > now:
                waits.append((due - now).total_seconds() + _SHORTLY_AFTER_SECONDS)
            if expiry is not None:
                waits.append(self.times.judge_seconds)
            if (due is not None and due <= now) or self._counts(expiry):
                source.wake()
        return min(waits)

    def _counts(self, expiry: datetime | None) -> bool:
        return expiry is not None and self.watch.horizon is not None and expiry <= self.watch.horizon


def _statement(sources: list[Source]) -> Select[Any]:
    columns: list[Any] = [func.clock_timestamp()]
    for source in sources:
        columns += [null() if part is None else part for part in (source.due, source.expiry)]
    return select(*columns)

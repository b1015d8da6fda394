"""Works on jobs, in any number of processes at once; takes over what a dead process had."""

import asyncio
import contextlib
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Generic, TypeVar

import structlog

from platform_api.core.errors import PlatformError, Unavailable
from platform_api.core.work_loop import WorkLoop
from platform_api.work.errors import Failed, GivenUp, LeaseLost, may_pass
from platform_api.work.models import Leased
from platform_api.work.queue import CANCEL, Claimed, Queue
from platform_api.work.sweep import Source, Sweep

log = structlog.stdlib.get_logger()

_STOP_SECONDS = 5.0
_PAUSE_WITHOUT_DATABASE_SECONDS = 1.0

J = TypeVar("J", bound=Leased)
T = TypeVar("T")


class Domain(ABC, Generic[J]):
    """Says what a domain does with the jobs of its queue."""

    queue: Queue[J]

    @abstractmethod
    async def work(self, claimed: Sequence[Claimed[J]]) -> None:
        """Works to the end and completes the jobs.

        Raises LeaseLost; Failed and PlatformError for what cannot be done; Unavailable, or anything else, for what
        is to be tried again.
        """

    @abstractmethod
    async def fail(self, claimed: Claimed[J], error: Failed) -> None:
        """Completes a job that cannot be done. Raises LeaseLost."""

    @abstractmethod
    async def cancel(self, claimed: Claimed[J]) -> None:
        """Completes a job whose cancellation was requested. Raises LeaseLost when it was not, or is not ours."""


class _Holding(Generic[J]):
    """Keeps count of jobs that are being worked on."""

    def __init__(self, claimed: Sequence[Claimed[J]]) -> None:
        self.claimed = claimed
        self.ids = {str(job.id) for job in claimed}
        self.renew_now = asyncio.Event()
        self.is_over = False
        """True once every job is lost or cancelled."""


class Worker(Generic[J]):
    """Does one process's part of the work on a queue."""

    def __init__(self, sweep: Sweep, domain: Domain[J], *, at_once: int = 1) -> None:
        self._sweep = sweep
        self._database = sweep.database
        self._domain = domain
        self._queue = domain.queue
        self._loop = WorkLoop(self._queue.name, self.work_next, at_once=at_once)
        self._holdings: set[_Holding[J]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works in the background as long as the block runs; then releases what is not done."""
        source = Source(
            self._queue.name, self._loop.wake, due=self._queue.next_due(), expiry=self._queue.next_expiry()
        )
        async with self._loop.running(), self._sweep.serving(source):
            yield

    def heard(self, payload: str | None) -> None:
        """Looks at the queue: something was committed or cancelled (a `core.listener.Receiver`)."""
        for holding in self._holdings:
            if payload is None or payload.removeprefix(CANCEL) in holding.ids:
                holding.renew_now.set()
        self._loop.wake()

    async def drain(self) -> None:
        """Works on everything that waits now."""
        while await self.work_next():
            pass

    async def work_next(self) -> bool:
        """Works on one job, or batch, if one waits; returns whether one did."""
        claiming = asyncio.ensure_future(
            self._queue.claim(self._database, horizon=self._sweep.watch.horizon, lease=self._sweep.times.lease)
        )
        try:
            claimed = await asyncio.shield(claiming)
            if claimed:
                await self._hold(claimed)
        except asyncio.CancelledError:
            # The process stops. What it has claimed would wait for the end of the lease.
            await self._release(claiming)
            raise
        return bool(claimed)

    async def _release(self, claiming: "asyncio.Future[list[Claimed[J]]]") -> None:
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                if claimed := await claiming:
                    await self._queue.release(self._database, claimed)
        except Exception as error:
            log.warning(f"{self._queue.name}.not_released", error=str(error) or type(error).__name__)

    async def _hold(self, claimed: Sequence[Claimed[J]]) -> None:
        """Works on jobs, and keeps their leases meanwhile."""
        holding = _Holding(claimed)
        working = asyncio.create_task(self._attempt(claimed))
        renewing = asyncio.create_task(self._renew(holding, working))
        self._holdings.add(holding)
        try:
            await asyncio.wait([working])
        finally:
            self._holdings.discard(holding)
            for task in (renewing, working):
                task.cancel()
            await asyncio.gather(renewing, working, return_exceptions=True)
        if holding.is_over:
            await self._end_cancelled(claimed)

    async def _renew(self, holding: _Holding[J], working: "asyncio.Task[None]") -> None:
        """Keeps the leases; work on jobs that are all lost or cancelled is stopped."""
        while True:
            # Not `wait_for`: before Python 3.12 it loses a cancellation that comes together with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._sweep.times.renew_seconds):
                    await holding.renew_now.wait()
            holding.renew_now.clear()
            with contextlib.suppress(Exception):  # the next renewal, or the next change, shows whether they are lost
                if not await self._queue.renew_all(self._database, holding.claimed):
                    holding.is_over = True
                    working.cancel()
                    return

    async def _attempt(self, claimed: Sequence[Claimed[J]]) -> None:
        """Works on jobs; fails, retries or cancels them when that goes wrong."""
        cancelled = [claimed_job for claimed_job in claimed if claimed_job.job.cancel_requested_at is not None]
        await self._end_cancelled(cancelled)
        if not (claimed := [claimed_job for claimed_job in claimed if claimed_job not in cancelled]):
            return
        try:
            self._require_progress(claimed)
            await self._domain.work(claimed)
        except LeaseLost:
            await self._end_cancelled(claimed)
        except Failed as error:
            await self._fail(claimed, error)
        except Unavailable as error:
            self._log_postponed(claimed, error)
            await self._retry(claimed, error.message)
        except PlatformError as error:
            # Not allowed (any more): no credits, the app is suspended, the membership has ended.
            await self._fail(claimed, Failed(error.message))
        except Exception as error:
            if may_pass(error):
                self._log_postponed(claimed, error)
            else:
                log.error(f"{self._queue.name}.unexpected_error", job_id=claimed[0].id, exc_info=error)
            await self._retry(claimed, f"{type(error).__name__}: {error}")

    def _require_progress(self, claimed: Sequence[Claimed[J]]) -> None:
        max_attempts = self._queue.max_attempts
        if max_attempts is not None and claimed[0].job.attempts > max_attempts:
            raise GivenUp(f"given up after {max_attempts} attempts without progress")

    async def _end_cancelled(self, claimed: Sequence[Claimed[J]]) -> None:
        for claimed_job in claimed:
            await self._store(claimed_job, self._domain.cancel)

    async def _fail(self, claimed: Sequence[Claimed[J]], error: Failed) -> None:
        for claimed_job in claimed:
            await self._store(claimed_job, lambda failed: self._domain.fail(failed, error))

    async def _retry(self, claimed: Sequence[Claimed[J]], reason: str) -> None:
        delay = timedelta(seconds=self._backoff(max(claimed_job.job.attempts for claimed_job in claimed)))
        await self._store(
            claimed, lambda claimed: self._queue.retry(self._database, claimed, delay=delay, reason=reason)
        )
        self._sweep.look_in(delay)

    def _backoff(self, attempts: int) -> float:
        """Returns the seconds until the next attempt: doubling from one, spread so that processes do not meet."""
        return min(2.0 ** min(attempts - 1, 16), self._queue.max_backoff_seconds) * random.uniform(0.75, 1.25)

    async def _store(self, claimed: T, change: "Callable[[T], Awaitable[None]]") -> None:
        """Makes a change; repeats it while the database is away. Does nothing for a job that is lost."""
        while True:
            try:
                with contextlib.suppress(LeaseLost):
                    await change(claimed)
                return
            except Exception as error:
                if not may_pass(error):
                    # It is claimed again when its lease is over.
                    log.error(f"{self._queue.name}.not_stored", exc_info=error)
                    return
                log.warning(f"{self._queue.name}.not_stored", error=str(error) or type(error).__name__)
                await asyncio.sleep(_PAUSE_WITHOUT_DATABASE_SECONDS)

    def _log_postponed(self, claimed: Collection[Claimed[J]], error: Exception) -> None:
        jobs = [claimed_job.id for claimed_job in claimed][:10]
        log.warning(f"{self._queue.name}.postponed", job_ids=jobs, error=str(error) or type(error).__name__)

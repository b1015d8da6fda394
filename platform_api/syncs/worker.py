"""Starts what is due and works on runs, in any number of processes at once."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy import func, select

from platform_api.core.database import Database
from platform_api.core.listener import Listener
from platform_api.core.services import Services
from platform_api.core.settings import Settings
from platform_api.core.work_loop import WorkLoop
from platform_api.integrations.calls.gateway import Gateway
from platform_api.syncs.errors import RunFailed
from platform_api.syncs.models import Sync, SyncRun
from platform_api.syncs.queue import CHANNEL, RUNS
from platform_api.syncs.running import Run
from platform_api.syncs.scheduling import delete_old, start_due
from platform_api.work.errors import Failed, GivenUp
from platform_api.work.queue import Claimed
from platform_api.work.sweep import Source, Sweep
from platform_api.work.worker import Domain, Worker

_AT_ONCE = 4
_SWEEP_SECONDS = 3600.0


class SyncRuns(Domain[SyncRun]):
    """Works on the runs of syncs."""

    queue = RUNS

    def __init__(self, database: Database, gateway: Gateway) -> None:
        self._database = database
        self._gateway = gateway

    async def work(self, claimed: Sequence[Claimed[SyncRun]]) -> None:
        for claimed_run in claimed:
            await self._run(claimed_run).work()

    async def fail(self, claimed: Claimed[SyncRun], error: Failed) -> None:
        # A walk that makes no progress may be what is wrong.
        restart = isinstance(error, GivenUp) or (isinstance(error, RunFailed) and error.restart)
        await self._run(claimed).fail(str(error), restart=restart)

    async def cancel(self, claimed: Claimed[SyncRun]) -> None:
        await self._run(claimed).cancel()

    def _run(self, claimed: Claimed[SyncRun]) -> Run:
        return Run(self._database, self._gateway, claimed)


class SyncWorker:
    """Does one process's part of the work: a few runs at a time, and the schedule."""

    def __init__(self, sweep: Sweep, gateway: Gateway, *, kept_days: int) -> None:
        self._sweep = sweep
        self._database = sweep.database
        self._kept = timedelta(days=kept_days)
        self._runs = Worker(sweep, SyncRuns(self._database, gateway), at_once=_AT_ONCE)
        self._schedule = WorkLoop("sync_schedule", self._start_due)
        self._sweeping = WorkLoop("sync_clearing", self._sweep_runs, look_again_seconds=_SWEEP_SECONDS)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works in the background as long as the block runs."""
        next_run = select(func.min(Sync.next_run_at)).where(Sync.is_enabled, Sync.next_run_at.is_not(None))
        source = Source("sync_schedule", self._schedule.wake, due=next_run.scalar_subquery())
        async with (
            self._runs.running(),
            self._schedule.running(),
            self._sweep.serving(source),
            self._sweeping.running(),
        ):
            yield

    def heard(self, payload: str | None) -> None:
        """Wakes the worker; called when a run or a sync may have been committed or cancelled."""
        self._runs.heard(payload)
        self._schedule.wake()

    async def run_next(self) -> bool:
        """Works on one run, if one waits."""
        return await self._runs.work_next()

    async def _start_due(self) -> bool:
        return await start_due(self._database)

    async def _sweep_runs(self) -> bool:
        await delete_old(self._database, older_than=self._kept)
        return False


@asynccontextmanager
async def syncs_lifespan(services: Services) -> AsyncIterator[None]:
    """Provides SyncWorker and runs it."""
    kept_days = services[Settings].sync_runs_days
    worker = services.provide(SyncWorker(services[Sweep], services[Gateway], kept_days=kept_days))
    services[Listener].subscribe(CHANNEL, worker.heard)
    async with worker.running():
        yield

"""Starts what is due and works on runs, in any number of processes at once; takes over what a dead process had."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog
from sqlalchemy.exc import DBAPIError

from platform_api.core.database import Database
from platform_api.core.errors import DatabaseUnavailable, PlatformError, Unavailable
from platform_api.core.listener import Listener
from platform_api.core.services import Services
from platform_api.core.settings import Settings
from platform_api.core.work_loop import WorkLoop
from platform_api.integrations.calls.gateway import Gateway
from platform_api.syncs.errors import LeaseLost, RunFailed
from platform_api.syncs.models import SyncRun
from platform_api.syncs.queue import (
    CHANNEL,
    MOST_ATTEMPTS,
    RENEWED_EVERY_SECONDS,
    Claimed,
    claim,
    delete_old,
    give_back,
    renew,
    start_due,
)
from platform_api.syncs.running import Run

log = structlog.stdlib.get_logger()

_AT_ONCE = 4
_SCHEDULE_SECONDS = 5.0
_PAUSE_AFTER_FAILURE = timedelta(seconds=2)
_CLEARED_EVERY_SECONDS = 3600.0


class SyncWorker:
    """One process's part of the work: a few runs at a time, and the schedule."""

    def __init__(self, database: Database, gateway: Gateway, *, kept_days: int) -> None:
        self._database = database
        self._gateway = gateway
        self._kept = timedelta(days=kept_days)
        self._runs = WorkLoop("sync_runs", self.run_next, at_once=_AT_ONCE)
        # How late what is due may start: nothing notifies of time.
        self._schedule = WorkLoop("sync_schedule", self._start_due, look_again_seconds=_SCHEDULE_SECONDS)
        self._cleared = 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works in the background as long as the block runs."""
        async with self._runs.running(), self._schedule.running():
            yield

    def heard(self, payload: str | None) -> None:
        """To be called when a run or a sync was committed, perhaps."""
        self._runs.wake()
        self._schedule.wake()

    async def run_next(self) -> bool:
        """Works on one run, if one waits."""
        found = await claim(self._database)
        if found is None:
            return False
        await self._work(*found)
        return True

    async def _start_due(self) -> bool:
        if not self._cleared or time.monotonic() - self._cleared > _CLEARED_EVERY_SECONDS:
            self._cleared = time.monotonic()
            await delete_old(self._database, older_than=self._kept)
        return await start_due(self._database)

    async def _work(self, stored: SyncRun, claimed: Claimed) -> None:
        run = Run(self._database, self._gateway, stored, claimed)
        working = asyncio.create_task(self._run(run, stored, claimed))
        renewing = asyncio.create_task(self._renew(claimed, working))
        try:
            await asyncio.wait([working])
        finally:
            for task in (renewing, working):
                task.cancel()
            await asyncio.gather(renewing, working, return_exceptions=True)
        with contextlib.suppress(LeaseLost):
            await run.cancel()

    async def _run(self, run: Run, stored: SyncRun, claimed: Claimed) -> None:
        pause = _PAUSE_AFTER_FAILURE * stored.attempts
        with contextlib.suppress(LeaseLost):
            try:
                if stored.attempts > MOST_ATTEMPTS:
                    raise RunFailed(f"given up: it did not get on in {MOST_ATTEMPTS} attempts", restart=True)
                await run.work()
            except RunFailed as error:
                await run.fail(str(error), restart=error.restart)
            except (Unavailable, DatabaseUnavailable) as error:
                log.warning("syncs.postponed", run_id=stored.id, error=error.message)
                await give_back(self._database, claimed, delay=pause)
            except PlatformError as error:
                # May not be done (any more): no credits, the app is suspended, the membership has ended.
                await run.fail(error.message, restart=False)
            except (DBAPIError, OSError) as error:
                log.warning("syncs.postponed", run_id=stored.id, error=str(error))
                await give_back(self._database, claimed, delay=pause)
            except LeaseLost:
                raise
            except Exception as error:
                log.error("syncs.unexpected_error", run_id=stored.id, exc_info=error)
                await give_back(self._database, claimed, delay=pause)
            except asyncio.CancelledError:
                # The process stops: another one need not wait until the lease has run out.
                with contextlib.suppress(Exception):
                    await give_back(self._database, claimed, delay=timedelta())
                raise

    async def _renew(self, claimed: Claimed, working: asyncio.Task[None]) -> None:
        """Keeps the lease; a run that is lost or cancelled is not waited for."""
        while True:
            await asyncio.sleep(RENEWED_EVERY_SECONDS)
            with contextlib.suppress(Exception):  # the next page says whether the run is lost
                if not await renew(self._database, claimed):
                    working.cancel()
                    return


@asynccontextmanager
async def syncs_lifespan(services: Services) -> AsyncIterator[None]:
    """Provides SyncWorker and runs it."""
    kept_days = services[Settings].sync_runs_days
    worker = services.provide(SyncWorker(services[Database], services[Gateway], kept_days=kept_days))
    services[Listener].subscribe(CHANNEL, worker.heard)
    async with worker.running():
        yield

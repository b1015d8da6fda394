"""Works on jobs, in any number of processes at once: each takes what nobody has, and what a dead process had."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import structlog

from platform_api.core.database import Database
from platform_api.core.errors import DatabaseUnavailable, PlatformError, Unavailable
from platform_api.core.listener import Listener
from platform_api.core.services import Services
from platform_api.core.settings import Settings
from platform_api.core.work_loop import WorkLoop
from platform_api.csv.errors import JobFailed, LeaseLost
from platform_api.csv.exporting import Export
from platform_api.csv.importing import Import
from platform_api.csv.jobs import (
    CHANNEL,
    MOST_ATTEMPTS,
    RENEWED_EVERY_SECONDS,
    Claimed,
    claim,
    end_cancelled,
    finish,
    give_back,
    renew,
)
from platform_api.csv.models import CsvExport, CsvImport, Job, JobStatus
from platform_api.csv.preview.previews import Previews
from platform_api.csv.storage import delete_old_files
from platform_api.graphql.backends.backend import GraphQLBackend
from platform_api.graphql.lifespan import GraphQLServices

log = structlog.stdlib.get_logger()

_AT_ONCE = 2
"""So that one organization's large file does not keep another's small one waiting."""
_PAUSE_AFTER_FAILURE = timedelta(seconds=2)
_CLEARED_EVERY_SECONDS = 3600.0


class CsvWorker:
    """One process's part of the work: a few imports and exports at a time, each of another organization."""

    def __init__(self, database: Database, backend: GraphQLBackend, *, kept_days: int, most_bytes: int) -> None:
        self._database = database
        self._backend = backend
        self._kept = timedelta(days=kept_days)
        self._most_bytes = most_bytes
        self._loops = (
            WorkLoop("csv_imports", self._next_import, at_once=_AT_ONCE),
            WorkLoop("csv_exports", self._next_export, at_once=_AT_ONCE),
        )
        self._cleared = 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works in the background as long as the block runs."""
        async with AsyncExitStack() as stack:
            for loop in self._loops:
                await stack.enter_async_context(loop.running())
            yield

    def heard(self, payload: str | None) -> None:
        """To be called when a job was committed, perhaps."""
        for loop in self._loops:
            loop.wake()

    async def import_next(self) -> bool:
        """Works on one import, if one waits."""
        found = await claim(self._database, CsvImport)
        if found is None:
            return False
        job, claimed = found
        await self._run(job, claimed, lambda: Import(self._database, self._backend, job, claimed).run())
        return True

    async def export_next(self) -> bool:
        """Works on one export, if one waits."""
        found = await claim(self._database, CsvExport)
        if found is None:
            return False
        job, claimed = found
        export = Export(self._database, self._backend, job, claimed, most_bytes=self._most_bytes)
        await self._run(job, claimed, export.run)
        return True

    async def _next_import(self) -> bool:
        await end_cancelled(self._database, [CsvImport])
        await self._clear()
        return await self.import_next()

    async def _next_export(self) -> bool:
        await end_cancelled(self._database, [CsvExport])
        return await self.export_next()

    async def _run(self, job: Job, claimed: Claimed, work: Callable[[], Awaitable[None]]) -> None:
        renewing = asyncio.create_task(self._renew(claimed))
        try:
            if job.attempts > MOST_ATTEMPTS:
                raise JobFailed(f"given up: it did not get on in {MOST_ATTEMPTS} attempts")
            await work()
        except LeaseLost:
            await self._release_if_cancelled(claimed)
        except JobFailed as error:
            await self._fail(claimed, str(error))
        except (Unavailable, DatabaseUnavailable) as error:
            log.warning("csv.postponed", job_id=job.id, error=error.message)
            await give_back(self._database, claimed, delay=_PAUSE_AFTER_FAILURE * job.attempts)
        except PlatformError as error:
            # The caller may not do it (any more): the app is suspended, the membership has ended.
            await self._fail(claimed, error.message)
        except Exception as error:
            log.error("csv.unexpected_error", job_id=job.id, exc_info=error)
            await give_back(self._database, claimed, delay=_PAUSE_AFTER_FAILURE * job.attempts)
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    async def _fail(self, claimed: Claimed, reason: str) -> None:
        with contextlib.suppress(LeaseLost):
            async with self._database.transaction() as session:
                await finish(session, claimed, JobStatus.FAILED, error=reason[:2000])

    async def _release_if_cancelled(self, claimed: Claimed) -> None:
        """Of a job that was cancelled the lease is ours still: giving it up lets it be ended at once."""
        await give_back(self._database, claimed, delay=timedelta())
        await end_cancelled(self._database, [claimed.kind])

    async def _renew(self, claimed: Claimed) -> None:
        while True:
            await asyncio.sleep(RENEWED_EVERY_SECONDS)
            with contextlib.suppress(Exception):  # the next batch says whether the job is lost
                await renew(self._database, claimed)

    async def _clear(self) -> None:
        if self._cleared and time.monotonic() - self._cleared < _CLEARED_EVERY_SECONDS:
            return
        self._cleared = time.monotonic()
        async with self._database.transaction() as session:
            await delete_old_files(session, older_than=self._kept)


@asynccontextmanager
async def csv_lifespan(services: Services) -> AsyncIterator[None]:
    """Provides CsvWorker and runs it; provides Previews."""
    settings = services[Settings]
    worker = services.provide(
        CsvWorker(
            services[Database],
            services[GraphQLServices].backend,
            kept_days=settings.csv_files_days,
            most_bytes=settings.csv_max_bytes,
        )
    )
    services.provide(Previews())
    services[Listener].subscribe(CHANNEL, worker.heard)
    async with worker.running():
        yield

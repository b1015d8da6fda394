"""Works on imports and exports, in any number of processes at once."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import ClassVar, TypeVar

from platform_api.core.database import Database
from platform_api.core.listener import Listener
from platform_api.core.services import Services
from platform_api.core.settings import Settings
from platform_api.core.work_loop import WorkLoop
from platform_api.csv.exports.exporting import Export
from platform_api.csv.importing import Import
from platform_api.csv.jobs import CHANNEL, EXPORTS, IMPORTS, announce_change
from platform_api.csv.live.signals import ExportSignals, ImportSignals
from platform_api.csv.models import CsvExport, CsvImport, Job, JobStatus
from platform_api.csv.own.telling import tell_ended
from platform_api.csv.preview.previews import Previews
from platform_api.csv.repairs.collecting import delete_old_rows
from platform_api.csv.storage import delete_old_files
from platform_api.graphql.backends.backend import GraphQLBackend
from platform_api.graphql.lifespan import GraphQLServices
from platform_api.work.errors import Failed
from platform_api.work.queue import Claimed
from platform_api.work.sweep import Sweep
from platform_api.work.worker import Domain, Worker

_AT_ONCE = 2
"""More than one, so that a small file of one organization does not wait for a large one of another."""
_SWEEP_SECONDS = 3600.0
_MAX_REASON = 2000

J = TypeVar("J", bound=Job)


class _Jobs(Domain[J]):
    cancelled: ClassVar[str] = "cancelled"

    def __init__(self, database: Database, backend: GraphQLBackend) -> None:
        self._database = database
        self._backend = backend

    async def work(self, claimed: Sequence[Claimed[J]]) -> None:
        for claimed_job in claimed:
            await self._run(claimed_job)

    async def fail(self, claimed: Claimed[J], error: Failed) -> None:
        async with self._database.transaction() as session:
            await self.queue.complete(session, claimed, JobStatus.FAILED, error=str(error)[:_MAX_REASON])
            await announce_change(session, claimed.job)
            await tell_ended(session, claimed.job)

    async def cancel(self, claimed: Claimed[J]) -> None:
        async with self._database.transaction() as session:
            await self.queue.complete_cancelled(session, claimed, JobStatus.FAILED, error=self.cancelled)
            await announce_change(session, claimed.job)

    @abstractmethod
    async def _run(self, claimed: Claimed[J]) -> None:
        """Works on one job to the end."""


class Imports(_Jobs[CsvImport]):
    """Works on imports."""

    queue = IMPORTS
    cancelled = "cancelled; rows imported before stay"

    async def _run(self, claimed: Claimed[CsvImport]) -> None:
        await Import(self._database, self._backend, claimed).run()


class Exports(_Jobs[CsvExport]):
    """Works on exports."""

    queue = EXPORTS

    def __init__(self, database: Database, backend: GraphQLBackend, *, max_bytes: int) -> None:
        super().__init__(database, backend)
        self._max_bytes = max_bytes

    async def _run(self, claimed: Claimed[CsvExport]) -> None:
        await Export(self._database, self._backend, claimed, max_bytes=self._max_bytes).run()


class CsvWorker:
    """Does one process's part of the work: a few imports and exports at a time, each of another organization."""

    def __init__(self, sweep: Sweep, backend: GraphQLBackend, *, kept_days: int, max_bytes: int) -> None:
        self._database = sweep.database
        self._kept = timedelta(days=kept_days)
        self._imports = Worker(sweep, Imports(self._database, backend), at_once=_AT_ONCE)
        self._exports = Worker(sweep, Exports(self._database, backend, max_bytes=max_bytes), at_once=_AT_ONCE)
        self._sweeping = WorkLoop("csv_clearing", self._sweep_files, look_again_seconds=_SWEEP_SECONDS)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works in the background as long as the block runs."""
        async with self._imports.running(), self._exports.running(), self._sweeping.running():
            yield

    def heard(self, payload: str | None) -> None:
        """Wakes the workers; called when a job may have been committed or cancelled."""
        self._imports.heard(payload)
        self._exports.heard(payload)

    async def import_next(self) -> bool:
        """Works on one import, if one waits; returns whether one did."""
        return await self._imports.work_next()

    async def export_next(self) -> bool:
        """Works on one export, if one waits; returns whether one did."""
        return await self._exports.work_next()

    async def _sweep_files(self) -> bool:
        async with self._database.transaction() as session:
            await delete_old_files(session, older_than=self._kept)
            await delete_old_rows(session, older_than=self._kept)
        return False


@asynccontextmanager
async def csv_lifespan(services: Services) -> AsyncIterator[None]:
    """Provides CsvWorker and runs it; provides Previews, and who follows jobs."""
    settings = services[Settings]
    worker = services.provide(
        CsvWorker(
            services[Sweep],
            services[GraphQLServices].backend,
            kept_days=settings.csv_files_days,
            max_bytes=settings.csv_max_bytes,
        )
    )
    services.provide(Previews())
    services.provide(ImportSignals(services[Listener]))
    services.provide(ExportSignals(services[Listener]))
    services[Listener].subscribe(CHANNEL, worker.heard)
    async with worker.running():
        yield

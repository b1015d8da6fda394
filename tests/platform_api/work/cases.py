"""Every queue of the platform, with its own tables and ends, and work that a test holds up."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select

from platform_api.core.database import Database
from platform_api.csv.models import CsvExport, CsvImport, JobStatus
from platform_api.csv.worker import Exports, Imports
from platform_api.outbox.models import OutboxItem
from platform_api.outbox.service import remove
from platform_api.outbox.worker import OutboxTopic
from platform_api.runs.models import Run
from platform_api.syncs.models import Sync, SyncRun, SyncRunState
from platform_api.syncs.worker import SyncRuns
from platform_api.tables.models import AppTable
from platform_api.work.errors import LeaseLost
from platform_api.work.queue import Claimed
from platform_api.work.worker import Domain

TOPIC = "test"
Work = Callable[[Sequence[Claimed[Any]]], Awaitable[None]]
_OPEN = ("pending", "in_progress", "running")


@dataclass(frozen=True)
class Case:
    """One queue: `add` makes a job of an organization that has an app, a table, a connection and a sync."""

    name: str
    model: type[Any]
    create: Callable[[Database], Domain[Any]]
    values: Callable[[Sync, AppTable], dict[str, Any]]

    def domain(self, database: Database, work: Work) -> Domain[Any]:
        """What the domain does with its jobs, but for the work itself."""
        domain = self.create(database)
        domain.work = work  # type: ignore[method-assign]
        return domain

    async def add(self, database: Database, **values: Any) -> int:
        """A job that waits, and is announced."""
        async with database.transaction() as session:
            sync = (await session.scalars(select(Sync))).one()
            table = (await session.scalars(select(AppTable))).one()
            job = self.model(**self.values(sync, table), **values)
            session.add(job)
            await session.flush()
            await self.create(database).queue.announce(session)
            return int(job.id)

    async def add_of_dead(self, database: Database, lease: timedelta) -> int:
        """A job that a process has which does not live any more."""
        state = {"status": "in_progress"} if hasattr(self.model, "status") else {"state": "running"}
        return await self.add(database, fence=1, attempts=1, lease_expires_at=func.now() + lease, **state)

    async def stored(self, database: Database) -> Any:
        """The only job; None when it is gone, as what leaves the outbox is."""
        async with database.transaction() as session:
            return (await session.scalars(select(self.model))).one_or_none()

    async def has_ended(self, database: Database) -> bool:
        job = await self.stored(database)
        return job is None or self.state(job) not in _OPEN

    def state(self, job: Any) -> str:
        return str(job.status if hasattr(job, "status") else job.state)

    async def complete(self, database: Database, claimed: Claimed[Any]) -> None:
        """What the domain does at the end of its work. Raises LeaseLost."""
        queue = self.create(database).queue
        async with database.transaction() as session:
            if self.model is OutboxItem:
                if not await remove(session, [claimed]):
                    raise LeaseLost
            elif self.model is SyncRun:
                await queue.complete(session, claimed, SyncRunState.COMPLETED, walk=None)
            else:
                await queue.complete(session, claimed, JobStatus.COMPLETED)


def _csv(sync: Sync, table: AppTable) -> dict[str, Any]:
    return {
        "task_id": str(uuid.uuid4()),
        "organization_id": sync.organization_id,
        "app_id": sync.app_id,
        "table_id": table.id,
        "table_name": table.name,
        "user_id": sync.user_id,
        "options": {},
    }


async def _nothing(items: Sequence[Any]) -> None:
    pass


CASES = {
    case.name: case
    for case in (
        Case(
            "csv_imports",
            CsvImport,
            lambda database: Imports(database, None),  # type: ignore[arg-type]
            lambda sync, table: {**_csv(sync, table), "file_name": "a.csv"},
        ),
        Case(
            "csv_exports",
            CsvExport,
            lambda database: Exports(database, None, max_bytes=1),  # type: ignore[arg-type]
            _csv,
        ),
        Case(
            "syncs",
            SyncRun,
            lambda database: SyncRuns(database, None),  # type: ignore[arg-type]
            lambda sync, table: {
                "sync_id": sync.id,
                "organization_id": sync.organization_id,
                "connection_id": sync.declaration["connection_ids"][0],
            },
        ),
        Case(
            "outbox",
            OutboxItem,
            lambda database: OutboxTopic(database, TOPIC, _nothing),
            lambda sync, table: {"topic": TOPIC, "payload": {}},
        ),
    )
}


async def add_run(database: Database) -> int:
    """A run that waits for a runner."""
    async with database.transaction() as session:
        sync = (await session.scalars(select(Sync))).one()
        run = Run(
            task_id=str(uuid.uuid4()),
            number=1,
            organization_id=sync.organization_id,
            app_id=sync.app_id,
            user_id=sync.user_id,
            action_type="app_action",
            reaches_installs=False,
            entry="main.py",
            bundle="0" * 64,
            event={},
            environment={},
            limits={},
            allows_retries=False,
        )
        session.add(run)
        await session.flush()
        return int(run.id)


async def empty(database: Database) -> None:
    """Removes the jobs of earlier tests."""
    async with database.transaction() as session:
        for model in (*[case.model for case in CASES.values()], Run):
            await session.execute(delete(model))


async def database_time(database: Database) -> Any:
    async with database.transaction() as session:
        return await session.scalar(select(func.clock_timestamp()))

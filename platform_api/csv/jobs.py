"""Defines the queues of imports and exports."""

from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.csv.models import CsvExport, CsvImport, Job, JobStatus
from platform_api.notifications.inbox.signals import announce_jobs
from platform_api.work.queue import Queue, Share

CHANNEL = "automio_csv"
"""PostgreSQL notifies here when a job is committed."""

IMPORT_CHANNEL = "automio_csv_import"
EXPORT_CHANNEL = "automio_csv_export"
"""PostgreSQL notifies here, with its id, when a job has come further."""

J = TypeVar("J", bound=Job)


def _queue(kind: type[J], name: str) -> Queue[J]:
    return Queue(
        kind,
        name=name,
        channel=CHANNEL,
        state="status",
        pending=JobStatus.PENDING,
        running=JobStatus.IN_PROGRESS,
        share=Share(kind.organization_id, 1),
    )


IMPORTS = _queue(CsvImport, "csv_imports")
EXPORTS = _queue(CsvExport, "csv_exports")


async def announce(session: AsyncSession) -> None:
    """Wakes the workers of every process when `session` commits."""
    await IMPORTS.announce(session)


async def announce_change(session: AsyncSession, job: Job) -> None:
    """Wakes those who follow the job, and its user's streams, in every process, when `session` commits."""
    channel = IMPORT_CHANNEL if isinstance(job, CsvImport) else EXPORT_CHANNEL
    await session.execute(select(func.pg_notify(channel, str(job.id))))
    await announce_jobs(session, job.user_id)


async def request_cancel(session: AsyncSession, job: Job) -> None:
    """Asks for the end of an open job that `session` has locked."""
    if isinstance(job, CsvImport):
        await IMPORTS.cancel(session, job)
    elif isinstance(job, CsvExport):
        await EXPORTS.cancel(session, job)
    await announce_change(session, job)

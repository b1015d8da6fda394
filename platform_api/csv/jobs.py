"""Claiming jobs, keeping them, ending them. Every change by a worker names the fence it was given."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, exists, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from platform_api.core.database import Database
from platform_api.csv.errors import LeaseLost
from platform_api.csv.models import CsvImport, Job, JobStatus

CHANNEL = "automio_csv"
"""PostgreSQL notifies here when a job is committed."""
LEASE = timedelta(seconds=15)
RENEWED_EVERY_SECONDS = 4.0
MOST_ATTEMPTS = 5
"""Claims without any progress between them, until the job is given up."""

J = TypeVar("J", bound=Job)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that this process works on until its lease runs out."""

    kind: type[Job]
    id: int
    fence: int


async def announce(session: AsyncSession) -> None:
    """Wakes the workers of every process when `session` commits."""
    await session.execute(select(func.pg_notify(CHANNEL, "")))


async def claim(database: Database, kind: type[J]) -> tuple[J, Claimed] | None:
    """The oldest job that nobody works on; one at a time per organization, so that nobody keeps others waiting."""
    async with database.transaction() as session:
        # Claims are rare; in turn they see what the others took.
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(CHANNEL))))
        other = aliased(kind)
        busy = exists().where(
            other.organization_id == kind.organization_id,
            other.id != kind.id,
            other.status == JobStatus.IN_PROGRESS,
            other.lease_expires_at > func.now(),
        )
        is_open = or_(
            kind.status == JobStatus.PENDING,
            (kind.status == JobStatus.IN_PROGRESS) & (kind.lease_expires_at <= func.now()),
        )
        waiting = select(kind.id).where(is_open, ~busy).order_by(kind.id).limit(1).with_for_update(skip_locked=True)
        statement = (
            update(kind)
            .where(kind.id == waiting.scalar_subquery())
            .values(
                status=JobStatus.IN_PROGRESS,
                fence=kind.fence + 1,
                attempts=kind.attempts + 1,
                lease_expires_at=func.now() + LEASE,
                started_at=func.coalesce(kind.started_at, func.now()),
            )
            .returning(kind)
            .execution_options(synchronize_session=False, populate_existing=True)
        )
        job: J | None = await session.scalar(statement)
    return None if job is None else (job, Claimed(kind, job.id, job.fence))


async def advance(session: AsyncSession, claimed: Claimed, **values: Any) -> None:
    """Stores how far the job is, and renews the lease. Raises LeaseLost, also when the job was cancelled."""
    kind = claimed.kind
    changed = await _change(
        session, claimed, kind.cancel_requested_at.is_(None), attempts=0, lease_expires_at=_until(), **values
    )
    if not changed:
        raise LeaseLost


async def renew(database: Database, claimed: Claimed) -> bool:
    """Keeps the job while nothing can be stored yet; False when it is lost."""
    async with database.transaction() as session:
        return await _change(session, claimed, claimed.kind.cancel_requested_at.is_(None), lease_expires_at=_until())


async def finish(session: AsyncSession, claimed: Claimed, status: JobStatus, **values: Any) -> None:
    """Ends the job. Raises LeaseLost when it is not ours any more."""
    ended = {"status": status, "lease_expires_at": None, "finished_at": func.now(), **values}
    if not await _change(session, claimed, text("true"), **ended):
        raise LeaseLost


async def give_back(database: Database, claimed: Claimed, *, delay: timedelta) -> None:
    """Leaves the job to the next claim, after `delay`."""
    async with database.transaction() as session:
        await _change(session, claimed, text("true"), lease_expires_at=func.now() + delay)


async def end_cancelled(database: Database, kinds: Sequence[type[Job]]) -> None:
    """Ends jobs that were cancelled and that nobody works on (any more)."""
    async with database.transaction() as session:
        for kind in kinds:
            held = kind.lease_expires_at > func.now()
            await session.execute(
                update(kind)
                .where(
                    kind.cancel_requested_at.is_not(None),
                    kind.status.in_([JobStatus.PENDING, JobStatus.IN_PROGRESS]),
                    or_(kind.lease_expires_at.is_(None), ~held),
                )
                .values(
                    status=JobStatus.FAILED,
                    error=cancelled(kind),
                    lease_expires_at=None,
                    finished_at=func.now(),
                )
                .execution_options(synchronize_session=False)
            )


def cancelled(kind: type[Job]) -> str:
    """The reason of a job that was cancelled."""
    return "cancelled; rows imported before stay" if kind is CsvImport else "cancelled"


async def _change(
    session: AsyncSession, claimed: Claimed, condition: ColumnElement[Any] | Any, **values: Any
) -> bool:
    kind = claimed.kind
    changed = await session.scalar(
        update(kind)
        .where(
            kind.id == claimed.id,
            kind.fence == claimed.fence,
            kind.status == JobStatus.IN_PROGRESS,
            condition,
        )
        .values(**values)
        .returning(kind.id)
        .execution_options(synchronize_session=False)
    )
    return changed is not None


def _until() -> ColumnElement[datetime]:
    return func.now() + LEASE

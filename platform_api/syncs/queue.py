"""Runs: made, claimed, kept, ended. Every change by a worker names the fence it was given."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from cronsim import CronSim
from sqlalchemy import ColumnElement, and_, delete, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Scope
from platform_api.accounts.on_behalf import act_for
from platform_api.apps.access import get_usable_app
from platform_api.core.database import Database
from platform_api.core.errors import Forbidden, PlatformError
from platform_api.core.types import ConnectionId
from platform_api.integrations.access import list_connections
from platform_api.integrations.models import Connection
from platform_api.syncs.errors import LeaseLost
from platform_api.syncs.models import OPEN_STATES, RunState, Sync, SyncRun
from platform_api.syncs.schemas import Declaration, Schedule

log = structlog.stdlib.get_logger()

CHANNEL = "automio_syncs"
"""PostgreSQL notifies here when a run is committed."""
LEASE = timedelta(seconds=15)
RENEWED_EVERY_SECONDS = 4.0
MOST_ATTEMPTS = 5
"""Claims without any page between them, until the run is given up."""
_MOST_AT_ONCE = 2
"""Of one organization, so that nobody keeps others waiting."""
_SCHEDULED_AT_ONCE = 20
_SCOPES = frozenset({Scope.DATA})


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run that this process works on until its lease runs out."""

    id: int
    fence: int


async def acting_for(session: AsyncSession, sync: Sync) -> Actor:
    """Who a sync works as, with the rights they have now. Raises Forbidden, NotFound."""
    actor = await act_for(
        session,
        user_id=sync.user_id,
        organization_id=sync.organization_id,
        app_id=sync.app_id,
        scopes=_SCOPES,
    )
    await get_usable_app(session, actor, sync.app_id)
    return actor


async def usable_connections(session: AsyncSession, actor: Actor, declaration: Declaration) -> list[Connection]:
    """The declaration's connections that the app may use now."""
    usable = await list_connections(session, actor, declaration.integration_id)
    wanted = declaration.connection_ids
    return usable if wanted is None else [one for one in usable if one.id in wanted]


async def enqueue(session: AsyncSession, sync: Sync, connection_ids: Sequence[ConnectionId]) -> None:
    """A run for each connection that has none open."""
    if not connection_ids:
        return
    values = [
        {"sync_id": sync.id, "organization_id": sync.organization_id, "connection_id": connection_id}
        for connection_id in connection_ids
    ]
    statement = insert(SyncRun).values(values)
    await session.execute(
        statement.on_conflict_do_nothing(
            index_elements=[SyncRun.sync_id, SyncRun.connection_id], index_where=SyncRun.state.in_(OPEN_STATES)
        )
    )
    await session.execute(select(func.pg_notify(CHANNEL, "")))


def next_run(schedule: Schedule | None, after: datetime) -> datetime | None:
    """When a schedule comes next. Cron expressions are read in UTC."""
    if schedule is None:
        return None
    if schedule.every_minutes is not None:
        return after + timedelta(minutes=schedule.every_minutes)
    assert schedule.cron is not None
    return next(CronSim(schedule.cron, after.astimezone(UTC)), None)


async def start_due(database: Database) -> bool:
    """Makes runs of the syncs that are due; whether there may be more."""
    async with database.transaction() as session:
        statement = (
            select(Sync)
            .where(Sync.is_enabled, Sync.next_run_at <= func.now())
            .order_by(Sync.next_run_at)
            .limit(_SCHEDULED_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        due = (await session.scalars(statement)).all()
        for sync in due:
            declaration = Declaration.model_validate(sync.declaration)
            sync.next_run_at = next_run(declaration.schedule, datetime.now(UTC))
            try:
                actor = await acting_for(session, sync)
                connections = await usable_connections(session, actor, declaration)
                if not connections:
                    raise Forbidden(f"no connection to {declaration.integration_id} that the app may use")
            except PlatformError as error:
                log.warning("syncs.not_started", sync_id=sync.id, error=error.message)
                sync.problem = error.message
                continue
            sync.problem = None
            await enqueue(session, sync, [one.id for one in connections])
    return len(due) == _SCHEDULED_AT_ONCE


async def claim(database: Database) -> tuple[SyncRun, Claimed] | None:
    """The oldest run that nobody works on."""
    async with database.transaction() as session:
        # Claims are rare; in turn they see what the others took.
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(CHANNEL))))
        other = aliased(SyncRun)
        busy = (
            select(func.count())
            .select_from(other)
            .where(
                # tenancy: counts the runs of the same organization, whichever it is
                other.organization_id == SyncRun.organization_id,
                other.id != SyncRun.id,
                other.state == RunState.RUNNING,
                other.lease_expires_at > func.now(),
            )
            .correlate(SyncRun)
            .scalar_subquery()
        )
        is_open = or_(
            SyncRun.state == RunState.PENDING,
            and_(SyncRun.state == RunState.RUNNING, SyncRun.lease_expires_at <= func.now()),
        )
        waiting = (
            select(SyncRun.id)
            .where(is_open, busy < _MOST_AT_ONCE)
            .order_by(SyncRun.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        statement = (
            update(SyncRun)
            .where(SyncRun.id == waiting.scalar_subquery())
            .values(
                state=RunState.RUNNING,
                fence=SyncRun.fence + 1,
                attempts=SyncRun.attempts + 1,
                lease_expires_at=func.now() + LEASE,
                started_at=func.coalesce(SyncRun.started_at, func.now()),
            )
            .returning(SyncRun)
            .execution_options(synchronize_session=False, populate_existing=True)
        )
        run: SyncRun | None = await session.scalar(statement)
    return None if run is None else (run, Claimed(run.id, run.fence))


async def advance(session: AsyncSession, claimed: Claimed, **values: Any) -> None:
    """Stores how far the run is, and renews the lease. Raises LeaseLost, also when it was cancelled."""
    not_cancelled = SyncRun.cancel_requested_at.is_(None)
    values = {"attempts": 0, "lease_expires_at": _until(), **values}
    if not await _change(session, claimed, not_cancelled, **values):
        raise LeaseLost


async def renew(database: Database, claimed: Claimed) -> bool:
    """Keeps the run while nothing can be stored yet; False when it is lost or cancelled."""
    async with database.transaction() as session:
        return await _change(session, claimed, SyncRun.cancel_requested_at.is_(None), lease_expires_at=_until())


async def finish(
    session: AsyncSession,
    claimed: Claimed,
    state: RunState,
    *,
    only: ColumnElement[bool] | None = None,
    **values: Any,
) -> None:
    """Ends the run. Raises LeaseLost when it is not ours any more."""
    ended = {"state": state, "lease_expires_at": None, "finished_at": func.now(), **values}
    if not await _change(session, claimed, true() if only is None else only, **ended):
        raise LeaseLost


async def give_back(database: Database, claimed: Claimed, *, delay: timedelta) -> None:
    """Leaves the run to the next claim, after `delay`."""
    async with database.transaction() as session:
        await _change(session, claimed, true(), lease_expires_at=func.now() + delay)


async def delete_old(database: Database, *, older_than: timedelta) -> None:
    """Forgets runs that ended long ago."""
    async with database.transaction() as session:
        await session.execute(delete(SyncRun).where(SyncRun.finished_at < func.now() - older_than))


async def _change(session: AsyncSession, claimed: Claimed, condition: ColumnElement[bool], **values: Any) -> bool:
    changed = await session.scalar(
        update(SyncRun)
        .where(
            SyncRun.id == claimed.id,
            SyncRun.fence == claimed.fence,
            SyncRun.state == RunState.RUNNING,
            condition,
        )
        .values(**values)
        .returning(SyncRun.id)
        .execution_options(synchronize_session=False)
    )
    return changed is not None


def _until() -> ColumnElement[datetime]:
    return func.now() + LEASE

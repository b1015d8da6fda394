"""Makes runs, by hand and by the schedule, and forgets old ones."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from pydantic import ValidationError
from sqlalchemy import delete, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Scope
from platform_api.accounts.on_behalf import act_for
from platform_api.apps.access import get_usable_app
from platform_api.core.database import Database
from platform_api.core.errors import Forbidden, PlatformError
from platform_api.core.types import ConnectionId
from platform_api.integrations.access import list_connections
from platform_api.integrations.models import Connection
from platform_api.schedules.due import AT_ONCE, DueRows, database_time
from platform_api.schedules.schemas import Overlap, Schedule
from platform_api.schedules.timetable import Due, Timetable, timetable_of
from platform_api.syncs.models import Sync, SyncRun, SyncRunState
from platform_api.syncs.queue import RUNS
from platform_api.syncs.schemas import Declaration, stored_declaration

log = structlog.stdlib.get_logger()

_SCOPES = frozenset({Scope.DATA})
_DUE = DueRows(
    Sync, key=Sync.id, next_at=Sync.next_run_at, share=Sync.organization_id, is_on=Sync.is_enabled.is_(True)
)


async def acting_for(session: AsyncSession, sync: Sync) -> Actor:
    """Returns who a sync works as, with the rights they have now. Raises Forbidden, NotFound."""
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
    """Returns the declaration's connections that the app may use now."""
    usable = await list_connections(session, actor, declaration.integration_id)
    chosen = declaration.connection_ids
    return usable if chosen is None else [connection for connection in usable if connection.id in chosen]


async def enqueue(
    session: AsyncSession,
    sync: Sync,
    connection_ids: Sequence[ConnectionId],
    *,
    due: Due | None = None,
    overlap: Overlap = Overlap.SKIP,
) -> None:
    """Makes a run for each connection that has none open; where they may overlap, one that waits or runs beside it.

    A run that has not begun stands for what is `due` as well.
    """
    if overlap is Overlap.SKIP:
        statement = select(SyncRun.connection_id).where(
            SyncRun.sync_id == sync.id,
            SyncRun.state == SyncRunState.RUNNING,
            # tenancy: the runs of one sync
            SyncRun.organization_id == sync.organization_id,
        )
        running = set(await session.scalars(statement))
        connection_ids = [connection_id for connection_id in connection_ids if connection_id not in running]
    if not connection_ids:
        return
    values = [
        {
            "sync_id": sync.id,
            "organization_id": sync.organization_id,
            "connection_id": connection_id,
            "planned_at": None if due is None else due.first,
            "ticks": 0 if due is None else due.ticks,
            "beside": overlap is Overlap.ALLOW,
        }
        for connection_id in connection_ids
    ]
    made = insert(SyncRun).values(values)
    await session.execute(
        made.on_conflict_do_update(
            index_elements=[SyncRun.sync_id, SyncRun.connection_id],
            index_where=SyncRun.state == text("'pending'"),
            set_={
                "planned_at": func.coalesce(SyncRun.planned_at, made.excluded.planned_at),
                "ticks": SyncRun.ticks + made.excluded.ticks,
                "beside": or_(SyncRun.beside, made.excluded.beside),
            },
        )
    )
    await RUNS.announce(session)


def timetable_for(schedule: Schedule, *, organization_id: int, app_id: int, name: str) -> Timetable:
    """Returns the times of a sync's schedule. Raises ValueError when its zone is not known here."""
    return timetable_of(schedule, f"sync {organization_id} {app_id} {name}")


def times_of(sync: Sync, schedule: Schedule) -> Timetable:
    """Returns the times of a declared sync's schedule. Raises ValueError when its zone is not known here."""
    return timetable_for(schedule, organization_id=sync.organization_id, app_id=sync.app_id, name=sync.name)


async def start_due(database: Database) -> bool:
    """Makes runs of the syncs that are due; whether there may be more."""
    async with database.transaction() as session:
        found = await _DUE.lock(session)
        now = await database_time(session)
        for sync in found:
            try:
                await _start(session, sync, now)
            except PlatformError as error:
                log.warning("syncs.not_started", sync_id=sync.id, error=error.message)
                sync.problem = error.message
            except ValidationError as error:
                # Nobody else waits for it to be mended.
                log.error("syncs.unreadable_declaration", sync_id=sync.id, error=str(error))
                sync.problem = "its declaration cannot be read here any more; delete it and declare it again"
                sync.next_run_at = None
    return len(found) == AT_ONCE


async def _start(session: AsyncSession, sync: Sync, now: datetime) -> None:
    """Plans the next time of a sync that is due, and makes its runs. Raises PlatformError."""
    declaration = stored_declaration(sync.declaration)
    if declaration.schedule is None or sync.next_run_at is None:
        sync.next_run_at = None
        return
    try:
        times = times_of(sync, declaration.schedule)
    except ValueError as error:
        log.error("syncs.no_time_zone", sync_id=sync.id, error=str(error))
        sync.problem, sync.next_run_at = f"schedule.timezone: {error}", None
        return
    due = times.due(sync.next_run_at, now)
    sync.next_run_at = due.following
    actor = await acting_for(session, sync)
    connections = await usable_connections(session, actor, declaration)
    if not connections:
        raise Forbidden(f"no connection to {declaration.integration_id} that the app may use")
    sync.problem = None
    await enqueue(session, sync, [one.id for one in connections], due=due, overlap=declaration.schedule.overlap)


async def delete_old(database: Database, *, older_than: timedelta) -> None:
    """Forgets runs that ended long ago."""
    async with database.transaction() as session:
        await session.execute(delete(SyncRun).where(SyncRun.finished_at < func.now() - older_than))

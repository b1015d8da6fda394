"""Declares syncs, starts and stops their runs, and previews a declaration."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.apps.access import get_usable_app
from platform_api.apps.models import App
from platform_api.core.errors import Conflict, LimitReached, NameTaken, NotFound, Unprocessable
from platform_api.core.paging import Orders, Part, Window, contains, read_items
from platform_api.integrations.access import get_definition
from platform_api.integrations.calls.gateway import Gateway, OpenConnection
from platform_api.integrations.definitions.definition import IntegrationDefinition
from platform_api.integrations.definitions.pagination import require_walkable
from platform_api.integrations.models import Connection
from platform_api.schedules.due import database_time
from platform_api.schedules.timetable import upcoming
from platform_api.syncs.errors import RunFailed
from platform_api.syncs.lists.fetching import fetch, open_connection
from platform_api.syncs.lists.paging import Walk, first_position, start_after, way_of
from platform_api.syncs.models import OPEN_STATES, Sync, SyncCheckpoint, SyncedRow, SyncRun, SyncRunState
from platform_api.syncs.queue import RUNS
from platform_api.syncs.rows.target import Target, find_target
from platform_api.syncs.scheduling import enqueue, times_of, timetable_for, usable_connections
from platform_api.syncs.schemas import (
    BackfillWrite,
    Declaration,
    Rejection,
    SyncPreviewRead,
    SyncPreviewWrite,
    SyncWrite,
    stored_declaration,
)
from platform_api.tables.models import AppTable
from platform_api.tables.repository import get_table

MAX_SYNCS = 100
"""Maximum syncs of one app in one organization."""
_MAX_PREVIEWED = 20
_ORDERS = Orders("syncs", Sync.id, name=func.lower(Sync.name), created_at=Sync.id, updated_at=Sync.updated_at)
_MAX_NEXT_RUNS = 5


class ConnectionMissing(Conflict):
    """Reports that the app may use no connection to the sync's integration."""

    code = "no_connection"


class RunOpen(Conflict):
    """Reports that a run of the sync has not ended yet."""

    code = "run_open"


@dataclass(frozen=True, slots=True)
class Progress:
    """Holds how far a connection is; `unfinished` is the kind of a walk that has not come to its end."""

    checkpoint: SyncCheckpoint
    unfinished: str | None


@dataclass(frozen=True, slots=True)
class DescribedSync:
    """Holds a sync with how far it is, its latest run for each connection and the next times of its schedule."""

    sync: Sync
    declaration: Declaration
    next_runs: Sequence[datetime]
    problem: str | None
    progress: Sequence[Progress]
    runs: Sequence[SyncRun]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Holds what a preview needs besides the upstream."""

    declaration: Declaration
    opened: OpenConnection
    target: Target
    walk: Walk


async def list_syncs(
    session: AsyncSession, actor: Actor, app: str, *, search: str | None, order: str, window: Window
) -> Part[DescribedSync]:
    """Returns a part of the organization's syncs of an app; `search` looks in names."""
    target = await get_usable_app(session, actor, app)
    statement = select(Sync).where(visible_to(actor, Sync.organization_id), Sync.app_id == target.id)
    if search:
        statement = statement.where(contains(search, Sync.name))
    part = await read_items(session, statement, _ORDERS.of(order, within=target.id), window)
    return Part([await describe_sync(session, actor, sync) for sync in part.items], part.count, part.next_cursor)


async def get_sync(session: AsyncSession, actor: Actor, app: str, name: str) -> tuple[Sync, App]:
    """Returns a sync of an app, and the app. Raises NotFound."""
    target = await get_usable_app(session, actor, app)
    statement = select(Sync).where(
        Sync.name == name, Sync.app_id == target.id, visible_to(actor, Sync.organization_id)
    )
    sync = await session.scalar(statement)
    if sync is None:
        raise NotFound(f"the app has no sync {name!r}")
    return sync, target


async def create_sync(session: AsyncSession, actor: Actor, app: str, data: SyncWrite) -> DescribedSync:
    """Creates a sync of the caller's organization. Raises NotFound, Unprocessable, Conflict."""
    target = await get_usable_app(session, actor, app)
    table, declaration = await _check(session, actor, target, data.declaration())
    count = (
        select(func.count())
        .select_from(Sync)
        .where(visible_to(actor, Sync.organization_id), Sync.app_id == target.id)
    )
    if (await session.scalar(count) or 0) >= MAX_SYNCS:
        raise LimitReached(f"the app has {MAX_SYNCS} syncs already; delete one first")
    sync = await session.scalar(
        insert(Sync)
        .values(
            organization_id=actor.organization_id,
            app_id=target.id,
            table_id=table.id,
            user_id=actor.user_id,
            name=data.name,
            declaration=declaration.model_dump(mode="json", exclude_unset=True),
            is_enabled=data.enabled,
            next_run_at=await _first_run(session, actor, target, data) if data.enabled else None,
        )
        .on_conflict_do_nothing(index_elements=[Sync.organization_id, Sync.app_id, Sync.name])
        .returning(Sync)
    )
    if sync is None:
        raise NameTaken(f"the app has a sync {data.name!r} already", field="name")
    return await describe_sync(session, actor, sync)


async def update_sync(session: AsyncSession, actor: Actor, app: str, name: str, data: SyncWrite) -> DescribedSync:
    """Replaces the declaration. Checkpoints stay; from then on the sync's runs have the caller's rights."""
    sync, target = await get_sync(session, actor, app, name)
    table, declaration = await _check(session, actor, target, data.declaration())
    if data.name != name:
        raise Unprocessable(f"name: this sync is called {name!r}; a sync cannot be renamed", field="name")
    before = stored_declaration(sync.declaration)
    if _read_part(before) != _read_part(declaration) or sync.table_id != table.id:
        sync.version += 1
    if sync.table_id != table.id:
        await _reset_rows(session, sync)
    if _times(before) != _times(declaration) or data.enabled != sync.is_enabled:
        sync.next_run_at = await _first_run(session, actor, target, data) if data.enabled else None
    sync.table_id = table.id
    sync.declaration = declaration.model_dump(mode="json", exclude_unset=True)
    sync.is_enabled = data.enabled
    sync.user_id = actor.user_id
    sync.problem = None
    await session.flush()
    await session.refresh(sync)
    return await describe_sync(session, actor, sync)


async def delete_sync(session: AsyncSession, actor: Actor, app: str, name: str) -> None:
    """Deletes a sync, its checkpoints and its history; the rows stay. A run that is under way stops."""
    sync, _ = await get_sync(session, actor, app, name)
    await session.delete(sync)


async def start_runs(
    session: AsyncSession, actor: Actor, app: str, name: str, connection_id: int | None
) -> Sequence[SyncRun]:
    """Starts the sync for connections without an open run; returns all open runs. Raises Conflict, NotFound."""
    sync, target = await get_sync(session, actor, app, name)
    chosen = await _choose_connections(session, actor, target, sync, connection_id)
    await enqueue(session, sync, [connection.id for connection in chosen])
    open_runs = select(SyncRun).where(
        SyncRun.sync_id == sync.id,
        SyncRun.state.in_(OPEN_STATES),
        SyncRun.connection_id.in_([connection.id for connection in chosen]),
        visible_to(actor, SyncRun.organization_id),
    )
    return (await session.scalars(open_runs.order_by(SyncRun.id))).all()


async def cancel_runs(
    session: AsyncSession, actor: Actor, app: str, name: str, connection_id: int | None
) -> Sequence[SyncRun]:
    """Cancels open runs: pending ones at once, the others after the current page."""
    sync, _ = await get_sync(session, actor, app, name)
    statement = (
        select(SyncRun)
        .where(
            SyncRun.sync_id == sync.id,
            SyncRun.state.in_(OPEN_STATES),
            visible_to(actor, SyncRun.organization_id),
        )
        .with_for_update()
    )
    if connection_id is not None:
        statement = statement.where(SyncRun.connection_id == connection_id)
    runs = (await session.scalars(statement.order_by(SyncRun.id))).all()
    now = await database_time(session)
    for run in runs:
        if run.state is SyncRunState.PENDING:
            run.cancel_requested_at = now
            run.state, run.finished_at, run.error = SyncRunState.CANCELLED, now, "cancelled"
        else:
            await RUNS.cancel(session, run)
    await session.flush()
    return runs


async def list_runs(
    session: AsyncSession, actor: Actor, app: str, name: str, *, before: int | None, count: int
) -> Sequence[SyncRun]:
    """Returns the sync's runs, the latest first."""
    sync, _ = await get_sync(session, actor, app, name)
    statement = select(SyncRun).where(SyncRun.sync_id == sync.id, visible_to(actor, SyncRun.organization_id))
    if before is not None:
        statement = statement.where(SyncRun.id < before)
    return (await session.scalars(statement.order_by(SyncRun.id.desc()).limit(count))).all()


async def reset(session: AsyncSession, actor: Actor, app: str, name: str, connection_id: int | None) -> DescribedSync:
    """Clears the checkpoint: the next run begins at the beginning. Raises Conflict while a run is open."""
    sync, target = await get_sync(session, actor, app, name)
    for connection in await _choose_connections(session, actor, target, sync, connection_id):
        await _set_checkpoint(session, actor, sync, connection, cursor=None, walk=None)
    return await describe_sync(session, actor, sync)


async def backfill(
    session: AsyncSession, actor: Actor, app: str, name: str, data: BackfillWrite
) -> Sequence[SyncRun]:
    """Reads the list again; the checkpoint stays until it is complete. Raises Conflict while a run is open."""
    sync, target = await get_sync(session, actor, app, name)
    declaration = stored_declaration(sync.declaration)
    if data.start is not None and declaration.incremental is None:
        raise Unprocessable("start: a sync of mode full always reads the whole list; leave it out", field="start")
    chosen = await _choose_connections(session, actor, target, sync, data.connection_id)
    definition = await get_definition(session, actor, declaration.integration_id)
    way = way_of(declaration, definition)
    start = data.start
    if start is None and declaration.incremental is not None:
        start = declaration.incremental.initial
    walk = Walk(
        kind="backfill", version=sync.version, began=0, query=dict(first_position(declaration, way, start).values)
    ).model_dump()
    for connection in chosen:
        await _set_checkpoint(session, actor, sync, connection, walk=walk)
    return await start_runs(session, actor, app, name, data.connection_id)


async def prepare_preview(
    session: AsyncSession, gateway: Gateway, actor: Actor, app: str, data: SyncPreviewWrite
) -> Prepared:
    """Checks a declaration and opens the connection to try it on. Raises NotFound, Unprocessable, Forbidden."""
    target = await get_usable_app(session, actor, app)
    fields = data.model_dump(mode="json", exclude={"connection_id"}, exclude_unset=True)
    table, declaration = await _check(session, actor, target, Declaration.model_validate(fields))
    bound = replace(actor, app_id=target.id)
    usable = await usable_connections(session, bound, declaration)
    connection_id = data.connection_id or (usable[0].id if usable else None)
    if connection_id is None or connection_id not in [connection.id for connection in usable]:
        raise Unprocessable(
            f"connection_id: the app may not use this connection to {declaration.integration_id}",
            field="connection_id",
        )
    opened = await open_connection(session, gateway, bound, declaration, connection_id)  # type: ignore[arg-type]
    start = start_after(declaration.incremental, None)
    first = first_position(declaration, way_of(declaration, opened.definition), start)
    walk = Walk(kind=declaration.mode, version=0, began=0, query=dict(first.values))
    return Prepared(declaration, opened, find_target(declaration, table.definition), walk)


# grammar: a preview is shown and kept by nobody, so it is built as it is sent
async def preview(gateway: Gateway, prepared: Prepared) -> SyncPreviewRead:
    """Fetches one page and shows what would be stored. Raises Unprocessable when it cannot be fetched."""
    try:
        page = await fetch(gateway, prepared.opened, prepared.declaration, prepared.walk)
        prepared.walk.turn(page.following)
    except RunFailed as error:
        raise Unprocessable(str(error)) from error
    changes, refused = prepared.target.changes(page.items, prepared.opened.id)
    rows = [change.row for change in changes if change.row is not None]
    return SyncPreviewRead(
        connection_id=prepared.opened.id,
        items=len(page.items),
        rows=[{name: _plain(value) for name, value in row.items()} for row in rows[:_MAX_PREVIEWED]],
        deleted=len(changes) - len(rows),
        rejected=[
            Rejection(
                page=1,
                item=item.number,
                key=None if item.key is None else ", ".join(str(part)[:100] for part in item.key),
                column=item.column,
                reason=item.reason,
            )
            for item in refused[:_MAX_PREVIEWED]
        ],
        has_next=page.following.position is not None,
    )


async def describe_sync(session: AsyncSession, actor: Actor, sync: Sync) -> DescribedSync:
    """Returns a sync with how far it is and its latest run for each connection."""
    checkpoints = await session.scalars(
        select(SyncCheckpoint).where(SyncCheckpoint.sync_id == sync.id).order_by(SyncCheckpoint.connection_id)
    )
    latest = await session.scalars(
        select(SyncRun)
        .where(SyncRun.sync_id == sync.id, visible_to(actor, SyncRun.organization_id))
        .ext(distinct_on(SyncRun.connection_id))
        .order_by(SyncRun.connection_id, SyncRun.id.desc())
    )
    runs = list(latest)
    walks = {run.connection_id: run.walk for run in runs}
    declaration = stored_declaration(sync.declaration)
    try:
        next_runs, problem = _next_runs(sync, declaration), sync.problem
    except ValueError as error:
        next_runs, problem = [], f"schedule.timezone: {error}"
    progress = [
        Progress(
            checkpoint,
            walk["kind"] if (walk := checkpoint.walk or walks.get(checkpoint.connection_id)) else None,
        )
        for checkpoint in checkpoints
    ]
    return DescribedSync(sync, declaration, next_runs, problem, progress, runs)


async def _first_run(session: AsyncSession, actor: Actor, app: App, data: SyncWrite) -> datetime | None:
    """Returns the first time of a schedule that has just been declared."""
    if data.schedule is None:
        return None
    times = timetable_for(data.schedule, organization_id=actor.organization_id, app_id=app.id, name=data.name)
    return times.after(await database_time(session))


def _next_runs(sync: Sync, declaration: Declaration) -> list[datetime]:
    if declaration.schedule is None or sync.next_run_at is None:
        return []
    return upcoming(times_of(sync, declaration.schedule), sync.next_run_at, _MAX_NEXT_RUNS)


# grammar: a declaration is stored as it was sent
async def _check(
    session: AsyncSession, actor: Actor, app: App, declaration: Declaration
) -> tuple[AppTable, Declaration]:
    """Returns the table that a declaration fits, and the declaration. Raises NotFound, Unprocessable."""
    definition = await get_definition(session, actor, declaration.integration_id)
    table = await get_table(session, app.id, declaration.table)
    find_target(declaration, table.definition)
    _check_paging(declaration, definition)
    if declaration.connection_ids is not None:
        known = await session.scalars(
            select(Connection.id).where(
                Connection.id.in_(declaration.connection_ids),
                Connection.integration_id == declaration.integration_id,
                visible_to(actor, Connection.organization_id),
            )
        )
        if unknown := sorted(set(declaration.connection_ids) - set(known)):
            listed = ", ".join(str(connection_id) for connection_id in unknown[:5])
            raise Unprocessable(
                f"connection_ids: your organization has no connection {listed} to {declaration.integration_id}",
                field="connection_ids",
            )
    return table, declaration


def _check_paging(declaration: Declaration, definition: IntegrationDefinition) -> None:
    """Raises Unprocessable for a list that could not be read to its end."""
    way = way_of(declaration, definition)
    try:
        require_walkable(way.keys, way.style, way.items)
    except ValueError as error:
        raise Unprocessable(f"pagination: {error}", field="pagination") from error
    first_position(declaration, way, None)


async def _choose_connections(
    session: AsyncSession, actor: Actor, app: App, sync: Sync, connection_id: int | None
) -> Sequence[Connection]:
    """Returns the connections that a request is about. Raises Conflict, NotFound."""
    declaration = stored_declaration(sync.declaration)
    usable = await usable_connections(session, replace(actor, app_id=app.id), declaration)
    if connection_id is None:
        if not usable:
            raise ConnectionMissing(
                f"there is no connection to {declaration.integration_id} that the app may use; create one first"
            )
        return usable
    chosen = [connection for connection in usable if connection.id == connection_id]
    if not chosen:
        raise NotFound(f"the sync has no connection {connection_id} that the app may use")
    return chosen


async def _set_checkpoint(
    session: AsyncSession, actor: Actor, sync: Sync, connection: Connection, **values: Any
) -> None:
    """Changes a checkpoint. Raises Conflict while a run is open, which would not notice the change."""
    open_run = await session.scalar(
        select(SyncRun.id)
        .where(
            SyncRun.sync_id == sync.id,
            SyncRun.connection_id == connection.id,
            SyncRun.state.in_(OPEN_STATES),
            visible_to(actor, SyncRun.organization_id),
        )
        .with_for_update()
    )
    if open_run is not None:
        raise RunOpen(f"run {open_run} of connection {connection.id} is still open; cancel it first")
    statement = insert(SyncCheckpoint).values(sync_id=sync.id, connection_id=connection.id, **values)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[SyncCheckpoint.sync_id, SyncCheckpoint.connection_id], set_=values
        )
    )


async def _reset_rows(session: AsyncSession, sync: Sync) -> None:
    """Resets a sync whose table changed: it must not tombstone the other table's rows, and starts again."""
    await session.execute(delete(SyncedRow).where(SyncedRow.sync_id == sync.id))
    await session.execute(
        update(SyncCheckpoint).where(SyncCheckpoint.sync_id == sync.id).values(cursor=None, walk=None)
    )


def _read_part(declaration: Declaration) -> dict[str, Any]:
    return declaration.model_dump(mode="json", exclude={"schedule", "limits", "connection_ids"})


def _times(declaration: Declaration) -> dict[str, Any] | None:
    return None if declaration.schedule is None else declaration.schedule.model_dump(exclude={"overlap"})


def _plain(value: Any) -> Any:
    """Returns a column's value as JSON."""
    match value:
        case datetime() | date():
            return value.isoformat()
        case Decimal() | uuid.UUID():
            return str(value)
        case _:
            return value

"""Works on one run, from its connection's checkpoint to the end of the list.

A page's rows, the counts and the place of the next page are committed together. A process that takes over a run
fetches the page again that was not committed; nothing of that page had been stored. A run that does not reach the end
of the list leaves its place in the checkpoint, where the next run finds it.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.core.database import Database
from platform_api.core.errors import PlatformError, Unavailable
from platform_api.integrations.calls.gateway import Gateway
from platform_api.syncs.errors import RunFailed
from platform_api.syncs.lists.fetching import Page, fetch, open_connection
from platform_api.syncs.lists.paging import Walk, first_position, larger, start_after, way_of
from platform_api.syncs.models import Sync, SyncCheckpoint, SyncedRow, SyncRun, SyncRunState
from platform_api.syncs.queue import RUNS
from platform_api.syncs.rows.beside import Neighbours
from platform_api.syncs.rows.target import Refused, Target, find_target
from platform_api.syncs.rows.writing import RowWriter, Tally
from platform_api.syncs.scheduling import acting_for
from platform_api.syncs.schemas import Declaration, stored_declaration
from platform_api.tables.models import AppTable
from platform_api.work.errors import LeaseLost
from platform_api.work.queue import Claimed

_MAX_REJECTIONS_SHOWN = 100
_UNCERTAIN_END = (
    "nothing was taken for gone: the service did not say that the list had ended. Declare what tells the end:"
    " has_more, is_last, total, total_pages, or omits_empty when it is told by leaving the cursor or link out"
)
_UNCERTAIN_CHANGED = (
    "nothing was taken for gone: the list changed while it was read, so items may have been passed over"
)
_CHANGED = "the sync was changed meanwhile; the next run follows the new declaration"
_MAX_ROWS_PER_SWEEP = 500


class Run:
    """Works on one claimed run."""

    def __init__(self, database: Database, gateway: Gateway, claimed: Claimed[SyncRun]) -> None:
        self._database = database
        self._gateway = gateway
        self._run = claimed.job
        self._claimed = claimed
        self._neighbours = Neighbours(claimed.job)
        self._began = time.monotonic()

    async def work(self) -> None:
        """Works to the end. Raises RunFailed, LeaseLost, and PlatformError for what is not allowed (any more)."""
        declaration, walk = await self._begin()
        deadline = self._began + declaration.limits.seconds
        while walk.query is not None:
            if (limit := self._limit_reached(declaration, deadline)) is not None:
                await self._stop_at(limit, declaration)
                return
            fetched = await self._fetch(declaration, walk, deadline)
            if fetched is None:
                continue
            walk = await self._store(*fetched, walk)
        while _may_sweep(declaration, walk) and (next_walk := await self._sweep(walk)) is not None:
            walk = next_walk
        await self._complete(declaration, walk)

    async def fail(self, reason: str, *, restart: bool) -> None:
        """Ends the run as failed; the next one goes on there, or with `restart` begins anew. Raises LeaseLost."""
        async with self._database.transaction() as session:
            await RUNS.complete(session, self._claimed, SyncRunState.FAILED, walk=None, error=reason[:2000])
            await self._ensure_checkpoint(session)
            declaration = await self._current_declaration(session)
            # Items that were not read yet may have moved to pages that the walk has read already.
            is_kept = not (restart or declaration is None or declaration.sweeps)
            await self._leave(session, is_kept=is_kept)

    async def cancel(self) -> None:
        """Ends a run whose cancellation was requested. Raises LeaseLost when it was not, or this process lost it."""
        async with self._database.transaction() as session:
            await RUNS.complete_cancelled(
                session, self._claimed, SyncRunState.CANCELLED, walk=None, error="cancelled"
            )
            await self._ensure_checkpoint(session)
            declaration = await self._current_declaration(session)
            walk = self._run.walk or (await self._checkpoint(session)).walk
            is_backfill = walk is not None and walk.get("kind") == "backfill"
            await self._leave(session, is_kept=not (is_backfill or declaration is None or declaration.sweeps))

    async def _begin(self) -> tuple[Declaration, Walk]:
        async with self._database.transaction() as session:
            await self._ensure_checkpoint(session)
            sync, declaration, actor = await self._sync(session)
            checkpoint = await self._checkpoint(session)
            stored = self._run.walk or checkpoint.walk
            walk = None if stored is None else Walk.model_validate(stored)
            if walk is None or walk.version != sync.version:
                opened = await open_connection(session, self._gateway, actor, declaration, self._run.connection_id)
                way = way_of(declaration, opened.definition)
                start = start_after(declaration.incremental, checkpoint.cursor)
                walk = Walk(
                    kind=declaration.mode,
                    version=sync.version,
                    began=self._run.id,
                    query=dict(first_position(declaration, way, start).values),
                    # Pages after the mark begin with the overlap, which is not new.
                    mark=start if way.style == "after" else checkpoint.cursor,
                )
            elif walk.began == 0:
                walk.began = self._run.id
            if self._run.walk is None:
                checkpoint.walk = None
                await session.flush()
            values = {"kind": walk.kind, "walk": walk.model_dump()}
            # Keeps the count of attempts: nothing has been stored yet.
            await RUNS.renew(session, self._claimed, attempts=SyncRun.attempts, **values)
        self._keep(values)
        return declaration, walk

    def _limit_reached(self, declaration: Declaration, deadline: float) -> str | None:
        limits = declaration.limits
        if self._run.pages >= limits.pages:
            return f"the limit of {limits.pages} pages"
        if self._run.seen >= limits.items:
            return f"the limit of {limits.items} items"
        if time.monotonic() >= deadline:
            return f"the limit of {limits.seconds} seconds"
        return None

    async def _stop_at(self, limit: str, declaration: Declaration) -> None:
        if declaration.sweeps:
            raise RunFailed(
                f"ended at {limit} before the list did: what is absent cannot be told; raise the limits", restart=True
            )
        async with self._database.transaction() as session:
            await RUNS.complete(
                session,
                self._claimed,
                SyncRunState.PARTIAL,
                walk=None,
                error=f"ended at {limit}; the next run goes on",
            )
            await self._leave(session, is_kept=True)

    async def _fetch(self, declaration: Declaration, walk: Walk, deadline: float) -> tuple[Page, int] | None:
        """Returns the next page, and the last one a neighbour had stored before the call; None if the time is up."""
        async with self._database.transaction() as session:
            since = await self._neighbours.latest_page(session)
            _, _, actor = await self._sync(session)
            opened = await open_connection(session, self._gateway, actor, declaration, self._run.connection_id)
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                return await fetch(self._gateway, opened, declaration, walk), since
        except TimeoutError:
            if time.monotonic() < deadline:
                raise
            return None

    async def _store(self, page: Page, since: int, walk: Walk) -> Walk:
        """Stores a page: rows, counts and place in one transaction. Stores nothing when a neighbour overtook it."""
        walk = walk.model_copy()
        async with self._database.transaction() as session:
            # This comes first: it locks the run's row, so that no other process writes the same page.
            await RUNS.renew(session, self._claimed)
            sync, declaration, _ = await self._sync(session)
            if sync.version != walk.version:
                raise RunFailed(_CHANGED, restart=True)
            target = await self._target(session, sync, declaration)
            await self._checkpoint(session)
            changes, unreadable = target.changes(page.items, self._run.connection_id)
            keys = [change.key for change in changes]
            if await self._neighbours.have_written(session, keys, since=since):
                return walk
            running = await self._neighbours.running(session)
            writer = RowWriter(target, self._run.organization_id, self._run.connection_id)
            tally = await writer.write(session, changes)
            tally.refused = sorted([*tally.refused, *unreadable], key=lambda refused: refused.number)
            if declaration.sweeps:
                await self._mark_seen(session, writer, max([walk.began, *running]), tally)
                walk.blind += sum(refused.key is None for refused in tally.refused)
            if running:
                await self._neighbours.tell(session, keys)
            walk.mark = page.mark
            walk.turn(page.following)
            values = {**self._counts(page.items, tally), "walk": walk.model_dump()}
            await RUNS.renew(session, self._claimed, **values)
        self._keep(values)
        return walk

    async def _mark_seen(self, session: AsyncSession, writer: RowWriter, mark: int, tally: Tally) -> None:
        ids = set(tally.ids)
        if keys := [refused.key for refused in tally.refused if refused.key is not None]:
            ids |= await writer.find_ids(session, keys)
        numbered = sorted(ids)
        for start in range(0, len(numbered), 5_000):
            statement = insert(SyncedRow).values(
                [
                    {
                        "sync_id": self._run.sync_id,
                        "connection_id": self._run.connection_id,
                        "row_id": row_id,
                        "walk": mark,
                    }
                    for row_id in numbered[start : start + 5_000]
                ]
            )
            await session.execute(
                statement.on_conflict_do_update(
                    index_elements=[SyncedRow.sync_id, SyncedRow.connection_id, SyncedRow.row_id],
                    set_={"walk": statement.excluded.walk},
                )
            )

    async def _sweep(self, walk: Walk) -> Walk | None:
        """Removes some rows that no run saw since the walk began; returns None when there are no more."""
        walk = walk.model_copy()
        async with self._database.transaction() as session:
            await RUNS.renew(session, self._claimed)
            sync, declaration, _ = await self._sync(session)
            if sync.version != walk.version:
                raise RunFailed(_CHANGED, restart=True)
            target = await self._target(session, sync, declaration)
            await self._checkpoint(session)
            statement = select(SyncedRow.row_id).where(self._is_row_of_run(), SyncedRow.walk < walk.began)
            if walk.swept is not None:
                statement = statement.where(SyncedRow.row_id > UUID(walk.swept))
            unseen = (await session.scalars(statement.order_by(SyncedRow.row_id).limit(_MAX_ROWS_PER_SWEEP))).all()
            if not unseen:
                return None
            writer = RowWriter(target, self._run.organization_id, self._run.connection_id)
            removed, refused = await writer.remove_rows(session, unseen)
            kept = {row_id for row_id, _ in refused}
            await session.execute(
                delete(SyncedRow).where(
                    self._is_row_of_run(), SyncedRow.row_id.in_([row_id for row_id in unseen if row_id not in kept])
                )
            )
            if await self._neighbours.running(session):
                # A neighbour may have read these rows before they were gone, and not stored them yet.
                await self._neighbours.tell(session, None)
            walk.swept = str(unseen[-1])
            rejections = [{"page": 0, "item": 0, "key": str(row_id), "reason": why} for row_id, why in refused]
            values = {
                "walk": walk.model_dump(),
                "deleted": self._run.deleted + removed,
                "rejected": self._run.rejected + len(refused),
                "rejections": [*self._run.rejections, *rejections][:_MAX_REJECTIONS_SHOWN],
            }
            await RUNS.renew(session, self._claimed, **values)
        self._keep(values)
        return walk

    async def _complete(self, declaration: Declaration, walk: Walk) -> None:
        async with self._database.transaction() as session:
            note = None
            if declaration.sweeps and walk.blind:
                note = f"nothing was taken for gone: the keys of {walk.blind} items could not be read"
            elif declaration.sweeps and not walk.is_end_certain:
                note = _UNCERTAIN_CHANGED if walk.progress.is_total_changed else _UNCERTAIN_END
            await RUNS.complete(session, self._claimed, SyncRunState.COMPLETED, walk=None, error=note)
            checkpoint = await self._checkpoint(session)
            sync, _, _ = await self._sync(session)
            if sync.version != walk.version:
                # The mark belongs to a declaration that is no longer in force.
                raise RunFailed(_CHANGED, restart=True)
            await self._neighbours.leave(session)
            if declaration.incremental is not None and walk.mark is not None:
                old = checkpoint.cursor
                keeps_max = declaration.incremental.source == "item" and declaration.incremental.take == "largest"
                checkpoint.cursor = walk.mark if old is None or not keeps_max else larger(old, walk.mark)

    async def _leave(self, session: AsyncSession, *, is_kept: bool) -> None:
        """Leaves the run's place in the checkpoint, where the next run goes on; drops it unless `is_kept`."""
        checkpoint = await self._checkpoint(session)
        waiting, walk = checkpoint.walk, self._run.walk
        if not is_kept:
            # A run without a walk had not begun: the walk that waits was meant for it.
            checkpoint.walk = None if walk is None else waiting
        elif walk is not None and (waiting is None or _precedes(walk, waiting)):
            checkpoint.walk = walk
        await session.flush()
        await self._neighbours.leave(session)

    def _counts(self, items: Sequence[Any], tally: Tally) -> dict[str, Any]:
        run = self._run
        rejections = [_rejection(run.pages + 1, refused) for refused in tally.refused]
        return {
            "pages": run.pages + 1,
            "seen": run.seen + len(items),
            "inserted": run.inserted + tally.inserted,
            "updated": run.updated + tally.updated,
            "deleted": run.deleted + tally.deleted,
            "rejected": run.rejected + len(tally.refused),
            "rejections": [*run.rejections, *rejections][:_MAX_REJECTIONS_SHOWN],
        }

    def _keep(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            setattr(self._run, name, value)

    async def _sync(self, session: AsyncSession) -> tuple[Sync, Declaration, Actor]:
        """Returns the sync as it is now, its declaration, and the actor that it works as."""
        # tenancy: the run's own sync; the run names it, no caller does
        sync = await session.scalar(select(Sync).where(Sync.id == self._run.sync_id))
        if sync is None:
            raise LeaseLost
        return sync, stored_declaration(sync.declaration), await acting_for(session, sync)

    async def _current_declaration(self, session: AsyncSession) -> Declaration | None:
        # tenancy: the run's own sync; the run names it, no caller does
        stored = await session.scalar(select(Sync.declaration).where(Sync.id == self._run.sync_id))
        return None if stored is None else stored_declaration(stored)

    async def _target(self, session: AsyncSession, sync: Sync, declaration: Declaration) -> Target:
        table = await session.scalar(
            select(AppTable).where(AppTable.id == sync.table_id, AppTable.app_id == sync.app_id)
        )
        if table is None:
            raise RunFailed(f"the table {declaration.table} was dropped")
        try:
            return find_target(declaration, table.definition)
        except Unavailable:
            raise
        except PlatformError as error:
            raise RunFailed(f"the table was changed and does not fit any more: {error.message}") from error

    async def _ensure_checkpoint(self, session: AsyncSession) -> None:
        """Creates the checkpoint if this is the connection's first run, which may end before it begins."""
        await session.execute(
            insert(SyncCheckpoint)
            .values(sync_id=self._run.sync_id, connection_id=self._run.connection_id)
            .on_conflict_do_nothing()
        )

    async def _checkpoint(self, session: AsyncSession) -> SyncCheckpoint:
        checkpoint = await session.scalar(
            select(SyncCheckpoint)
            .where(
                SyncCheckpoint.sync_id == self._run.sync_id, SyncCheckpoint.connection_id == self._run.connection_id
            )
            .with_for_update()
        )
        if checkpoint is None:
            # The sync or the connection was deleted, and the run with it.
            raise LeaseLost
        return checkpoint

    def _is_row_of_run(self) -> Any:
        return (SyncedRow.sync_id == self._run.sync_id) & (SyncedRow.connection_id == self._run.connection_id)


def _may_sweep(declaration: Declaration, walk: Walk) -> bool:
    """Tells whether rows that the walk did not see are gone: it must have seen the whole list."""
    return declaration.sweeps and walk.is_end_certain and not walk.blind


def _precedes(walk: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tells whether `walk` goes on before `other`: a backfill does, which somebody started, else the older one."""
    return (walk["kind"] != "backfill", walk["began"]) < (other["kind"] != "backfill", other["began"])


def _rejection(page: int, refused: Refused) -> dict[str, Any]:
    key = None if refused.key is None else ", ".join(str(part)[:100] for part in refused.key)
    return {
        "page": page,
        "item": refused.number,
        "key": key,
        "column": refused.column,
        "reason": refused.reason[:500],
    }

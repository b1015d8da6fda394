"""One run, from where its connection's checkpoint stands to the end of the list.

A page's rows, the counts and the place of the next page are committed together. Whoever takes a run over asks for the
page again that was not committed; nothing of it had been stored.
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
from platform_api.integrations.gateway import Gateway
from platform_api.syncs.errors import LeaseLost, RunFailed
from platform_api.syncs.fetching import Page, fetch, open_connection
from platform_api.syncs.models import RunState, Sync, SyncCheckpoint, SyncedRow, SyncRun
from platform_api.syncs.paging import Walk, first_position, larger, start_after, way_of
from platform_api.syncs.queue import Claimed, acting_for, advance, finish
from platform_api.syncs.schemas import Declaration, stored_declaration
from platform_api.syncs.target import Refused, Target, find_target
from platform_api.syncs.writing import RowWriter, Tally
from platform_api.tables.models import AppTable

_MOST_REJECTIONS_SHOWN = 100
_UNCERTAIN_END = (
    "nothing was taken for gone: the service did not say that the list had ended. Declare what tells the end:"
    " has_more, is_last, total, total_pages, or omits_empty when it is told by leaving the cursor or link out"
)
_UNCERTAIN_CHANGED = (
    "nothing was taken for gone: the list changed while it was read, so items may have been passed over"
)
_SWEPT_AT_ONCE = 500


class Run:
    """Works on one claimed run."""

    def __init__(self, database: Database, gateway: Gateway, run: SyncRun, claimed: Claimed) -> None:
        self._database = database
        self._gateway = gateway
        self._run = run
        self._claimed = claimed
        self._began = time.monotonic()

    async def work(self) -> None:
        """Works to the end. Raises RunFailed, LeaseLost, and PlatformError for what may not be done (any more)."""
        declaration, walk = await self._begin()
        deadline = self._began + declaration.limits.seconds
        while walk.query is not None:
            if (limit := self._limit_reached(declaration, deadline)) is not None:
                await self._stop_at(limit, declaration)
                return
            page = await self._fetch(declaration, walk, deadline)
            if page is None:
                continue
            walk = await self._store(page, walk)
        while _may_sweep(declaration, walk) and (following := await self._sweep(walk)) is not None:
            walk = following
        await self._complete(declaration, walk)

    async def fail(self, reason: str, *, restart: bool) -> None:
        """Ends the run; the next one goes on where this one is, or begins anew. Raises LeaseLost."""
        async with self._database.transaction() as session:
            await finish(session, self._claimed, RunState.FAILED, error=reason[:2000])
            checkpoint = await self._checkpoint(session)
            declaration = await self._declared(session)
            # A list that changed since may have moved what was not seen yet to where the walk has been.
            if restart or declaration is None or declaration.sweeps:
                checkpoint.walk = None

    async def cancel(self) -> None:
        """Ends a run whose cancellation was asked for. Raises LeaseLost when it was not, or is not ours."""
        async with self._database.transaction() as session:
            asked = SyncRun.cancel_requested_at.is_not(None)
            await finish(session, self._claimed, RunState.CANCELLED, only=asked, error="cancelled")
            checkpoint = await self._checkpoint(session)
            declaration = await self._declared(session)
            is_backfill = checkpoint.walk is not None and checkpoint.walk.get("kind") == "backfill"
            if is_backfill or declaration is None or declaration.sweeps:
                checkpoint.walk = None

    async def _begin(self) -> tuple[Declaration, Walk]:
        async with self._database.transaction() as session:
            await session.execute(
                insert(SyncCheckpoint)
                .values(sync_id=self._run.sync_id, connection_id=self._run.connection_id)
                .on_conflict_do_nothing()
            )
            sync, declaration, actor = await self._sync(session)
            checkpoint = await self._checkpoint(session)
            walk = None if checkpoint.walk is None else Walk.model_validate(checkpoint.walk)
            if walk is None or walk.version != sync.version:
                opened = await open_connection(session, self._gateway, actor, declaration, self._run.connection_id)
                way = way_of(declaration, opened.definition)
                start = start_after(declaration.incremental, checkpoint.cursor)
                walk = Walk(
                    kind=declaration.mode,
                    version=sync.version,
                    began=self._run.id,
                    query=dict(first_position(declaration, way, start).values),
                    # Pages that go on after the mark begin with the overlap, which is not new.
                    mark=start if way.style == "after" else checkpoint.cursor,
                )
            elif walk.began == 0:
                walk.began = self._run.id
            checkpoint.walk = walk.model_dump()
            await session.flush()
            await advance_begun(session, self._claimed, walk.kind)
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
            await finish(session, self._claimed, RunState.PARTIAL, error=f"ended at {limit}; the next run goes on")

    async def _fetch(self, declaration: Declaration, walk: Walk, deadline: float) -> Page | None:
        """The next page; None when the time is up."""
        async with self._database.transaction() as session:
            _, _, actor = await self._sync(session)
            opened = await open_connection(session, self._gateway, actor, declaration, self._run.connection_id)
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                return await fetch(self._gateway, opened, declaration, walk)
        except TimeoutError:
            if time.monotonic() < deadline:
                raise
            return None

    async def _store(self, page: Page, walk: Walk) -> Walk:
        """One page: rows, counts and place in one transaction."""
        walk = walk.model_copy()
        async with self._database.transaction() as session:
            # First, so that nobody else can be writing the same page: the change holds the run's row.
            await advance(session, self._claimed)
            sync, declaration, _ = await self._sync(session)
            if sync.version != walk.version:
                raise RunFailed(
                    "the sync was changed meanwhile; the next run follows the new declaration", restart=True
                )
            target = await self._target(session, sync, declaration)
            changes, unreadable = target.changes(page.items, self._run.connection_id)
            writer = RowWriter(target, self._run.organization_id, self._run.connection_id)
            tally = await writer.write(session, changes)
            tally.refused = sorted([*tally.refused, *unreadable], key=lambda refused: refused.number)
            if declaration.sweeps:
                await self._mark_seen(session, writer, walk, tally)
                walk.blind += sum(refused.key is None for refused in tally.refused)
            walk.mark = page.mark
            walk.turn(page.following)
            checkpoint = await self._checkpoint(session)
            checkpoint.walk = walk.model_dump()
            await session.flush()
            values = self._counted(page.items, tally)
            await advance(session, self._claimed, **values)
        self._keep(values)
        return walk

    async def _mark_seen(self, session: AsyncSession, writer: RowWriter, walk: Walk, tally: Tally) -> None:
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
                        "walk": walk.began,
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
        """Tombstones some rows that the walk did not see; None when there are no more."""
        walk = walk.model_copy()
        async with self._database.transaction() as session:
            await advance(session, self._claimed)
            sync, declaration, _ = await self._sync(session)
            if sync.version != walk.version:
                raise RunFailed(
                    "the sync was changed meanwhile; the next run follows the new declaration", restart=True
                )
            target = await self._target(session, sync, declaration)
            statement = select(SyncedRow.row_id).where(self._is_row_of_run(), SyncedRow.walk != walk.began)
            if walk.swept is not None:
                statement = statement.where(SyncedRow.row_id > UUID(walk.swept))
            unseen = (await session.scalars(statement.order_by(SyncedRow.row_id).limit(_SWEPT_AT_ONCE))).all()
            if not unseen:
                return None
            writer = RowWriter(target, self._run.organization_id, self._run.connection_id)
            removed, refused = await writer.remove_rows(session, unseen)
            kept = {row_id for row_id, _ in refused}
            await session.execute(
                delete(SyncedRow).where(
                    self._is_row_of_run(), SyncedRow.row_id.in_([one for one in unseen if one not in kept])
                )
            )
            walk.swept = str(unseen[-1])
            (await self._checkpoint(session)).walk = walk.model_dump()
            await session.flush()
            rejections = [{"page": 0, "item": 0, "key": str(row_id), "reason": why} for row_id, why in refused]
            values = {
                "deleted": self._run.deleted + removed,
                "rejected": self._run.rejected + len(refused),
                "rejections": [*self._run.rejections, *rejections][:_MOST_REJECTIONS_SHOWN],
            }
            await advance(session, self._claimed, **values)
        self._keep(values)
        return walk

    async def _complete(self, declaration: Declaration, walk: Walk) -> None:
        async with self._database.transaction() as session:
            note = None
            if declaration.sweeps and walk.blind:
                note = f"nothing was taken for gone: the keys of {walk.blind} items could not be read"
            elif declaration.sweeps and not walk.is_end_certain:
                note = _UNCERTAIN_CHANGED if walk.progress.is_total_changed else _UNCERTAIN_END
            await finish(session, self._claimed, RunState.COMPLETED, error=note)
            checkpoint = await self._checkpoint(session)
            checkpoint.walk = None
            if declaration.incremental is not None and walk.mark is not None:
                known = checkpoint.cursor
                is_largest = declaration.incremental.source == "item" and declaration.incremental.take == "largest"
                checkpoint.cursor = walk.mark if known is None or not is_largest else larger(known, walk.mark)

    def _counted(self, items: Sequence[Any], tally: Tally) -> dict[str, Any]:
        run = self._run
        rejections = [_described(run.pages + 1, refused) for refused in tally.refused]
        return {
            "pages": run.pages + 1,
            "seen": run.seen + len(items),
            "inserted": run.inserted + tally.inserted,
            "updated": run.updated + tally.updated,
            "deleted": run.deleted + tally.deleted,
            "rejected": run.rejected + len(tally.refused),
            "rejections": [*run.rejections, *rejections][:_MOST_REJECTIONS_SHOWN],
        }

    def _keep(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            setattr(self._run, name, value)

    async def _sync(self, session: AsyncSession) -> tuple[Sync, Declaration, Actor]:
        """The sync as it is now, and who it works as."""
        # tenancy: the run's own sync; the run names it, no caller does
        sync = await session.scalar(select(Sync).where(Sync.id == self._run.sync_id))
        if sync is None:
            raise LeaseLost
        return sync, stored_declaration(sync.declaration), await acting_for(session, sync)

    async def _declared(self, session: AsyncSession) -> Declaration | None:
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

    async def _checkpoint(self, session: AsyncSession) -> SyncCheckpoint:
        found = await session.scalar(
            select(SyncCheckpoint)
            .where(
                SyncCheckpoint.sync_id == self._run.sync_id, SyncCheckpoint.connection_id == self._run.connection_id
            )
            .with_for_update()
        )
        if found is None:
            # Sync or connection are gone, and the run with them.
            raise LeaseLost
        return found

    def _is_row_of_run(self) -> Any:
        return (SyncedRow.sync_id == self._run.sync_id) & (SyncedRow.connection_id == self._run.connection_id)


def _may_sweep(declaration: Declaration, walk: Walk) -> bool:
    """Whether what the walk did not see is gone: it has seen all that there is."""
    return declaration.sweeps and walk.is_end_certain and not walk.blind


async def advance_begun(session: AsyncSession, claimed: Claimed, kind: str) -> None:
    """Says what the run is. The attempts stay: nothing has been stored yet."""
    await advance(session, claimed, kind=kind, attempts=SyncRun.attempts)


def _described(page: int, refused: Refused) -> dict[str, Any]:
    key = None if refused.key is None else ", ".join(str(part)[:100] for part in refused.key)
    return {
        "page": page,
        "item": refused.number,
        "key": key,
        "column": refused.column,
        "reason": refused.reason[:500],
    }

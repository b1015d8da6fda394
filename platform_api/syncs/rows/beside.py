"""Coordinates concurrent runs of one connection: none writes an older page over a newer one, or deletes new rows.

While another run is running, each stores which items its pages wrote. A run that requested a page before such a page
was stored, and has an item in common with it, requests it again: which of the two is newer is not known. All of this
is read and written under the lock of the connection's checkpoint.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.syncs.models import SyncedPage, SyncRun, SyncRunState
from platform_api.syncs.rows.target import Key


class Neighbours:
    """Represents the other runs of a run's connection."""

    def __init__(self, run: SyncRun) -> None:
        self._run = run

    async def running(self, session: AsyncSession) -> list[int]:
        """Returns the ids of those that are running now."""
        statement = select(SyncRun.id).where(
            # tenancy: other runs of the same sync and connection
            SyncRun.sync_id == self._run.sync_id,
            SyncRun.connection_id == self._run.connection_id,
            SyncRun.state == SyncRunState.RUNNING,
            SyncRun.id != self._run.id,
        )
        return list(await session.scalars(statement))

    async def latest_page(self, session: AsyncSession) -> int:
        """Returns the id of the last page that any of them stored; 0 when there is none."""
        return await session.scalar(select(func.max(SyncedPage.id)).where(self._is_ours())) or 0

    async def have_written(self, session: AsyncSession, keys: Iterable[Key], *, since: int) -> bool:
        """Returns true if one of them wrote an item of these after the page `since`."""
        statement = select(SyncedPage.keys).where(
            self._is_ours(), SyncedPage.id > since, SyncedPage.run_id != self._run.id
        )
        digests = {_digest(key) for key in keys}
        return any(written is None or not digests.isdisjoint(written) for written in await session.scalars(statement))

    async def tell(self, session: AsyncSession, keys: Iterable[Key] | None) -> None:
        """Stores which items a page wrote; None: possibly any of them."""
        digests = None if keys is None else [_digest(key) for key in keys]
        session.add(
            SyncedPage(
                sync_id=self._run.sync_id, connection_id=self._run.connection_id, run_id=self._run.id, keys=digests
            )
        )
        await session.flush()

    async def leave(self, session: AsyncSession) -> None:
        """Deletes the pages when the run ends, if it is the last one."""
        if not await self.running(session):
            await session.execute(delete(SyncedPage).where(self._is_ours()))

    def _is_ours(self) -> ColumnElement[bool]:
        # tenancy: the run's own sync and connection; the run names them, no caller does
        return (SyncedPage.sync_id == self._run.sync_id) & (SyncedPage.connection_id == self._run.connection_id)


def _digest(key: Key) -> int:
    text = "\0".join(_canonical(part) for part in key)
    return int.from_bytes(hashlib.sha256(text.encode(errors="replace")).digest()[:8], signed=True)


def _canonical(part: Any) -> str:
    """Returns the same text for values that PostgreSQL takes for equal."""
    match part:
        case Decimal():
            return str(part.normalize())
        case datetime() if part.tzinfo is not None:
            return part.astimezone(UTC).isoformat()
        case _:
            return str(part)

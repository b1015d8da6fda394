"""Removes what is beyond an app's limits, in small batches with pauses between them."""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from platform_api.core.database import Database
from platform_api.core.types import AppId
from platform_api.retention.limits import RetentionLimits, stored_limits
from platform_api.retention.queries import QUERIES

log = structlog.stdlib.get_logger()

AGAIN_SECONDS = 600
"""Until an app in which runs are started is looked through again."""
_SOON_SECONDS = 60
_QUIET_SECONDS = 3600
_ROWS = 200
_CALLS = 2000
# Of log lines that go in one transaction.
_BATCH_BYTES = 4 * 1024 * 1024
_PAUSE_SECONDS = 0.05
_MEGABYTE = 1024 * 1024


class Removal:
    """Looks apps through, one after the other; any number of processes may do so at once."""

    def __init__(self, database: Database, ceiling: RetentionLimits) -> None:
        self._database = database
        self._ceiling = ceiling

    async def look_through_next(self) -> bool:
        """Looks the app through that has waited longest; returns false when none is due."""
        async with self._database.transaction() as session:
            await session.execute(QUERIES["add_missing"])
            claimed = (await session.execute(QUERIES["claim"], {"again_seconds": AGAIN_SECONDS})).one_or_none()
        if claimed is None:
            return False
        app_id = AppId(claimed.app_id)
        limits = stored_limits(claimed.limits).within(self._ceiling)
        removed = await self.look_through(app_id, limits)
        if total := sum(removed.values()):
            log.info("retention.removed", app_id=app_id, **removed)
        times = {"soon_seconds": _SOON_SECONDS, "again_seconds": AGAIN_SECONDS, "quiet_seconds": _QUIET_SECONDS}
        async with self._database.transaction() as session:
            await session.execute(QUERIES["next_look"], {"app_id": app_id, "removed": total, **times})
        return True

    async def look_through(self, app_id: AppId, limits: RetentionLimits) -> Mapping[str, int]:
        """Removes what is beyond the limits of one app; returns how many of each kind."""
        runs, logs, calls = limits.runs, limits.logs, limits.calls
        return {
            "logs": await self._remove(
                app_id,
                "remove_logs",
                last="last_log_to_remove",
                beyond={"max_bytes": _bytes(logs.megabytes), "max_days": logs.days},
            ),
            "runs": await self._remove(
                app_id,
                "remove_runs",
                last="last_run_to_remove",
                beyond={"max_count": runs.count, "max_bytes": _bytes(runs.megabytes), "max_days": runs.days},
            ),
            "calls": await self._remove(
                app_id,
                "remove_calls",
                last="last_call_to_remove",
                beyond={"max_count": calls.count, "max_days": calls.days},
                rows=_CALLS,
            ),
            "deliveries": await self._remove(app_id, "remove_deliveries", rows=_CALLS),
        }

    async def _remove(
        self,
        app_id: AppId,
        statement: str,
        *,
        last: str | None = None,
        beyond: Mapping[str, int | None] | None = None,
        rows: int = _ROWS,
    ) -> int:
        """Runs a removing statement until it finds no more, up to the row that the statement `last` finds."""
        parameters: dict[str, Any] = {"app_id": app_id, "rows": rows}
        if last is not None and beyond is not None:
            if not any(beyond.values()):
                return 0
            async with self._database.transaction() as session:
                parameters["last_id"] = await session.scalar(QUERIES[last], {"app_id": app_id, **beyond})
            if parameters["last_id"] is None:
                return 0
        if ":bytes" in QUERIES[statement].text:
            parameters["bytes"] = _BATCH_BYTES
        removed = 0
        while True:
            async with self._database.transaction() as session:
                batch = len((await session.execute(QUERIES[statement], parameters)).all())
            removed += batch
            if not batch:
                return removed
            await asyncio.sleep(_PAUSE_SECONDS)


def _bytes(megabytes: int | None) -> int | None:
    return None if megabytes is None else megabytes * _MEGABYTE

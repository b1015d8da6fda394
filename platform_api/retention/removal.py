"""Removes what is beyond an app's limits, in small batches with pauses between them."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from platform_api.core.database import Database
from platform_api.core.types import AppId, OrganizationId
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


@dataclass(frozen=True, slots=True)
class _Organization:
    """Describes an organization that has runs of an app."""

    id: OrganizationId
    is_measured: bool
    """It is time to read the sizes of its runs and logs, all of which are read for that."""
    is_active: bool
    """It started a run lately."""


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
        organizations = await self._organizations(app_id, claimed.measured_at)
        removed = await self._look_through(app_id, limits, organizations)
        if total := sum(removed.values()):
            log.info("retention.removed", app_id=app_id, **removed)
        parameters = {
            "app_id": app_id,
            "due_at": claimed.due_at,
            "removed": total,
            "is_measured": any(organization.is_measured for organization in organizations),
            "is_active": any(organization.is_active for organization in organizations),
            "soon_seconds": _SOON_SECONDS,
            "again_seconds": AGAIN_SECONDS,
            "quiet_seconds": _QUIET_SECONDS,
        }
        async with self._database.transaction() as session:
            await session.execute(QUERIES["next_look"], parameters)
        return True

    async def look_through(
        self, app_id: AppId, limits: RetentionLimits, *, measured_at: datetime | None = None
    ) -> Mapping[str, int]:
        """Removes what is beyond the limits of one app; returns how many of each kind.

        `measured_at` is when the sizes of its runs and logs were read last; None: they are read now.
        """
        return await self._look_through(app_id, limits, await self._organizations(app_id, measured_at))

    async def _organizations(self, app_id: AppId, measured_at: datetime | None) -> list[_Organization]:
        parameters = {"app_id": app_id, "measured_at": measured_at, "again_seconds": AGAIN_SECONDS}
        async with self._database.transaction() as session:
            found = (await session.execute(QUERIES["organizations_of_runs"], parameters)).all()
        return [_Organization(row.organization_id, row.is_measured, row.is_active) for row in found]

    async def _look_through(
        self, app_id: AppId, limits: RetentionLimits, organizations: Sequence[_Organization]
    ) -> Mapping[str, int]:
        removed = Counter(logs=0, runs=0, calls=0, deliveries=0)
        for organization in organizations:
            of = {"app_id": app_id, "organization_id": organization.id}
            if organization.is_measured:
                removed["logs"] += await self._remove_logs(of, limits)
            removed["runs"] += await self._remove_runs(of, limits, is_measured=organization.is_measured)
        async with self._database.transaction() as session:
            callers = (await session.scalars(QUERIES["organizations_of_calls"], {"app_id": app_id})).all()
        for caller in callers:
            removed["calls"] += await self._remove_calls({"app_id": app_id, "organization_id": caller}, limits)
        removed["deliveries"] += await self._remove("remove_deliveries", {"app_id": app_id, "rows": _CALLS})
        return removed

    async def _remove_logs(self, of: Mapping[str, int], limits: RetentionLimits) -> int:
        beyond = {"max_bytes": _bytes(limits.logs.megabytes), "max_days": limits.logs.days}
        last = await self._last("last_log_to_remove", of, beyond)
        return await self._remove_up_to(last, "remove_logs", {**of, "rows": _ROWS, "bytes": _BATCH_BYTES})

    async def _remove_runs(self, of: Mapping[str, int], limits: RetentionLimits, *, is_measured: bool) -> int:
        runs = limits.runs
        last = await self._last("last_run_to_remove", of, {"max_count": runs.count, "max_days": runs.days})
        if is_measured:
            last = max(last, await self._last("last_run_beyond_size", of, {"max_bytes": _bytes(runs.megabytes)}))
        return await self._remove_up_to(last, "remove_runs", {**of, "rows": _ROWS, "bytes": _BATCH_BYTES})

    async def _remove_calls(self, of: Mapping[str, int], limits: RetentionLimits) -> int:
        calls = limits.calls
        last = await self._last("last_call_to_remove", of, {"max_count": calls.count, "max_days": calls.days})
        return await self._remove_up_to(last, "remove_calls", {**of, "rows": _CALLS})

    async def _last(self, statement: str, of: Mapping[str, int], beyond: Mapping[str, int | None]) -> int:
        """Returns the id of the newest row that is beyond a limit; 0: none is."""
        if not any(beyond.values()):
            return 0
        async with self._database.transaction() as session:
            return await session.scalar(QUERIES[statement], {**of, **beyond}) or 0

    async def _remove_up_to(self, last: int, statement: str, parameters: Mapping[str, Any]) -> int:
        return await self._remove(statement, {**parameters, "last_id": last}) if last else 0

    async def _remove(self, statement: str, parameters: Mapping[str, Any]) -> int:
        """Runs a removing statement until it finds no more."""
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

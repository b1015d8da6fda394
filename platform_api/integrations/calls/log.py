"""Calls written down and counted, in batches beside the calls themselves.

A call waits for no write. What a process has not written yet when it is killed (about a second's calls) is missing
from the log and the count. The budget is compared with the count of all processes as it was last read, plus this
process's own calls since: several processes together may exceed it by a few seconds' calls.
"""

import asyncio
import time
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import cast

import structlog
from sqlalchemy import Table, delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from platform_api.core.database import Database
from platform_api.core.errors import NotEnoughCredits
from platform_api.core.types import AppId, ConnectionId, OrganizationId, RunId, UserId
from platform_api.integrations.models import IntegrationBudget, IntegrationUsage, LoggedCall

log = structlog.stdlib.get_logger()

# The table itself: the ORM would ask for the ids of what it inserts.
_CALLS = cast(Table, LoggedCall.__table__)
# What `record` takes, in its order, and when.
_COLUMNS = (
    *("organization_id", "app_id", "user_id", "run_id", "integration_id", "connection_id"),
    *("method", "endpoint", "status_code", "ok", "elapsed_ms", "created_at"),
)
_WRITTEN_EVERY_SECONDS = 1.0
_BATCH = 2000
_MOST_WAITING = 50_000
_KNOWN_FOR_SECONDS = 5.0
_CLEARED_EVERY_SECONDS = 3600.0


@dataclass(slots=True)
class _Known:
    """An organization's budget and count, as the database had them."""

    budget: int | None
    calls: int
    month: date
    until: float


class CallLog:
    """The calls of this process."""

    def __init__(self, database: Database, *, kept_days: int) -> None:
        self._database = database
        self._kept = timedelta(days=kept_days)
        self._waiting: deque[tuple[object, ...]] = deque(maxlen=_MOST_WAITING)
        self._uncounted: Counter[OrganizationId] = Counter()
        self._known: dict[OrganizationId, _Known] = {}
        self._writing = asyncio.Lock()

    async def require_credits(self, organization_id: OrganizationId) -> None:
        """Raises NotEnoughCredits when the month's budget is used up."""
        known = self._known.get(organization_id)
        if known is None or known.until < time.monotonic():
            known = self._known[organization_id] = await self._look_up(organization_id)
        if known.budget is not None and known.calls + self._uncounted[organization_id] >= known.budget:
            raise NotEnoughCredits(
                f"your organization's budget of {known.budget} calls in {known.month:%B %Y} is used up"
            )

    async def take_credit(self, organization_id: OrganizationId) -> None:
        """Counts a call that is about to be made. Raises NotEnoughCredits."""
        await self.require_credits(organization_id)
        self._uncounted[organization_id] += 1

    def record(
        self,
        *,
        organization_id: OrganizationId,
        app_id: AppId | None,
        user_id: UserId | None,
        run_id: RunId | None,
        integration_id: str,
        connection_id: ConnectionId,
        method: str,
        endpoint: str,
        status_code: int,
        ok: bool,
        elapsed_ms: int,
    ) -> None:
        """Has a call written soon; beyond a bound the oldest that wait are dropped."""
        caller = (organization_id, app_id, user_id, run_id, integration_id, connection_id)
        self._waiting.append((*caller, method, endpoint, status_code, ok, elapsed_ms, datetime.now(UTC)))

    def forget(self, organization_id: OrganizationId) -> None:
        """The organization's budget has changed."""
        self._known.pop(organization_id, None)

    async def write(self) -> None:
        """Writes what waits. What cannot be written now is kept for the next time."""
        async with self._writing:
            await self._count()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
                try:
                    # Not COPY: the driver forgets one that a lost connection refused, and asyncio complains of it.
                    async with self._database.transaction() as session:
                        values = [dict(zip(_COLUMNS, call, strict=True)) for call in batch]
                        await session.execute(insert(_CALLS), values)
                except BaseException:
                    self._waiting.extendleft(reversed(batch))
                    raise

    async def write_for_ever(self) -> None:
        """Writes every second, clears away old calls every hour."""
        cleared = 0.0
        while True:
            await asyncio.sleep(_WRITTEN_EVERY_SECONDS)
            try:
                await self.write()
                if time.monotonic() - cleared > _CLEARED_EVERY_SECONDS:
                    await self.clear()
                    cleared = time.monotonic()
            except Exception as error:  # whatever went wrong now, later calls must be written
                log.error("integrations.call_log_failed", waiting=len(self._waiting), exc_info=error)

    async def _count(self) -> None:
        counted, month = self._uncounted.copy(), this_month()
        rows = [
            # tenancy: counts are written for whoever made the calls
            {"organization_id": organization_id, "month": month, "calls": calls}
            for organization_id, calls in sorted(counted.items())
            if calls
        ]
        if not rows:
            return
        statement = upsert(IntegrationUsage)
        statement = statement.on_conflict_do_update(
            index_elements=[IntegrationUsage.organization_id, IntegrationUsage.month],
            set_={"calls": IntegrationUsage.calls + statement.excluded.calls},
        )
        async with self._database.transaction() as session:
            written = await session.execute(
                statement.returning(IntegrationUsage.organization_id, IntegrationUsage.calls), rows
            )
            totals = {row.organization_id: row.calls for row in written}
        self._uncounted -= counted
        for organization_id, calls in totals.items():
            if (known := self._known.get(organization_id)) is not None:
                known.calls, known.month = calls, month

    async def _look_up(self, organization_id: OrganizationId) -> _Known:
        month = this_month()
        async with self._database.transaction() as session:
            budget = await session.scalar(
                select(IntegrationBudget.calls_per_month).where(
                    IntegrationBudget.organization_id == organization_id  # tenancy: the organization that is calling
                )
            )
            calls = await session.scalar(
                select(IntegrationUsage.calls).where(
                    # tenancy: the organization that is calling
                    IntegrationUsage.organization_id == organization_id,
                    IntegrationUsage.month == month,
                )
            )
        return _Known(budget, calls or 0, month, time.monotonic() + _KNOWN_FOR_SECONDS)

    async def clear(self) -> None:
        """Deletes calls that have been kept long enough."""
        async with self._database.transaction() as session:
            await session.execute(delete(LoggedCall).where(LoggedCall.created_at < datetime.now(UTC) - self._kept))


def this_month() -> date:
    """The first day of the calendar month, in UTC."""
    return datetime.now(UTC).date().replace(day=1)

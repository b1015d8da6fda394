"""Logs and counts calls, in batches and in the background.

No call waits for a write. A process that is killed loses the entries and counts of about its last second. The budget
is compared with the count of all processes as last read plus this process's own calls since, so several processes may
together exceed it by the calls of a few seconds.
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

# The table itself: the ORM would fetch the ids of inserted rows.
_CALLS = cast(Table, LoggedCall.__table__)
# The arguments of `record`, in its order, and the time.
_COLUMNS = (
    *("organization_id", "app_id", "user_id", "run_id", "integration_id", "connection_id"),
    *("method", "endpoint", "status_code", "ok", "elapsed_ms", "created_at"),
)
_WRITE_SECONDS = 1.0
_BATCH = 2000
_MAX_WAITING = 50_000
_CACHE_SECONDS = 5.0
_CLEAR_SECONDS = 3600.0


@dataclass(slots=True)
class _Usage:
    """Holds the budget and the count of an organization, as last read from the database."""

    budget: int | None
    calls: int
    month: date
    until: float


class CallLog:
    """Logs the calls of this process."""

    def __init__(self, database: Database, *, kept_days: int) -> None:
        self._database = database
        self._kept = timedelta(days=kept_days)
        self._waiting: deque[tuple[object, ...]] = deque(maxlen=_MAX_WAITING)
        self._uncounted: Counter[OrganizationId] = Counter()
        self._usage: dict[OrganizationId, _Usage] = {}
        self._writing = asyncio.Lock()

    async def require_credits(self, organization_id: OrganizationId) -> None:
        """Raises NotEnoughCredits when the month's budget is used up."""
        usage = self._usage.get(organization_id)
        if usage is None or usage.until < time.monotonic():
            usage = self._usage[organization_id] = await self._look_up(organization_id)
        if usage.budget is not None and usage.calls + self._uncounted[organization_id] >= usage.budget:
            raise NotEnoughCredits(
                f"your organization's budget of {usage.budget} calls in {usage.month:%B %Y} is used up"
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
        """Queues a call for the log; when too many are waiting, the oldest are dropped."""
        caller = (organization_id, app_id, user_id, run_id, integration_id, connection_id)
        self._waiting.append((*caller, method, endpoint, status_code, ok, elapsed_ms, datetime.now(UTC)))

    def forget(self, organization_id: OrganizationId) -> None:
        """Drops the cached budget of an organization, which has changed."""
        self._usage.pop(organization_id, None)

    async def write(self) -> None:
        """Writes the waiting calls; what cannot be written stays for the next time."""
        async with self._writing:
            await self._count()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
                try:
                    # Not COPY: when a lost connection refuses one, the driver drops it, and asyncio warns of it.
                    async with self._database.transaction() as session:
                        values = [dict(zip(_COLUMNS, call, strict=True)) for call in batch]
                        await session.execute(insert(_CALLS), values)
                except BaseException:
                    self._waiting.extendleft(reversed(batch))
                    raise

    async def run(self) -> None:
        """Writes every second, and deletes old calls every hour, until it is cancelled."""
        cleared = 0.0
        while True:
            await asyncio.sleep(_WRITE_SECONDS)
            try:
                await self.write()
                if time.monotonic() - cleared > _CLEAR_SECONDS:
                    await self.clear()
                    cleared = time.monotonic()
            except Exception as error:  # a failure now must not stop the log of later calls
                log.error("integrations.call_log_failed", waiting=len(self._waiting), exc_info=error)

    async def _count(self) -> None:
        counted, month = self._uncounted.copy(), this_month()
        rows = [
            # tenancy: counts belong to the organizations that made the calls
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
            if (usage := self._usage.get(organization_id)) is not None:
                usage.calls, usage.month = calls, month

    async def _look_up(self, organization_id: OrganizationId) -> _Usage:
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
        return _Usage(budget, calls or 0, month, time.monotonic() + _CACHE_SECONDS)

    async def clear(self) -> None:
        """Deletes calls that are older than the log is kept."""
        async with self._database.transaction() as session:
            await session.execute(delete(LoggedCall).where(LoggedCall.created_at < datetime.now(UTC) - self._kept))


def this_month() -> date:
    """Returns the first day of the calendar month in UTC."""
    return datetime.now(UTC).date().replace(day=1)

"""Collects what an organization uses. Every count ends at a bound."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.service import count_members
from platform_api.files.service import Usage as StoredFiles
from platform_api.files.service import usage_of
from platform_api.integrations.calls.usage import DailyCalls, MonthlyUsage, calls_by_day, usage_of_month
from platform_api.runs.listing.filters import RunFilters
from platform_api.runs.listing.histogram import Bucket, count_over_time
from platform_api.tables.sizes import StoredRows, estimate_rows

DAYS = 30


@dataclass(frozen=True, slots=True)
class Day:
    """Holds what happened on one day (UTC); None where so much happened later that this day is not counted."""

    day: date
    runs: int | None
    failed_runs: int | None
    calls: int | None
    failed_calls: int | None


@dataclass(frozen=True, slots=True)
class OrganizationUsage:
    """Holds what an organization uses."""

    days: Sequence[Day]
    calls: MonthlyUsage
    files: StoredFiles
    stored: StoredRows
    members: int


async def read_usage(session: AsyncSession, actor: Actor) -> OrganizationUsage:
    """Returns what the organization of `actor` uses now, and day by day of the last 30 days, today last."""
    return OrganizationUsage(
        days=await _days(session, actor),
        calls=await usage_of_month(session, actor),
        files=await usage_of(session, actor.organization_id),
        stored=await estimate_rows(session, actor),
        members=await count_members(session, actor),
    )


async def _days(session: AsyncSession, actor: Actor) -> list[Day]:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    since, until = today - timedelta(days=DAYS - 1), today + timedelta(days=1)
    calls = await calls_by_day(session, actor, since)
    runs = await count_over_time(session, actor, RunFilters(since=since, until=until), buckets=DAYS)
    return [_day(bucket, runs.counted_from, calls) for bucket in runs.buckets]


def _day(bucket: Bucket, counted_from: datetime, calls: DailyCalls) -> Day:
    day = bucket.start.astimezone(UTC).date()
    made, failed = calls.on(day)
    # The day on which counting ended is counted in part.
    has_runs = bucket.start >= counted_from
    all_runs = bucket.completed + bucket.failed + bucket.stopped + bucket.open
    return Day(day, all_runs if has_runs else None, bucket.failed if has_runs else None, made, failed)

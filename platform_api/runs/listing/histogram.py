"""Counts runs over time, by how they ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, literal, select, text
from sqlalchemy.dialects.postgresql import INTERVAL
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.core.errors import Unprocessable
from platform_api.runs.listing.filters import RunFilters, admits
from platform_api.runs.listing.service import MAX_SEARCHED, bounded_time, narrow_columns
from platform_api.runs.models import Run, RunState
from platform_api.runs.service import visible_runs

MAX_BUCKETS = 60
MAX_COUNTED = 1_000_000
"""Runs at whose index entries a histogram looks."""
_DEFAULT_TIME = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(slots=True)
class Bucket:
    """Holds how many runs were created from `start` on, by how they ended."""

    start: datetime
    completed: int = 0
    failed: int = 0
    stopped: int = 0
    open: int = 0

    def add(self, state: RunState, runs: int) -> None:
        """Counts `runs` runs in `state`."""
        name = str(state) if state.has_ended else "open"
        setattr(self, name, getattr(self, name) + runs)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Holds counts of equal times, without a gap. What is older than `counted_from` is not counted."""

    since: datetime
    until: datetime
    width: timedelta
    counted_from: datetime
    buckets: Sequence[Bucket]


async def count_over_time(session: AsyncSession, actor: Actor, filters: RunFilters, *, buckets: int) -> Histogram:
    """Counts the runs that `actor` may see and `filters` admit in at most `buckets` buckets, by default of a day.

    Looks at a bounded number of runs, the newest first. Raises Unprocessable for a time that is empty or takes too
    long.
    """
    until = filters.until or await _end_of_now(session)
    since = filters.since or until - _DEFAULT_TIME
    if since >= until:
        raise Unprocessable(f"from: must be before `to`, {until.isoformat()}, not {since.isoformat()}")
    # Rounded up, so that no bucket begins at the end or after it.
    width = -(-(until - since) // (buckets * _MICROSECOND)) * _MICROSECOND
    limit = MAX_COUNTED if filters.text is None else MAX_SEARCHED
    looked_at = (
        select(*narrow_columns())
        .where(visible_runs(actor), Run.created_at >= since, Run.created_at < until)
        .order_by(Run.created_at.desc(), Run.id.desc())
        .limit(limit)
        .subquery()
    )
    start = func.date_bin(literal(width, INTERVAL), looked_at.c.created_at, since).label("start")
    statement = select(
        start,
        looked_at.c.state,
        func.count().label("looked_at"),
        func.count().filter(admits(actor, looked_at.c, filters)).label("runs"),
        func.min(looked_at.c.created_at).label("oldest"),
    ).group_by(start, looked_at.c.state)
    async with bounded_time(session):
        # Rows are wide, and only the index has them by time: the planner takes them for as cheap as its entries.
        await session.execute(text("set local enable_seqscan = off"))
        rows = (await session.execute(statement)).all()
    counts = {
        since + number * width: Bucket(since + number * width) for number in range(-(-(until - since) // width))
    }
    for row in rows:
        counts[row.start].add(row.state, row.runs)
    is_complete = sum(row.looked_at for row in rows) < limit
    counted_from = since if is_complete else min(row.oldest for row in rows)
    return Histogram(since, until, width, counted_from, list(counts.values()))


async def _end_of_now(session: AsyncSession) -> datetime:
    """Returns the first moment after the database's present, so that a run of just now is counted."""
    now: datetime | None = await session.scalar(select(func.now()))
    assert now is not None
    return now + _MICROSECOND

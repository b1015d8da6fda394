"""Records which runners are present, and how strongly they isolate; for `/health`."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ScalarSelect, Text, delete, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.core.database import Database
from platform_api.core.health import HealthCheck
from platform_api.core.settings import SandboxIsolation
from platform_api.runs.models import RunnerPresence
from platform_api.runs.queries import QUERIES
from platform_api.runs.runner_schemas import Isolation

PRESENT_SECONDS = 60
"""A runner asks for work every 30 seconds at least, or sends heartbeats."""
_KEPT_FOR = timedelta(days=1)
_MAX_SHOWN = 100


async def note_runner(
    session: AsyncSession, runner_id: str, isolation: Isolation, *, free_slots: int, runs_as_root: bool = False
) -> None:
    """Records that a runner asked for work, and deletes runners that were absent for a day.

    A runner asks for as many runs as it has free slots; with those that it holds, these are all of its slots.
    """
    held = (await session.execute(QUERIES["count_held"], {"runner_id": runner_id, "organization_id": None})).one()
    seen = {
        "isolation": str(isolation),
        "slots": held.by_runner + free_slots,
        "runs_as_root": runs_as_root,
        "seen_at": func.now(),
    }
    await session.execute(delete(RunnerPresence).where(RunnerPresence.seen_at < func.now() - _KEPT_FOR))
    await session.execute(
        insert(RunnerPresence)
        .values(id=runner_id, **seen)
        .on_conflict_do_update(index_elements=[RunnerPresence.id], set_=seen)
    )


async def note_language_servers(session: AsyncSession, runner_id: str, isolation: Isolation, *, limit: int) -> None:
    """Records that a runner runs up to `limit` language servers."""
    seen = {"isolation": str(isolation), "language_servers": limit, "seen_at": func.now()}
    await session.execute(
        insert(RunnerPresence)
        .values(id=runner_id, **seen)
        .on_conflict_do_update(index_elements=[RunnerPresence.id], set_=seen)
    )


async def note_heartbeat(session: AsyncSession, runner_id: str) -> None:
    """Records that a busy runner is present: while it renews its runs, it does not ask for work."""
    await session.execute(update(RunnerPresence).where(RunnerPresence.id == runner_id).values(seen_at=func.now()))


def present_levels() -> ScalarSelect[list[str] | None]:
    """Returns the part of a statement that lists how the present runners isolate; NULL when none is present."""
    levels = func.array_agg(RunnerPresence.isolation.distinct(), type_=ARRAY(Text))
    return select(levels).where(_is_present()).scalar_subquery()


def _is_present() -> ColumnElement[bool]:
    return RunnerPresence.seen_at > func.now() - timedelta(seconds=PRESENT_SECONDS)


async def last_seen_runner(session: AsyncSession) -> datetime | None:
    """Returns when any runner was active last, as far as it is kept."""
    seen_at: datetime | None = await session.scalar(select(func.max(RunnerPresence.seen_at)))
    return seen_at


async def present_runners(session: AsyncSession) -> Sequence[RunnerPresence]:
    """Returns the runners that were active within the last minute, by id."""
    statement = select(RunnerPresence).where(_is_present()).order_by(RunnerPresence.id)
    return (await session.scalars(statement)).all()


async def known_runners(session: AsyncSession) -> Sequence[tuple[RunnerPresence, float]]:
    """Returns the runners that were active within the last day, and the seconds since each was; at most 100."""
    absent = func.extract("epoch", func.now() - RunnerPresence.seen_at)
    statement = select(RunnerPresence, absent).order_by(RunnerPresence.seen_at.desc()).limit(_MAX_SHOWN)
    return [(runner, seconds) for runner, seconds in await session.execute(statement)]


def isolation_check(database: Database, configured: SandboxIsolation) -> HealthCheck:
    """Returns the health check that shows the configured isolation, and that of the runners present."""

    async def check() -> dict[str, object]:
        async with database.transaction() as session:
            present = await present_runners(session)
        return {
            "configured": str(configured),
            "levels": sorted({runner.isolation for runner in present}),
            "runners": len(present),
            "as_root": sum(runner.runs_as_root for runner in present),
        }

    return check

"""Collects how the installation does: its runners, its queue, its storage. Every count ends at a bound."""

import asyncio
import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from automio import __version__
from platform_api.core.settings import Settings
from platform_api.runs.models import Run
from platform_api.runs.presence import PRESENT_SECONDS, known_runners

MAX_COUNTED = 10_000
"""Waiting runs that are counted; a longer queue is shown as that many or more."""
# Written out, because the planner proves the conditions of the partial indexes from them.
_IS_WAITING = text("state = 'pending'")
_IS_HELD = text("state in ('claimed', 'running')")


@dataclass(frozen=True, slots=True)
class KnownRunner:
    """Holds a runner that was active within the last day; `absent_seconds` since it was."""

    id: str
    isolation: str
    slots: int | None
    held: int
    seen_at: datetime
    absent_seconds: float

    @property
    def is_present(self) -> bool:
        """Tells whether the runner was active within the last minute."""
        return self.absent_seconds <= PRESENT_SECONDS


@dataclass(frozen=True, slots=True)
class QueueLength:
    """Holds how many runs wait and are held, and since when the oldest of the counted ones waits."""

    waiting: int
    held: int
    oldest_waiting_seconds: float | None


@dataclass(frozen=True, slots=True)
class Storage:
    """Holds bytes of the database and of the disk with the application files; None where they are elsewhere."""

    database_bytes: int
    files_free_bytes: int | None
    files_total_bytes: int | None


@dataclass(frozen=True, slots=True)
class InstallationHealth:
    """Holds how the installation does."""

    versions: dict[str, str]
    runners: Sequence[KnownRunner]
    queue: QueueLength
    storage: Storage


async def read_health(session: AsyncSession, settings: Settings) -> InstallationHealth:
    """Returns how the installation does, over all organizations: for operators only."""
    held = await _held_by_runner(session)
    runners = [
        KnownRunner(
            runner.id, runner.isolation, runner.slots, held.get(runner.id, 0), runner.seen_at, float(absent_seconds)
        )
        for runner, absent_seconds in await known_runners(session)
    ]
    waiting, oldest = await _waiting(session)
    server_version = str(await session.scalar(text("show server_version")))
    return InstallationHealth(
        versions={
            "automio": __version__,
            "postgresql": server_version.partition(" ")[0],
            "python": platform.python_version(),
        },
        runners=runners,
        queue=QueueLength(waiting, sum(held.values()), oldest),
        storage=await _storage(session, settings),
    )


async def _held_by_runner(session: AsyncSession) -> dict[str, int]:
    # tenancy: an operator sees how many runs there are, not whose
    rows = await session.execute(select(Run.runner_id, func.count()).where(_IS_HELD).group_by(Run.runner_id))
    return {runner_id or "": count for runner_id, count in rows}


async def _waiting(session: AsyncSession) -> tuple[int, float | None]:
    # tenancy: an operator sees how many runs there are, not whose
    counted = select(Run.created_at).where(_IS_WAITING).limit(MAX_COUNTED).subquery()
    oldest = func.extract("epoch", func.now() - func.min(counted.c.created_at))
    count, seconds = (await session.execute(select(func.count(), oldest).select_from(counted))).one()
    return count, None if seconds is None else float(seconds)


async def _storage(session: AsyncSession, settings: Settings) -> Storage:
    database_bytes = await session.scalar(select(func.pg_database_size(func.current_database()))) or 0
    directory = settings.files_dir
    if directory is None or not await asyncio.to_thread(directory.is_dir):
        return Storage(database_bytes, None, None)
    disk = await asyncio.to_thread(shutil.disk_usage, directory)
    return Storage(database_bytes, disk.free, disk.total)

"""Looks for schedules that are due as long as the application runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from platform_api.core.database import Database
from platform_api.core.services import Services
from platform_api.core.work_loop import WorkLoop
from platform_api.triggers.starting import next_due, start_due
from platform_api.work.sweep import Source, Sweep


@asynccontextmanager
async def triggers_lifespan(services: Services) -> AsyncIterator[None]:
    """Starts what is due as long as the block runs."""
    database, sweep = services[Database], services[Sweep]

    async def start() -> bool:
        return await start_due(database)

    loop = WorkLoop("schedules", start)
    async with loop.running(), sweep.serving(Source("schedules", loop.wake, due=next_due())):
        yield

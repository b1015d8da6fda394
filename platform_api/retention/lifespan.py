"""Removes what apps no longer keep, as long as the application runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from platform_api.core.database import Database
from platform_api.core.services import Services
from platform_api.core.settings import Settings
from platform_api.core.work_loop import WorkLoop
from platform_api.retention.limits import ceiling_of
from platform_api.retention.removal import Removal

_LOOK_SECONDS = 20.0


@asynccontextmanager
async def retention_lifespan(services: Services) -> AsyncIterator[None]:
    """Provides the Removal, and has it look apps through."""
    removal = services.provide(Removal(services[Database], ceiling_of(services[Settings])))
    async with WorkLoop("retention", removal.look_through_next, look_again_seconds=_LOOK_SECONDS).running():
        yield

"""Provides the PresenceHub, and keeps the account of presences true."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from platform_api.core.database import Database
from platform_api.core.listener import Listener
from platform_api.core.services import Services
from platform_api.core.work_loop import WorkLoop
from platform_api.presence import service
from platform_api.presence.hub import PresenceHub

_RENEWED_EVERY_SECONDS = 2.0


@asynccontextmanager
async def presence_lifespan(services: Services) -> AsyncIterator[None]:
    """Provides the PresenceHub; renews its visits, and forgets those of processes that are gone."""
    database, hub = services[Database], PresenceHub(services[Listener])
    services.provide(hub)

    async def keep() -> bool:
        async with hub.account:
            if visits := hub.visits:
                async with database.transaction() as session:
                    await service.renew(session, visits)
                    await service.forget_lost(session)
        return False

    async with WorkLoop("presence", keep, look_again_seconds=_RENEWED_EVERY_SECONDS).running():
        yield

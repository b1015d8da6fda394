"""Provides what brings editors and runners together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from platform_api.core.database import Database
from platform_api.core.health import HealthChecks
from platform_api.core.listener import Listener
from platform_api.core.services import Services
from platform_api.language_server.hub import Hub
from platform_api.language_server.service import is_offered


@asynccontextmanager
async def language_server_lifespan(services: Services) -> AsyncIterator[None]:
    """Provides the Hub; shows in `/health` whether a runner offers language servers."""
    database = services[Database]
    services.provide(Hub(services[Listener]))

    async def check() -> str:
        async with database.transaction() as session:
            return "ok" if await is_offered(session) else "absent"

    services[HealthChecks].add("language_servers", check)
    yield

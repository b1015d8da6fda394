"""Provides what counts requests as long as the application runs: Redis where there is one, else PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from limits.aio.storage import Storage

from platform_api.core.services import Services
from platform_api.core.settings import Settings
from platform_api.core.statement_pool import StatementPool
from platform_api.limits.postgres_storage import PostgresStorage
from platform_api.limits.rates import SharedRates

_POOL_SIZE = 4


@asynccontextmanager
async def limits_lifespan(services: Services) -> AsyncIterator[None]:
    """Provides SharedRates."""
    settings = services[Settings]
    url = settings.redis_url
    opening = _postgres(settings.database_url) if url is None else _redis(url.get_secret_value())
    async with opening as storage:
        services.provide(SharedRates(storage))
        yield


@asynccontextmanager
async def _postgres(database_url: str) -> AsyncIterator[Storage]:
    storage = PostgresStorage(
        await StatementPool.open(database_url, pool_max=_POOL_SIZE, application_name="automio limits")
    )
    sweeping = asyncio.create_task(storage.sweep_for_ever())
    try:
        yield storage
    finally:
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)
        await storage.close()


@asynccontextmanager
async def _redis(url: str) -> AsyncIterator[Storage]:
    # Local: only an installation with Redis needs its driver.
    from platform_api.limits.redis_storage import open_redis_storage

    async with open_redis_storage(url) as storage:
        yield storage

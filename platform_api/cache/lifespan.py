"""Provides what the cache needs as long as the application runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from platform_api.cache.authentication import CacheAuthenticator
from platform_api.cache.postgres_store import PostgresCacheStore
from platform_api.cache.store import CacheStore
from platform_api.core.database import Database
from platform_api.core.listener import Listener
from platform_api.core.remembered import AfterChanges
from platform_api.core.services import Services
from platform_api.core.settings import Settings
from platform_api.core.watchers import ACCESS_CHANNEL


@dataclass(frozen=True, slots=True)
class Cache:
    """Holds what the cache's endpoint works with."""

    callers: CacheAuthenticator
    store: CacheStore


@asynccontextmanager
async def cache_lifespan(services: Services) -> AsyncIterator[None]:
    """Provides Cache: in Redis where there is one, else in PostgreSQL."""
    settings = services[Settings]
    callers = CacheAuthenticator(services[Database])
    services[Listener].subscribe(ACCESS_CHANNEL, callers.forget)
    services[AfterChanges].add(callers.forget)
    if settings.redis_url is not None:
        # Local: only an installation with Redis needs its driver.
        from platform_api.cache.redis_store import RedisCacheStore

        redis_store = RedisCacheStore(settings.redis_url.get_secret_value())
        services.provide(Cache(callers, redis_store))
        try:
            yield
        finally:
            await redis_store.close()
        return
    store = await PostgresCacheStore.open(settings.database_url)
    services.provide(Cache(callers, store))
    sweeping = asyncio.create_task(store.sweep_for_ever())
    try:
        yield
    finally:
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)
        await store.close()

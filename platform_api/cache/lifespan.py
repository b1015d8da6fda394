"""What the cache needs as long as the application runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from platform_api.cache.callers import CacheCallers
from platform_api.cache.postgres_store import PostgresCacheStore
from platform_api.core.listener import listener_of
from platform_api.core.settings import Settings
from platform_api.graphql.sessions import CHANNEL


@asynccontextmanager
async def cache_lifespan(api: FastAPI) -> AsyncIterator[None]:
    """Sets `cache_callers` and `cache_store` of the application's state."""
    settings: Settings = api.state.settings
    callers = api.state.cache_callers = CacheCallers(api.state.database)
    listener_of(api).subscribe(CHANNEL, callers.forget)
    api.state.after_changes.append(callers.forget)
    if settings.redis_url is not None:
        # Local: only an installation with Redis needs its driver.
        from platform_api.cache.redis_store import RedisCacheStore

        redis_store = api.state.cache_store = RedisCacheStore(settings.redis_url.get_secret_value())
        try:
            yield
        finally:
            await redis_store.close()
        return
    store = api.state.cache_store = await PostgresCacheStore.open(settings.database_url)
    sweeping = asyncio.create_task(store.sweep_for_ever())
    try:
        yield
    finally:
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)
        await store.close()

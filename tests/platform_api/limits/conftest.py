"""Both storages of rate limits, each twice: as two processes have it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest
from limits.aio.storage import Storage

from platform_api.core.statement_pool import StatementPool
from platform_api.limits.postgres_storage import PostgresStorage
from platform_api.limits.rates import SharedRates
from platform_api.limits.redis_storage import open_redis_storage
from tests.platform_api.cache.redis_server import redis_server


@pytest.fixture(scope="module", params=["postgresql", "redis"])
def redis_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The URL of a Redis, and None for PostgreSQL."""
    if request.param == "postgresql":
        yield None
        return
    with redis_server() as url:
        yield url


@pytest.fixture
async def storages(module_database_url: str, redis_url: str | None) -> AsyncIterator[list[Storage]]:
    async with AsyncExitStack() as stack:
        made: list[Storage] = []
        for _ in range(2):
            if redis_url is not None:
                made.append(await stack.enter_async_context(open_redis_storage(redis_url)))
                continue
            pool = await StatementPool.open(module_database_url, pool_max=4, application_name="automio limits")
            stack.push_async_callback(pool.close)
            made.append(PostgresStorage(pool))
        yield made


@pytest.fixture
def rates(storages: list[Storage]) -> list[SharedRates]:
    return [SharedRates(storage) for storage in storages]

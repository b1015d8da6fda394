"""Redis as the storage of the library `limits`, through bounded connections of ours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from limits.aio.storage import RedisStorage
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError

_CONNECTIONS = 16
_SECONDS = 5.0


class _RedisStorage(RedisStorage):
    STORAGE_SCHEME = ["async+automio-redis"]  # noqa: RUF012  # the library's registry reads it

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return (RedisError, OSError, TimeoutError)


@asynccontextmanager
async def open_redis_storage(url: str) -> AsyncIterator[RedisStorage]:
    """Counts under `automio:limits:…`. `url` is what redis-py takes: `redis://`, `rediss://`, `unix://`."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_CONNECTIONS,
        timeout=_SECONDS,
        socket_timeout=_SECONDS,
        socket_connect_timeout=_SECONDS,
    )
    # The address is the pool's; the library only looks at what kind of server it is.
    storage = _RedisStorage(
        "async+redis://localhost:6379",
        wrap_exceptions=True,
        implementation="redispy",
        key_prefix="automio:limits",
        connection_pool=pool,  # type: ignore[arg-type]  # an option for redis-py, which the library passes on
    )
    try:
        yield storage
    finally:
        await pool.aclose()

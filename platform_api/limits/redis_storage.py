"""Opens Redis as the storage of the library `limits`, with a bounded connection pool."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from limits.aio.storage import RedisStorage
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError

_MAX_CONNECTIONS = 16
_TIMEOUT_SECONDS = 5.0


class _RedisStorage(RedisStorage):
    STORAGE_SCHEME = ["async+automio-redis"]  # noqa: RUF012  # the library's registry reads it

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return (RedisError, OSError, TimeoutError)


@asynccontextmanager
async def open_redis_storage(url: str) -> AsyncIterator[RedisStorage]:
    """Opens a storage with keys `automio:limits:…`. `url` is as for redis-py: `redis://`, `rediss://`, `unix://`."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_MAX_CONNECTIONS,
        timeout=_TIMEOUT_SECONDS,
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
    )
    # The pool has the real address; the library only reads the kind of server from this one.
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

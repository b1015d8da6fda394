"""Stores cache entries in Redis, as durably as that Redis is configured to."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from platform_api.cache.store import NO_EXPIRY, CacheScope, CacheUnavailable, Entry

log = structlog.stdlib.get_logger()

_Result = TypeVar("_Result")

_MAX_CONNECTIONS = 32
_TIMEOUT_SECONDS = 5.0


class RedisCacheStore:
    """Keeps entries under `automio:cache:<organization>:<app>:<key>`."""

    def __init__(self, url: str) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_MAX_CONNECTIONS,
            timeout=_TIMEOUT_SECONDS,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
        )
        self._redis = Redis.from_pool(pool)

    async def get(self, scope: CacheScope, key: str) -> Entry | None:
        name = _name(scope, key)

        async def ask() -> tuple[bytes | None, int]:
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.get(name)
                pipeline.pttl(name)
                value, milliseconds = await pipeline.execute()
                return value, milliseconds

        value, milliseconds = await _translated_errors(ask)
        # It expired between the two commands.
        if value is None or milliseconds == -2:
            return None
        return Entry(value.decode(), NO_EXPIRY if milliseconds < 0 else -(-milliseconds // 1000))

    async def set(self, scope: CacheScope, key: str, value: str, ttl: float | None) -> None:
        milliseconds = None if ttl is None else max(1, round(ttl * 1000))
        await _translated_errors(lambda: self._redis.set(_name(scope, key), value, px=milliseconds))

    async def delete(self, scope: CacheScope, key: str) -> bool:
        return bool(await _translated_errors(lambda: self._redis.delete(_name(scope, key))))

    async def close(self) -> None:
        await self._redis.aclose()


def _name(scope: CacheScope, key: str) -> str:
    return f"automio:cache:{scope.organization_id}:{scope.app_id}:{key}"


async def _translated_errors(call: Callable[[], Awaitable[_Result]]) -> _Result:
    try:
        return await call()
    except (RedisError, OSError, TimeoutError) as error:
        log.error("cache.redis_unavailable", error=str(error) or type(error).__name__)
        raise CacheUnavailable("the cache cannot be reached at the moment; try again") from error

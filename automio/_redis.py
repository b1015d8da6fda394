"""Uses the Redis of local development; connects on first use and closes with the client."""

import sys
from typing import TYPE_CHECKING, Any

from automio._exceptions import AutomioError, CacheUnavailable, ConfigurationError
from automio._exchange import RedisCommands
from automio._installation import client_command
from automio._settings import Settings

if TYPE_CHECKING:
    import redis
    import redis.asyncio

_TIMEOUT_SECONDS = 5.0
_RETRIES = 3
_has_warned = False


def connect(settings: Settings) -> "redis.Redis":
    """Creates a client for the configured server; sends nothing yet."""
    _import_redis(settings)
    import redis.retry

    retry = redis.retry.Retry(_backoff(), _RETRIES)
    return redis.Redis(**_arguments(settings), retry=retry)


def connect_async(settings: Settings) -> "redis.asyncio.Redis":
    """Does the same as `connect` for asyncio."""
    _import_redis(settings)
    import redis.asyncio.retry

    retry = redis.asyncio.retry.Retry(_backoff(), _RETRIES)
    return redis.asyncio.Redis(**_arguments(settings), retry=retry)


def execute(client: "redis.Redis", exchange: RedisCommands[Any], settings: Settings) -> Any:
    """Sends the commands together and reads the replies; raises CacheUnavailable when the server does not answer."""
    with client.pipeline(transaction=False) as pipeline:
        for command in exchange.commands:
            pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
        try:
            replies = pipeline.execute()
        except _import_redis(settings).RedisError as error:
            raise _unavailable(settings, error) from error
    return exchange.read(replies)


async def execute_async(client: "redis.asyncio.Redis", exchange: RedisCommands[Any], settings: Settings) -> Any:
    """Does the same as `execute` for asyncio."""
    async with client.pipeline(transaction=False) as pipeline:
        for command in exchange.commands:
            pipeline.execute_command(*command)
        try:
            replies = await pipeline.execute()
        except _import_redis(settings).RedisError as error:
            raise _unavailable(settings, error) from error
    return exchange.read(replies)


def warn_once(error: AutomioError) -> None:
    """Writes once per process that progress is shown here only, and why."""
    global _has_warned
    if not _has_warned:
        _has_warned = True
        sys.stderr.write(f"warning: progress is only shown here. {error}\n")


def _backoff() -> Any:
    """Returns waits of less than a second in total, so that a server that is not running is reported at once."""
    from redis.backoff import ExponentialBackoff

    return ExponentialBackoff(cap=0.2, base=0.02)


def _arguments(settings: Settings) -> dict[str, Any]:
    return {
        "host": settings.redis_host,
        "port": settings.redis_port,
        "db": settings.redis_db,
        "password": settings.redis_password,
        "socket_timeout": _TIMEOUT_SECONDS,
        "socket_connect_timeout": _TIMEOUT_SECONDS,
    }


def _import_redis(settings: Settings) -> Any:
    # An optional dependency: most scripts use the platform's cache service.
    try:
        import redis
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "CACHE_SERVICE_URL is not set and the redis package is not installed, so there is no cache.",
            hint="Run `automio init --app …` to use the platform's cache, or install the client with its extras: "
            f"`{client_command(settings.base_url)}`.",
        ) from error
    return redis


def _unavailable(settings: Settings, error: Exception) -> CacheUnavailable:
    return CacheUnavailable(
        f"The Redis server {settings.redis_host}:{settings.redis_port} (db {settings.redis_db}) failed: {error}.",
        hint="Start it or correct REDIS_HOST, REDIS_PORT, REDIS_DB and REDIS_PASSWORD, or set CACHE_SERVICE_URL and "
        "CACHE_SERVICE_TOKEN to use the platform's cache.",
    )

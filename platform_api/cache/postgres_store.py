"""Stores cache entries in an ordinary PostgreSQL table: one statement per call, without a transaction."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Self

import structlog

from platform_api.cache.store import NO_EXPIRY, CacheScope, CacheUnavailable, Entry
from platform_api.core.statement_pool import StatementFailed, StatementPool

log = structlog.stdlib.get_logger()

_POOL_SIZE = 4
_SWEEP_SECONDS = 60.0
_SWEEP_BATCH = 1000

# tenancy: the organization and the app are those of the caller's credential (authentication.py)
_GET = """
select value, ceil(extract(epoch from expires_at - now()))::bigint as ttl
from platform.cache_entries
where organization_id = $1 and app_id = $2 and key = $3 and (expires_at is null or expires_at > now())
"""
_SET = """
insert into platform.cache_entries (organization_id, app_id, key, value, expires_at)
values ($1, $2, $3, $4, now() + $5::interval)
on conflict (organization_id, app_id, key)
do update set value = excluded.value, expires_at = excluded.expires_at, updated_at = now()
"""
# tenancy: the organization and the app are those of the caller's credential (authentication.py)
_DELETE = """
delete from platform.cache_entries
where organization_id = $1 and app_id = $2 and key = $3
returning expires_at is null or expires_at > now()
"""
_SWEEP = """
delete from platform.cache_entries
where ctid = any (array(
    select ctid from platform.cache_entries where expires_at <= now() limit $1 for update skip locked
))
"""


class PostgresCacheStore:
    """Keeps entries in `platform.cache_entries`; `sweep_for_ever` removes expired ones."""

    def __init__(self, pool: StatementPool) -> None:
        self._pool = pool

    @classmethod
    async def open(cls, database_url: str) -> Self:
        """Returns a store with its own connections, opened when they are first needed."""
        return cls(await StatementPool.open(database_url, pool_max=_POOL_SIZE, application_name="automio cache"))

    async def get(self, scope: CacheScope, key: str) -> Entry | None:
        with _translated_errors():
            row = await self._pool.fetchrow(_GET, scope.organization_id, scope.app_id, key)
        return None if row is None else Entry(row["value"], NO_EXPIRY if row["ttl"] is None else row["ttl"])

    async def set(self, scope: CacheScope, key: str, value: str, ttl: float | None) -> None:
        expiry = None if ttl is None else timedelta(seconds=ttl)
        with _translated_errors():
            await self._pool.execute(_SET, scope.organization_id, scope.app_id, key, value, expiry)

    async def delete(self, scope: CacheScope, key: str) -> bool:
        with _translated_errors():
            return bool(await self._pool.fetchval(_DELETE, scope.organization_id, scope.app_id, key))

    async def sweep(self) -> int:
        """Deletes expired entries in batches; returns their number. Several processes may do so at once."""
        removed = 0
        while True:
            with _translated_errors():
                count = await self._pool.execute(_SWEEP, _SWEEP_BATCH)
            removed += count
            if count < _SWEEP_BATCH:
                return removed

    async def sweep_for_ever(self) -> None:
        """Sweeps at intervals, until it is cancelled."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            try:
                await self.sweep()
            except CacheUnavailable as error:
                log.warning("cache.sweep_failed", error=str(error))

    async def close(self) -> None:
        await self._pool.close()


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except StatementFailed as error:
        log.error("cache.database_unavailable", error=str(error))
        raise CacheUnavailable("the cache cannot be reached at the moment; try again") from error

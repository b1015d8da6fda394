"""Implements a storage of the library `limits` in PostgreSQL: one statement per hit, in unlogged tables."""

import asyncio
import time

import structlog
from limits.aio.storage import MovingWindowSupport, Storage

from platform_api.core.statement_pool import StatementFailed, StatementPool

log = structlog.stdlib.get_logger()

_SWEEP_SECONDS = 60.0
_SWEEP_BATCH = 1000

# An expired window starts again.
_INCREMENT = """
insert into platform.rate_counters as present (key, counted, expires_at)
values ($1, $3, clock_timestamp() + make_interval(secs => $2))
on conflict (key) do update set
    counted = excluded.counted + case when present.expires_at > clock_timestamp() then present.counted else 0 end,
    expires_at = case when present.expires_at > clock_timestamp() then present.expires_at else excluded.expires_at end
returning counted
"""
_GET = "select counted from platform.rate_counters where key = $1 and expires_at > clock_timestamp()"
_SECONDS_LEFT = """
select extract(epoch from expires_at - clock_timestamp())::float8 from platform.rate_counters where key = $1
"""
_CLEAR = """
with cleared as (delete from platform.rate_counters where key = $1)
delete from platform.rate_entries where key = $1
"""
_RESET = """
with counters as (delete from platform.rate_counters returning key), entries as (delete from platform.rate_entries)
select count(*) from counters
"""
_ACQUIRE = "select platform.acquire_rate_entries($1, $2, $3, $4)"
_WINDOW = """
select extract(epoch from clock_timestamp() - min(made_at))::float8 as age, count(*) as entries
from platform.rate_entries where key = $1 and made_at > clock_timestamp() - make_interval(secs => $2)
"""
# Rows that are being counted at the moment are locked, and stay.
_SWEEP = """
with gone as (
    delete from platform.rate_counters where ctid = any (array(
        select ctid from platform.rate_counters where expires_at <= clock_timestamp() limit $1 for update skip locked
    )) returning key
), entries as (
    delete from platform.rate_entries using gone where rate_entries.key = gone.key
)
select count(*) from gone
"""


class PostgresStorage(Storage, MovingWindowSupport):
    """Counts in `platform.rate_counters` and `platform.rate_entries`, by the database's clock."""

    STORAGE_SCHEME = ["async+automio-postgresql"]  # noqa: RUF012  # the library's registry reads it

    def __init__(self, pool: StatementPool) -> None:
        super().__init__(wrap_exceptions=True)
        self._pool = pool

    @property
    def base_exceptions(self) -> type[Exception]:
        return StatementFailed

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return int(await self._pool.fetchval(_INCREMENT, key, float(expiry), amount))

    async def get(self, key: str) -> int:
        return int(await self._pool.fetchval(_GET, key) or 0)

    async def get_expiry(self, key: str) -> float:
        return time.time() + max(await self._pool.fetchval(_SECONDS_LEFT, key) or 0.0, 0.0)

    async def check(self) -> bool:
        try:
            return bool(await self._pool.fetchval("select true"))
        except StatementFailed:
            return False

    async def reset(self) -> int | None:
        return int(await self._pool.fetchval(_RESET))

    async def clear(self, key: str) -> None:
        await self._pool.execute(_CLEAR, key)

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        return bool(await self._pool.fetchval(_ACQUIRE, key, limit, float(expiry), amount))

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        row = await self._pool.fetchrow(_WINDOW, key, float(expiry))
        # As a time of this machine's clock, whatever the database's clock says.
        return (time.time() - row["age"], row["entries"]) if row is not None and row["entries"] else (time.time(), 0)

    async def sweep(self) -> int:
        """Deletes expired counters in batches; returns their number. Several processes may do so at once."""
        removed = 0
        while True:
            count = int(await self._pool.fetchval(_SWEEP, _SWEEP_BATCH))
            removed += count
            if count < _SWEEP_BATCH:
                return removed

    async def sweep_for_ever(self) -> None:
        """Sweeps at intervals, until it is cancelled."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            try:
                await self.sweep()
            except StatementFailed as error:
                log.warning("limits.sweep_failed", error=str(error))

    async def close(self) -> None:
        """Closes the connections."""
        await self._pool.close()

"""Counting against shared rates, with PostgreSQL and with Redis: one suite for both."""

import asyncio
import time

import pytest
from limits.aio.storage import Storage

from platform_api.core.statement_pool import StatementPool
from platform_api.limits.postgres_storage import PostgresStorage
from platform_api.limits.rates import Rate, SharedRates
from platform_api.limits.redis_storage import open_redis_storage

pytestmark = pytest.mark.anyio


async def test_processes_together_take_what_the_rate_allows_and_not_one_more(rates: list[SharedRates]) -> None:
    rate = Rate(20, 600)
    waits = await asyncio.gather(*(rates[number % 2].take("test", "together", rate) for number in range(100)))
    assert waits.count(0.0) == 20
    assert all(590 < wait <= 600 for wait in waits if wait)


async def test_keys_and_namespaces_do_not_share_a_rate(rates: list[SharedRates]) -> None:
    rate = Rate(1, 600)
    for namespace, key in (("test", "a"), ("test", "b"), ("other", "a")):
        assert await rates[0].take(namespace, key, rate) == 0.0
        assert await rates[1].take(namespace, key, rate) > 0.0


async def test_no_window_of_the_rates_length_holds_more_than_its_amount(rates: list[SharedRates]) -> None:
    rate = Rate(3, 1)
    taken: list[tuple[float, float]] = []

    async def take_four(shared: SharedRates) -> None:
        for _ in range(4):
            asked = time.monotonic()
            while wait := await shared.take("test", "moving", rate):  # there is no event
                await asyncio.sleep(wait)
                asked = time.monotonic()
            taken.append((asked, time.monotonic()))

    await asyncio.gather(*(take_four(shared) for shared in rates))
    assert len(taken) == 8
    # An entry is made between its taker's asking and hearing of it, a rounding of the clock apart.
    taken.sort()
    for four in (taken[first : first + 4] for first in range(len(taken) - 3)):
        assert max(heard for _, heard in four) - min(asked for asked, _ in four) > 0.99


async def test_a_window_counts_in_sum_and_begins_anew_when_it_is_over(rates: list[SharedRates]) -> None:
    totals = await asyncio.gather(*(rates[number % 2].count("test", "sum", 5, seconds=600) for number in range(10)))
    assert sorted(total or 0 for total in totals) == [5 * number for number in range(1, 11)]
    assert await rates[0].count("test", "short", 7, seconds=1) == 7
    for _ in range(1200):
        if await rates[1].count("test", "short", 1, seconds=1) == 1:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the window does not end")


async def test_a_storage_is_what_the_library_asks_for(storages: list[Storage]) -> None:
    first, second = storages
    assert await first.check()
    assert await first.incr("LIMITER/x", 60, 4) == 4
    assert await second.get("LIMITER/x") == 4
    assert 0 < await second.get_expiry("LIMITER/x") - time.time() <= 60
    await second.clear("LIMITER/x")
    assert await first.get("LIMITER/x") == 0
    await first.incr("LIMITER/y", 60)
    assert await second.reset() is not None
    assert await first.get("LIMITER/y") == 0


async def test_a_storage_that_is_away_lets_everything_through_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    pool = await StatementPool.open("postgresql://127.0.0.1:1/nothing", pool_max=1, application_name="test")
    async with open_redis_storage("redis://127.0.0.1:1/0") as redis:
        for storage in (PostgresStorage(pool), redis):
            rates = SharedRates(storage)
            caplog.clear()
            assert await rates.take("test", "k", Rate(1, 60)) == 0.0
            assert await rates.count("test", "k", 1, seconds=60) is None
            assert [record.message for record in caplog.records].count("limits.storage_unavailable") == 1
    await pool.close()


async def test_what_no_longer_counts_is_swept_and_the_rest_stays(module_database_url: str) -> None:
    pool = await StatementPool.open(module_database_url, pool_max=2, application_name="automio limits")
    storage = PostgresStorage(pool)
    await storage.reset()
    for number in range(6):
        await storage.acquire_entry(f"swept{number}", 5, 1 if number % 2 else 600, amount=2)
    await pool.execute("update platform.rate_counters set expires_at = now() where key ~ '[135]$'")
    assert sum(await asyncio.gather(storage.sweep(), storage.sweep())) == 3
    assert await pool.fetchval("select count(*) from platform.rate_counters") == 3
    assert await pool.fetchval("select count(*) from platform.rate_entries") == 6
    await pool.close()


async def test_counting_writes_no_log_ahead(module_database_url: str) -> None:
    pool = await StatementPool.open(module_database_url, pool_max=1, application_name="automio limits")
    kinds = "select string_agg(distinct relpersistence::text, '') from pg_class where relname like 'rate_%'"
    assert await pool.fetchval(kinds) == "u"
    await pool.close()

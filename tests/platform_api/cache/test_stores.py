"""What only one of the stores has to stand: a server restart, expired rows, an absent Redis."""

import asyncio

import pytest

from platform_api.cache.postgres_store import PostgresCacheStore
from platform_api.cache.redis_store import RedisCacheStore
from platform_api.cache.store import CacheScope, CacheUnavailable
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio


async def test_expired_rows_are_swept_and_others_stay(platform: Platform) -> None:
    caller = await platform.create_caller()
    scope = CacheScope(caller.organization_id, 1)
    store = await PostgresCacheStore.open(platform.settings.database_url)
    for number in range(20):
        await store.set(scope, f"k{number}", "1", 0.05 if number % 2 else None)
    await asyncio.sleep(0.1)
    swept = await asyncio.gather(store.sweep(), store.sweep())
    assert sum(swept) == 10
    assert [await store.get(scope, f"k{number}") is None for number in (1, 2)] == [True, False]
    await store.close()


async def test_a_call_that_meets_a_killed_connection_succeeds(platform: Platform) -> None:
    caller = await platform.create_caller()
    scope = CacheScope(caller.organization_id, 1)
    store = await PostgresCacheStore.open(platform.settings.database_url)
    await store.set(scope, "k", "1", None)
    connection = await platform.database.connect()
    for _ in range(3):
        killed = await connection.fetchval(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where application_name = 'automio cache' and datname = current_database()"
        )
        assert killed >= 1
        found = await store.get(scope, "k")
        assert found is not None and found.value == "1"
    await connection.close()
    await store.close()


async def test_concurrent_writers_of_one_key_leave_one_value(platform: Platform) -> None:
    caller = await platform.create_caller()
    scope = CacheScope(caller.organization_id, 0)
    store = await PostgresCacheStore.open(platform.settings.database_url)
    await asyncio.gather(*[store.set(scope, "k", str(number), None) for number in range(50)])
    found = await store.get(scope, "k")
    assert found is not None and int(found.value) in range(50)
    await store.close()


async def test_an_absent_redis_is_an_error_that_says_so() -> None:
    store = RedisCacheStore("redis://127.0.0.1:1/0")
    with pytest.raises(CacheUnavailable):
        await store.get(CacheScope(1, 1), "k")  # type: ignore[arg-type]
    await store.close()

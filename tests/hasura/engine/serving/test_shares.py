"""Shares of connections: tenants take turns, and none holds so many that others find none."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hasura.engine.execution.connections import ConnectionPool
from hasura.engine.execution.shares import Shares

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Waiting:
    def __init__(self) -> None:
        self.is_done = False

    def done(self) -> bool:
        return self.is_done


@given(places=st.integers(1, 60), steps=st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans()), max_size=200))
def test_whoever_holds_none_gets_a_place_however_greedy_others_were(
    places: int, steps: list[tuple[str, bool]]
) -> None:
    shares: Shares[Waiting] = Shares(places)
    held: dict[str, int] = {}
    for tenant, takes in steps:
        if takes and sum(held.values()) < places and shares.may_take(tenant):
            shares.take(tenant)
            held[tenant] = held.get(tenant, 0) + 1
        elif not takes and held.get(tenant):
            shares.give_back(tenant)
            held[tenant] -= 1
        greedy = sum(1 for count in held.values() if count)
        if 2**greedy <= places:
            # As many as a power of two of them leave one place at least.
            assert sum(held.values()) < places
            assert shares.may_take("somebody new")


@given(order=st.lists(st.sampled_from("aaab"), min_size=1, max_size=60))
def test_those_who_wait_take_turns_and_each_in_its_order(order: list[str]) -> None:
    shares: Shares[Waiting] = Shares(1)
    shares.take("holder")
    waiters = [(tenant, Waiting()) for tenant in order]
    for tenant, waiter in waiters:
        shares.wait(tenant, waiter)
    shares.give_back("holder")
    served = []
    while (given_to := shares.next_waiter()) is not None:
        served.append(given_to)
        shares.give_back(given_to[0])
    for tenant in set(order):
        assert [one for one in served if one[0] == tenant] == [one for one in waiters if one[0] == tenant]
    alternating = min(order.count("a"), order.count("b"))
    assert not any(served[place][0] == served[place + 1][0] for place in range(0, 2 * alternating - 1)), (
        "somebody had two turns while another waited"
    )


async def _pool(url: str, pool_min: int, pool_max: int) -> ConnectionPool:
    return ConnectionPool(url, server_settings={}, pool_min=pool_min, pool_max=pool_max)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[ConnectionPool]:
    one = await _pool(database_url, 2, 4)
    yield one
    await one.close()


async def test_endless_queries_of_one_leave_a_connection_to_another(pool: ConnectionPool) -> None:
    async def occupy() -> None:
        async with pool.held("greedy") as held:
            await held.raw.fetchval("select pg_sleep(60)")

    greedy = [asyncio.create_task(occupy()) for _ in range(20)]
    await asyncio.sleep(0.5)
    for name in ("one", "two"):
        async with asyncio.timeout(5), pool.held(name) as held:
            assert await held.raw.fetchval("select 1") == 1
    for task in greedy:
        task.cancel()
    await asyncio.gather(*greedy, return_exceptions=True)


async def test_a_flood_of_one_does_not_make_another_wait_for_all_of_it(pool: ConnectionPool) -> None:
    served: list[str] = []

    async def ask(tenant: str) -> None:
        async with pool.held(tenant) as held:
            await held.raw.fetchval("select pg_sleep(0.01)")
            served.append(tenant)

    flood = [asyncio.create_task(ask("greedy")) for _ in range(200)]
    await asyncio.sleep(0.1)
    before = len(served)
    await ask("modest")
    assert served.index("modest") - before < 20
    await asyncio.gather(*flood)
    assert len(served) == 201


async def test_what_is_cancelled_while_it_waits_takes_nothing_away(pool: ConnectionPool) -> None:
    holders = [await pool.acquire("a"), await pool.acquire("b")]
    waiting = [asyncio.create_task(pool.acquire(tenant)) for tenant in "abcabc"]
    await asyncio.sleep(0.3)
    for task in waiting:
        task.cancel()
    for held in holders:
        pool.release(held)
    for given_to in await asyncio.gather(*waiting, return_exceptions=True):
        if not isinstance(given_to, BaseException):
            pool.release(given_to)
    again = [await asyncio.wait_for(pool.acquire(tenant), 5) for tenant in "abcd"]
    for held in again:
        pool.release(held)


async def test_connections_that_break_under_a_crowd_are_replaced(pool: ConnectionPool) -> None:
    async def ask(number: int) -> int:
        async with pool.held(f"tenant {number % 3}") as held:
            if number % 4 == 0:
                held.raw.terminate()
                return number
            return int(await held.raw.fetchval("select $1::int", number))

    assert await asyncio.wait_for(asyncio.gather(*map(ask, range(60))), 30) == list(range(60))

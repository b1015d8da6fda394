"""The pace of subscriptions: one tenant's many looks stand in nobody's way, and are all made in the end."""

import asyncio
import json
from dataclasses import replace

import asyncpg
import pytest

from hasura.engine.engine import Engine
from hasura.engine.options import EngineOptions
from hasura.engine.session import Session
from hasura.engine.subscriptions import pace as pace_module
from hasura.engine.subscriptions.pace import Pace
from tests.waiting import eventually

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_tenant_waits_for_what_it_has_taken_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace_module, "UNITS_PER_SECOND", 100.0)
    monkeypatch.setattr(pace_module, "_BURST_UNITS", 20.0)
    pace, looks = Pace(), 0

    async def look(tenant: str | None) -> None:
        nonlocal looks
        await pace.turn(tenant)
        looks += 1

    greedy = [asyncio.create_task(look("greedy")) for _ in range(60)]
    await asyncio.sleep(0)
    # The burst at once; the others wait, a hundredth of a second each.
    assert looks == 20
    async with asyncio.timeout(0.2):
        await look("modest")
        await asyncio.gather(*(look(None) for _ in range(1000)))
    await asyncio.gather(*greedy)
    assert looks == 1061


async def test_what_is_delivered_counts_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace_module, "_BURST_UNITS", 10.0)
    pace = Pace()
    pace.delivered("a", 0)
    async with asyncio.timeout(0.2):
        await pace.turn("a")
    pace.delivered("a", 10**9)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await pace.turn("a")


async def test_one_large_answer_makes_nobody_stand_still_for_minutes() -> None:
    pace = Pace()
    pace.delivered("a", 10**12)
    assert 5 < pace.wait_of("a") <= 10
    assert pace.wait_of("b") == pace.wait_of(None) == 0


async def test_the_debt_of_one_tenant_keeps_no_other_waiting_who_has_the_same_live_query(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "_BURST_UNITS", 50.0)
    monkeypatch.setattr(pace_module, "_MAX_DEBT_SECONDS", 3.0)
    engine = Engine(EngineOptions(database_url, live_query_refetch_seconds=3600.0))
    await engine.start()
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "create table note (id int primary key, n int, t text); insert into note values (1, 1, '')"
    )
    admin = Session.admin()
    tracked = await engine.run_metadata({"type": "pg_track_table", "args": {"table": "note"}})
    assert tracked == {"message": "success"}
    query = "subscription ($m: Int!) { note(where: {id: {_gte: $m}}) { n t } }"
    seen: list[tuple[str, bytes]] = []

    def count(tenant: str) -> int:
        return sum(1 for one, _ in seen if one == tenant)

    def subscribe(tenant: str, minimum: int) -> None:
        request = {"query": query, "variables": {"m": minimum}}
        engine.subscribe(request, replace(admin, tenant=tenant), lambda answer: seen.append((tenant, answer)))

    # In one batch, as one role asks one query: the greedy tenant's answer is large for each of its hundred.
    for _ in range(100):
        subscribe("greedy", 0)
    subscribe("modest", 1)
    await eventually(lambda: (count("greedy"), count("modest")) == (100, 1))
    order: list[str] = []
    # Where this machine stands still for seconds, the greedy tenant has paid meanwhile.
    for attempt in range(5):
        seen.clear()
        await connection.execute("update note set n = $1, t = repeat('x', 1000000)", 10 * attempt)
        await eventually(lambda old=100 + attempt: (count("greedy"), count("modest")) == (old, 1))  # type: ignore[misc]
        seen.clear()
        await connection.execute("update note set n = n + 1, t = ''")
        await eventually(lambda: count("modest") == 1)
        # Who comes meanwhile is not given what is old.
        subscribe("greedy", 0)
        await eventually(lambda expected=101 + attempt: count("greedy") == expected)  # type: ignore[misc]
        assert {json.loads(answer)["data"]["note"][0]["t"] for _, answer in seen} == {""}
        order = [tenant for tenant, _ in seen]
        if order[0] == "modest":
            break
    assert order[0] == "modest", "the modest tenant has waited for what the greedy one had taken"
    await connection.close()
    await engine.stop()

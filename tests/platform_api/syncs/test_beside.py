"""Runs of one connection beside each other: nothing is lost, put back to what it was, or taken for gone."""

import asyncio
import random
from bisect import bisect_right
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from platform_api.syncs.models import SyncCheckpoint, SyncedPage, SyncRun
from tests.lengths import at_length
from tests.platform_api.conftest import Platform
from tests.platform_api.syncs.test_schedules import came_due, runs
from tests.platform_api.syncs.working import OPEN, Bench, Upstream, open_bench, serving
from tests.waiting import eventually

pytestmark = pytest.mark.anyio
SCHEDULE = {"every_minutes": 240, "overlap": "allow"}
SWEEPING = {
    "schedule": SCHEDULE,
    "tombstones": {"absent": True},
    "pagination": {"style": "cursor", "parameter": "cursor", "next": "next", "has_more": "more"},
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with serving() as running:
        yield running


@pytest.fixture
async def bench(shared_platform: Platform, upstream: Upstream) -> Bench:
    return await open_bench(shared_platform, upstream)


class Late(JSONResponse):
    """An answer that was made when it was asked for, and arrives later."""

    def __init__(self, content: Any, gate: "Gate | float") -> None:
        super().__init__(content)
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if isinstance(self._gate, float):
            await asyncio.sleep(self._gate)
        else:
            while self._gate.is_shut:  # noqa: ASYNC110 (another thread opens it)
                await asyncio.sleep(0.005)
        await super().__call__(scope, receive, send)


class Gate:
    """What answers wait for."""

    is_shut = True


class Shelf:
    """A list by keys, two items a page: what changes while somebody reads it shows from there on."""

    def __init__(self, bench: Bench) -> None:
        self.stock = {f"k{number}": 0 for number in range(6)}
        self.gates: list[Gate | float] = []
        """Of the next answers, one each; after them nobody waits."""
        bench.upstream.answer = self

    def __call__(self, query: dict[str, str]) -> Any:
        keys = sorted(self.stock)
        start = bisect_right(keys, query.get("cursor", ""))
        page = keys[start : start + 2]
        more = start + 2 < len(keys)
        items = [{"id": key, "name": key, "stock": self.stock[key]} for key in page]
        content = {"items": items, "more": more, "next": page[-1] if more else None}
        return Late(content, self.gates.pop(0) if self.gates else 0.0)


async def asked(bench: Bench, count: int) -> None:
    """Waits until the upstream was asked so often."""
    await eventually(lambda: len(bench.upstream.queries) >= count)


async def all_ended(bench: Bench) -> list[dict[str, Any]]:

    async def are_ended() -> bool:
        return all(run["state"] not in OPEN for run in await runs(bench))

    await eventually(are_ended)
    return await runs(bench)


async def stocks(bench: Bench) -> dict[str, int]:
    return {row["external_id"]: row["stock"] for row in await bench.rows()}


async def test_a_time_starts_a_run_beside_the_one_that_is_going_on(bench: Bench) -> None:
    shelf, gate = Shelf(bench), Gate()
    shelf.gates = [gate]
    await bench.declared(schedule=SCHEDULE)
    first = (await bench.post("run")).json()[0]["id"]
    await asked(bench, 1)
    await came_due(bench, ago=timedelta(hours=5))
    second = max(run["id"] for run in await runs(bench))
    assert second != first
    ended = await bench.ended(second)
    assert (ended["state"], ended["ticks"], ended["missed"], ended["seen"]) == ("completed", 2, 1, 6)
    assert (await bench.run(first))["state"] == "running"
    status = await bench.status()
    assert status["declaration"]["schedule"]["overlap"] == "allow"
    gate.is_shut = False
    assert (await bench.ended(first))["state"] == "completed"
    assert (await bench.run(first))["seen"] == 6
    assert await stocks(bench) == shelf.stock


async def test_a_page_that_was_asked_for_earlier_is_not_put_over_a_newer_one(bench: Bench) -> None:
    shelf, gate = Shelf(bench), Gate()
    shelf.gates = [gate]
    await bench.declared(schedule=SCHEDULE)
    [run] = (await bench.post("run")).json()
    await asked(bench, 1)
    shelf.stock["k0"] = 7
    await came_due(bench, ago=timedelta(seconds=1))
    await bench.ended(max(one["id"] for one in await runs(bench)))
    gate.is_shut = False
    await bench.ended(run["id"])
    assert (await stocks(bench))["k0"] == 7


async def test_what_was_deleted_meanwhile_does_not_come_back_with_an_older_page(bench: Bench) -> None:
    shelf, gate = Shelf(bench), Gate()
    await bench.declared(**SWEEPING)
    await bench.sync()
    shelf.gates = [gate]
    [run] = (await bench.post("run")).json()
    await asked(bench, 4)
    del shelf.stock["k0"], shelf.stock["k1"]
    await came_due(bench, ago=timedelta(seconds=1))
    other = await bench.ended(max(one["id"] for one in await runs(bench)))
    assert other["deleted"] == 2
    gate.is_shut = False
    assert (await bench.ended(run["id"]))["deleted"] == 0
    assert await stocks(bench) == shelf.stock


async def test_what_a_neighbour_saw_is_not_taken_for_gone(bench: Bench) -> None:
    shelf, slow, slower = Shelf(bench), Gate(), Gate()
    await bench.declared(**SWEEPING)
    await bench.sync()
    shelf.gates = [0.0, slow]
    [older] = (await bench.post("run")).json()
    await asked(bench, 5)
    shelf.gates = [0.0, 0.0, slower]
    await came_due(bench, ago=timedelta(seconds=1))
    await asked(bench, 8)
    # The newer run is past the place where this comes; the older one, which asks again, sees it.
    shelf.stock["k2a"] = 1
    slow.is_shut = False
    await bench.ended(older["id"])
    assert await stocks(bench) == shelf.stock
    slower.is_shut = False
    assert [run["deleted"] for run in await all_ended(bench)] == [0, 0, 0]
    assert await stocks(bench) == shelf.stock


@pytest.mark.parametrize("seed", range(at_length(2, full=4)))
async def test_whatever_changes_while_runs_overlap_the_last_one_leaves_the_list_as_it_is(
    bench: Bench, seed: int
) -> None:
    chosen, shelf = random.Random(seed), Shelf(bench)
    await bench.declared(**SWEEPING)
    await bench.sync()
    kept = {row["external_id"]: row["id"] for row in await bench.rows("external_id id")}
    for turn in range(6):
        shelf.gates = [chosen.choice([0.0, 0.02, 0.1]) for _ in range(20)]
        for _ in range(chosen.randrange(1, 4)):
            key = f"m{chosen.randrange(6)}"
            if chosen.random() < 0.5:
                shelf.stock.pop(key, None)
            else:
                shelf.stock[key] = turn
        shelf.stock[f"k{chosen.randrange(6)}"] = turn
        await came_due(bench, ago=timedelta(seconds=1))
        await asyncio.sleep(chosen.choice([0.0, 0.03, 0.1]))
    ended = await all_ended(bench)
    assert {run["state"] for run in ended} == {"completed"}
    await came_due(bench, ago=timedelta(seconds=1))
    await all_ended(bench)
    assert await stocks(bench) == shelf.stock
    rows = {row["external_id"]: row["id"] for row in await bench.rows("external_id id")}
    assert {key: rows[key] for key in kept} == kept, "what was always there was never deleted"


async def test_a_run_that_ends_at_its_limit_leaves_its_own_place(bench: Bench) -> None:
    shelf, gate = Shelf(bench), Gate()
    shelf.gates = [0.0, gate]
    incremental = {"parameter": "since", "path": "id", "overlap": 0}
    await bench.declared(mode="incremental", incremental=incremental, schedule=SCHEDULE, limits={"pages": 2})
    [first] = (await bench.post("run")).json()
    await asked(bench, 2)
    await came_due(bench, ago=timedelta(seconds=1))
    second = await bench.ended(max(one["id"] for one in await runs(bench)))
    assert (second["state"], second["seen"]) == ("partial", 4)
    assert (await bench.status())["checkpoints"][0]["unfinished"] == "incremental"
    gate.is_shut = False
    assert (await bench.ended(first["id"]))["state"] == "partial"
    last = await bench.sync()
    assert (last["state"], last["seen"]) == ("completed", 2), "it goes on where one of them stopped"
    assert await stocks(bench) == shelf.stock
    async with bench.platform.database.transaction() as session:
        of_bench = SyncRun.organization_id == bench.caller.organization_id
        walks = select(func.count(SyncRun.walk)).where(of_bench)
        assert await session.scalar(walks) == 0
        ours = select(SyncRun.sync_id).where(of_bench).limit(1).scalar_subquery()
        pages = select(func.count()).select_from(SyncedPage).where(SyncedPage.sync_id == ours)
        assert await session.scalar(pages) == 0, "nobody is left who could need them"
        waiting = select(func.count(SyncCheckpoint.walk)).where(SyncCheckpoint.sync_id == ours)
        assert await session.scalar(waiting) == 0

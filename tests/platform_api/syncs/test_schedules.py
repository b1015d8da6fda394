"""Syncs by schedule: when they start, what they stand for, and what happens while one is going on."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import func, select, update

from platform_api.syncs.models import Sync
from platform_api.syncs.scheduling import start_due
from tests.platform_api.conftest import Platform
from tests.platform_api.syncs.working import Bench, Upstream, open_bench, serving

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with serving() as running:
        yield running


@pytest.fixture
async def bench(shared_platform: Platform, upstream: Upstream) -> Bench:
    return await open_bench(shared_platform, upstream)


def moments(found: list[str]) -> list[datetime]:
    return [datetime.fromisoformat(text) for text in found]


async def came_due(bench: Bench, *, ago: timedelta) -> datetime:
    """Makes the sync due since then, and waits until somebody has looked; gives the time that was planned."""
    async with bench.platform.database.transaction() as session:
        changed = update(Sync).where(Sync.user_id == bench.caller.user_id).values(next_run_at=func.now() - ago)
        planned = (await session.scalars(changed.returning(Sync.next_run_at))).one()
    assert planned is not None

    await came_through(bench)
    return planned


async def came_through(bench: Bench) -> None:
    """Waits until no time of the sync is due any more."""

    async def is_due() -> bool:
        async with bench.platform.database.transaction() as session:
            waiting = select(Sync.id).where(Sync.user_id == bench.caller.user_id, Sync.next_run_at <= func.now())
            return await session.scalar(waiting) is not None

    async with asyncio.timeout(240):
        while await is_due():  # the platform's own schedule may have it at hand
            await start_due(bench.platform.database)


async def runs(bench: Bench) -> list[dict[str, Any]]:
    async with bench.client() as client:
        found: list[dict[str, Any]] = (await client.get(bench.path("things", "runs"))).json()
    return found


class Endless:
    """A list that goes on until it is let end."""

    def __init__(self, bench: Bench) -> None:
        self.ends = False
        bench.upstream.answer = self

    def __call__(self, query: dict[str, str]) -> dict[str, Any]:
        number = int(query.get("cursor", 0))
        return {"items": [{"id": f"t{number:09}"}], "next": None if self.ends else number + 1}


async def begun(bench: Bench) -> int:
    """Starts a run by hand and waits until it works."""
    [run] = (await bench.post("run")).json()
    async with asyncio.timeout(240):
        while (await bench.run(run["id"]))["pages"] == 0:  # noqa: ASYNC110 (over HTTP)
            await asyncio.sleep(0.02)
    return int(run["id"])


async def test_the_next_times_are_those_of_a_zones_clock(bench: Bench) -> None:
    await bench.declared(schedule={"cron": "30 2 * * *", "timezone": "Europe/Warsaw"})
    status = await bench.status()
    assert status["declaration"]["schedule"]["timezone"] == "Europe/Warsaw"
    assert len(status["next_runs"]) == 5
    assert status["next_runs"][0] == status["next_run_at"]
    found = moments(status["next_runs"])
    assert found == sorted(set(found))
    assert found[0] > datetime.now(UTC) - timedelta(minutes=10)
    async with bench.client() as client:
        off = bench.declaration(schedule={"cron": "30 2 * * *", "timezone": "Europe/Warsaw"}, enabled=False)
        assert (await client.put(bench.path("things"), json=off)).json()["next_runs"] == []
        by_hand = (await client.put(bench.path("things"), json=bench.declaration())).json()
    assert (by_hand["next_run_at"], by_hand["next_runs"]) == (None, [])


async def test_daily_is_at_a_time_of_the_syncs_own_which_stays(bench: Bench) -> None:
    await bench.declared(schedule={"cron": "@daily"})
    first = moments((await bench.status())["next_runs"])
    assert {after - before for before, after in pairwise(first)} == {timedelta(days=1)}
    async with bench.client() as client:
        for schedule in ({"cron": "@hourly"}, {"cron": "@daily"}):
            await client.put(bench.path("things"), json=bench.declaration(schedule=schedule))
    assert moments((await bench.status())["next_runs"])[0].time() == first[0].time()


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (
            {"cron": "0 9 * * *", "timezone": "Warsaw"},
            "schedule.timezone: 'Warsaw' is not the name of an IANA time zone",
        ),
        ({"cron": "@never"}, "schedule.cron: '@never' is not known"),
        (
            {"cron": "0 9 * * *", "overlap": "twice"},
            "schedule.overlap: input should be 'skip', 'allow' or 'queue_one'",
        ),
        ({"every_minutes": 5, "timezone": "Europe/Warsaw"}, "timezone is only for times of the clock"),
    ],
)
async def test_a_schedule_that_cannot_be_kept_is_refused(
    bench: Bench, schedule: dict[str, Any], message: str
) -> None:
    answer = await bench.declare(schedule=schedule)
    assert answer.status_code == 422, answer.text
    assert message in answer.json()["detail"]


async def test_times_that_were_missed_are_one_run_and_the_next_ones_stay_where_they_were(bench: Bench) -> None:
    bench.upstream.pages([{"id": "a"}])
    await bench.declared(schedule={"every_minutes": 240})
    planned = await came_due(bench, ago=timedelta(hours=9))
    [run] = await runs(bench)
    assert (run["ticks"], run["missed"]) == (3, 2)
    assert moments([run["planned_at"]]) == [planned]
    following = moments((await bench.status())["next_runs"])
    assert following == [planned + timedelta(hours=4 * number) for number in range(3, 8)]
    ended = await bench.ended(run["id"])
    assert (ended["state"], ended["ticks"], ended["missed"]) == ("completed", 3, 2)
    by_hand = await bench.sync()
    assert (by_hand["planned_at"], by_hand["ticks"], by_hand["missed"]) == (None, 0, 0)


async def test_a_time_that_comes_while_a_run_is_going_on_passes(bench: Bench) -> None:
    service = Endless(bench)
    await bench.declared(schedule={"every_minutes": 240})
    running = await begun(bench)
    await came_due(bench, ago=timedelta(seconds=1))
    assert [run["id"] for run in await runs(bench)] == [running]
    service.ends = True
    await bench.ended(running)
    await came_due(bench, ago=timedelta(seconds=1))
    assert len(await runs(bench)) == 2


async def test_one_run_waits_for_the_one_that_is_going_on_and_stands_for_all_times_until_then(bench: Bench) -> None:
    service = Endless(bench)
    await bench.declared(schedule={"every_minutes": 240, "overlap": "queue_one"})
    running = await begun(bench)
    first = await came_due(bench, ago=timedelta(seconds=1))
    await came_due(bench, ago=timedelta(hours=5))
    waiting, going_on = await runs(bench)
    assert (going_on["id"], going_on["state"]) == (running, "running")
    assert (waiting["state"], waiting["ticks"], waiting["missed"]) == ("pending", 3, 2)
    assert moments([waiting["planned_at"]]) == [first]
    [open_run, other] = (await bench.post("run")).json()
    assert {open_run["id"], other["id"]} == {running, waiting["id"]}, "by hand there are no more"
    service.ends = True
    done = await bench.ended(waiting["id"])
    before = await bench.run(running)
    assert (before["state"], done["state"]) == ("completed", "completed")
    assert datetime.fromisoformat(done["started_at"]) >= datetime.fromisoformat(before["finished_at"])
    assert len(await runs(bench)) == 2


async def test_a_run_that_waits_is_cancelled_with_the_one_that_is_going_on(bench: Bench) -> None:
    Endless(bench)
    await bench.declared(schedule={"every_minutes": 240, "overlap": "queue_one"})
    running = await begun(bench)
    await came_due(bench, ago=timedelta(seconds=1))
    assert len((await bench.post("cancel")).json()) == 2
    assert (await bench.ended(running))["state"] == "cancelled"
    assert [run["state"] for run in await runs(bench)] == ["cancelled", "cancelled"]


async def test_how_runs_overlap_is_changed_without_moving_the_next_time(bench: Bench) -> None:
    await bench.declared(schedule={"every_minutes": 240})
    before = (await bench.status())["next_run_at"]
    changed = bench.declaration(schedule={"every_minutes": 240, "overlap": "queue_one"})
    async with bench.client() as client:
        assert (await client.put(bench.path("things"), json=changed)).json()["next_run_at"] == before


async def stored_as(bench: Bench, **declaration: Any) -> None:
    """Changes what is stored of the sync, as an older release may have stored it."""
    async with bench.platform.database.transaction() as session:
        sync = (await session.scalars(select(Sync).where(Sync.user_id == bench.caller.user_id))).one()
        sync.declaration = {**sync.declaration, **declaration}


async def test_a_sync_whose_zone_has_gone_is_read_and_mended(bench: Bench) -> None:
    bench.upstream.pages([{"id": "a"}])
    schedule = {"cron": "0 3 1 1 *", "timezone": "Europe/Warsaw"}
    await bench.declared(schedule=schedule)
    await stored_as(bench, schedule={**schedule, "timezone": "Europe/Nowhere"})
    problem = "schedule.timezone: 'Europe/Nowhere' is not the name of an IANA time zone"
    async with bench.client() as client:
        for read in ((await client.get(bench.path())).json()["results"][0], await bench.status()):
            assert (read["declaration"]["schedule"]["timezone"], read["next_runs"]) == ("Europe/Nowhere", [])
            assert read["problem"].startswith(problem)
        [run] = (await bench.post("run")).json()
        assert (await bench.ended(run["id"]))["state"] == "completed", "by hand it works"
        await came_due(bench, ago=timedelta(seconds=1))
        status = await bench.status()
        assert (status["next_run_at"], status["problem"][: len(problem)]) == (None, problem)
        mended = (await client.put(bench.path("things"), json=bench.declaration(schedule=schedule))).json()
    assert (len(mended["next_runs"]), mended["problem"]) == (5, None)


async def test_an_expression_that_is_refused_now_is_kept(bench: Bench) -> None:
    await bench.declared(schedule={"cron": "0 3 * * *"})
    await stored_as(bench, schedule={"cron": "*/90 3 * * *"})
    assert len((await bench.status())["next_runs"]) == 5


@pytest.mark.parametrize(
    "changes",
    [
        {"schedule": {"every_minutes": 240}},
        {"schedule": {"cron": "@every 90m", "overlap": "queue_one"}},
        {"schedule": {"cron": "30 2 ? * MON", "timezone": "Australia/Lord_Howe"}},
        {"schedule": None, "enabled": False},
    ],
)
async def test_what_is_read_of_a_sync_may_be_sent_again(bench: Bench, changes: dict[str, Any]) -> None:
    mapping = {**bench.declaration()["mapping"], "name": {"path": "name", "default": "none"}}
    await bench.declared(**{"mapping": mapping, **changes})
    before = await bench.status()
    body = {**before["declaration"], "name": before["name"], "enabled": before["enabled"]}
    async with bench.client() as client:
        answer = await client.put(bench.path("things"), json=body)
    assert answer.status_code == 200, answer.text
    after = answer.json()
    assert {**after, "updated_at": None} == {**before, "updated_at": None}


async def test_a_declaration_that_cannot_be_read_any_more_holds_up_nobody(bench: Bench) -> None:
    bench.upstream.pages([{"id": "a"}])
    await bench.declared(schedule={"cron": "0 3 1 1 *", "timezone": "Europe/Warsaw"})
    async with bench.platform.database.transaction() as session:
        sync = (await session.scalars(select(Sync).where(Sync.user_id == bench.caller.user_id))).one()
        sync.declaration = {**sync.declaration, "mode": "none such"}
    await came_due(bench, ago=timedelta(seconds=1))
    async with bench.platform.database.transaction() as session:
        await session.refresh(sync := await session.merge(sync))
        assert sync.problem == "its declaration cannot be read here any more; delete it and declare it again"
    async with bench.client() as client:
        assert (await client.delete(bench.path("things"))).status_code == 204
    await bench.declared()


async def test_many_processes_that_look_at_once_start_it_once(bench: Bench) -> None:
    Endless(bench)
    await bench.declared(schedule={"every_minutes": 240, "overlap": "queue_one"})
    await begun(bench)
    for ago in (1, 2, 3):
        async with bench.platform.database.transaction() as session:
            due = func.now() - timedelta(seconds=ago)
            await session.execute(update(Sync).where(Sync.user_id == bench.caller.user_id).values(next_run_at=due))
        await asyncio.gather(*(start_due(bench.platform.database) for _ in range(4)))
        await came_through(bench)
    waiting, _ = await runs(bench)
    assert (waiting["state"], waiting["ticks"]) == ("pending", 3)
    await bench.post("cancel")

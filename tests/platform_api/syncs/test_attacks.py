"""Syncs and those who would misuse them, and what may happen to a run: each refusal beside what is allowed."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from platform_api.accounts.models import Membership
from platform_api.core.database import Database
from platform_api.integrations.models import IntegrationBudget
from platform_api.syncs.models import Sync, SyncRun, SyncRunState
from platform_api.syncs.queue import RUNS
from platform_api.syncs.scheduling import start_due
from platform_api.work.errors import LeaseLost
from platform_api.work.queue import Claimed
from tests.platform_api.conftest import TEST_SECRET_KEY, Platform, make_settings, running_platform
from tests.platform_api.syncs.test_syncs import counts, things
from tests.platform_api.syncs.working import Bench, Upstream, connect, open_bench, serving
from tests.waiting import eventually

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with serving() as running:
        yield running


@pytest.fixture
async def bench(shared_platform: Platform, upstream: Upstream) -> Bench:
    return await open_bench(shared_platform, upstream)


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"table": "nothing"}, 404, "the app has no table 'nothing'"),
        (
            {"mapping": {"external_id": "id", "weight": "w"}},
            422,
            "mapping.weight: the table things has no",
        ),
        ({"mapping": {"external_id": "id", "organization_id": "o"}}, 422, "the platform fills this column"),
        ({"mapping": {"name": "name"}}, 422, "mapping: the table needs a value for external_id"),
        ({"mapping": {"external_id": "a..b"}}, 422, "'a..b' is not a path"),
        ({"mapping": {"external_id": {"path": "a", "value": 1}}}, 422, "give either a path"),
        ({"mapping": {"external_id": "id", "stock": {"value": "many"}}}, 422, "mapping.stock.value: 'many' is not"),
        ({"key": ["name"]}, 422, "no unique key name; it has: external_id; connection_id, external_id"),
        ({"integration_id": "nothing"}, 404, "there is no integration 'nothing'"),
        ({"connection_ids": [2**40]}, 422, "your organization has no connection"),
        ({"schedule": {"cron": "61 * * * *"}}, 422, "is not a cron expression"),
        ({"schedule": {"cron": "* * *"}}, 422, "five fields"),
        ({"schedule": {"cron": "* * * * *", "every_minutes": 5}}, 422, "give either every_minutes or cron"),
        ({"pagination": ...}, 422, "it is not known how lists of service are paged"),
        ({"mode": "incremental"}, 422, "`incremental` and mode incremental belong together"),
        ({"tombstones": {"absent": True, "column": "stock"}}, 422, "stock is integer; use a boolean"),
        ({"tombstones": {"column": "gone"}}, 422, "say when an item is deleted"),
        ({"name": "preview"}, 422, "reserved"),
    ],
)
async def test_a_declaration_that_cannot_work_is_refused_with_the_reason(
    bench: Bench, changes: dict[str, Any], status: int, reason: str
) -> None:
    answer = await bench.declare(**changes)
    assert (answer.status_code, reason in answer.text) == (status, True), answer.text


async def test_a_preview_shows_the_first_page_and_stores_nothing(bench: Bench) -> None:
    bench.upstream.pages([{"id": "a", "stock": 1}, {"stock": 2}, {"id": "c", "stock": "x"}, {"id": "d"}])
    body = bench.declaration(name=...)
    async with bench.client() as client:
        answer = await client.post(bench.path("preview"), json=body)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["items"], shown["has_next"], shown["connection_id"]) == (3, True, bench.connection)
    assert shown["rows"] == [{"external_id": "a", "name": None, "stock": 1, "connection_id": bench.connection}]
    assert [(one["item"], one["column"]) for one in shown["rejected"]] == [(2, "external_id"), (3, "stock")]
    assert await bench.rows() == []
    bench.upstream.answer = lambda query: {"odd": 1}
    async with bench.client() as client:
        answer = await client.post(bench.path("preview"), json=body)
    assert (answer.status_code, "expected a list at items" in answer.text) == (422, True)


async def test_another_organization_uses_neither_the_connection_nor_the_app(bench: Bench) -> None:
    await bench.declared()
    stranger = await bench.platform.create_caller()
    await connect(bench.platform, stranger, bench.upstream.url)
    assert (await bench.declare(caller=stranger)).status_code == 404
    app = await bench.platform.create_app(stranger)
    table = {"name": "things", "columns": [{"name": "external_id", "type": "text"}]}
    async with bench.client(stranger) as client:
        await client.post(f"/api/apps/{app.id}/new_table/", json={**table, "unique": [{"columns": ["external_id"]}]})
        body = bench.declaration(mapping={"external_id": "id"}, connection_ids=[bench.connection])
        answer = await client.post(f"/api/apps/{app.id}/syncs/", json=body)
        assert answer.status_code == 422, answer.text
        for word in ("run", "reset", "backfill", "cancel"):
            answer = await client.post(bench.path("things", word), json={})
            assert answer.status_code == 404, answer.text


async def test_an_organization_that_installed_the_app_syncs_its_own_account_into_its_own_rows(
    bench: Bench,
) -> None:
    other = await bench.platform.create_caller()
    await bench.platform.install(bench.app, other)
    connection = await connect(bench.platform, other, bench.upstream.url)
    theirs = Bench(bench.platform, other, bench.app, bench.upstream, connection)
    bench.upstream.pages(things(2))
    await bench.declared()
    await theirs.declared()
    answer = await theirs.post("run")
    assert answer.status_code == 409, "installed is not yet: activated for its accounts"
    async with theirs.client() as client:
        path = f"/api/apps/{bench.app.id}/integrations/service/"
        activated = await client.put(path, json={"activated": True, "connection_ids": [connection]})
    assert activated.status_code == 200, activated.text
    assert counts(await theirs.sync()) == (2, 2, 0, 0, 0)
    assert {row["organization_id"] for row in await theirs.rows()} == {other.organization_id}
    assert await bench.rows() == []
    assert counts(await bench.sync()) == (2, 2, 0, 0, 0)
    assert {row["connection_id"] for row in await bench.rows()} == {bench.connection}


async def test_a_row_of_another_connection_is_not_taken_over(bench: Bench) -> None:
    second = await connect(bench.platform, bench.caller, bench.upstream.url, name="bert")
    bench.upstream.pages(things(2))
    await bench.declared()
    run = await bench.sync(connection_id=bench.connection)
    assert run["inserted"] == 2
    run = await bench.sync(connection_id=second)
    assert counts(run) == (2, 0, 0, 0, 2)
    assert "put connection_id into the unique key" in run["rejections"][0]["reason"]
    assert {row["connection_id"] for row in await bench.rows()} == {bench.connection}


async def test_with_the_connection_in_the_key_every_connection_has_its_rows(
    shared_platform: Platform, upstream: Upstream
) -> None:
    bench = await open_bench(shared_platform, upstream, unique=[["connection_id", "external_id"]])
    second = await connect(bench.platform, bench.caller, bench.upstream.url, name="bert")
    bench.upstream.pages(things(2))
    await bench.declared(key=["connection_id", "external_id"], tombstones={"absent": True})
    answer = await bench.post("run")
    assert {one["connection_id"] for one in answer.json()} == {bench.connection, second}
    for one in answer.json():
        assert (await bench.ended(one["id"]))["inserted"] == 2
    bench.upstream.pages([])
    assert (await bench.sync(connection_id=second))["deleted"] == 2
    assert {row["connection_id"] for row in await bench.rows()} == {bench.connection}


async def test_a_table_that_changed_or_is_gone_ends_the_run_with_the_reason(bench: Bench) -> None:
    bench.upstream.pages(things(2))
    await bench.declared()
    await bench.sync()
    async with bench.client() as client:
        path = f"/api/apps/{bench.app.id}/table/things/"
        changed = await client.put(f"{path}configuration/", json={"drop_columns": ["stock"]})
        assert changed.status_code == 200, changed.text
        run = await bench.sync()
        assert run["state"] == "failed"
        assert "mapping.stock: the table things has no such column" in run["error"]
        dropped = await client.delete(path)
        assert dropped.status_code in (200, 204), dropped.text
    run = await bench.sync()
    assert (run["state"], run["error"]) == ("failed", "the table things was dropped")


async def test_without_credits_the_run_ends_and_says_so(bench: Bench) -> None:
    bench.upstream.pages(things(9))
    await bench.declared()
    async with bench.platform.database.transaction() as session:
        session.add(IntegrationBudget(organization_id=bench.caller.organization_id, calls_per_month=0))
    run = await bench.sync()
    assert (run["state"], run["inserted"]) == ("failed", 0)
    assert "credit" in run["error"] or "calls" in run["error"]


async def test_who_left_the_organization_syncs_nothing_more(bench: Bench) -> None:
    bench.upstream.pages(things(2))
    await bench.declared(schedule={"every_minutes": 5})
    async with bench.platform.database.transaction() as session:
        membership = await session.get_one(Membership, (bench.caller.user_id, bench.caller.organization_id))
        await session.delete(membership)
        await session.execute(
            update(Sync)
            .where(Sync.user_id == bench.caller.user_id)
            .values(next_run_at=func.now() - timedelta(seconds=1))
        )

    async def looked_at() -> Sync | None:
        # The platform's own schedule may have it at hand.
        await start_due(bench.platform.database)
        async with bench.platform.database.transaction() as session:
            found = (await session.scalars(select(Sync).where(Sync.user_id == bench.caller.user_id))).one()
        return found if found.problem else None

    sync = await eventually(looked_at)
    async with bench.platform.database.transaction() as session:
        runs = (await session.scalars(select(SyncRun).where(SyncRun.sync_id == sync.id))).all()
    assert sync.problem == "the user who set this up is no longer a member of the organization"
    assert runs == []


async def test_a_sync_that_is_due_is_started_and_the_next_time_is_set(bench: Bench) -> None:
    bench.upstream.pages(things(2))
    # Once a year: a time that came during later tests would send them its calls.
    await bench.declared(schedule={"cron": "0 3 1 1 *"})
    before = (await bench.status())["next_run_at"]
    assert before is not None
    async with bench.platform.database.transaction() as session:
        await session.execute(
            update(Sync)
            .where(Sync.user_id == bench.caller.user_id)
            .values(next_run_at=func.now() - timedelta(seconds=1))
        )
    async with asyncio.timeout(240):
        while not (runs := (await bench.status())["runs"]):
            await start_due(bench.platform.database)
    run = await bench.ended(runs[0]["id"])
    assert (run["state"], run["inserted"]) == ("completed", 2)
    assert (await bench.status())["next_run_at"] >= before


async def test_a_run_that_is_cancelled_stops_and_keeps_what_it_stored(bench: Bench) -> None:
    bench.upstream.pages(things(3000), size=3)
    bench.upstream.delay = 0.02
    await bench.declared()
    [started] = (await bench.post("run")).json()
    again = (await bench.post("run")).json()
    assert [one["id"] for one in again] == [started["id"]], "one run at a time"
    assert (await bench.post("reset")).status_code == 409
    async with asyncio.timeout(240):
        while (await bench.run(started["id"]))["pages"] < 2:  # noqa: ASYNC110 (over HTTP)
            await asyncio.sleep(0.02)
    assert (await bench.post("cancel")).status_code == 200
    run = await bench.ended(started["id"])
    assert run["state"] == "cancelled"
    assert len(await bench.rows()) == run["inserted"] >= 6


async def test_who_lost_the_lease_stores_nothing_more(upstream: Upstream, platform: Platform) -> None:
    bench = await open_bench(platform, upstream)
    async with bench.platform.database.transaction() as session:
        # So that the platform's own workers do not take it.
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("automio_syncs"))))
        await bench.declared()
        async with bench.platform.database.transaction() as other:
            sync = (await other.scalars(select(Sync))).one()
            run = SyncRun(sync_id=sync.id, organization_id=sync.organization_id, connection_id=bench.connection)
            run.state, run.fence = SyncRunState.RUNNING, 7
            run.lease_expires_at = func.now() + timedelta(hours=1)  # type: ignore[assignment]
            other.add(run)
    with pytest.raises(LeaseLost):
        async with bench.platform.database.transaction() as session:
            await RUNS.renew(session, Claimed(run, run.id, 6), pages=5)
    async with bench.platform.database.transaction() as session:
        await RUNS.renew(session, Claimed(run, run.id, 7), pages=5)
    assert await RUNS.claim(bench.platform.database) == [], "nobody else's while the lease holds"


async def test_a_control_plane_killed_midway_loses_and_doubles_nothing(
    platform_database_url: str, upstream: Upstream
) -> None:
    settings = make_settings(platform_database_url)
    async with running_platform(settings) as platform:
        bench = await open_bench(platform, upstream)
        bench.upstream.pages(things(30))
        await bench.declared(tombstones={"absent": True})
        async with platform.database.transaction() as session:
            sync = (await session.scalars(select(Sync))).one()
    # Made while nobody works, so that the process that is killed has it.
    database = Database(platform_database_url, pool_size=1)
    async with database.transaction() as session:
        run = SyncRun(sync_id=sync.id, organization_id=sync.organization_id, connection_id=bench.connection)
        session.add(run)
    bench.upstream.delay = 0.05
    victim = subprocess.Popen(  # noqa: ASYNC220 (starts at once)
        [sys.executable, "-m", "tests.platform_api.syncs.killed", platform_database_url, TEST_SECRET_KEY], cwd=ROOT
    )
    try:
        async with asyncio.timeout(240):
            while len(bench.upstream.queries) < 4:
                assert victim.poll() is None
                await asyncio.sleep(0.005)
    finally:
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    async with database.transaction() as session:
        stored = (await session.scalars(select(SyncRun))).one()
        assert stored.state is SyncRunState.RUNNING
        assert 0 < stored.inserted < 30
        # As if its lease had run out and that counted; how it comes to that is tested with the leases.
        await session.execute(update(SyncRun).values(lease_expires_at=None))
    await database.close()
    asked = len(bench.upstream.queries)
    async with running_platform(settings) as platform:
        bench.platform = platform
        ended = await bench.ended(stored.id)
        assert (ended["state"], ended["pages"]) == ("completed", 10), ended
        assert counts(ended) == (30, 30, 0, 0, 0)
        assert await bench.ids() == [one["id"] for one in things(30)]
    assert asked + len(bench.upstream.queries[asked:]) <= 11, "at most the page at hand was asked for again"

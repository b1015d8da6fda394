"""Runs that are repeated: with which input, which code and which rights; and many at once."""

import asyncio
from typing import Any

import httpx
import pytest

from platform_api.accounts.models import Role
from tests.platform_api.conftest import Platform
from tests.platform_api.runs.working import Workshop, create_workshop, insert_runs

pytestmark = pytest.mark.anyio


@pytest.fixture
async def platform(shared_platform: Platform) -> Platform:
    return shared_platform


async def _detail(client: httpx.AsyncClient, run: int) -> dict[str, Any]:
    reply = await client.get(f"/api/actions/runs/{run}/")
    assert reply.status_code == 200, reply.text
    detail: dict[str, Any] = reply.json()
    return detail


async def _save(workshop: Workshop, client: httpx.AsyncClient, **changes: Any) -> None:
    reply = await client.patch(f"/api/actions/{workshop.action['id']}/", json=changes)
    assert reply.status_code == 200, reply.text


async def test_a_run_is_repeated_as_it_was_or_in_the_latest_version(platform: Platform) -> None:
    workshop = await create_workshop(platform)
    first = await workshop.run(user_input={"month": "2026-01"}, connection_id="5")
    async with platform.client(workshop.caller) as client:
        await _save(workshop, client, entry="other.py", code="print('newer')\n")
        path = f"/api/actions/runs/{first['run_id']}/rerun/"
        same = (await client.post(path)).json()
        latest = (await client.post(path, json={"version": "latest", "event": {"user_input": {"month": 2}}})).json()
        again = (await client.post(f"/api/actions/runs/{first['task_id']}/rerun/", json={"event": None})).json()
        details = [await _detail(client, run["id"]) for run in (same, latest, again)]
        original = await _detail(client, first["run_id"])
        newest = await _detail(client, (await workshop.run())["run_id"])
    assert [run["rerun_of"] for run in details] == [first["run_id"]] * 3
    assert [run["number"] for run in details] == [2, 3, 4]
    assert [run["entry"] for run in details] == ["main.py", "other.py", "main.py"]
    assert [run["source"] for run in details] == [original["source"], newest["source"], original["source"]]
    assert original["source"] != newest["source"]
    assert details[0]["event"] == details[2]["event"] == original["event"]
    assert details[1]["event"] == {"user_input": {"month": 2}}
    assert (same["state"], same["begun_by"], original["rerun_of"]) == ("pending", "api", None)


async def test_a_repeated_run_keeps_its_connection(platform: Platform) -> None:
    workshop = await create_workshop(platform)
    first = await workshop.run(connection_id="7")
    async with platform.client(workshop.caller) as client:
        again = (await client.post(f"/api/actions/runs/{first['run_id']}/rerun/")).json()
    connection = await platform.database.connect()
    environment = "select environment ->> 'CONNECTION_ID' from platform.runs where id = $1"
    assert await connection.fetchval(environment, again["id"]) == "7"
    await connection.close()


async def test_whoever_may_not_start_the_action_now_repeats_none_of_its_runs(platform: Platform) -> None:
    workshop = await create_workshop(platform, is_public=True)
    installer = await platform.create_caller()
    await platform.install(workshop.app, installer)
    stranger = await platform.create_caller()
    own = await workshop.run()
    path = f"/api/actions/{workshop.action['id']}/run/"
    async with (
        platform.client(workshop.caller) as owner,
        platform.client(installer) as client,
        platform.client(stranger) as foreign,
    ):
        theirs = (await client.post(path, json={})).json()
        rerun = f"/api/actions/runs/{theirs['run_id']}/rerun/"
        assert (await client.post(rerun)).status_code == 200
        # Neither of the two sees the runs of the other.
        assert (await owner.post(rerun)).status_code == 404
        assert (await client.post(f"/api/actions/runs/{own['run_id']}/rerun/")).status_code == 404
        assert (await foreign.post(rerun)).status_code == 404
        await _save(workshop, owner, is_public=False)
        refused = await client.post(rerun)
        assert (refused.status_code, "may no longer start" in refused.json()["detail"]) == (404, True)
        assert (await owner.delete(f"/api/actions/{workshop.action['id']}/")).status_code == 204
        gone = await owner.post(f"/api/actions/runs/{own['run_id']}/rerun/")
        assert (gone.status_code, "was deleted" in gone.json()["detail"]) == (409, True)


async def test_many_runs_are_repeated_and_each_is_answered_by_itself(platform: Platform) -> None:
    workshop = await create_workshop(platform)
    removed = await create_workshop(platform, caller=workshop.caller)
    stranger = await create_workshop(platform)
    runs = [await workshop.run(user_input={"number": number}) for number in range(3)]
    orphan, foreign = await removed.run(), await stranger.run()
    ids = [runs[2]["run_id"], orphan["run_id"], runs[0]["run_id"], foreign["run_id"], runs[2]["run_id"], 2**62]
    async with platform.client(workshop.caller) as client:
        assert (await client.delete(f"/api/actions/{removed.action['id']}/")).status_code == 204
        reply = await client.post("/api/actions/runs/rerun/", json={"runs": ids, "version": "latest"})
        assert reply.status_code == 200, reply.text
        results = reply.json()["results"]
        assert [(result["run"], result["is_done"]) for result in results] == [
            (ids[0], True), (ids[1], False), (ids[2], True), (ids[3], False), (2**62, False),
        ]  # fmt: skip
        assert "was deleted" in results[1]["error"]
        # Somebody else's run and none at all are answered alike.
        assert [result["error"] for result in (results[3], results[4])] == [
            f"there is no run {ids[3]}",
            f"there is no run {2**62}",
        ]
        for result in results:
            assert (result["new_run"] is None) is not result["is_done"]
        details = [await _detail(client, results[place]["new_run"]["run_id"]) for place in (0, 2)]
        assert [run["rerun_of"] for run in details] == [ids[0], ids[2]]
        assert [run["event"]["user_input"] for run in details] == [{"number": 2}, {"number": 0}]
    async with platform.client(stranger.caller) as client:
        assert len((await client.get("/api/actions/runs/", params={"limit": 9})).json()["results"]) == 1


async def test_many_runs_are_cancelled_and_each_is_answered_by_itself(platform: Platform) -> None:
    workshop, stranger = await create_workshop(platform), await create_workshop(platform)
    waiting, foreign = [await workshop.run() for _ in range(2)], await stranger.run()
    [ended, running] = await insert_runs(workshop, [{"state": "completed"}, {"state": "running"}])
    ids = [ended, waiting[1]["run_id"], foreign["run_id"], running, waiting[0]["run_id"]]
    async with platform.client(workshop.caller) as client:
        results = (await client.post("/api/actions/runs/cancel/", json={"runs": ids})).json()["results"]
        assert [(result["run"], result["is_done"]) for result in results] == [
            (ids[0], False), (ids[1], True), (ids[2], False), (ids[3], True), (ids[4], True),
        ]  # fmt: skip
        assert results[0]["error"] == "the run has ended already, as completed"
        assert results[2]["error"] == f"there is no run {foreign['run_id']}"
        assert [(await _detail(client, run))["state"] for run in (ids[0], ids[1], running)] == [
            "completed",
            "stopped",
            "running",
        ]
        assert (await _detail(client, running))["cancel_requested_at"] is not None
    assert (await stranger.status(foreign))["status"] == "pending"


@pytest.mark.parametrize("path", ["cancel", "rerun"])
async def test_callers_that_name_the_same_runs_in_other_orders_do_not_block_each_other(
    platform: Platform, path: str
) -> None:
    caller = await platform.create_caller()
    workshops = [await create_workshop(platform, caller=caller) for _ in range(3)]
    ids = [(await workshop.run())["run_id"] for workshop in workshops for _ in range(3)]
    async with platform.client(caller) as client:
        replies = await asyncio.gather(
            *[
                client.post(f"/api/actions/runs/{path}/", json={"runs": order})
                for order in (ids, ids[::-1], ids[4:] + ids[:4])
            ]
        )
    assert [reply.status_code for reply in replies] == [200] * 3


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("rerun/", {"runs": []}),
        ("rerun/", {"runs": [1] * 101}),
        ("rerun/", {"runs": [0]}),
        ("rerun/", {"runs": [2**63]}),
        ("rerun/", {"runs": [1], "version": "oldest"}),
        ("rerun/", {"runs": [1], "event": {}}),
        ("cancel/", {"runs": list(range(1, 102))}),
        ("cancel/", {"runs": ["x"]}),
        ("1/rerun/", {"event": []}),
        ("1/rerun/", {"events": {}}),
    ],
    ids=str,
)
async def test_a_request_that_makes_no_sense_is_refused(platform: Platform, path: str, body: dict[str, Any]) -> None:
    caller = await platform.create_caller(role=Role.MEMBER)
    async with platform.client(caller) as client:
        assert (await client.post(f"/api/actions/runs/{path}", json=body)).status_code == 422

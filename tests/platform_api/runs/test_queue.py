"""The queue: claims, leases, fences, and what becomes of runs whose runner is lost."""

import asyncio
import json
import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, event, func, select

from platform_api.accounts.tokens import delete_ended_run_tokens
from platform_api.core.database import Database
from platform_api.runs.models import Run, RunnerPresence
from platform_api.runs.queue import MAX_STARTS, reap
from tests.connections import END_LISTENING_CONNECTIONS
from tests.platform_api.conftest import Platform, make_settings, running_platform
from tests.platform_api.runs.working import ProtocolRunner, create_runner_token, create_workshop, expire_leases

pytestmark = pytest.mark.anyio


async def _reap(platform: Platform) -> int:
    async with platform.database.transaction() as session:
        return await reap(session, await session.scalar(select(func.now())))


async def test_a_run_is_claimed_started_logged_and_finished(platform: Platform, runner: ProtocolRunner) -> None:
    workshop = await create_workshop(platform, action_type="app_action", limits={"wall_seconds": 7})
    started = await workshop.run(user_input={"month": "2026-01"}, connection_id="5")
    assert (started["run_number"], (await workshop.status(started))["status"]) == (1, "pending")

    claim = await runner.claim_one()
    assert claim["run_id"] == started["run_id"]
    assert claim["task_id"] == started["task_id"]
    assert (claim["fence"], claim["lease_seconds"], claim["entry"]) == (1, 15, "main.py")
    assert (claim["organization_id"], claim["app_id"]) == (workshop.caller.organization_id, workshop.app.id)
    assert claim["environment"] == {
        "APP_ID": str(workshop.app.id),
        "ACTION_ID": str(workshop.action["id"]),
        "ACTION_TYPE": "app_action",
        "TASK_ID": started["task_id"],
        "CONNECTION_ID": "5",
        "ORGANIZATION_ID": str(workshop.caller.organization_id),
        "APP_CONNECTIONS_BY_INTEGRATION": "{}",
    }
    assert claim["event"] == {
        "user_input": {"month": "2026-01"},
        "selected_rows": [],
        "selected_all": False,
        "filter_params": {},
    }
    assert (claim["limits"]["wall_seconds"], claim["limits"]["memory_mb"]) == (7, 512)
    bundle = await runner.client.get(f"/api/runner/bundles/{claim['bundle']}/")
    assert bundle.json() == {"files": {"main.py": "print('hello')\n"}}
    assert (await workshop.status(started))["status"] == "pending"

    first, again = await runner.start(claim), await runner.start(claim)
    assert (first.status_code, first.json()) == (200, again.json())
    assert (await runner.log(claim, "one", "two")).json() == {"accepted": 2}
    assert (await runner.log(claim, "two", "drei €", first=2)).json() == {"accepted": 1}
    status = await workshop.status(started)
    assert (status["status"], status["logs"]) == ("running", "one\ntwo\ndrei €\n")

    assert (await runner.finish(claim, result={"rows": 3})).json() == {"recorded": True}
    status = await workshop.status(started)
    assert (status["status"], status["cause"], status["result"]) == ("completed", "returned", {"rows": 3})
    assert await runner.claim() == []


async def test_a_run_keeps_the_source_version_it_was_started_with(platform: Platform, runner: ProtocolRunner) -> None:
    workshop = await create_workshop(platform)
    await workshop.run()
    async with platform.client(workshop.caller) as client:
        changed = await client.patch(
            f"/api/apps/{workshop.app.id}/source/", json={"base_version": 1, "changes": {"main.py": "print(2)\n"}}
        )
    assert changed.status_code == 201
    claim = await runner.claim_one()
    files = (await runner.client.get(f"/api/runner/bundles/{claim['bundle']}/")).json()["files"]
    assert files == {"main.py": "print('hello')\n"}


async def test_claims_of_many_runners_at_once_never_share_a_run(platform: Platform, runner: ProtocolRunner) -> None:
    workshop = await create_workshop(platform)
    started = [(await workshop.run())["run_id"] for _ in range(30)]
    runners = [ProtocolRunner(runner.client, f"runner-{number}") for number in range(6)]

    async def claim_all(one: ProtocolRunner) -> list[int]:
        got: list[int] = []
        while claims := await one.claim(slots=2):
            got += [claim["run_id"] for claim in claims]
        return got

    claimed = await asyncio.gather(*[claim_all(one) for one in runners])
    assert sorted(run for got in claimed for run in got) == started


async def test_organizations_take_turns_however_many_runs_one_of_them_queued(
    platform: Platform, runner: ProtocolRunner
) -> None:
    many, few = await create_workshop(platform), await create_workshop(platform)
    of_many = [(await many.run())["run_id"] for _ in range(12)]
    of_few = [(await few.run())["run_id"] for _ in range(2)]

    async def claimed(slots: int) -> list[int]:
        return [claim["run_id"] for claim in await runner.claim(slots=slots)]

    assert await claimed(3) == [*of_many[:2], of_few[0]]
    # Two of one organization's runs are held, one of the other's.
    assert await claimed(1) == [of_few[1]]
    assert await claimed(20) == of_many[2:]


async def test_long_runs_of_one_organization_leave_slots_to_those_that_hold_none(
    platform: Platform, runner: ProtocolRunner
) -> None:
    async with platform.database.transaction() as session:
        await session.execute(delete(RunnerPresence))
    greedy, second, third = [await create_workshop(platform) for _ in range(3)]
    for _ in range(20):
        await greedy.run()
    held = await runner.claim(8)
    assert len(held) == 6
    assert await runner.claim(2) == []
    await second.run()
    await second.run()
    [one] = await runner.claim(2)
    # The reserve is smaller now, and still for those who hold none.
    assert await runner.claim(1) == []
    await third.run()
    [other] = await runner.claim(1)
    assert await runner.claim(1) == []
    claimed = [await _organization_of(platform, claim) for claim in (one, other)]
    assert claimed == [second.caller.organization_id, third.caller.organization_id]
    # What ends is given to whoever has waited, as long as the reserve is left.
    for claim in held[:3]:
        await runner.start(claim)
        await runner.finish(claim)
    assert [await _organization_of(platform, claim) for claim in await runner.claim(3)] == [
        second.caller.organization_id
    ]


async def test_an_installation_with_one_organization_uses_all_of_its_slots(platform_database_url: str) -> None:
    async with running_platform(make_settings(platform_database_url)) as platform:
        workshop = await create_workshop(platform)
        for _ in range(5):
            await workshop.run()
        headers = {"Authorization": f"Bearer {await create_runner_token(platform)}"}
        async with platform.client(headers=headers) as client:
            assert len(await ProtocolRunner(client).claim(4)) == 4


async def test_a_waiting_claim_gets_a_run_the_moment_it_is_queued(platform: Platform, runner: ProtocolRunner) -> None:
    workshop = await create_workshop(platform)
    waiting = asyncio.create_task(runner.claim(wait_seconds=20))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    started = await workshop.run()
    # Nobody looks again of himself: without a word of it the claim would end empty-handed.
    [claim] = await waiting
    assert claim["run_id"] == started["run_id"]


async def test_waiting_claims_hold_no_database_connection(platform: Platform, runner: ProtocolRunner) -> None:
    workshop = await create_workshop(platform)
    # More than the pool and its overflow together.
    runners = [ProtocolRunner(runner.client, f"runner-{number}") for number in range(16)]
    waiting = [asyncio.create_task(one.claim(wait_seconds=5)) for one in runners]
    await asyncio.sleep(0.3)
    # No more than one organization gets where there are others.
    started = [(await workshop.run())["run_id"] for _ in range(12)]
    claims = await asyncio.gather(*waiting)
    assert sorted(claim["run_id"] for got in claims for claim in got) == started


async def test_a_claim_waits_no_longer_than_it_said(platform: Platform, runner: ProtocolRunner) -> None:
    begun = time.monotonic()
    assert await runner.claim(wait_seconds=0.4) == []
    assert time.monotonic() - begun > 0.3


async def test_waiting_claims_hear_of_work_after_their_listen_connection_was_killed(
    platform: Platform, runner: ProtocolRunner
) -> None:
    workshop = await create_workshop(platform)
    waiting = asyncio.create_task(runner.claim(wait_seconds=20))
    await asyncio.sleep(0.2)
    other = Database(platform.settings.database_url, pool_size=1)
    connection = await other.connect()
    assert await connection.fetchval(END_LISTENING_CONNECTIONS) >= 1
    await connection.close()
    await other.close()
    # Queued while nobody listens: found when the connection stands again.
    started = await workshop.run()
    [claim] = await waiting
    assert claim["run_id"] == started["run_id"]


async def test_a_claim_that_never_started_can_be_claimed_again(platform: Platform, runner: ProtocolRunner) -> None:
    workshop = await create_workshop(platform)
    await workshop.run()
    lost = await runner.claim_one()
    assert await _reap(platform) == 0
    await expire_leases(platform)
    assert await _reap(platform) == 1
    again = await runner.claim_one()
    assert (again["run_id"], again["fence"]) == (lost["run_id"], 2)
    assert again["run_token"] != lost["run_token"]

    assert (await runner.start(lost)).status_code == 409
    assert (await runner.log(lost, "late")).status_code == 409
    assert (await runner.finish(lost)).status_code == 409
    assert [one["held"] for one in await runner.heartbeat(lost, again)] == [False, True]
    assert (await runner.start(again)).status_code == 200


async def test_a_lost_run_that_may_have_started_fails_as_runner_lost(
    platform: Platform, runner: ProtocolRunner
) -> None:
    workshop = await create_workshop(platform)
    started = await workshop.run()
    claim = await runner.claim_one()
    await runner.start(claim)
    await expire_leases(platform)
    assert await _reap(platform) == 1
    status = await workshop.status(started)
    assert (status["status"], status["cause"]) == ("failed", "runner_lost")
    assert (await runner.finish(claim, result=1)).status_code == 409
    assert await runner.claim() == []


async def test_a_lost_run_whose_action_allows_retries_runs_again_but_not_for_ever(
    platform: Platform, runner: ProtocolRunner
) -> None:
    workshop = await create_workshop(platform, allows_retries=True)
    started = await workshop.run()
    for attempt in range(1, MAX_STARTS + 1):
        claim = await runner.claim_one()
        assert claim["fence"] == attempt
        await runner.start(claim)
        await runner.log(claim, f"attempt {attempt}")
        await expire_leases(platform)
        assert await _reap(platform) == 1
    status = await workshop.status(started)
    assert (status["status"], status["cause"]) == ("failed", "runner_lost")
    assert status["logs"] == "attempt 1\nattempt 2\nattempt 3\n"


async def test_heartbeats_keep_a_lease(platform: Platform, runner: ProtocolRunner) -> None:
    workshop = await create_workshop(platform)
    await workshop.run()
    claim = await runner.claim_one()
    await runner.start(claim)
    await expire_leases(platform)
    assert await runner.heartbeat(claim) == [{"run_id": claim["run_id"], "held": True, "cancel": False}]
    assert await _reap(platform) == 0
    stale = {**claim, "fence": claim["fence"] + 1}
    unknown = {"run_id": 999_999, "fence": 1}
    assert [one["held"] for one in await runner.heartbeat(stale, unknown)] == [False, False]


async def test_reapers_of_many_processes_decide_once(platform: Platform, runner: ProtocolRunner) -> None:
    workshop = await create_workshop(platform)
    for _ in range(20):
        await workshop.run()
    assert len(await runner.claim(slots=20)) == 20
    await expire_leases(platform)
    assert sum(await asyncio.gather(*[_reap(platform) for _ in range(4)])) == 20
    assert len(await runner.claim(slots=30)) == 20


async def test_a_finish_and_the_reaper_at_once_leave_one_end(platform: Platform, runner: ProtocolRunner) -> None:
    workshop = await create_workshop(platform)
    for _ in range(10):
        started = await workshop.run()
        claim = await runner.claim_one()
        await runner.start(claim)
        await expire_leases(platform)
        finished, _ = await asyncio.gather(runner.finish(claim, result=1), _reap(platform))
        status = (await workshop.status(started))["status"]
        assert (finished.status_code, status) in ((200, "completed"), (409, "failed"))


async def test_the_same_finish_again_is_accepted_and_a_different_one_is_not(
    platform: Platform, runner: ProtocolRunner
) -> None:
    workshop = await create_workshop(platform)
    started = await workshop.run()
    claim = await runner.claim_one()
    await runner.start(claim)
    digits = 123456789012345678901234567890
    assert (await runner.finish(claim, result=[digits])).status_code == 200
    assert (await runner.finish(claim, result=[digits])).json() == {"recorded": True}
    different = await runner.finish(claim, status="failed", cause="exception", error="boom")
    assert different.status_code == 409
    assert "fence" in different.json()["detail"]
    assert (await workshop.status(started))["result"] == {"value": [digits]}


async def test_a_runner_that_stops_gives_back_what_has_not_started(
    platform: Platform, runner: ProtocolRunner
) -> None:
    workshop = await create_workshop(platform)
    for _ in range(2):
        await workshop.run()
    running, waiting = await runner.claim(slots=2)
    await runner.start(running)
    assert await runner.release(running, waiting) == 1
    again = await runner.claim_one()
    assert (again["run_id"], again["fence"]) == (waiting["run_id"], 2)


async def _organization_of(platform: Platform, claim: dict[str, Any]) -> int:
    async with platform.database.transaction() as session:
        run = await session.get(Run, claim["run_id"])
        assert run is not None
        return run.organization_id


@pytest.mark.parametrize(("allows_retries", "expected"), [(False, "failed"), (True, "pending")])
async def test_a_runner_that_reports_itself_lost_is_treated_as_a_lost_lease(
    platform: Platform, runner: ProtocolRunner, allows_retries: bool, expected: str
) -> None:
    workshop = await create_workshop(platform, allows_retries=allows_retries)
    started = await workshop.run()
    claim = await runner.claim_one()
    await runner.start(claim)
    for _ in range(2):
        reported = await runner.finish(claim, status="failed", cause="runner_lost", error="stopped")
        assert reported.json() == {"recorded": True}
    assert (await workshop.status(started))["status"] == expected


async def test_a_run_token_works_until_its_run_ends(platform: Platform, runner: ProtocolRunner) -> None:
    workshop = await create_workshop(platform)
    await workshop.run()
    claim = await runner.claim_one()
    async with platform.client(headers={"Authorization": f"App-Token {claim['run_token']}"}) as script:
        me = (await script.get("/api/me/")).json()
        assert (me["run_id"], me["app_id"]) == (claim["run_id"], workshop.app.id)
        assert (await script.post("/api/apps/", json={"name": "x"})).status_code == 403
        await runner.start(claim)
        await runner.finish(claim)
        dead = await script.get("/api/me/")
    assert (dead.status_code, dead.json()["detail"]) == (401, "the token's run has ended")


async def test_the_token_of_a_lost_claim_is_dead(platform: Platform, runner: ProtocolRunner) -> None:
    workshop = await create_workshop(platform)
    await workshop.run()
    claim = await runner.claim_one()
    await expire_leases(platform)
    await _reap(platform)
    async with platform.client(headers={"Authorization": f"App-Token {claim['run_token']}"}) as script:
        assert (await script.get("/api/me/")).status_code == 401


@pytest.mark.parametrize("stage", ["pending", "claimed", "running", "ended"])
async def test_a_run_is_cancelled_in_every_state(platform: Platform, runner: ProtocolRunner, stage: str) -> None:
    workshop = await create_workshop(platform, allows_retries=True)
    started = await workshop.run()
    claim = await runner.claim_one() if stage != "pending" else {}
    if stage in ("running", "ended"):
        await runner.start(claim)
    if stage == "ended":
        await runner.finish(claim, result=1)
    async with platform.client(workshop.caller) as client:
        cancelled = await client.post(f"/api/actions/runs/{started['run_id']}/cancel/")
    assert cancelled.status_code == 200, cancelled.text
    status = await workshop.status(started)
    if stage in ("pending", "claimed"):
        assert (status["status"], status["cause"]) == ("stopped", "cancelled")
        assert await runner.claim() == []
    if stage == "claimed":
        assert (await runner.start(claim)).status_code == 409
    if stage == "running":
        assert status["status"] == "running"
        assert await runner.heartbeat(claim) == [{"run_id": claim["run_id"], "held": True, "cancel": True}]
        await expire_leases(platform)
        await _reap(platform)
        assert ((await workshop.status(started))["status"], await runner.claim()) == ("stopped", [])
    if stage == "ended":
        assert status["status"] == "completed"


async def test_runner_endpoints_open_to_a_runner_token_only(platform: Platform, runner: ProtocolRunner) -> None:
    workshop = await create_workshop(platform)
    await workshop.run()
    claim = await runner.claim_one()
    tokens = {workshop.caller.token: 403, claim["run_token"]: 403, "amt_runner_" + "x" * 43: 401}
    for token, expected in tokens.items():
        async with platform.client(headers={"Authorization": f"Bearer {token}"}) as client:
            stranger = ProtocolRunner(client)
            body = {"runner_id": "x", "slots": 1, "isolation": "bubblewrap"}
            replies = [
                await stranger.post("claim/", body),
                await stranger.start(claim),
                await stranger.log(claim, "x"),
                await stranger.finish(claim),
                await stranger.post("heartbeat/", {"runner_id": "x", "runs": []}),
                await stranger.post("release/", {"runner_id": "x", "runs": []}),
                await client.get(f"/api/runner/bundles/{claim['bundle']}/"),
            ]
        assert [reply.status_code for reply in replies] == [expected] * 7
    async with platform.client(headers=runner.client.headers) as client:
        assert (await client.get("/api/actions/")).status_code == 403


async def test_a_runner_without_isolation_is_refused_unless_the_installation_says_so(
    platform: Platform, runner: ProtocolRunner
) -> None:
    body = {"runner_id": "x", "slots": 1, "isolation": "none"}
    refused = await runner.post("claim/", body)
    assert refused.status_code == 403
    assert "SANDBOX_ISOLATION" in refused.json()["detail"]
    assert (await runner.post("claim/", {**body, "isolation": "landlock"})).status_code == 200


async def test_a_log_is_bounded_whatever_the_runner_lets_through(platform: Platform, runner: ProtocolRunner) -> None:
    workshop = await create_workshop(platform, limits={"output_kb": 1})
    started = await workshop.run()
    claim = await runner.claim_one()
    await runner.start(claim)
    accepted = [(await runner.log(claim, "x" * 20_000, first=seq)).json()["accepted"] for seq in range(1, 9)]
    assert accepted == [1, 1, 1, 0, 0, 0, 0, 0]
    too_long = await runner.log(claim, "x" * 70_000, first=50)
    assert too_long.status_code == 422
    logs = (await workshop.status(started))["logs"]
    assert len(logs) < 66_000
    assert (await runner.log(claim, "zero\x00character", first=60)).status_code == 200


async def test_a_cancel_and_a_start_at_once_agree_on_the_outcome(platform: Platform, runner: ProtocolRunner) -> None:
    workshop = await create_workshop(platform)
    for _ in range(8):
        started = await workshop.run()
        claim = await runner.claim_one()
        async with platform.client(workshop.caller) as client:
            cancelling = client.post(f"/api/actions/runs/{started['run_id']}/cancel/")
            cancelled, begun = await asyncio.gather(cancelling, runner.start(claim))
        assert cancelled.status_code == 200
        [held] = await runner.heartbeat(claim)
        status = (await workshop.status(started))["status"]
        if begun.status_code == 200:
            assert (status, held["held"], held["cancel"]) == ("running", True, True)
        else:
            assert (begun.status_code, status, held["held"]) == (409, "stopped", False)


async def test_tokens_of_runs_that_ended_long_ago_are_removed(platform: Platform, runner: ProtocolRunner) -> None:
    workshop = await create_workshop(platform)
    await workshop.run()
    await workshop.run()
    ended, running = await runner.claim(slots=2)
    await runner.start(ended)
    await runner.finish(ended)

    async def delete(older_than: timedelta) -> int:
        async with platform.database.transaction() as session:
            return await delete_ended_run_tokens(session, older_than=older_than)

    assert await delete(timedelta(days=1)) == 0
    assert await delete(timedelta(0)) >= 1
    details = []
    for claim in (ended, running):
        async with platform.client(headers={"Authorization": f"App-Token {claim['run_token']}"}) as script:
            details.append((await script.get("/api/me/")).json().get("detail"))
    assert details == ["the token is unknown to this platform", None]


async def test_a_script_is_told_the_connections_that_it_may_call_through(
    platform: Platform, runner: ProtocolRunner
) -> None:
    workshop = await create_workshop(platform, action_type="app_action")
    installer, stranger = await platform.create_caller(), await platform.create_caller()
    connected = {}
    for caller in (workshop.caller, installer, stranger):
        async with platform.client(caller) as client:
            definition = {"id": "shop", "name": "Shop", "base_url": "http://127.0.0.1:9"}
            assert (await client.post("/api/integrations/", json=definition)).status_code == 201
            made = await client.post("/api/integrations/shop/connections/", json={"name": "one"})
            connected[caller.organization_id] = made.json()["id"]
    await platform.install(workshop.app, installer)
    async with platform.client(installer) as client:
        url = f"/api/apps/{workshop.app.id}/integrations/shop/"
        activated = await client.put(url, json={"activated": True})
        assert activated.status_code == 200, activated.text
    await workshop.run()
    claim = await runner.claim_one()
    told = json.loads(claim["environment"]["APP_CONNECTIONS_BY_INTEGRATION"])
    assert told == {
        "shop": [
            {"organization_id": one.organization_id, "connection_ids": [connected[one.organization_id]]}
            for one in (workshop.caller, installer)
        ]
    }


async def test_runs_of_one_claim_read_the_connections_of_their_user_once(
    platform: Platform, runner: ProtocolRunner
) -> None:
    workshops = [await create_workshop(platform, action_type="app_action") for _ in range(2)]
    for workshop in workshops:
        for _ in range(3):
            await workshop.run()
    statements: list[str] = []

    def record(*arguments: Any) -> None:
        statements.append(arguments[2])

    engine = platform.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", record)
    try:
        claims = await runner.claim(slots=10)
    finally:
        event.remove(engine, "before_cursor_execute", record)
    told = [(claim["app_id"], claim["environment"]["ORGANIZATION_ID"]) for claim in claims]
    assert sorted(told) == sorted(
        (workshop.app.id, str(workshop.caller.organization_id)) for workshop in workshops for _ in range(3)
    )
    assert len([statement for statement in statements if "FROM platform.connections" in statement]) == 2


@pytest.mark.parametrize("limit", ["_MAX_CONNECTIONS", "_MAX_CONNECTIONS_TEXT"])
async def test_a_script_is_told_that_its_connections_are_left_out(
    platform: Platform, runner: ProtocolRunner, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    workshop = await create_workshop(platform, action_type="app_action")
    async with platform.client(workshop.caller) as client:
        definition = {"id": "shop", "name": "Shop", "base_url": "http://127.0.0.1:9"}
        assert (await client.post("/api/integrations/", json=definition)).status_code == 201
        for name in ("one", "two"):
            assert (await client.post("/api/integrations/shop/connections/", json={"name": name})).status_code == 201
    monkeypatch.setattr(f"platform_api.runs.queue.{limit}", 2)
    await workshop.run()
    environment = (await runner.claim_one())["environment"]
    assert ("APP_CONNECTIONS_LEFT_OUT" in environment) == (limit == "_MAX_CONNECTIONS_TEXT")
    assert ("APP_CONNECTIONS_BY_INTEGRATION" in environment) == (limit == "_MAX_CONNECTIONS")
    monkeypatch.setattr(f"platform_api.runs.queue.{limit}", 1)
    await workshop.run()
    environment = (await runner.claim_one())["environment"]
    assert "table_connections" in environment["APP_CONNECTIONS_LEFT_OUT"]
    assert "APP_CONNECTIONS_BY_INTEGRATION" not in environment

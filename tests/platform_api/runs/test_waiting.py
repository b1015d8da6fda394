"""Why a run waits: what the list and the run say, from what the queue knows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_api.core.types import RunId
from platform_api.runs.about.waiting import QueueView
from platform_api.runs.models import Run, RunState
from tests.platform_api.conftest import Platform
from tests.platform_api.runs.working import ProtocolRunner, Workshop, create_workshop

pytestmark = pytest.mark.anyio


async def _reasons(workshop: Workshop, *runs: dict[str, Any]) -> list[str | None]:
    """What the list says of the runs; the run itself says the same."""
    async with workshop.platform.client(workshop.caller) as client:
        listed = (await client.get("/api/actions/runs/", params={"limit": 50})).json()["results"]
        reasons = {run["id"]: run["waiting_reason"] for run in listed}
        for run in runs:
            detail = (await client.get(f"/api/actions/runs/{run['run_id']}/")).json()
            assert detail["waiting_reason"] == reasons[run["run_id"]]
    return [reasons[run["run_id"]] for run in runs]


async def _forget_runners(platform: Platform) -> None:
    connection = await platform.database.connect()
    await connection.execute("delete from platform.runners")
    await connection.close()


async def test_without_a_runner_a_run_says_so(platform: Platform) -> None:
    await _forget_runners(platform)
    workshop = await create_workshop(platform)
    run = await workshop.run()
    assert await _reasons(workshop, run) == ["no runner has asked for work in the last 60 s"]


async def test_a_run_tells_its_place_and_the_slots(platform: Platform, runner: ProtocolRunner) -> None:
    await _forget_runners(platform)
    workshop, other = await create_workshop(platform), await create_workshop(platform)
    assert await runner.claim(slots=2) == []
    runs = [await workshop.run() for _ in range(4)]
    assert await _reasons(workshop, runs[0]) == [
        "it is the next run of your organization; 2 of 2 slots free, so a runner is about to take it"
    ]
    [claim] = await runner.claim(slots=2)
    await runner.start(claim)
    kept = "1 of 2 slots busy, 1 of them with runs of your organization; the rest is kept for organizations that have"
    assert await _reasons(workshop, *runs[:3]) == [
        None,
        f"it is the next run of your organization; {kept} none running",
        f"1 run of your organization is ahead; {kept} none running",
    ]
    foreign = [await other.run() for _ in range(2)]
    assert await _reasons(other, foreign[0]) == [
        "it is the next run of your organization; 1 of 2 slots free, so a runner is about to take it"
    ]
    [foreign_claim] = await runner.claim(slots=1)
    assert foreign_claim["run_id"] == foreign[0]["run_id"]
    assert await _reasons(other, *foreign) == [
        "a runner has taken it and is preparing its sandbox",
        "it is the next run of your organization; 2 of 2 slots busy",
    ]
    assert await _reasons(workshop, runs[2]) == ["1 run of your organization is ahead; 2 of 2 slots busy"]
    await runner.finish(claim)
    [claim] = await runner.claim(slots=1)
    assert claim["run_id"] == runs[1]["run_id"]
    assert (await _reasons(workshop, runs[3]))[0] is not None
    assert await _reasons(workshop, runs[0]) == [None]


@given(
    state=st.sampled_from(RunState),
    runners=st.integers(0, 3),
    slots=st.none() | st.integers(1, 5),
    busy=st.integers(0, 9),
    waiting=st.lists(st.integers(1, 2000), unique=True, max_size=20),
)
def test_every_run_that_has_not_started_says_why_and_no_other(
    state: RunState, runners: int, slots: int | None, busy: int, waiting: list[int]
) -> None:
    view = QueueView(runners=runners, slots=slots, busy=busy, oldest_waiting=[RunId(run) for run in sorted(waiting)])
    reason = view.reason(Run(id=1000, state=state))
    assert (reason is not None) is (state in (RunState.PENDING, RunState.CLAIMED))
    if state is RunState.PENDING and runners:
        assert reason is not None
        ahead = sum(1 for run in waiting if run < 1000)
        assert reason.startswith({0: "it is the next", 1: "1 run of"}.get(ahead, f"{ahead} runs of"))
        assert slots is None or f" {slots} slot" in reason


def test_a_long_queue_is_counted_up_to_a_thousand() -> None:
    view = QueueView(runners=1, slots=1, busy=1, oldest_waiting=[RunId(run) for run in range(1, 1002)])
    assert view.reason(Run(id=5000, state=RunState.PENDING)) == (
        "more than 1,000 runs of your organization are ahead; 1 of 1 slot busy"
    )


async def _queue(workshop: Workshop) -> dict[str, Any]:
    async with workshop.platform.client(workshop.caller) as client:
        answer = await client.get("/api/actions/runs/queue/")
        assert answer.status_code == 200, answer.text
        queue: dict[str, Any] = answer.json()
        return queue


async def test_the_queue_says_why_nothing_starts(platform: Platform, runner: ProtocolRunner) -> None:
    await _forget_runners(platform)
    workshop, other = await create_workshop(platform), await create_workshop(platform)
    empty = await _queue(workshop)
    assert (empty["waiting"], empty["oldest_waiting_seconds"], empty["standstill"]) == (0, None, None)
    run, _ = await workshop.run(), await other.run()
    alone = await _queue(workshop)
    assert (alone["waiting"], alone["standstill"], alone["last_runner_at"]) == (1, "no_runner", None)
    assert alone["oldest_waiting_seconds"] > 0
    [claim] = [claim for claim in await runner.claim(slots=2) if claim["run_id"] == run["run_id"]]
    waiting = await workshop.run()
    busy = await _queue(workshop)
    assert (busy["standstill"], busy["slots"], busy["busy"], busy["busy_with_own"]) == ("all_busy", 2, 2, 1)
    assert (busy["waiting"], busy["runners"]) == (1, 1)
    # Of others one learns how many slots they have, not what waits.
    foreign = await _queue(other)
    assert (foreign["waiting"], foreign["standstill"], foreign["busy_with_own"]) == (0, None, 1)
    await runner.start(claim)
    await runner.finish(claim)
    free = await _queue(workshop)
    assert (free["waiting"], free["standstill"], free["busy"]) == (1, None, 1)
    assert [claim["run_id"] for claim in await runner.claim(slots=1)] == [waiting["run_id"]]
    assert (await _queue(workshop))["waiting"] == 0

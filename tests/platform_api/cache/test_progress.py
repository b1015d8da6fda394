"""`set-progress`: what a script says of its own run, and nobody else's."""

from typing import Any

import httpx
import pytest

from tests.platform_api.conftest import Platform
from tests.platform_api.runs.conftest import runner  # noqa: F401  # the fixture
from tests.platform_api.runs.working import ProtocolRunner, create_workshop

pytestmark = pytest.mark.anyio


async def _set_progress(platform: Platform, token: str, task_id: str, body: Any) -> httpx.Response:
    async with platform.client(headers={"Authorization": f"Bearer {token}"}) as client:
        return await client.post(f"/cache/set-progress/{task_id}/", json=body)


@pytest.mark.parametrize(
    ("given", "reported"),
    [
        ({"progress": 40, "info": "half", "status": "in_progress"}, (40, "half", "running")),
        ({"progress": 140, "info": "over", "status": "completed"}, (100, "over", "completed")),
        ({"progress": -3.5, "info": "", "status": "pending"}, (0, "", "pending")),
        ({"progress": 99.9, "info": "nul \x00", "status": "failed"}, (99, "nul \ufffd", "failed")),
    ],
)
async def test_progress_shows_in_the_runs_status(
    platform: Platform,
    runner: ProtocolRunner,  # noqa: F811
    given: dict[str, Any],
    reported: tuple[int, str, str],
) -> None:
    workshop = await create_workshop(platform)
    started = await workshop.run()
    claim = await runner.claim_one()
    await runner.start(claim)
    reply = await _set_progress(platform, claim["run_token"], started["task_id"], given)
    assert reply.status_code == 200
    body = reply.json()
    assert (body["success"], body["task_id"], body["message"]) == (True, started["task_id"], "recorded")
    assert (body["progress"], body["info"], body["status"]) == reported
    status = await workshop.status(started)
    assert (status["status"], status["progress"], status["info"]) == ("running", reported[0], reported[1])


async def test_a_script_reports_its_own_run_only_and_an_organization_its_own_runs_only(
    platform: Platform,
    runner: ProtocolRunner,  # noqa: F811
) -> None:
    workshop = await create_workshop(platform)
    mine, sibling = await workshop.run(), await workshop.run()
    claim, other = await runner.claim(slots=3)
    await runner.start(claim)
    await runner.start(other)
    stranger = await platform.create_caller()
    body = {"progress": 50, "info": "x", "status": "running"}
    for token, task_id in (
        (claim["run_token"], sibling["task_id"]),
        (stranger.token, mine["task_id"]),
        (stranger.token, "no-such-task"),
    ):
        reply = await _set_progress(platform, token, task_id, body)
        assert (reply.status_code, "no active run" in reply.json()["message"]) == (200, True)
    assert [(await workshop.status(run))["progress"] for run in (mine, sibling)] == [None, None]
    await _set_progress(platform, workshop.caller.token, mine["task_id"], body)
    assert (await workshop.status(mine))["progress"] == 50
    await runner.finish(claim)
    assert (await _set_progress(platform, claim["run_token"], mine["task_id"], body)).status_code == 401


@pytest.mark.parametrize("body", [{"progress": "x"}, {"progress": 1, "status": "odd"}, [], {"progress": None}])
async def test_what_is_no_progress_is_refused_as_text(platform: Platform, body: Any) -> None:
    caller = await platform.create_caller()
    reply = await _set_progress(platform, caller.token, "t", body)
    assert (reply.status_code, reply.headers["content-type"]) == (400, "text/plain; charset=utf-8")

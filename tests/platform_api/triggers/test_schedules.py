"""Schedules of actions: when they come, with whose rights, what is in their way, and who may set them."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from platform_api.accounts.models import Role
from platform_api.runs.models import Run, RunState
from platform_api.triggers import service, starting
from platform_api.triggers.models import Trigger
from platform_api.triggers.starting import start_due
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.runs.working import Workshop, create_workshop

pytestmark = pytest.mark.anyio

EVERY = {"every_minutes": 240}


@pytest.fixture
async def platform(shared_platform: Platform) -> Platform:
    return shared_platform


def path(workshop: Workshop, rest: str = "") -> str:
    return f"/api/apps/{workshop.app.id}/actions/{workshop.action['slug']}/schedules/{rest}"


async def create(workshop: Workshop, caller: Caller | None = None, **changes: Any) -> dict[str, Any]:
    async with workshop.platform.client(caller or workshop.caller) as client:
        reply = await client.post(path(workshop), json={"name": "Nightly", "schedule": EVERY, **changes})
    assert reply.status_code == 201, reply.text
    created: dict[str, Any] = reply.json()
    return created


async def read(workshop: Workshop, schedule: dict[str, Any], caller: Caller | None = None) -> dict[str, Any]:
    async with workshop.platform.client(caller or workshop.caller) as client:
        reply = await client.get(path(workshop, f"{schedule['id']}/"))
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def change(workshop: Workshop, stored: dict[str, Any], **body: Any) -> dict[str, Any]:
    async with workshop.platform.client(workshop.caller) as client:
        url = path(workshop, f"{stored['id']}/")
        reply = await client.patch(url, json={"base_revision": stored["revision"], **body})
    assert reply.status_code == 200, reply.text
    changed: dict[str, Any] = reply.json()
    return changed


async def came_due(platform: Platform, *schedules: dict[str, Any], ago: timedelta = timedelta(seconds=1)) -> None:
    """Makes schedules due since then, and waits until somebody has looked."""
    chosen = Trigger.id.in_([schedule["id"] for schedule in schedules])
    async with platform.database.transaction() as session:
        await session.execute(update(Trigger).where(chosen).values(next_at=func.now() - ago))
    await asyncio.gather(*(start_due(platform.database) for _ in range(4)))
    async with asyncio.timeout(240):
        while True:  # the platform's own schedule may have it at hand
            async with platform.database.transaction() as session:
                is_due = Trigger.is_enabled & (Trigger.next_at <= func.now())
                if await session.scalar(select(Trigger.id).where(chosen, is_due)) is None:
                    return
            await start_due(platform.database)


async def runs(workshop: Workshop, caller: Caller | None = None) -> list[dict[str, Any]]:
    async with workshop.platform.client(caller or workshop.caller) as client:
        reply = await client.get(f"/api/actions/runs/?app={workshop.app.id}&cause=schedule")
    assert reply.status_code == 200, reply.text
    found: list[dict[str, Any]] = reply.json()["results"]
    return found


async def end_runs(workshop: Workshop) -> None:
    async with workshop.platform.database.transaction() as session:
        ended = update(Run).where(Run.app_id == workshop.app.id, Run.state == RunState.PENDING)
        await session.execute(ended.values(state=RunState.COMPLETED, finished_at=func.now()))


async def test_a_time_that_comes_starts_one_run_however_many_look(platform: Platform) -> None:
    workshop = await create_workshop(platform)
    schedules = [await create(workshop, name=f"S{number}", input={"n": number}) for number in range(3)]
    await came_due(platform, *schedules)
    found = await runs(workshop)
    assert sorted(run["names"]["schedule"] for run in found) == ["S0", "S1", "S2"]
    assert {run["schedule"] for run in found} == {schedule["id"] for schedule in schedules}
    assert {run["begun_by"] for run in found} == {"schedule"}
    after = await read(workshop, schedules[1])
    assert after["last_run"]["state"] == "pending"
    async with platform.client(workshop.caller) as client:
        detail = (await client.get(f"/api/actions/runs/{after['last_run']['id']}/")).json()
    assert detail["event"]["user_input"] == {"n": 1}
    assert (detail["event"]["schedule"]["name"], detail["event"]["schedule"]["missed"]) == ("S1", 0)
    assert datetime.fromisoformat(after["next_at"]) > datetime.now().astimezone() + timedelta(minutes=230)


async def test_times_that_were_missed_are_one_run(platform: Platform) -> None:
    workshop = await create_workshop(platform)
    schedule = await create(workshop, schedule={"every_minutes": 60})
    await came_due(platform, schedule, ago=timedelta(minutes=150))
    [run] = await runs(workshop)
    async with platform.client(workshop.caller) as client:
        detail = (await client.get(f"/api/actions/runs/{run['id']}/")).json()
    assert detail["event"]["schedule"]["missed"] == 2


async def test_what_happens_while_a_run_is_open(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "MAX_BESIDE", 2)
    workshop = await create_workshop(platform)
    skip = await create(workshop)
    queue = await create(workshop, schedule={**EVERY, "overlap": "queue_one"})
    beside = await create(workshop, schedule={**EVERY, "overlap": "allow"})
    for _ in range(3):
        await came_due(platform, skip, queue, beside)
    started = [run["schedule"] for run in await runs(workshop)]
    assert [started.count(schedule["id"]) for schedule in (skip, queue, beside)] == [1, 1, 2]
    skipped, queued, full = [await read(workshop, schedule) for schedule in (skip, queue, beside)]
    assert skipped["last_skip_reason"] == f"run {skipped['last_run']['id']} had not ended"
    assert full["last_skip_reason"] == "2 of its runs had not ended; no more may be open at once"
    assert (queued["last_skip_reason"], queued["waiting_since"] is not None) == (None, True)
    await end_runs(workshop)
    await asyncio.gather(*(start_due(platform.database) for _ in range(3)))
    async with asyncio.timeout(240):
        while (waited := await read(workshop, queue))["waiting_since"] is not None:
            await start_due(platform.database)
    async with platform.client(workshop.caller) as client:
        detail = (await client.get(f"/api/actions/runs/{waited['last_run']['id']}/")).json()
    assert detail["event"]["schedule"]["missed"] == 1
    assert [run["schedule"] for run in await runs(workshop)].count(queue["id"]) == 2


async def test_it_stops_when_who_set_it_has_left_and_goes_on_for_who_resumes_it(platform: Platform) -> None:
    workshop = await create_workshop(platform)
    builder = await platform.create_colleague(workshop.caller, Role.BUILDER)
    schedule = await create(workshop, builder)
    async with platform.client(workshop.caller) as client:
        members = f"/api/organizations/{workshop.caller.organization_slug}/members/{builder.user_id}/"
        assert (await client.delete(members)).status_code == 204
    await came_due(platform, schedule)
    assert await runs(workshop) == []
    paused = await read(workshop, schedule)
    assert (paused["is_enabled"], paused["next_at"]) == (False, None)
    assert paused["paused_reason"].startswith("the user who set this up is no longer a member of the organization")
    resumed = await change(workshop, paused, is_enabled=True)
    assert (resumed["paused_reason"], resumed["changed_by"] != resumed["created_by"]) == (None, True)
    await came_due(platform, schedule)
    [run] = await runs(workshop)
    assert run["user"] == workshop.caller.user_id


async def test_a_start_that_is_refused_is_shown_and_holds_up_nobody(platform: Platform) -> None:
    workshop = await create_workshop(platform)
    schedule, other = await create(workshop, input={"n": "x"}), await create(workshop, input={"n": 1})
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    async with platform.client(workshop.caller) as client:
        url = f"/api/actions/{workshop.action['id']}/"
        assert (await client.patch(url, json={"input_schema": schema})).status_code == 200
        refused = await client.post(path(workshop), json={"name": "x", "schedule": EVERY, "input": {}})
        assert (refused.status_code, refused.json()["fields"][0]["path"]) == (422, "input")
    await came_due(platform, schedule, other)
    assert [run["schedule"] for run in await runs(workshop)] == [other["id"]]
    shown = await read(workshop, schedule)
    assert shown["last_error"] == "input.n: 'x' is not of type 'integer'"
    assert (shown["is_enabled"], shown["next_at"] is not None, shown["last_run"]) == (True, True, None)
    mended = await change(workshop, shown, input={"n": 2})
    assert mended["last_error"] is None
    await came_due(platform, schedule)
    assert len(await runs(workshop)) == 2


async def test_an_installer_schedules_a_public_action_until_it_uninstalls_the_app(platform: Platform) -> None:
    workshop = await create_workshop(platform, is_public=True)
    installer = await platform.create_caller()
    await platform.install(workshop.app, installer)
    theirs, own = await create(workshop, installer), await create(workshop)
    await came_due(platform, theirs, own)
    assert [run["schedule"] for run in await runs(workshop, installer)] == [theirs["id"]]
    assert [run["schedule"] for run in await runs(workshop)] == [own["id"]]
    for caller, other in ((installer, own), (workshop.caller, theirs)):
        async with platform.client(caller) as client:
            url = path(workshop, f"{other['id']}/")
            assert (await client.get(url)).status_code == 404
            assert (await client.patch(url, json={"base_revision": 1, "name": "y"})).status_code == 404
            assert (await client.delete(url)).status_code == 404
            assert len((await client.get(path(workshop))).json()["results"]) == 1
    stranger = await platform.create_caller()
    async with platform.client(stranger) as client:
        assert (await client.get(path(workshop))).status_code == 404
        assert (await client.post(path(workshop), json={"name": "x", "schedule": EVERY})).status_code == 404
    async with platform.client(installer) as client:
        assert (await client.delete(f"/api/apps/{workshop.app.id}/install/")).status_code in (200, 204)
    async with platform.database.transaction() as session:
        left = await session.scalars(select(Trigger.id).where(Trigger.app_id == workshop.app.id))
        assert left.all() == [own["id"]]


async def test_it_goes_with_its_action(platform: Platform) -> None:
    workshop = await create_workshop(platform)
    schedule = await create(workshop)
    async with platform.client(workshop.caller) as client:
        assert (await client.delete(f"/api/actions/{workshop.action['id']}/")).status_code == 204
        assert (await client.get(path(workshop))).status_code == 404
    async with platform.database.transaction() as session:
        assert await session.get(Trigger, schedule["id"]) is None


async def test_nobody_overwrites_and_only_builders_change(platform: Platform) -> None:
    workshop = await create_workshop(platform)
    schedule = await create(workshop)
    changed = await change(workshop, schedule, name="Hourly", schedule={"cron": "0 * * * *"})
    assert (changed["revision"], changed["words"]) == (2, "At the start of every hour")
    url = path(workshop, f"{schedule['id']}/")
    member = await platform.create_colleague(workshop.caller, Role.MEMBER)
    async with platform.client(workshop.caller) as client:
        stale = await client.patch(url, json={"base_revision": 1, "name": "x"})
        assert (stale.status_code, stale.json()["code"], stale.json()["current_revision"]) == (
            409,
            "stale_version",
            2,
        )
    async with platform.client(member) as client:
        assert (await client.get(url)).json()["name"] == "Hourly"
        assert (await client.patch(url, json={"base_revision": 2, "name": "x"})).status_code == 403
        assert (await client.post(path(workshop), json={"name": "x", "schedule": EVERY})).status_code == 403
        assert (await client.delete(url)).status_code == 403
    kept = await change(workshop, changed, schedule={"cron": "0 * * * *", "overlap": "allow"})
    assert kept["next_at"] == changed["next_at"]
    paused = await change(workshop, kept, is_enabled=False)
    assert (paused["next_at"], paused["next_times"]) == (None, [])
    await came_due(platform, paused)
    assert await runs(workshop) == []


async def test_there_may_be_so_many_and_a_list_is_read_in_parts(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_PER_ACTION", 3)
    workshop = await create_workshop(platform)
    names = [(await create(workshop, name=f"S{number}"))["name"] for number in range(3)]
    async with platform.client(workshop.caller) as client:
        full = await client.post(path(workshop), json={"name": "x", "schedule": EVERY})
        assert (full.status_code, full.json()["code"]) == (409, "limit_reached")
        first = (await client.get(path(workshop), params={"limit": 2})).json()
        rest = (await client.get(path(workshop), params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [item["name"] for part in (first, rest) for item in part["results"]] == names
    assert rest["next_cursor"] is None


async def test_a_preview_says_when_it_comes_and_what_the_clock_does_to_it(platform: Platform) -> None:
    workshop = await create_workshop(platform)
    async with platform.client(workshop.caller) as client:

        async def preview(**schedule: Any) -> dict[str, Any]:
            reply = await client.post(path(workshop, "preview/"), json={"schedule": schedule})
            assert reply.status_code == 200, reply.text
            found: dict[str, Any] = reply.json()
            return found

        daily = await preview(cron="30 2 * * *", timezone="Europe/Warsaw")
        assert (daily["words"], daily["timezone"]) == ("At 02:30 every day", "Europe/Warsaw")
        assert len(daily["next_times"]) == 5
        for time in daily["next_times"]:
            local = datetime.fromisoformat(time["local"])
            assert local == datetime.fromisoformat(time["at"])
            assert f"{local:%H:%M}" in ("02:30", "03:00")
        assert len(daily["warnings"]) == 2
        assert any("the clock skips 02:30: it comes at 03:00" in warning for warning in daily["warnings"])
        assert any("02:30 comes twice: only the first counts" in warning for warning in daily["warnings"])
        assert (await preview(cron="0 9 * * 1-5", timezone="Europe/Warsaw"))["warnings"] == []
        assert (await preview(every_minutes=90))["words"] == "Every 1 hour 30 minutes"
        stored = await create(workshop, schedule={"cron": "@daily"})
        assert (await preview(cron="@daily"))["next_times"] == stored["next_times"]
        refused = await client.post(path(workshop, "preview/"), json={"schedule": {"cron": "99 * * * *"}})
    assert (refused.status_code, refused.json()["fields"][0]["path"]) == (422, "schedule.cron")


@pytest.mark.parametrize(
    "body",
    [
        {"input": {"x": "\x00"}},
        {"input": {"x": "y" * (service.MAX_INPUT_BYTES + 1)}},
        {"input": {"x": [0] * 3000}},
        {"name": " "},
        {"schedule": {}},
        {"schedule": {"cron": "* * * * *", "timezone": "Nowhere"}},
        {"is_paused": True},
    ],
)
async def test_what_cannot_be_kept_is_refused(platform: Platform, body: dict[str, Any]) -> None:
    workshop = await create_workshop(platform)
    async with platform.client(workshop.caller) as client:
        reply = await client.post(path(workshop), json={"name": "x", "schedule": EVERY, **body})
    assert reply.status_code in (413, 422), reply.text


async def test_a_schedule_that_can_no_longer_be_read_is_shown_and_mended(platform: Platform) -> None:
    workshop = await create_workshop(platform)
    schedule = await create(workshop)
    async with platform.database.transaction() as session:
        gone = {"cron": "0 9 * * *", "timezone": "Gone/Zone"}
        await session.execute(update(Trigger).where(Trigger.id == schedule["id"]).values(schedule=gone))
    await came_due(platform, schedule)
    shown = await read(workshop, schedule)
    assert (shown["words"], shown["next_at"]) == (None, None)
    assert shown["last_error"] == "its schedule can no longer be read here; change it"
    mended = await change(workshop, shown, schedule={"cron": "0 9 * * *"})
    assert (mended["last_error"], len(mended["next_times"])) == (None, 5)

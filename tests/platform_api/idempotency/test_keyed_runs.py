"""The same key starts one run: at once, in two processes, after an error, as somebody else, and a day later."""

import asyncio

import pytest
from sqlalchemy import func, select, text, update

from platform_api.accounts.models import Role
from platform_api.idempotency.models import IdempotencyKey
from platform_api.idempotency.service import forget_expired
from platform_api.runs.models import Run
from tests.platform_api.conftest import Platform, make_settings, running_platform
from tests.platform_api.runs.working import Workshop, create_workshop

pytestmark = pytest.mark.anyio
BODY = {"user_input": {"amount": 3}}


async def _start(platform: Platform, workshop: Workshop, key: str | None, body: object = BODY) -> dict[str, int]:
    async with platform.client(workshop.caller) as client:
        headers = {} if key is None else {"Idempotency-Key": key}
        reply = await client.post(f"/api/actions/{workshop.action['id']}/run/", json=body, headers=headers)
    assert reply.status_code == 200, reply.text
    started: dict[str, int] = reply.json()
    return started


async def _count(platform: Platform, workshop: Workshop) -> int:
    async with platform.database.transaction() as session:
        runs = select(func.count()).select_from(Run).where(Run.action_id == workshop.action["id"])
        return int(await session.scalar(runs) or 0)


async def test_a_key_starts_one_run_and_no_key_a_run_each_time(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    first = await _start(shared_platform, workshop, "order-1")
    assert await _start(shared_platform, workshop, "order-1") == first
    assert (await _start(shared_platform, workshop, "order-2"))["run_id"] != first["run_id"]
    await _start(shared_platform, workshop, None)
    assert await _count(shared_platform, workshop) == 3


async def test_a_key_with_another_request_is_refused(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    await _start(shared_platform, workshop, "k")
    async with shared_platform.client(workshop.caller, headers={"Idempotency-Key": "k"}) as client:
        url = f"/api/actions/{workshop.action['id']}/run/"
        other = await client.post(url, json={"user_input": {"amount": 4}})
        assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
        malformed = await client.post(url, json=BODY, headers={"Idempotency-Key": "two words"})
        assert (malformed.status_code, malformed.json()["code"]) == (422, "validation_failed")
    assert await _count(shared_platform, workshop) == 1


async def test_twenty_at_once_in_two_processes_start_one_run(platform_database_url: str) -> None:
    settings = make_settings(platform_database_url)
    async with running_platform(settings) as one, running_platform(settings) as other:
        workshop = await create_workshop(one)
        started = await asyncio.gather(
            *(_start(platform, workshop, "at-once") for platform in (one, other) for _ in range(20))
        )
        assert len({run["run_id"] for run in started}) == 1
        assert await _count(one, workshop) == 1


async def test_a_refused_start_does_not_use_up_its_key(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    url = f"/api/actions/{workshop.action['id']}/run/"
    async with shared_platform.client(workshop.caller, headers={"Idempotency-Key": "k"}) as client:
        refused = await client.post(url, json={**BODY, "language": "javascript"})
        assert refused.status_code == 400
        assert (await client.post(url, json=BODY)).status_code == 200


async def test_a_run_is_found_again_by_its_key(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    started = await _start(shared_platform, workshop, "found")
    url = f"/api/actions/{workshop.action['slug']}/run-request/"
    async with shared_platform.client(workshop.caller) as client:
        found = await client.get(url, params={"app": workshop.app.id, "request_key": "found"})
        assert found.json() == started
        unknown = await client.get(url, params={"app": workshop.app.id, "request_key": "unknown"})
        assert unknown.status_code == 404
        async with shared_platform.database.transaction() as session:
            await session.execute(text(f"delete from platform.runs where id = {started['run_id']}"))
        gone = await client.get(url, params={"app": workshop.app.id, "request_key": "found"})
        assert (gone.status_code, gone.json()["code"]) == (410, "run_deleted")
        headers = {"Idempotency-Key": "found"}
        again = await client.post(f"/api/actions/{workshop.action['id']}/run/", json=BODY, headers=headers)
        assert again.status_code == 410, "a deleted run is not started again"


async def test_keys_are_each_users_own(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    await _start(shared_platform, workshop, "mine")
    colleague = await shared_platform.create_colleague(workshop.caller, Role.MEMBER)
    async with shared_platform.client(colleague) as client:
        url = f"/api/actions/{workshop.action['id']}"
        hidden = await client.get(f"{url}/run-request/", params={"request_key": "mine"})
        assert hidden.status_code == 404
        started = await client.post(f"{url}/run/", json={"user_input": {}}, headers={"Idempotency-Key": "mine"})
        assert started.status_code == 200, "another user's key is another key"
    stranger = await shared_platform.create_caller()
    async with shared_platform.client(stranger) as client:
        assert (await client.get(f"{url}/run-request/", params={"request_key": "mine"})).status_code == 404


async def test_a_key_holds_for_a_day_by_the_clock_of_the_database(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    first = await _start(shared_platform, workshop, "old")

    async def age(hours: str) -> None:
        async with shared_platform.database.transaction() as session:
            stored = update(IdempotencyKey).where(IdempotencyKey.subject == f"run:{workshop.action['id']}")
            await session.execute(stored.values(created_at=func.now() - text(f"interval '{hours}'")))

    await age("23 hours 59 minutes")
    async with shared_platform.database.transaction() as session:
        await forget_expired(session)
    assert await _start(shared_platform, workshop, "old") == first
    await age("24 hours 1 minute")
    second = await _start(shared_platform, workshop, "old", {"user_input": {"amount": 4}})
    assert second["run_id"] != first["run_id"]
    await age("24 hours 1 minute")
    async with shared_platform.database.transaction() as session:
        assert await forget_expired(session) is False
        left = select(func.count()).select_from(IdempotencyKey)
        assert await session.scalar(left.where(IdempotencyKey.subject == f"run:{workshop.action['id']}")) == 0


async def test_a_stopped_run_is_confirmed_once_it_has_ended(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    started = await _start(shared_platform, workshop, None)
    async with shared_platform.client(workshop.caller) as client:
        for _ in range(2):
            stopped = await client.post(f"/api/actions/runs/{started['run_id']}/stop/")
            assert stopped.status_code == 200
            assert stopped.json() == {"run_id": started["run_id"], "status": "stopped", "confirmed": True}
    stranger = await shared_platform.create_caller()
    async with shared_platform.client(stranger) as client:
        assert (await client.post(f"/api/actions/runs/{started['run_id']}/stop/")).status_code == 404

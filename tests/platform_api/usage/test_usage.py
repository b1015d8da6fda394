"""What an organization uses, by day and against its limits."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from platform_api.accounts.models import Role
from platform_api.integrations.calls import usage as call_usage
from platform_api.integrations.models import IntegrationBudget, IntegrationUsage, LoggedCall
from platform_api.runs.models import Run, RunState
from tests.platform_api.conftest import Caller, Platform

pytestmark = pytest.mark.anyio

PATH = "/api/usage/"


async def _use(platform: Platform, caller: Caller, at: datetime) -> None:
    app = await platform.create_app(caller)
    async with platform.database.transaction() as session:
        session.add_all(
            Run(
                task_id=f"{app.slug}-{number}",
                number=number,
                organization_id=caller.organization_id,
                app_id=app.id,
                user_id=caller.user_id,
                action_type="app_action",
                entry="main.py",
                bundle="",
                event={},
                environment={},
                limits={},
                state=state,
                reaches_installs=False,
                allows_retries=False,
                created_at=at,
                finished_at=at,
            )
            for number, state in enumerate([RunState.COMPLETED, RunState.FAILED])
        )
        session.add_all(
            LoggedCall(
                organization_id=caller.organization_id,
                integration_id="shop",
                connection_id=1,
                method="GET",
                endpoint="/",
                status_code=200,
                ok=is_ok,
                elapsed_ms=1,
                created_at=created_at,
            )
            for is_ok, created_at in [(True, at - timedelta(days=60)), (True, at), (False, at), (True, at)]
        )
        month = datetime.now(UTC).date().replace(day=1)
        session.add(IntegrationUsage(organization_id=caller.organization_id, month=month, calls=4))
        session.add(IntegrationBudget(organization_id=caller.organization_id, calls_per_month=10))
    async with platform.client(caller) as client:
        made = await client.post(f"/api/apps/{app.id}/new_table/", json={"name": "orders"})
        assert made.status_code == 200, made.text


async def test_usage_counts_days_and_what_is_limited_of_one_organization(
    shared_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, stranger = [await shared_platform.create_caller() for _ in range(2)]
    at = datetime.now(UTC).replace(hour=0, minute=0, second=1) - timedelta(days=3)
    await _use(shared_platform, caller, at)
    async with shared_platform.client(caller) as client:
        usage = (await client.get(PATH)).json()
    today = datetime.now(UTC).date()
    assert [day["day"] for day in usage["days"]] == [str(today - timedelta(days=29 - n)) for n in range(30)]
    nothing = {"runs": 0, "failed_runs": 0, "calls": 0, "failed_calls": 0}
    assert usage["days"][-4] == {"day": str(at.date()), "runs": 2, "failed_runs": 1, "calls": 3, "failed_calls": 1}
    assert all(day == {**nothing, "day": day["day"]} for day in usage["days"][:-4] + usage["days"][-3:])
    assert usage["calls_this_month"] == {"used": 4, "limit": 10}
    assert usage["files"] == {"used": 0, "limit": 100_000}
    assert usage["tables"] == {"used": 1, "limit": None}
    assert usage["members"] == {"used": 1, "limit": None}

    async with shared_platform.client(stranger) as client:
        foreign = (await client.get(PATH)).json()
        refused = await client.get(PATH, headers={"X-Organization-Id": str(caller.organization_id)})
    assert all(day == {**nothing, "day": day["day"]} for day in foreign["days"])
    assert [foreign[name]["used"] for name in ("calls_this_month", "tables", "members")] == [0, 0, 1]
    assert refused.status_code == 403

    monkeypatch.setattr(call_usage, "MAX_COUNTED", 3)
    async with shared_platform.client(caller) as client:
        days = (await client.get(PATH)).json()["days"]
    assert days[-4]["calls"] is None and days[-3]["calls"] == 0


async def test_rows_are_estimated_by_statistics(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    app = await shared_platform.create_app(caller)
    async with shared_platform.client(caller) as client:
        for name in ("orders", "Lines"):
            assert (await client.post(f"/api/apps/{app.id}/new_table/", json={"name": name})).status_code == 200
        mutation = f"mutation {{ insert_app_{app.id}_Lines(objects: [{{}}, {{}}, {{}}]) {{ affected_rows }} }}"
        reply = await client.post(f"/api/apps/{app.id}/v1/graphql", json={"query": mutation})
        assert reply.json()["data"], reply.text
        async with shared_platform.database.transaction() as session:
            await session.execute(text(f'analyze public."app_{app.id}_Lines"'))
        usage = (await client.get(PATH)).json()
    assert (usage["tables"]["used"], usage["rows"]["used"]) == (2, 3)


async def test_members_are_refused(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    member = await shared_platform.create_colleague(owner, Role.MEMBER)
    async with shared_platform.client(member) as client:
        answer = await client.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_role")

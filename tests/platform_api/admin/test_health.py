"""How the installation does, for its operators."""

import pytest
from sqlalchemy import delete, func, insert, text

from platform_api.accounts.models import Scope
from platform_api.runs.models import RunnerPresence
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio

PATH = "/api/admin/health/"


async def test_an_operator_sees_runners_queue_versions_and_storage(platform: Platform) -> None:
    operator = await platform.create_caller(is_operator=True)
    app = await platform.create_app(operator)
    async with platform.database.transaction() as session:
        await session.execute(delete(RunnerPresence))
        seen = {"here": func.now(), "gone": func.now() - text("interval '1 hour'")}
        for name, seen_at in seen.items():
            row = {"id": name, "isolation": "bubblewrap", "slots": 4, "seen_at": seen_at}
            await session.execute(insert(RunnerPresence).values(row))
    async with platform.client(operator) as client:
        action = await client.post(
            "/api/actions/", json={"app": app.slug, "name": "a", "code": "print(1)", "action_type": "app_action"}
        )
        run = await client.post(f"/api/actions/{action.json()['id']}/run/", json={})
        assert run.status_code == 200, run.text
        reply = await client.get(PATH)
    assert reply.status_code == 200, reply.text
    assert reply.headers["cache-control"] == "no-store"
    report = reply.json()
    assert report["status"] == "ok"
    assert report["parts"]["database"] == "ok"
    assert set(report["versions"]) == {"automio", "postgresql", "python"}
    runners = [(one["id"], one["is_present"], one["slots"], one["held"]) for one in report["runners"]]
    assert runners == [("here", True, 4, 0), ("gone", False, 4, 0)]
    assert (report["queue"]["waiting"], report["queue"]["held"]) == (1, 0)
    assert 0 <= report["queue"]["oldest_waiting_seconds"] < 600
    assert report["storage"]["database_bytes"] > 0
    assert operator.token not in reply.text and operator.organization_slug not in reply.text


async def test_others_are_refused_with_the_reason(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    narrow = await shared_platform.create_caller(is_operator=True, scopes=[Scope.DATA])
    for caller, code in ((owner, "missing_role"), (narrow, "missing_scope")):
        async with shared_platform.client(caller) as client:
            reply = await client.get(PATH)
        assert (reply.status_code, reply.json()["code"]) == (403, code)
    assert "operator of this installation" in reply.json()["detail"] or code == "missing_scope"
    async with shared_platform.client() as client:
        assert (await client.get(PATH)).status_code == 401

"""Actions over HTTP (contract §10), and what other organizations and lesser roles can do with them."""

import asyncio

import httpx
import pytest

from platform_api.accounts.models import Role, Scope
from platform_api.actions.code import entry_path
from platform_api.apps.models import InstallStatus
from platform_api.core.errors import Unprocessable
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.runs.working import ProtocolRunner, create_runner_token, create_workshop

pytestmark = pytest.mark.anyio


async def test_an_action_is_created_with_its_code_as_a_file_of_the_source_tree(shared_platform: Platform) -> None:
    workshop = await create_workshop(
        shared_platform,
        name="Import Orders!",
        entry=None,
        code="def main(event):\n    return event\n",
        input_schema={"type": "object"},
        limits={"memory_mb": 128},
        description="d",
    )
    action = workshop.action
    assert (action["slug"], action["entry"]) == ("import-orders", "actions/import_orders.py")
    assert (action["action_type"], action["is_mine"], action["app"]) == ("user_action", True, workshop.app.id)
    assert action["organization"] == workshop.caller.organization_id
    assert (action["limits"]["memory_mb"], action["limits"]["wall_seconds"]) == (128, 300)
    assert (action["can_view_code"], action["code"]) == (True, "def main(event):\n    return event\n")
    async with shared_platform.client(workshop.caller) as client:
        source = (await client.get(f"/api/apps/{workshop.app.id}/source/")).json()
        assert source["files"] == {"actions/import_orders.py": action["code"]}
        one = f"/api/actions/{action['id']}/"
        function = f"{action['entry']}:main"
        changed = await client.patch(one, json={"entry": function, "name": "Orders", "input_schema": None})
        assert (changed.json()["entry"], changed.json()["name"]) == (function, "Orders")
        assert (changed.json()["input_schema"], changed.json()["description"]) == (None, "d")
        coded = await client.patch(one, json={"code": "def main(event):\n    return 2\n"})
        assert coded.json()["code"] == "def main(event):\n    return 2\n"
        assert (await client.get(f"/api/apps/{workshop.app.id}/source/")).json()["number"] == 2
        assert (await client.delete(one)).status_code == 204
        assert (await client.get(one)).status_code == 404


async def test_actions_are_listed_plainly_by_any_name_of_the_app(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    caller, app = workshop.caller, workshop.app
    other = await create_workshop(shared_platform, caller=caller)
    bound = await shared_platform.create_colleague(caller, Role.MEMBER, app_id=app.id)
    async with shared_platform.client(caller) as client:
        for name in (app.id, app.slug, f"{caller.organization_slug}/{app.slug}"):
            listed = (await client.get("/api/actions/", params={"app": name})).json()
            assert [action["id"] for action in listed] == [workshop.action["id"]]
            assert listed[0]["code"] is None
        everything = (await client.get("/api/actions/")).json()
        assert [action["id"] for action in everything] == [workshop.action["id"], other.action["id"]]
        by_slug = await client.get("/api/actions/import/", params={"app": app.slug})
        assert by_slug.json()["id"] == workshop.action["id"]
        assert (await client.get("/api/actions/import/")).status_code == 422
    async with shared_platform.client(bound) as client:
        assert [action["id"] for action in (await client.get("/api/actions/")).json()] == [workshop.action["id"]]
        assert (await client.get("/api/actions/import/")).json()["id"] == workshop.action["id"]
        assert (await client.get(f"/api/actions/{other.action['id']}/")).status_code == 404
        assert (await client.get("/api/actions/", params={"app": other.app.id})).status_code == 403


async def test_a_long_list_of_actions_is_read_in_parts_by_its_links(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    async with shared_platform.client(workshop.caller) as client:
        for number in range(4):
            body = {"app": workshop.app.id, "name": f"Report {number % 2}", "code": "pass", "slug": f"r-{number}"}
            assert (await client.post("/api/actions/", json=body)).status_code == 201
        for order in ("created_at", "-name", "updated_at"):
            query = {"app": workshop.app.id, "order": order}
            whole = await client.get("/api/actions/", params=query)
            assert "link" not in whole.headers
            part, read = await client.get("/api/actions/", params={**query, "limit": 2}), list[int]()
            while True:
                assert len(part.json()) <= 2
                read += [action["id"] for action in part.json()]
                if "next" not in part.links:
                    break
                part = await client.get(part.links["next"]["url"])
            assert read == [action["id"] for action in whole.json()]
        refused = await client.get("/api/actions/", params={"app": workshop.app.id, "cursor": "damaged"})
        assert refused.status_code == 422


async def test_a_table_action_names_a_table_of_its_app(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    app, foreign = await shared_platform.create_app(caller), await shared_platform.create_app(caller)
    async with shared_platform.client(caller) as client:
        for owner in (app, foreign):
            made = await client.post(f"/api/apps/{owner.id}/new_table/", json={"name": f"orders{owner.id}"})
            assert made.status_code == 200, made.text
        wanted = {"name": "On rows", "app": app.id, "code": "1\n", "action_type": "table_action"}
        assert (await client.post("/api/actions/", json=wanted)).status_code == 422
        missing = await client.post("/api/actions/", json={**wanted, "table": f"orders{foreign.id}"})
        assert missing.status_code == 404
        made = await client.post("/api/actions/", json={**wanted, "table": f"app_{app.id}_orders{app.id}"})
        assert (made.status_code, made.json()["table_name"]) == (201, f"orders{app.id}")
        [listed] = (await client.get("/api/actions/", params={"app": app.id})).json()
        assert (listed["table"], listed["table_name"]) == (made.json()["table"], f"orders{app.id}")
        unlinked = await client.patch(f"/api/actions/{listed['id']}/", json={"table": None})
        assert unlinked.status_code == 422


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"entry": "missing.py", "code": None}, 422),
        ({"entry": "../main.py"}, 422),
        ({"entry": "main.py:not valid"}, 422),
        ({"entry": "main.py:class"}, 422),
        ({"entry": "main.txt"}, 422),
        ({"entry": None, "code": None}, 422),
        ({"slug": "runs"}, 409),
        ({"slug": "a b"}, 422),
        ({"slug": "taken"}, 409),
        ({"name": "n" * 256}, 422),
        ({"action_type": "other"}, 422),
        ({"limits": {"wall_seconds": 0}}, 422),
        ({"limits": {"unknown": 1}}, 422),
        ({"app": 999_999}, 404),
        ({"app": None}, 422),
        ({"table": 999_999}, 404),
        ({"input_schema": {"nul": "\x00"}}, 422),
    ],
)
async def test_what_cannot_be_an_action_is_refused(
    shared_platform: Platform, changes: dict[str, object], status: int
) -> None:
    workshop = await create_workshop(shared_platform, slug="taken")
    wanted = {"name": "x", "app": workshop.app.id, "entry": "main.py", "code": "1\n", **changes}
    async with shared_platform.client(workshop.caller) as client:
        reply = await client.post("/api/actions/", json=wanted)
    assert reply.status_code == status, reply.text
    assert isinstance(reply.json()["detail"], str)


async def test_an_entry_names_a_function_that_its_file_has(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    code = "import os\n\ndef ship(event): ...\n\n@os.decorate\nasync def count(event): ...\n\nalias = ship\n"
    async with shared_platform.client(workshop.caller) as client:

        async def create(entry: str, code: str | None) -> httpx.Response:
            body = {"name": "x", "app": workshop.app.id, "entry": entry, "code": code}
            return await client.post("/api/actions/", json=body)

        missing = await create("jobs.py:shop", code)
        assert (missing.status_code, missing.json()["code"]) == (422, "code_refused")
        assert missing.json()["detail"] == "entry: jobs.py has no function shop; its functions are: ship, count"
        assert [field["path"] for field in missing.json()["fields"]] == ["entry"]
        assert "it has no functions" in (await create("jobs.py:run", "x = 1\n")).json()["detail"]
        source = await client.get(f"/api/apps/{workshop.app.id}/source/")
        assert "jobs.py" not in source.json()["files"]
        broken = await create("jobs.py:f", "x = 1\ndef f(:\n")
        assert broken.json()["detail"] == "code: jobs.py:2: syntax error: invalid syntax (column 7)"
        # Half-written code of a script can be saved.
        assert (await create("half.py", "x = 1\ndef f(:\n")).status_code == 201
        for function in ("ship", "count", "alias"):
            assert (await create(f"jobs.py:{function}", code)).status_code == 201
        stored = await create("jobs.py:gone", None)
        assert "its functions are: ship, count" in stored.json()["detail"]
        assert (await create("star.py:anything", "from jobs import *\n")).status_code == 201
        one = f"/api/actions/{workshop.action['id']}/"
        assert (await client.patch(one, json={"entry": "jobs.py:gone"})).json()["code"] == "code_refused"
        assert (await client.patch(one, json={"entry": "jobs.py:ship", "code": "y = 1\n"})).status_code == 422


def test_entries_name_a_file_and_perhaps_a_function() -> None:
    assert entry_path("jobs/import_orders.py:main") == "jobs/import_orders.py"
    for wrong in ("", "main", "/main.py", "main.py:", "main.py:a.b", "a\n.py", "main.py:" + "x" * 300):
        with pytest.raises(Unprocessable):
            entry_path(wrong)


async def test_a_run_may_be_started_without_a_body(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    async with shared_platform.client(workshop.caller) as client:
        url = f"/api/actions/{workshop.action['id']}/run/"
        empty = await client.post(url, headers={"Content-Type": "application/json", "Content-Length": "0"})
        nulls = await client.post(url, json={"selected_rows": None, "user_input": None, "connection_id": None})
        javascript = await client.post(url, json={"language": "javascript"})
        wrong = await client.post(url, json={"selected_rows": "all"})
        unprefixed = await client.post(url.removeprefix("/api"), json={"selected_all": False})
    assert (empty.status_code, empty.json()["run_number"]) == (200, 1)
    assert isinstance(empty.json()["task_id"], str)
    assert (nulls.json()["run_number"], unprefixed.json()["run_number"]) == (2, 3)
    assert (javascript.status_code, wrong.status_code) == (400, 422)


async def test_runs_started_at_once_are_numbered_without_gaps(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    numbers = [run["run_number"] for run in await asyncio.gather(*[workshop.run() for _ in range(8)])]
    assert sorted(numbers) == list(range(1, 9))


async def test_an_action_whose_file_was_removed_is_not_started(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    async with shared_platform.client(workshop.caller) as client:
        changes = {"base_version": 1, "changes": {"main.py": None, "other.py": "1\n"}}
        await client.patch(f"/api/apps/{workshop.app.id}/source/", json=changes)
        refused = await client.post(f"/api/actions/{workshop.action['id']}/run/")
    assert (refused.status_code, "main.py" in refused.json()["detail"]) == (409, True)


async def test_an_installed_apps_public_actions_run_for_the_installers_organization(platform: Platform) -> None:
    owner, installer = await platform.create_caller(), await platform.create_caller()
    workshop = await create_workshop(platform, caller=owner, action_type="app_action", is_public=True)
    private = {"name": "Private", "app": workshop.app.id, "entry": "main.py"}
    async with platform.client(owner) as client:
        hidden = (await client.post("/api/actions/", json=private)).json()
    await platform.install(workshop.app, installer)
    async with platform.client(installer) as client:
        [listed] = (await client.get("/api/actions/", params={"app": workshop.app.id})).json()
        assert (listed["id"], listed["is_mine"], listed["can_view_code"]) == (workshop.action["id"], False, False)
        assert (await client.get(f"/api/actions/{listed['id']}/")).json()["code"] is None
        assert (await client.post(f"/api/actions/{hidden['id']}/run/")).status_code == 404
        assert (await client.patch(f"/api/actions/{listed['id']}/", json={"name": "mine"})).status_code == 404
        assert (await client.delete(f"/api/actions/{listed['id']}/")).status_code == 404
        assert (await client.post(f"/api/actions/{listed['id']}/run/")).status_code == 200
    await workshop.run()
    token = await create_runner_token(platform)
    async with platform.client(headers={"Authorization": f"Bearer {token}"}) as client:
        claims = await ProtocolRunner(client).claim(slots=3)
    assert [claim["organization_id"] for claim in claims] == [
        installer.organization_id,
        owner.organization_id,
    ]
    # Only the owner's run of an app action works for everybody who installed the app.
    async with platform.database.transaction() as session:
        reach = await (await session.connection()).exec_driver_sql(
            "select reaches_installs from platform.tokens where kind = 'run' order by run_id"
        )
        assert [row[0] for row in reach] == [False, True]


@pytest.mark.parametrize("action_type", ["user_action", "table_action"])
async def test_an_owners_user_and_table_actions_work_for_its_organization_only(
    platform: Platform, action_type: str
) -> None:
    caller = await platform.create_caller()
    workshop = await create_workshop(platform, caller=caller)
    async with platform.client(caller) as client:
        await client.post(f"/api/apps/{workshop.app.id}/new_table/", json={"name": "orders"})
        changes = {"action_type": action_type, "table": "orders"}
        changed = await client.patch(f"/api/actions/{workshop.action['id']}/", json=changes)
        assert changed.status_code == 200, changed.text
    await workshop.run()
    async with platform.database.transaction() as session:
        rows = await (await session.connection()).exec_driver_sql("select reaches_installs from platform.runs")
        assert [row[0] for row in rows] == [False]


async def test_a_suspended_install_ends_the_right_to_start_actions(shared_platform: Platform) -> None:
    owner, installer = await shared_platform.create_caller(), await shared_platform.create_caller()
    workshop = await create_workshop(shared_platform, caller=owner, is_public=True)
    await shared_platform.install(workshop.app, installer, status=InstallStatus.SUSPENDED)
    async with shared_platform.client(installer) as client:
        assert (await client.get("/api/actions/")).json() == []
        assert (await client.post(f"/api/actions/{workshop.action['id']}/run/")).status_code == 404
        assert (await client.get("/api/actions/", params={"app": workshop.app.id})).status_code == 403


async def test_another_organization_neither_sees_nor_starts_actions(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform, is_public=True)
    stranger = await shared_platform.create_caller()
    one = f"/api/actions/{workshop.action['id']}/"
    async with shared_platform.client(stranger) as client:
        replies = [
            await client.get(one),
            await client.patch(one, json={"name": "mine"}),
            await client.delete(one),
            await client.post(f"{one}run/"),
            await client.get("/api/actions/", params={"app": workshop.app.slug}),
            await client.post("/api/actions/", json={"name": "x", "app": workshop.app.id, "code": "1"}),
        ]
        assert [reply.status_code for reply in replies] == [404] * 6
        assert (await client.get("/api/actions/")).json() == []


async def test_roles_and_scopes_limit_what_may_be_done(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    member = await shared_platform.create_colleague(workshop.caller, Role.MEMBER)
    reader = await shared_platform.create_colleague(workshop.caller, Role.OWNER, scopes=[Scope.DATA])
    one = f"/api/actions/{workshop.action['id']}/"

    async def statuses(caller: Caller) -> list[int]:
        async with shared_platform.client(caller) as client:
            replies = [
                await client.patch(one, json={"name": "x"}),
                await client.delete(one),
                await client.post(f"{one}run/"),
            ]
        return [reply.status_code for reply in replies]

    assert await statuses(member) == [403, 403, 200]
    assert await statuses(reader) == [403, 403, 403]
    async with shared_platform.client(member) as client:
        assert (await client.get(one)).json()["can_view_code"] is False


async def test_an_install_is_shown_what_actions_the_app_has(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform, action_type="webhook_action")
    async with shared_platform.client(workshop.caller) as client:
        summary = (await client.get(f"/api/apps/{workshop.app.id}/access/")).json()
        assert summary["access"]["actions"] == [{"slug": "import", "name": "Import", "action_type": "webhook_action"}]
        await client.delete(f"/api/actions/{workshop.action['id']}/")
        changed = (await client.get(f"/api/apps/{workshop.app.id}/access/")).json()
    assert (changed["access"]["actions"], changed["digest"] != summary["digest"]) == ([], True)

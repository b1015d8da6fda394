"""Runs of source that was not saved: what they execute, who may start them, and how long the source is kept."""

import json

import pytest
from sqlalchemy import func, select

from platform_api.accounts.models import Role, Scope
from platform_api.runs import drafts
from platform_api.runs.models import RunDraft
from tests.platform_api.conftest import Platform
from tests.platform_api.runs.working import ProtocolRunner, create_workshop

pytestmark = pytest.mark.anyio


async def test_a_draft_runs_over_the_newest_version_and_is_saved_nowhere(
    platform: Platform, runner: ProtocolRunner
) -> None:
    workshop = await create_workshop(platform)
    async with platform.client(workshop.caller) as client:
        source = f"/api/apps/{workshop.app.id}/source/"
        changes = {"old.py": "1\n", "other.py": "2\n"}
        assert (await client.patch(source, json={"base_version": 1, "changes": changes})).status_code == 201
        started = await workshop.run(draft={"main.py": "print('draft')\n", "old.py": None, "new.py": "3\n"})
        claim = await runner.claim_one()
        bundle = (await runner.client.get(f"/api/runner/bundles/{claim['bundle']}/")).json()["files"]
        assert bundle == {"main.py": "print('draft')\n", "other.py": "2\n", "new.py": "3\n"}
        saved = (await client.get(source)).json()
        assert (saved["number"], "new.py" in saved["files"]) == (2, False)
        detail = (await client.get(f"/api/actions/runs/{started['run_id']}/")).json()
        plain = await workshop.run()
        [newer, of_draft] = (await client.get(f"/api/actions/runs/?app={workshop.app.id}")).json()["results"]
    assert (newer["id"], newer["is_draft"], of_draft["is_draft"], detail["is_draft"]) == (
        plain["run_id"],
        False,
        True,
        True,
    )


async def test_a_run_of_a_draft_is_repeated_with_its_draft_as_long_as_that_is_kept(
    platform: Platform, runner: ProtocolRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop = await create_workshop(platform)
    first = await workshop.run(draft={"main.py": "print('draft')\n"})
    again = f"/api/actions/runs/{first['run_id']}/rerun/"
    async with platform.client(workshop.caller) as client:
        repeated = (await client.post(again)).json()
        latest = (await client.post(again, json={"version": "latest"})).json()
        assert (repeated["is_draft"], latest["is_draft"]) == (True, False)
        claims = await runner.claim(slots=4)
        assert claims[0]["bundle"] == claims[1]["bundle"] != claims[2]["bundle"]
        await runner.start(claims[0])
        await runner.finish(claims[0])
        monkeypatch.setattr(drafts, "_MAX_KEPT", 1)
        await workshop.run(draft={"main.py": "print('newer')\n"})
        refused = await client.post(again)
        assert (refused.status_code, refused.json()["code"]) == (409, "draft_gone")
    async with platform.database.transaction() as session:
        # That of the run which goes on is still needed.
        kept = select(func.count()).select_from(RunDraft).where(RunDraft.app_id == workshop.app.id)
        assert await session.scalar(kept) == 2


@pytest.mark.parametrize(
    ("draft", "status", "what"),
    [
        ({"../main.py": ""}, 422, "draft: the path '../main.py' must be relative"),
        ({"/etc/passwd": ""}, 422, "draft: the path"),
        ({".plugins/x.py": ""}, 422, "draft: the path"),
        ({"main.py/x.py": ""}, 422, "draft: main.py is a file"),
        ({"a.py": "\x00"}, 422, "NUL"),
        ({"a.py": "\ud800"}, 422, "Unicode"),
        ({"main.py": None}, 409, "the draft has no main.py"),
        ({"a.py": "x" * (drafts.MAX_DRAFT_BYTES + 1)}, 413, "draft: 1048577 bytes"),
        ({f"{number}.py": "" for number in range(drafts.MAX_DRAFT_FILES + 1)}, 422, "draft"),
    ],
)
async def test_what_could_not_be_saved_does_not_run_either(
    platform: Platform, draft: dict[str, str | None], status: int, what: str
) -> None:
    workshop = await create_workshop(platform)
    async with platform.client(workshop.caller) as client:
        body = json.dumps({"draft": draft})
        headers = {"content-type": "application/json"}
        reply = await client.post(f"/api/actions/{workshop.action['id']}/run/", content=body, headers=headers)
    assert reply.status_code == status, reply.text
    assert what in reply.json()["detail"]


async def test_drafts_are_for_who_may_change_the_app(platform: Platform) -> None:
    workshop = await create_workshop(platform, is_public=True)
    installer, stranger = await platform.create_caller(), await platform.create_caller()
    await platform.install(workshop.app, installer)
    member = await platform.create_colleague(workshop.caller, Role.MEMBER)
    token = await platform.create_colleague(workshop.caller, Role.BUILDER, scopes=[Scope.RUN])
    of_draft = await workshop.run(draft={"main.py": "1\n"})
    path = f"/api/actions/{workshop.action['id']}/run/"
    for caller, status in ((installer, 404), (stranger, 404), (member, 403), (token, 403)):
        async with platform.client(caller) as client:
            assert (await client.post(path, json={"draft": {"main.py": "2\n"}})).status_code == status
            again = await client.post(f"/api/actions/runs/{of_draft['run_id']}/rerun/")
            assert again.status_code == status, again.text

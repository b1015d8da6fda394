"""Views and drafts: a change names its revision, and who may see what."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from platform_api.accounts.models import Role
from platform_api.documents import drafts, views
from tests.platform_api.conftest import Caller, Platform

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Team:
    """An app with a table, its owner, a builder and a member."""

    platform: Platform
    app: int
    owner: Caller
    builder: Caller
    member: Caller

    async def send(self, caller: Caller, method: str, path: str, body: Any = None) -> httpx.Response:
        async with self.platform.client(caller) as client:
            return await client.request(method, path, json=body)

    @property
    def views(self) -> str:
        return f"/api/apps/{self.app}/table/orders/views/"

    async def save(self, caller: Caller, name: str, **fields: Any) -> dict[str, Any]:
        answer = await self.send(caller, "POST", self.views, {"name": name, "content": {}, **fields})
        assert answer.status_code == 201, answer.text
        saved: dict[str, Any] = answer.json()
        return saved

    async def names(self, caller: Caller, query: str = "") -> list[str]:
        answer = await self.send(caller, "GET", self.views + query)
        assert answer.status_code == 200, answer.text
        return [view["name"] for view in answer.json()["results"]]


@pytest.fixture
async def team(shared_platform: Platform) -> AsyncIterator[Team]:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    async with shared_platform.client(owner) as client:
        table = {"name": "orders", "columns": [{"name": "total", "type": "numeric"}]}
        assert (await client.post(f"/api/apps/{app.id}/new_table/", json=table)).status_code == 200
    builder = await shared_platform.create_colleague(owner, Role.BUILDER)
    member = await shared_platform.create_colleague(owner, Role.MEMBER)
    yield Team(shared_platform, app.id, owner, builder, member)


async def test_own_views_are_seen_by_their_owner_and_shared_ones_by_all(team: Team) -> None:
    await team.save(team.owner, "Mine")
    await team.save(team.builder, "Everyone's", is_shared=True)
    await team.save(team.member, "mine", content={"where": {"total": {"_gt": 1}}, "hidden": ["total"]})
    assert await team.names(team.owner) == ["Everyone's", "Mine"]
    assert await team.names(team.member) == ["Everyone's", "mine"]
    assert await team.names(team.member, "?search=MIN") == ["mine"]


async def test_a_view_is_changed_from_its_newest_revision_only(team: Team) -> None:
    view = await team.save(team.owner, "Open", content={"order": {"total": "asc"}})
    path = f"{team.views}{view['id']}/"
    first = await team.send(team.owner, "PATCH", path, {"base_revision": 1, "content": {"group": "total"}})
    assert first.json()["revision"] == 2
    stale = await team.send(team.owner, "PATCH", path, {"base_revision": 1, "name": "Other"})
    assert stale.status_code == 409, stale.text
    assert (stale.json()["code"], stale.json()["current_revision"]) == ("stale_version", 2)
    assert stale.json()["current_content"] == {"group": "total"}
    kept = (await team.send(team.owner, "GET", path)).json()
    assert (kept["name"], kept["content"], kept["is_own"]) == ("Open", {"group": "total"}, True)


async def test_members_change_no_shared_view(team: Team) -> None:
    shared = await team.save(team.owner, "Open", is_shared=True)
    path = f"{team.views}{shared['id']}/"
    for method, body in (("PATCH", {"base_revision": 1, "name": "Other"}), ("DELETE", None)):
        refused = await team.send(team.member, method, path, body)
        assert (refused.status_code, refused.json()["code"]) == (403, "missing_role"), refused.text
    sharing = await team.send(team.member, "POST", team.views, {"name": "x", "is_shared": True, "content": {}})
    assert sharing.status_code == 403, sharing.text
    own = await team.save(team.member, "x")
    shown = await team.send(
        team.member, "PATCH", f"{team.views}{own['id']}/", {"base_revision": 1, "is_shared": True}
    )
    assert shown.status_code == 403, shown.text
    assert (await team.send(team.builder, "PATCH", path, {"base_revision": 1, "name": "Late"})).status_code == 200
    assert (await team.send(team.builder, "DELETE", path)).status_code == 204
    assert await team.names(team.owner) == []
    # Another member's own view is not there, whoever asks.
    assert (await team.send(team.owner, "GET", f"{team.views}{own['id']}/")).status_code == 404


async def test_names_are_unique_among_shared_and_among_own_views(team: Team) -> None:
    await team.save(team.owner, "Open", is_shared=True)
    await team.save(team.owner, "open")
    for taken in ({"name": "OPEN", "is_shared": True}, {"name": "Open", "is_shared": False}):
        refused = await team.send(team.owner, "POST", team.views, {**taken, "content": {}})
        assert (refused.status_code, refused.json()["code"]) == (409, "name_taken"), refused.text
        assert refused.json()["fields"][0]["path"] == "name"


@pytest.mark.parametrize(
    "body",
    [
        {"name": "", "content": {}},
        {"name": "  ", "content": {}},
        {"name": "x" * 101, "content": {}},
        {"name": "x", "content": {"a": "\x00"}},
        {"name": "x", "content": {"a": "y" * 65_536}},
        {"name": "x", "content": []},
        {"name": "x"},
        {"name": "x", "content": {}, "owner_id": 1},
    ],
)
async def test_what_is_no_view_is_refused(team: Team, body: dict[str, Any]) -> None:
    refused = await team.send(team.owner, "POST", team.views, body)
    assert refused.status_code == 422, refused.text
    assert refused.json()["fields"]
    assert await team.names(team.owner) == []


async def test_views_go_with_their_table(team: Team) -> None:
    view = await team.save(team.owner, "Open")
    renamed = await team.send(
        team.owner, "PUT", f"/api/apps/{team.app}/edit_table/", {"name": "orders", "new_name": "sales"}
    )
    assert renamed.status_code == 200, renamed.text
    moved = f"/api/apps/{team.app}/table/sales/views/{view['id']}/"
    assert (await team.send(team.owner, "GET", moved)).status_code == 200
    assert (await team.send(team.owner, "DELETE", f"/api/apps/{team.app}/table/sales/")).status_code == 204
    assert (await team.send(team.owner, "GET", moved)).status_code == 404


async def test_views_and_drafts_have_a_bound(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "MAX_VIEWS", 1)
    monkeypatch.setattr(drafts, "MAX_DRAFTS", 1)
    await team.save(team.owner, "one")
    full = await team.send(team.owner, "POST", team.views, {"name": "two", "content": {}})
    assert (full.status_code, full.json()["code"]) == (409, "limit_reached"), full.text
    await team.save(team.builder, "one")
    for subject, status in (("a", 200), ("b", 409), ("a", 409)):
        kept = await team.send(
            team.owner, "PUT", "/api/drafts/", {"subject": subject, "base_revision": 0, "content": {}}
        )
        assert kept.status_code == status, kept.text


async def test_a_draft_is_seen_by_its_owner_only_and_continues_its_newest_revision(team: Team) -> None:
    body = {"app": team.app, "subject": "code/main.py", "base_revision": 0, "content": {"text": "import os"}}
    first = await team.send(team.owner, "PUT", "/api/drafts/", body)
    assert first.json()["revision"] == 1, first.text
    again = await team.send(team.owner, "PUT", "/api/drafts/", body)
    assert again.status_code == 409, again.text
    assert again.json()["current_content"] == {"text": "import os"}
    second = await team.send(team.owner, "PUT", "/api/drafts/", {**body, "base_revision": 1, "content": {"text": ""}})
    assert second.json()["revision"] == 2
    path = f"/api/drafts/{second.json()['id']}/"
    whole = (await team.send(team.owner, "GET", path)).json()
    assert (whole["subject"], whole["content"], whole["app_id"]) == ("code/main.py", {"text": ""}, team.app)
    for method in ("GET", "DELETE"):
        assert (await team.send(team.builder, method, path)).status_code == 404
    assert (await team.send(team.builder, "GET", "/api/drafts/")).json()["results"] == []
    other = await team.send(team.owner, "PUT", "/api/drafts/", {**body, "app": None})
    assert other.json()["app_id"] is None, other.text
    listed = (await team.send(team.owner, "GET", f"/api/drafts/?app={team.app}&search=main")).json()["results"]
    assert [draft["id"] for draft in listed] == [second.json()["id"]]
    assert "content" not in listed[0]
    assert (await team.send(team.owner, "DELETE", path)).status_code == 204
    gone = await team.send(team.owner, "PUT", "/api/drafts/", {**body, "base_revision": 2})
    assert gone.status_code == 409, gone.text

"""The versioned source tree: saves, versions, differences, and two people saving at once."""

import asyncio
import json

import pytest

from platform_api.apps import source_tree
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio


async def test_each_save_is_a_new_immutable_version(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    app = await shared_platform.create_app(caller)
    url = f"/api/apps/{app.id}/source/"
    async with shared_platform.client(caller) as client:
        assert (await client.get(url)).status_code == 404
        first = await client.post(url, json={"base_version": 0, "files": {"main.py": "a = 1\n"}, "message": "start"})
        assert first.status_code == 201, first.text
        second = await client.patch(
            url, json={"base_version": 1, "changes": {"main.py": "a = 2\n", "lib/x.py": "ü\n"}}
        )
        third = await client.patch(url, json={"base_version": 2, "changes": {"lib/x.py": None}})
        same = await client.post(url, json={"base_version": 3, "files": {"main.py": "a = 2\n"}})
        latest, old = (await client.get(url)).json(), (await client.get(f"{url}?version=1")).json()
        versions = (await client.get(f"{url}versions/")).json()
        older = (await client.get(f"{url}versions/?before=3&limit=1")).json()
        diff = (await client.get(f"{url}diff/?from=1&to=2")).json()
        from_nothing = (await client.get(f"{url}diff/?from=0&to=1")).json()
    assert (second.json()["number"], third.json()["number"]) == (2, 3)
    assert (same.status_code, same.json()["number"]) == (200, 3), "an unchanged tree is no new version"
    assert latest["files"] == {"main.py": "a = 2\n"}
    assert old["files"] == {"main.py": "a = 1\n"}
    assert [(version["number"], version["author_id"]) for version in versions] == [
        (number, caller.user_id) for number in (3, 2, 1)
    ]
    assert [version["number"] for version in older] == [2]
    assert (diff["added"], diff["modified"], diff["removed"]) == (["lib/x.py"], ["main.py"], [])
    assert "-a = 1\n+a = 2\n" in diff["diff"]
    assert "--- /dev/null\n+++ b/main.py\n" in from_nothing["diff"]


async def test_a_save_on_an_outdated_base_is_told_what_changed(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    app = await shared_platform.create_app(caller)
    url = f"/api/apps/{app.id}/source/"
    async with shared_platform.client(caller) as client:
        await client.post(url, json={"base_version": 0, "files": {"a.py": "", "b.py": ""}})
        await client.post(url, json={"base_version": 1, "files": {"a.py": "changed", "c.py": ""}})
        late = await client.post(url, json={"base_version": 1, "files": {"a.py": "mine", "b.py": ""}})
        future = await client.post(url, json={"base_version": 9, "files": {"a.py": "mine"}})
    assert late.status_code == 409
    assert late.json()["current_version"] == 2
    assert late.json()["changed"] == {"added": ["c.py"], "removed": ["b.py"], "modified": ["a.py"]}
    assert "version 2 was saved since version 1" in late.json()["detail"]
    assert (future.status_code, "no version 9" in future.json()["detail"]) == (409, True)


async def test_of_two_saves_at_the_same_moment_one_wins(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    app = await shared_platform.create_app(caller)
    async with shared_platform.client(caller) as client:
        replies = await asyncio.gather(
            *(
                client.post(f"/api/apps/{app.id}/source/", json={"base_version": 0, "files": {"a.py": str(number)}})
                for number in range(6)
            )
        )
    assert sorted(reply.status_code for reply in replies) == [201, 409, 409, 409, 409, 409]


@pytest.mark.parametrize(
    ("files", "status", "detail"),
    [
        ({"../up.py": ""}, 422, "must be relative"),
        ({"/etc/passwd": ""}, 422, "must be relative"),
        ({".env": ""}, 422, "must be relative"),
        ({"a//b.py": ""}, 422, "must be relative"),
        ({"": ""}, 422, "1 to 200 characters"),
        ({"a" * 201: ""}, 422, "1 to 200 characters"),
        ({"a.py": "\x00"}, 422, "NUL"),
        ({"a.py": "\ud800"}, 422, "must be valid Unicode"),
        ({"a": "", "a/b.py": ""}, 422, "a is a file and cannot contain a/b.py"),
        ({"a.py": "x" * (source_tree.MAX_FILE_BYTES + 1)}, 413, "a file may have at most"),
        ({f"f{n}.py": "" for n in range(source_tree.MAX_FILES + 1)}, 413, "501 files"),
        ({f"f{n}.py": "x" * source_tree.MAX_FILE_BYTES for n in range(6)}, 413, "in all"),
    ],
)
async def test_a_tree_that_cannot_be_kept_is_refused_with_the_reason(
    shared_platform: Platform, files: dict[str, str], status: int, detail: str
) -> None:
    caller = await shared_platform.create_caller()
    app = await shared_platform.create_app(caller)
    async with shared_platform.client(caller) as client:
        body = json.dumps({"base_version": 0, "files": files})  # as escapes: a client can send half a surrogate pair
        reply = await client.post(
            f"/api/apps/{app.id}/source/", content=body, headers={"Content-Type": "application/json"}
        )
        nothing = await client.get(f"/api/apps/{app.id}/source/")
    assert reply.status_code == status, reply.text
    assert detail in reply.json()["detail"]
    assert nothing.status_code == 404


async def test_a_fork_begins_with_the_source_of_an_open_app_and_of_no_other(shared_platform: Platform) -> None:
    owner, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    app = await shared_platform.create_app(owner, is_public=True)
    fork = {"name": "Fork", "forked_from": app.id}
    async with shared_platform.client(owner) as maker, shared_platform.client(stranger) as client:
        await maker.post(f"/api/apps/{app.id}/source/", json={"base_version": 0, "files": {"main.py": "a = 1\n"}})
        closed = await client.post("/api/apps/", json=fork)
        await maker.put(f"/api/apps/{app.id}/", json={"name": "open", "is_open_source": True})
        opened = await client.post("/api/apps/", json=fork)
        copied = (await client.get(f"/api/apps/{opened.json()['id']}/source/")).json()
        await client.post(
            f"/api/apps/{opened.json()['id']}/source/", json={"base_version": 1, "files": {"main.py": "b = 2\n"}}
        )
        untouched = (await maker.get(f"/api/apps/{app.id}/source/")).json()
    assert (closed.status_code, "not open" in closed.json()["detail"]) == (404, True)
    assert (opened.status_code, opened.json()["forked_from"]) == (201, app.id)
    assert (copied["files"], copied["number"]) == ({"main.py": "a = 1\n"}, 1)
    assert untouched["files"] == {"main.py": "a = 1\n"}


async def test_the_source_of_an_open_app_is_read_by_everybody_who_sees_the_app(shared_platform: Platform) -> None:
    owner, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    url = f"/api/apps/{app.id}/source/"
    async with shared_platform.client(owner) as maker, shared_platform.client(stranger) as client:
        await maker.post(url, json={"base_version": 0, "files": {"main.py": ""}})
        await maker.put(f"/api/apps/{app.id}/", json={"name": "open", "is_open_source": True})
        private = await client.get(url)
        await maker.put(f"/api/apps/{app.id}/", json={"name": "open", "is_public": True})
        public = await client.get(url)
        changed = await client.patch(url, json={"base_version": 1, "changes": {"main.py": "x"}})
    assert (private.status_code, public.status_code, changed.status_code) == (404, 200, 404)

"""Files by path: stored, overwritten, found and deleted, also by an owner's script for an installer."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from platform_api.accounts.tokens import issue_run_token
from platform_api.apps.models import App
from platform_api.core.types import RunId
from tests.platform_api.conftest import BASE_URL, Caller, Platform, make_settings, running_platform
from tests.platform_api.files.conftest import PNG, objects, stored, sweep

pytestmark = pytest.mark.anyio


async def _put(
    platform: Platform, caller: Caller | None, app: App, path: str, content: bytes, /, **more: Any
) -> httpx.Response:
    fields = {"path": path, "overwrite": str(more.get("overwrite", False))}
    async with platform.client(caller, headers=more.get("headers", {})) as client:
        url = f"/api/apps/{app.id}/files/upload/"
        return await client.post(url, files={"file": ("part.txt", content)}, data=fields)


async def _content(platform: Platform, public_url: str) -> httpx.Response:
    assert public_url.startswith(BASE_URL)
    async with platform.client() as client:
        return await client.get(public_url)


async def test_a_file_is_stored_found_overwritten_and_deleted_by_its_path(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    first = await _put(shared_platform, owner, app, "/exports/żółw.txt", b"one")
    assert first.status_code == 201, first.text
    made = first.json()
    assert (made["path"], made["size"], made["content_type"]) == ("exports/żółw.txt", 3, "text/plain")
    assert made["original_filename"] == "part.txt"
    assert (await _content(shared_platform, made["public_url"])).content == b"one"
    taken = await _put(shared_platform, owner, app, "exports/żółw.txt", b"two!")
    assert (taken.status_code, taken.json()["code"]) == (409, "path_taken")
    second = await _put(shared_platform, owner, app, "exports/żółw.txt", b"two!", overwrite=True)
    assert (second.status_code, second.json()["size"]) == (201, 4)
    async with shared_platform.client(owner) as client:
        url = f"/apps/{app.id}/files"
        found = (await client.get(f"{url}/download/", params={"path": "exports/żółw.txt"})).json()
        assert (found["size"], found["object_key"]) == (4, made["object_key"])
        assert (await _content(shared_platform, found["public_url"])).content == b"two!"
        known = {"public_url": found["public_url"]}
        assert (await client.get(f"{url}/download/", params=known)).json()["path"] == "exports/żółw.txt"
        assert (await client.get(f"/api{url}/download-binary/", params=known)).content == b"two!"
        elsewhere = {"public_url": "http://127.0.0.1/api/files/?link=x"}
        assert (await client.get(f"/api{url}/download-binary/", params=elsewhere)).status_code == 422
        deleted = await client.delete(f"{url}/delete/", params={"path": "exports/żółw.txt"})
        assert (deleted.status_code, deleted.json()["object_key"]) == (200, made["object_key"])
        assert (await client.get(f"{url}/download/", params={"path": "exports/żółw.txt"})).status_code == 404
        assert (await client.delete(f"{url}/delete/", params={"path": "exports/żółw.txt"})).status_code == 404
    assert (await _content(shared_platform, found["public_url"])).status_code == 404


@pytest.mark.parametrize(
    "address", ["http://[x", "http://[x/api/files/?link=a", "?link=a", "", "http://h:x/?link=%ff"]
)
@pytest.mark.parametrize("operation", ["download", "download-binary"])
async def test_what_is_no_address_of_ours_is_refused(shared_platform: Platform, operation: str, address: str) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    async with shared_platform.client(owner) as client:
        refused = await client.get(f"/api/apps/{app.id}/files/{operation}/", params={"public_url": address})
    assert (refused.status_code, refused.json()["fields"][0]["path"]) == (422, "public_url")


async def test_an_address_below_a_path_is_ours(platform_database_url: str, files_dir: Path) -> None:
    settings = make_settings(platform_database_url, files_dir=files_dir, public_url="https://example.com/automio")
    async with running_platform(settings) as platform:
        owner = await platform.create_caller()
        app = await platform.create_app(owner)
        made = (await _put(platform, owner, app, "a.txt", b"one")).json()
        assert made["public_url"].startswith("https://example.com/automio/api/files/?link=")
        async with platform.client(owner) as client:
            known = {"public_url": made["public_url"]}
            found = await client.get(f"/api/apps/{app.id}/files/download-binary/", params=known)
            assert (found.status_code, found.content) == (200, b"one")
            elsewhere = {"public_url": made["public_url"].replace("/automio", "")}
            assert (await client.get(f"/api/apps/{app.id}/files/download/", params=elsewhere)).status_code == 422


@pytest.mark.parametrize("path", ["../a", "a/../b", "a//b", "a\\b", ".", "a/\x00", "x" * 300, "/".join("a" * 40)])
async def test_a_path_is_names_with_slashes_between(shared_platform: Platform, path: str) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    refused = await _put(shared_platform, owner, app, path, b"x")
    assert (refused.status_code, refused.json()["fields"][0]["path"]) == (422, "path")


async def test_twenty_at_once_store_one_file(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    answers = await asyncio.gather(*(_put(shared_platform, owner, app, "a.txt", b"x") for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19


async def test_overwriting_beside_deleting_stores_the_file(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    assert (await _put(shared_platform, owner, app, "a.txt", b"old")).status_code == 201
    answer = await _beside_deleting(
        shared_platform, app, lambda: _put(shared_platform, owner, app, "a.txt", b"new", overwrite=True)
    )
    assert answer.status_code == 201, answer.text
    assert (await _content(shared_platform, answer.json()["public_url"])).content == b"new"


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_what_is_being_deleted_is_not_found(shared_platform: Platform, method: str) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    file = await stored(shared_platform, owner, app)
    async with shared_platform.client(owner) as client:
        url = f"/api/apps/{app.id}/files/{file['id']}/"
        body = {"name": "other.csv"} if method == "PATCH" else None
        answer = await _beside_deleting(shared_platform, app, lambda: client.request(method, url, json=body))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def _beside_deleting(
    platform: Platform, app: App, request: Callable[[], Coroutine[Any, Any, httpx.Response]]
) -> httpx.Response:
    """Sends a request while another transaction has deleted the app's files and has not been committed yet."""
    async with platform.database.transaction() as session:
        await session.execute(text("delete from platform.files where app_id = :app"), {"app": app.id})
        answering = asyncio.create_task(request())
        await asyncio.sleep(0.5)
        assert not answering.done()
    return await answering


async def test_what_was_overwritten_counts_no_longer_and_goes(platform_database_url: str, files_dir: Path) -> None:
    settings = make_settings(platform_database_url, files_dir=files_dir, files_quota_bytes=1024)
    async with running_platform(settings) as platform:
        owner = await platform.create_caller()
        app = await platform.create_app(owner)
        for content in (b"1" * 400, b"a" * 400):
            assert (await _put(platform, owner, app, "a", content, overwrite=True)).status_code == 201
        assert (await _put(platform, owner, app, "b", b"b" * 700)).json()["code"] == "quota_exceeded"
        async with platform.client(owner) as client:
            usage = (await client.get(f"/api/apps/{app.id}/files/usage/")).json()
            assert (usage["files"], usage["bytes"]) == (1, 400)
        async with platform.database.transaction() as session:
            await session.execute(text("update platform.file_leftovers set remove_after = now()"))
        await sweep(platform)
        assert [path.read_bytes() for path in objects(files_dir)] == [b"a" * 400]


async def test_a_public_files_address_ends_when_it_is_public_no_longer(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    public = {"headers": {"X-File-Public": "true"}, "overwrite": True}
    url = (await _put(shared_platform, owner, app, "logo.png", PNG, **public)).json()["public_url"]
    assert (await _content(shared_platform, url)).content == PNG
    await _put(shared_platform, owner, app, "logo.png", PNG + b"2", overwrite=True)
    assert (await _content(shared_platform, url)).content == PNG + b"2", "overwriting keeps who may read it"
    await _put(shared_platform, owner, app, "logo.png", PNG, headers={"X-File-Public": "false"}, overwrite=True)
    assert (await _content(shared_platform, url)).status_code == 404


async def test_paths_are_each_organizations_own(shared_platform: Platform) -> None:
    owner, installer = await shared_platform.create_caller(), await shared_platform.create_caller()
    app = await shared_platform.create_app(owner, is_public=True)
    await shared_platform.install(app, installer)
    mine = (await _put(shared_platform, owner, app, "a.txt", b"owner's")).json()
    theirs = (await _put(shared_platform, installer, app, "a.txt", b"theirs")).json()
    assert mine["object_key"] != theirs["object_key"]
    stranger = await shared_platform.create_caller()
    async with shared_platform.client(installer) as client:
        url = f"/api/apps/{app.id}/files"
        known = {"public_url": mine["public_url"]}
        assert (await client.get(f"{url}/download-binary/", params=known)).status_code == 404
        assert (await client.get(f"{url}/download/", params=known)).status_code == 404
        assert (await client.delete(f"{url}/delete/", params={"path": "a.txt"})).status_code == 200
    async with shared_platform.client(owner) as client:
        assert (await client.get(f"{url}/download/", params={"path": "a.txt"})).json()["size"] == 7
    assert (await _put(shared_platform, stranger, app, "a.txt", b"x", overwrite=True)).status_code == 404


async def test_an_owners_script_works_for_the_installer_it_names(shared_platform: Platform) -> None:
    owner, installer = await shared_platform.create_caller(), await shared_platform.create_caller()
    stranger = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner, is_public=True)
    await shared_platform.install(app, installer)
    async with shared_platform.database.transaction() as session:
        token = await issue_run_token(
            session,
            organization_id=owner.organization_id,
            user_id=owner.user_id,
            app_id=app.id,
            run_id=RunId(4711),
            reaches_installs=True,
            lifetime=timedelta(hours=1),
        )
    await stored(shared_platform, owner, app)
    script = {"Authorization": f"App-Token {token}"}
    for_installer = {**script, "X-Organization-Id": str(installer.organization_id)}
    made = await _put(shared_platform, None, app, "a.txt", b"for you", headers=for_installer)
    assert made.status_code == 201, made.text
    async with shared_platform.client(installer) as client:
        url = f"/api/apps/{app.id}/files"
        assert (await client.get(f"{url}/download/", params={"path": "a.txt"})).json()["size"] == 7
    await _put(shared_platform, owner, app, "a.txt", b"own")
    async with shared_platform.client(headers=script) as client:
        unclear = await client.get(f"{url}/download/", params={"path": "a.txt"})
        assert unclear.status_code == 409, "both have one"
        named = await client.get(f"{url}/download/", params={"path": "a.txt"}, headers=for_installer)
        assert named.json()["size"] == 7
        nobodys = {"X-Organization-Id": str(stranger.organization_id)}
        refused = await client.get(f"{url}/download/", params={"path": "a.txt"}, headers=nobodys)
        assert refused.status_code == 403
        # What knows of no delegation does not act for the owner in silence.
        elsewhere = await client.get("/api/integrations/", headers=for_installer)
        assert elsewhere.status_code == 403


async def test_a_file_is_fetched_to_its_path_through_the_guard(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    async with shared_platform.client(owner) as client:
        url = f"/api/apps/{app.id}/files/upload-from-url/"
        refused = await client.post(url, json={"url": "file:///etc/passwd", "path": "x"})
        assert refused.status_code == 422
        fetched = await client.post(url, json={"url": "http://127.0.0.1:9/", "path": "x"})
        assert (fetched.status_code, fetched.json()["code"]) == (422, "fetch_failed")


async def test_private_addresses_are_not_fetched(platform_database_url: str) -> None:
    async with running_platform(make_settings(platform_database_url, allow_private_upstreams=False)) as platform:
        owner = await platform.create_caller()
        app = await platform.create_app(owner)
        async with platform.client(owner) as client:
            body = {"url": "http://127.0.0.1:9/a.txt", "path": "x"}
            refused = await client.post(f"/api/apps/{app.id}/files/upload-from-url/", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "fetch_failed")
        assert "private" in refused.json()["detail"] or "not allowed" in refused.json()["detail"]

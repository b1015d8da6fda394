"""Files of apps over HTTP: stored, listed, read in ranges, renamed, deleted; and who is refused."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from platform_api.accounts.models import Role, Scope
from platform_api.accounts.tokens import issue_run_token
from platform_api.apps.models import App, InstallStatus
from platform_api.core.types import RunId
from platform_api.files.lifespan import Files
from platform_api.files.models import FileLeftover
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform
from tests.platform_api.files.conftest import PNG, make_link, objects, stored, sweep, upload

pytestmark = pytest.mark.anyio


@pytest.fixture
async def owner(shared_platform: Platform) -> Caller:
    return await shared_platform.create_caller()


@pytest.fixture
async def app(shared_platform: Platform, owner: Caller) -> App:
    return await shared_platform.create_app(owner)


async def _read(platform: Platform, caller: Caller, app: App, file_id: int, **headers: str) -> httpx.Response:
    async with platform.client(caller, headers=headers) as client:
        return await client.get(f"/api/apps/{app.id}/files/{file_id}/content/")


async def test_a_file_is_stored_and_read_again(shared_platform: Platform, owner: Caller, app: App) -> None:
    content = bytes(range(256)) * 20_000
    file = await stored(shared_platform, owner, app, content, "zażółć 📦.bin", "application/octet-stream")
    assert file["size"] == len(content)
    assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert (file["app_id"], file["organization_id"]) == (app.id, owner.organization_id)
    answer = await _read(shared_platform, owner, app, file["id"])
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"za____ _.bin\"; filename*=UTF-8''za%C5%BC%C3%B3%C5%82%C4%87%20%F0%9F%93%A6.bin"
    )


async def test_an_empty_file_is_a_file(shared_platform: Platform, owner: Caller, app: App) -> None:
    file = await stored(shared_platform, owner, app, b"", "empty.txt", "text/plain")
    answer = await _read(shared_platform, owner, app, file["id"])
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")


async def test_name_and_type_may_be_said_beside_the_file(shared_platform: Platform, owner: Caller, app: App) -> None:
    file = await stored(
        shared_platform,
        owner,
        app,
        b"x",
        "part.bin",
        "application/x-part",
        name="said.txt",
        content_type="Text/Plain",
    )
    assert (file["name"], file["content_type"]) == ("said.txt", "text/plain")
    by_name = await stored(shared_platform, owner, app, PNG, "picture.png", None)
    assert by_name["content_type"] == "image/png"
    by_content = await stored(shared_platform, owner, app, PNG, "picture", "application/octet-stream")
    assert by_content["content_type"] == "image/png"


async def test_paths_of_the_senders_machine_are_left_out(shared_platform: Platform, owner: Caller, app: App) -> None:
    file = await stored(shared_platform, owner, app, b"x", "C:\\Users\\ada\\orders.csv")
    assert file["name"] == "orders.csv"


@pytest.mark.parametrize(
    ("asked", "status", "expected", "content_range"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=4-99", 206, b"456789", "bytes 4-9/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("bytes=5-2", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("lines=0-1", 200, b"0123456789", None),
    ],
)
async def test_a_range_of_the_content_is_read(
    shared_platform: Platform,
    owner: Caller,
    app: App,
    asked: str,
    status: int,
    expected: bytes | None,
    content_range: str | None,
) -> None:
    file = await stored(shared_platform, owner, app, b"0123456789", "digits.txt", "text/plain")
    answer = await _read(shared_platform, owner, app, file["id"], Range=asked)
    assert answer.status_code == status
    assert answer.headers.get("content-range") == content_range
    if expected is not None:
        assert answer.content == expected


async def test_a_range_of_another_content_is_not_read(shared_platform: Platform, owner: Caller, app: App) -> None:
    file = await stored(shared_platform, owner, app, b"0123456789", "digits.txt", "text/plain")
    whole = await _read(shared_platform, owner, app, file["id"])
    same = {"Range": "bytes=1-2", "If-Range": whole.headers["etag"]}
    assert (await _read(shared_platform, owner, app, file["id"], **same)).content == b"12"
    other = {"Range": "bytes=1-2", "If-Range": '"other"'}
    assert (await _read(shared_platform, owner, app, file["id"], **other)).content == b"0123456789"


async def test_head_tells_the_size(shared_platform: Platform, owner: Caller, app: App) -> None:
    file = await stored(shared_platform, owner, app)
    async with shared_platform.client(owner) as client:
        answer = await client.head(f"/api/apps/{app.id}/files/{file['id']}/content/")
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, "8", b"")


async def test_files_are_listed_by_page_prefix_and_type(shared_platform: Platform, owner: Caller, app: App) -> None:
    for number in range(5):
        await stored(shared_platform, owner, app, b"x", f"report_{number}.csv")
    await stored(shared_platform, owner, app, b"x", "report%.txt", "text/plain")
    await stored(shared_platform, owner, app, PNG, "picture.png", "image/png")

    async def names(**query: Any) -> list[str]:
        async with shared_platform.client(owner) as client:
            answer = await client.get(f"/api/apps/{app.id}/files/", params=query)
        assert answer.status_code == 200, answer.text
        return [file["name"] for file in answer.json()["results"]]

    assert await names(name_prefix="report_") == [f"report_{number}.csv" for number in (4, 3, 2, 1, 0)]
    assert await names(name_prefix="report%") == ["report%.txt"]
    assert await names(content_type="image/png") == ["picture.png"]
    assert await names(content_type="image/*") == ["picture.png"]
    assert await names(page=2, per_page=3) == ["report_3.csv", "report_2.csv", "report_1.csv"]
    async with shared_platform.client(owner) as client:
        page = (await client.get(f"/api/apps/{app.id}/files/", params={"per_page": 3})).json()
        usage = (await client.get(f"/api/apps/{app.id}/files/usage/")).json()
    assert page["count"] == 7 and "page=2" in page["next"]
    assert (usage["files"], usage["bytes"]) == (7, 6 + len(PNG))


async def test_a_file_is_renamed(shared_platform: Platform, owner: Caller, app: App) -> None:
    file = await stored(shared_platform, owner, app)
    async with shared_platform.client(owner) as client:
        renamed = await client.patch(f"/api/apps/{app.id}/files/{file['id']}/", json={"name": "new.csv"})
        refused = await client.patch(f"/api/apps/{app.id}/files/{file['id']}/", json={"name": "../x"})
        assert (await client.get(f"/api/apps/{app.id}/files/{file['id']}/")).json()["name"] == "new.csv"
    assert renamed.json()["name"] == "new.csv" and renamed.json()["sha256"] == file["sha256"]
    assert refused.status_code == 422


async def test_deleting_removes_row_and_object(platform_database_url: str, files_dir: Path) -> None:
    async with running_platform(make_settings(platform_database_url, files_dir=files_dir)) as platform:
        owner = await platform.create_caller()
        app = await platform.create_app(owner)
        file = await stored(platform, owner, app)
        kept = await stored(platform, owner, app, b"kept")
        assert len(objects(files_dir)) == 2
        async with platform.client(owner) as client:
            assert (await client.delete(f"/api/apps/{app.id}/files/{file['id']}/")).status_code == 204
            assert (await client.get(f"/api/apps/{app.id}/files/{file['id']}/")).status_code == 404
            assert (await client.delete(f"/api/apps/{app.id}/files/{file['id']}/")).status_code == 404
        await sweep(platform)
        assert [path.read_bytes() for path in objects(files_dir)] == [b"kept"]
        assert (await _read(platform, owner, app, kept["id"])).content == b"kept"


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "..",
        ".",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "a\x00b",
        "a\nb",
        "a\r\nSet-Cookie: a=b",
        "x" * 300,
        "ż" * 200,
        "photo\u202egpj.exe",
        "\u2066x",
        "a\uff0fb",
        "a\u2215b",
        "\u2028",
        "   ",
        "\ufeff",
        "..\u200b",
    ],
)
async def test_a_name_that_could_be_something_else_is_refused(
    shared_platform: Platform, owner: Caller, app: App, name: str
) -> None:
    answer = await upload(shared_platform, owner, app, b"x", "ok.txt", "text/plain", name=name)
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"].startswith("name: ")


@pytest.mark.parametrize(
    "name", ["x" * 255, "żółw 👩‍👩‍👧.txt", "a..b", ".env", "%2e%2e%2fx", "CON", 'quote".txt', "semi;colon", "a'b"]
)
async def test_an_unusual_name_is_kept_and_sent_as_a_name(
    shared_platform: Platform, owner: Caller, app: App, name: str
) -> None:
    file = await stored(shared_platform, owner, app, b"x", "ok.txt", "text/plain", name=name)
    assert file["name"] == name
    answer = await _read(shared_platform, owner, app, file["id"])
    disposition = answer.headers["content-disposition"]
    quoted = disposition.removeprefix('attachment; filename="').partition('"')[0]
    assert not set(quoted) & set('";\\%\r\n')
    assert disposition.startswith(f"attachment; filename=\"{quoted}\"; filename*=UTF-8''")


async def test_a_decomposed_name_is_composed(shared_platform: Platform, owner: Caller, app: App) -> None:
    file = await stored(shared_platform, owner, app, b"x", "ok.txt", "text/plain", name="e\u0301.txt")
    assert file["name"] == "\u00e9.txt"


async def test_a_header_cannot_be_injected_by_the_parts_file_name(
    shared_platform: Platform, owner: Caller, app: App
) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a\r\n b.txt"\r\n\r\nx\r\n--b--\r\n',
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a\nSet-Cookie: x=y"\r\n\r\nx\r\n--b--\r\n',
        b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename*=UTF-8''a%0d%0aX: y\r\n\r\nx\r\n--b--\r\n",
    )
    async with shared_platform.client(owner) as client:
        for one in body:
            answer = await client.post(
                f"/api/apps/{app.id}/files/",
                content=one,
                headers={"Content-Type": "multipart/form-data; boundary=b"},
            )
            assert answer.status_code in (400, 422), answer.text


@pytest.mark.parametrize(
    ("content", "name", "content_type"),
    [
        (b"<!doctype html><script>alert(1)</script>", "page.html", "text/html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "picture.svg", "image/svg+xml"),
        (b"alert(1)", "code.js", "text/javascript"),
        (b"<x/>", "data.xhtml", "application/xhtml+xml"),
    ],
)
async def test_active_content_is_an_attachment(
    shared_platform: Platform, owner: Caller, app: App, content: bytes, name: str, content_type: str
) -> None:
    file = await stored(shared_platform, owner, app, content, name, content_type)
    link = await make_link(shared_platform, owner, app, file["id"])
    async with shared_platform.client() as anybody:
        for answer in (await _read(shared_platform, owner, app, file["id"]), await anybody.get(link)):
            assert answer.status_code == 200 and answer.content == content
            assert answer.headers["content-type"] == content_type
            assert answer.headers["content-disposition"].startswith("attachment;")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"<html><script>", "image/png"),
        (b"MZ\x90\x00\x03\x00", "application/pdf"),
        (PNG, "image/jpeg"),
        (b"", "image/png"),
    ],
)
async def test_a_false_type_is_refused(
    shared_platform: Platform, owner: Caller, app: App, content: bytes, content_type: str
) -> None:
    answer = await upload(shared_platform, owner, app, content, "x.bin", content_type)
    assert answer.status_code == 422
    assert f"the content is not {content_type}" in answer.json()["detail"]


async def test_only_the_types_of_the_setting_are_taken(platform_database_url: str, files_dir: Path) -> None:
    settings = make_settings(platform_database_url, files_dir=files_dir, files_content_types="image/png, text/*")
    async with running_platform(settings) as platform:
        owner = await platform.create_caller()
        app = await platform.create_app(owner)
        await stored(platform, owner, app, PNG, "a.png", "image/png")
        await stored(platform, owner, app, b"a,b", "a.csv", "text/csv")
        for content, kind in (
            (b"%PDF-1.7", "application/pdf"),
            (b"\x7fELF\x02\x01", "text/plain"),
            (b"<svg xmlns='x'>", "text/plain"),
        ):
            answer = await upload(platform, owner, app, content, "x", kind)
            assert answer.status_code == 422, (kind, answer.text)
            assert "allowed types: image/png, text/*" in answer.json()["detail"]
        await sweep(platform)
        assert len(objects(files_dir)) == 2


async def test_a_body_that_is_no_form_is_refused(shared_platform: Platform, owner: Caller, app: App) -> None:
    async def send(body: bytes, content_type: str) -> httpx.Response:
        async with shared_platform.client(owner, headers={"Content-Type": content_type}) as client:
            return await client.post(f"/api/apps/{app.id}/files/", content=body)

    form = "multipart/form-data; boundary=b"
    file = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n'
    field = b'--b\r\nContent-Disposition: form-data; name="n%d"\r\n\r\nx\r\n'
    long = b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n' + b"x" * 5000 + b"\r\n--b--\r\n"
    for body, kind, expected in (
        (b"{}", "application/json", "send multipart/form-data"),
        (b"", "multipart/form-data", "send multipart/form-data"),
        (b"--b--\r\n", form, "has no file"),
        (field % 1 + b"--b--\r\n", form, "has no file"),
        (file, form, "incomplete"),
        (b"garbage", form, "malformed"),
        (file + file + b"--b--\r\n", form, "several files"),
        (file.replace(b'"file"', b'"other"') + b"--b--\r\n", form, "not in `other`"),
        (file.replace(b'; filename="a"', b"") + b"--b--\r\n", form, "has no name"),
        (b"".join(field % number for number in range(11)) + b"--b--\r\n", form, "more than 10 fields"),
        (long, form, "longer than 4096"),
    ):
        answer = await send(body, kind)
        assert answer.status_code in (400, 413), (body, answer.text)
        assert expected in answer.json()["detail"], (body, answer.text)


async def test_too_large_a_file_is_refused_however_it_comes(platform_database_url: str, files_dir: Path) -> None:
    settings = make_settings(
        platform_database_url, files_dir=files_dir, files_max_bytes=2_000_000, max_body_bytes=2048
    )
    async with running_platform(settings) as platform:
        owner = await platform.create_caller()
        app = await platform.create_app(owner)
        await stored(platform, owner, app, bytes(2_000_000), "whole.bin", None)
        declared = await upload(platform, owner, app, bytes(2_000_001), "x.bin", None)
        assert declared.status_code == 413 and "2000000 bytes" in declared.json()["detail"]
        huge = await upload(platform, owner, app, bytes(5_000_000), "x.bin", None)
        assert huge.status_code == 413

        async def endless() -> AsyncIterator[bytes]:
            yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
            for _ in range(1000):
                yield bytes(65536)

        async with platform.client(owner, headers={"Content-Type": "multipart/form-data; boundary=b"}) as client:
            chunked = await client.post(f"/api/apps/{app.id}/files/", content=endless())
            assert chunked.status_code == 413
            # The limit of other bodies is as it was.
            elsewhere = await client.post("/api/notifications/", content=bytes(4096))
            assert elsewhere.status_code == 413
        await sweep(platform)
        assert len(objects(files_dir)) == 1


async def test_the_quota_holds_for_two_uploads_at_once(platform_database_url: str, files_dir: Path) -> None:
    settings = make_settings(platform_database_url, files_dir=files_dir, files_quota_bytes=1_000_000)
    async with running_platform(settings) as platform:
        owner = await platform.create_caller()
        apps = [await platform.create_app(owner) for _ in range(2)]
        answers = await asyncio.gather(
            *(upload(platform, owner, app, bytes(600_000), "x.bin", None) for app in apps for _ in range(2))
        )
        assert sorted(answer.status_code for answer in answers) == [201, 413, 413, 413]
        refused = next(answer for answer in answers if answer.status_code == 413)
        assert "of 1000000 bytes" in refused.json()["detail"]
        too_much = await upload(platform, owner, apps[0], bytes(400_001), "x.bin", None)
        assert too_much.status_code == 413
        await stored(platform, owner, apps[0], bytes(400_000), "rest.bin", None)
        # Another organization has a quota of its own.
        stranger = await platform.create_caller()
        await stored(platform, stranger, await platform.create_app(stranger), bytes(600_000), "x.bin", None)
        await sweep(platform)
        assert len(objects(files_dir)) == 3


async def test_an_upload_that_breaks_off_leaves_nothing(platform_database_url: str, files_dir: Path) -> None:
    async with running_platform(make_settings(platform_database_url, files_dir=files_dir)) as platform:
        owner = await platform.create_caller()
        app = await platform.create_app(owner)

        async def broken() -> AsyncIterator[bytes]:
            yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
            for _ in range(200):
                yield bytes(65536)
            raise ConnectionError("the client went away")

        async with platform.client(owner, headers={"Content-Type": "multipart/form-data; boundary=b"}) as client:
            try:
                answer = await client.post(f"/api/apps/{app.id}/files/", content=broken())
                assert answer.status_code >= 400
            except ConnectionError:
                pass
            assert (await client.get(f"/api/apps/{app.id}/files/")).json()["count"] == 0
        await sweep(platform)
        assert objects(files_dir) == []


async def test_what_a_killed_process_left_is_removed_in_time(platform_database_url: str, files_dir: Path) -> None:
    async with running_platform(make_settings(platform_database_url, files_dir=files_dir)) as platform:
        owner = await platform.create_caller()
        app = await platform.create_app(owner)
        await stored(platform, owner, app, b"kept")
        # As after a kill between object and row, and within the writing of an object.
        for key, suffix in (("aa/whole", ""), ("bb/part", "#1"), ("cc/under-way", "")):
            path = files_dir / f"{key}{suffix}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"left")
        past, future = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
        async with platform.database.transaction() as session:
            session.add_all(
                FileLeftover(object_key=key, remove_after=time)
                for key, time in (("aa/whole", past), ("bb/part", past), ("dd/never-written", past))
            )
            session.add(FileLeftover(object_key="cc/under-way", remove_after=future))
        await sweep(platform)
        assert sorted(path.read_bytes() for path in objects(files_dir)) == [b"kept", b"left"]
        async with platform.database.transaction() as session:
            assert list(await session.scalars(select(FileLeftover.object_key))) == ["cc/under-way"]


async def test_an_object_that_cannot_be_removed_stops_no_other(platform_database_url: str, files_dir: Path) -> None:
    async with running_platform(make_settings(platform_database_url, files_dir=files_dir)) as platform:
        # A directory stands where the object should: it cannot be unlinked.
        (files_dir / "aa" / "stuck").mkdir(parents=True)
        (files_dir / "bb").mkdir()
        (files_dir / "bb" / "fine").write_bytes(b"left")
        async with platform.database.transaction() as session:
            session.add(FileLeftover(object_key="aa/stuck", remove_after=datetime(2020, 1, 1, tzinfo=UTC)))
            session.add(FileLeftover(object_key="bb/fine", remove_after=datetime(2020, 1, 2, tzinfo=UTC)))
        await platform.app.services[Files].sweeper.sweep()
        await sweep(platform)
        assert objects(files_dir) == []
        async with platform.database.transaction() as session:
            assert list(await session.scalars(select(FileLeftover.object_key))) == ["aa/stuck"]


async def test_an_upload_whose_object_was_given_up_is_not_acknowledged(
    platform_database_url: str, files_dir: Path
) -> None:
    async with running_platform(make_settings(platform_database_url, files_dir=files_dir)) as platform:
        owner = await platform.create_caller()
        app = await platform.create_app(owner)

        async def slow() -> AsyncIterator[bytes]:
            yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
            yield bytes(65536)
            # A day goes by.
            async with platform.database.transaction() as session:
                await session.execute(update(FileLeftover).values(remove_after=datetime(2020, 1, 1, tzinfo=UTC)))
            await sweep(platform)
            yield b"\r\n--b--\r\n"

        async with platform.client(owner, headers={"Content-Type": "multipart/form-data; boundary=b"}) as client:
            answer = await client.post(f"/api/apps/{app.id}/files/", content=slow())
            assert answer.status_code == 408, answer.text
            assert (await client.get(f"/api/apps/{app.id}/files/")).json()["count"] == 0
        await sweep(platform)
        assert objects(files_dir) == []


async def test_files_of_a_deleted_app_leave_no_objects(platform_database_url: str, files_dir: Path) -> None:
    async with running_platform(make_settings(platform_database_url, files_dir=files_dir)) as platform:
        owner = await platform.create_caller()
        app = await platform.create_app(owner)
        await stored(platform, owner, app)
        async with platform.database.transaction() as session:
            await session.delete(await session.get_one(App, app.id))
        await sweep(platform)
        assert objects(files_dir) == []


async def test_a_lost_object_is_an_error_and_not_a_broken_download(
    platform_database_url: str, files_dir: Path
) -> None:
    async with running_platform(make_settings(platform_database_url, files_dir=files_dir)) as platform:
        owner = await platform.create_caller()
        app = await platform.create_app(owner)
        file = await stored(platform, owner, app)
        objects(files_dir)[0].unlink()
        assert (await _read(platform, owner, app, file["id"])).status_code == 503


async def test_without_a_store_the_answer_says_so(platform_database_url: str) -> None:
    async with running_platform(make_settings(platform_database_url, files_dir=None)) as platform:
        owner = await platform.create_caller()
        answer = await upload(platform, owner, await platform.create_app(owner))
        assert answer.status_code == 503 and "FILES_DIR" in answer.json()["detail"]


# Who reaches what


async def _attempts(platform: Platform, caller: Caller | None, app: App, file_id: int, **headers: str) -> list[int]:
    path = f"/api/apps/{app.id}/files"
    async with platform.client(caller, headers=headers) as client:
        answers = [
            await client.get(f"{path}/{file_id}/"),
            await client.get(f"{path}/{file_id}/content/"),
            await client.patch(f"{path}/{file_id}/", json={"name": "taken"}),
            await client.post(f"{path}/{file_id}/link/"),
            await client.delete(f"{path}/{file_id}/"),
        ]
    return [answer.status_code for answer in answers]


async def test_another_organization_reaches_no_file(shared_platform: Platform, owner: Caller, app: App) -> None:
    file = await stored(shared_platform, owner, app)
    stranger = await shared_platform.create_caller()
    theirs = await shared_platform.create_app(stranger)
    assert set(await _attempts(shared_platform, stranger, app, file["id"])) == {404}
    assert set(await _attempts(shared_platform, stranger, theirs, file["id"])) == {404}
    assert (await upload(shared_platform, stranger, app)).status_code == 404
    assert await _attempts(shared_platform, owner, app, file["id"]) == [200, 200, 200, 200, 204]


async def test_an_install_has_files_of_its_own(shared_platform: Platform, owner: Caller) -> None:
    app = await shared_platform.create_app(owner, is_public=True)
    tenant = await shared_platform.create_caller()
    await shared_platform.install(app, tenant)
    of_owner, of_tenant = await stored(shared_platform, owner, app), await stored(shared_platform, tenant, app)
    assert of_tenant["organization_id"] == tenant.organization_id
    assert set(await _attempts(shared_platform, tenant, app, of_owner["id"])) == {404}
    assert set(await _attempts(shared_platform, owner, app, of_tenant["id"])) == {404}
    assert await _attempts(shared_platform, tenant, app, of_tenant["id"]) == [200, 200, 200, 200, 204]
    suspended = await shared_platform.create_caller()
    await shared_platform.install(app, suspended, status=InstallStatus.SUSPENDED)
    assert (await upload(shared_platform, suspended, app)).status_code == 403


async def test_a_token_of_another_app_reaches_no_file(shared_platform: Platform, owner: Caller, app: App) -> None:
    file = await stored(shared_platform, owner, app)
    other = await shared_platform.create_app(owner)
    bound = await shared_platform.create_colleague(owner, Role.OWNER, app_id=other.id)
    assert set(await _attempts(shared_platform, bound, app, file["id"])) == {403}
    assert (await upload(shared_platform, bound, app)).status_code == 403
    # Through its own app it finds nothing of the other one.
    assert set(await _attempts(shared_platform, bound, other, file["id"])) == {404}
    run = await shared_platform.create_run_token(owner, other)
    attempts = await _attempts(shared_platform, None, app, file["id"], Authorization=f"Bearer {run}")
    assert set(attempts) == {403}
    own = await shared_platform.create_colleague(owner, Role.MEMBER, app_id=app.id)
    assert await _attempts(shared_platform, own, app, file["id"]) == [200, 200, 200, 200, 204]


async def test_a_token_without_the_scope_is_refused(shared_platform: Platform, owner: Caller, app: App) -> None:
    narrow = await shared_platform.create_colleague(owner, Role.OWNER, scopes=[Scope.CACHE])
    assert (await upload(shared_platform, narrow, app)).status_code == 403


async def test_an_owners_script_works_on_the_files_of_installs(shared_platform: Platform, owner: Caller) -> None:
    app = await shared_platform.create_app(owner, is_public=True)
    tenant, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    await shared_platform.install(app, tenant)
    of_tenant = await stored(shared_platform, tenant, app)
    async with shared_platform.database.transaction() as session:
        secret = await issue_run_token(
            session,
            organization_id=owner.organization_id,
            user_id=owner.user_id,
            app_id=app.id,
            run_id=RunId(77),
            lifetime=timedelta(days=1),
            reaches_installs=True,
        )
    path = f"/api/apps/{app.id}/files/"
    async with shared_platform.client(headers={"Authorization": f"Bearer {secret}"}) as script:
        assert (await script.get(f"{path}{of_tenant['id']}/content/")).status_code == 200
        part = {"file": ("made.txt", b"x")}
        made = await script.post(path, params={"for_organization": tenant.organization_id}, files=part)
        assert made.status_code == 201, made.text
        assert (made.json()["organization_id"], made.json()["run_id"]) == (tenant.organization_id, 77)
        refused = await script.post(path, params={"for_organization": stranger.organization_id}, files=part)
        assert refused.status_code == 403
    async with shared_platform.client(owner) as person:
        refused = await person.post(path, params={"for_organization": tenant.organization_id}, files=part)
        assert refused.status_code == 403
    assert (await _read(shared_platform, tenant, app, made.json()["id"])).content == b"x"


async def test_an_organization_stores_a_bounded_number_of_files_at_once(
    shared_platform: Platform, owner: Caller, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, all_begun = asyncio.Event(), asyncio.Event()
    begun = 0

    async def slow() -> AsyncIterator[bytes]:
        nonlocal begun
        begun += 1
        if begun == 8:
            all_begun.set()
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        await go_on.wait()
        yield b"x\r\n--b--\r\n"

    monkeypatch.setattr(shared_platform.app.services[Files].intake._limit, "_max_waiting", 2)
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    path = f"/api/apps/{app.id}/files/"
    async with shared_platform.client(owner, headers=headers) as client:
        sending = [asyncio.create_task(client.post(path, content=slow())) for _ in range(11)]
        await asyncio.wait_for(all_begun.wait(), 240)
        # Two wait for their turn and are not read meanwhile; one is sent away.
        done, waiting = await asyncio.wait(sending, timeout=240, return_when=asyncio.FIRST_COMPLETED)
        [refused] = done
        assert refused.result().status_code == 429 and "Retry-After" in refused.result().headers
        assert begun == 8
        stranger = await shared_platform.create_caller()
        await stored(shared_platform, stranger, await shared_platform.create_app(stranger))
        go_on.set()
        assert {(await one).status_code for one in waiting} == {201}
    await stored(shared_platform, owner, app)


async def test_an_organization_reads_a_bounded_number_of_files_at_once(
    shared_platform: Platform, owner: Caller, app: App
) -> None:
    file = await stored(shared_platform, owner, app)
    limit = shared_platform.app.services[Files].downloads
    with ExitStack() as under_way:
        for _ in range(64):
            under_way.enter_context(limit.hold(owner.organization_id))
        refused = await _read(shared_platform, owner, app, file["id"])
        assert refused.status_code == 429 and "64 downloads" in refused.json()["detail"]
    assert (await _read(shared_platform, owner, app, file["id"])).status_code == 200

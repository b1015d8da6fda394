"""`api.files` and `api.runtime` against a running platform: on a developer's machine, and inside the jail."""

import asyncio
import hashlib
import io
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from automio import ApiError, AsyncAPI, NotFound, UnprocessableEntity
from automio._settings import settings_from
from automio.wrapper import API
from platform_api.supervisor.testing import Installation
from tests.integration.published_clients.preparation import Prepared, create_action, prepare
from tests.memory import quick_directory

LARGE = os.urandom(1000) * 20_000


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    # PostgreSQL's socket lies below it: pytest's own directories are too deep.
    with tempfile.TemporaryDirectory(prefix="amf-", dir=quick_directory()) as directory:
        environment = {"ALLOW_PRIVATE_UPSTREAMS": "true", "FILES_MAX_BYTES": str(40 * 2**20)}
        with Installation(Path(directory) / "data", environment=environment) as made:
            yield made


@pytest.fixture(scope="module")
def prepared(installation: Installation, shop_url: str) -> Prepared:
    return prepare(installation, shop_url)


@pytest.fixture
def api(prepared: Prepared) -> Iterator[API]:
    with API(settings=settings_from(prepared.environment)) as made:
        yield made


def test_a_file_goes_up_and_down_in_every_form(api: API, tmp_path: Path) -> None:
    source = tmp_path / 'żółw "1".bin'
    source.write_bytes(LARGE)
    from_path = api.files.upload(source)
    assert (from_path.name, from_path.size) == (source.name, len(LARGE))
    assert from_path.sha256 == hashlib.sha256(LARGE).hexdigest()
    from_bytes = api.files.upload(b"a,b\n", name="report.csv")
    assert from_bytes.content_type == "text/csv"
    with source.open("rb") as opened:
        from_open = api.files.upload(opened, name="open.bin", content_type="application/x-thing")
    assert (from_open.content_type, from_open.sha256) == ("application/x-thing", from_path.sha256)
    from_memory = api.files.upload(io.BytesIO(b""), name="empty.txt")

    assert api.files.read(from_path) == LARGE
    assert api.files.read(from_memory.id) == b""
    whole = tmp_path / "down" / "whole.bin"
    whole.parent.mkdir()
    assert api.files.download(from_path.id, to=whole).id == from_path.id
    assert whole.read_bytes() == LARGE
    api.files.download(from_bytes, to=str(whole.parent))
    assert (whole.parent / "report.csv").read_bytes() == b"a,b\n"
    buffer = io.BytesIO()
    api.files.download(from_open, to=buffer)
    assert buffer.getvalue() == LARGE
    assert sorted(path.name for path in whole.parent.iterdir()) == ["report.csv", "whole.bin"]


def test_files_are_found_renamed_and_deleted(api: API) -> None:
    made = [api.files.upload(b"x", name=f"found-{number}.txt") for number in range(5)]
    assert [file.id for file in api.files.list("found-", per_page=2)] == [file.id for file in reversed(made)]
    assert api.files.get(made[0].id) == made[0]
    assert api.files.rename(made[0], "renamed.txt").name == "renamed.txt"
    assert [file.id for file in api.files.list(name_prefix="renamed", content_type="text/*")] == [made[0].id]
    usage = api.files.usage()
    assert usage.files >= 5 and usage.file_bytes == 40 * 2**20
    api.files.delete(made[0])
    with pytest.raises(NotFound):
        api.files.get(made[0])
    with pytest.raises(NotFound):
        api.files.read(made[0].id)


def test_a_link_is_opened_by_anybody(api: API, prepared: Prepared) -> None:
    file = api.files.upload(b"linked", name="linked.txt")
    link = api.files.link(file, expires_in=60)
    assert link.url.startswith(prepared.environment["API_BASE_URL"])
    assert link.expires_at is not None
    assert httpx.get(link.url, timeout=240).content == b"linked"
    api.files.delete(file)
    assert httpx.get(link.url, timeout=240).status_code == 404


def test_the_platform_fetches_a_url(api: API, prepared: Prepared) -> None:
    file = api.files.upload(b"again", name="again.txt")
    fetched = api.files.upload_from_url(api.files.link(file).url)
    assert (fetched.name, fetched.content_type, fetched.sha256) == ("again.txt", "text/plain", file.sha256)
    with pytest.raises(UnprocessableEntity, match="must be an http"):
        api.files.upload_from_url("ftp://example.com/x")


def test_what_is_wrong_is_said(api: API, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name"):
        api.files.upload(b"x")
    with pytest.raises(FileNotFoundError):
        api.files.upload(tmp_path / "nothing")
    with pytest.raises(UnprocessableEntity, match="slashes"):
        api.files.upload(b"x", name="../x")
    with pytest.raises(ApiError) as caught:
        api.files.upload(bytes(40 * 2**20 + 1), name="large.bin")
    assert caught.value.status == 413
    target = tmp_path / "kept.txt"
    target.write_text("before")
    with pytest.raises(NotFound):
        api.files.download(2**40, to=target)
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_the_asynchronous_client_does_the_same(prepared: Prepared, tmp_path: Path) -> None:
    async def work() -> None:
        async with AsyncAPI(settings=settings_from(prepared.environment)) as api:
            source = tmp_path / "async.bin"
            await asyncio.to_thread(source.write_bytes, LARGE)
            files = await asyncio.gather(*(api.files.upload(source, name=f"async-{n}.bin") for n in range(3)))
            assert {file.sha256 for file in files} == {hashlib.sha256(LARGE).hexdigest()}
            found = [file.name async for file in api.files.list("async-", per_page=1)]
            assert sorted(found) == ["async-0.bin", "async-1.bin", "async-2.bin"]
            assert await api.files.read(files[0]) == LARGE
            target = tmp_path / "down.bin"
            await api.files.download(files[1], to=target)
            assert hashlib.sha256(await asyncio.to_thread(target.read_bytes)).hexdigest() == files[1].sha256
            notification = await api.runtime.send_notification("Done", kind="success")
            assert notification.kind == "success"
            for file in files:
                await api.files.delete(file)

    asyncio.run(work())


def test_a_notification_is_sent_and_shown(api: API, installation: Installation) -> None:
    sent = api.runtime.send_notification(
        "Import finished",
        "312 orders",
        kind="success",
        data={"orders": 312},
        actions=[{"label": "Open", "url": "/apps/orders/"}],
    )
    with installation.client() as owner:
        [shown] = [one for one in owner.get("/api/notifications/").json()["results"] if one["id"] == sent.id]
    assert (shown["title"], shown["data"], shown["read_at"]) == ("Import finished", {"orders": 312}, None)
    with pytest.raises(UnprocessableEntity):
        api.runtime.send_notification("x", actions=[{"label": "Open", "url": "javascript:alert(1)"}])


INSIDE = """
import pathlib

from automio import ApiError, NotFound
from automio.wrapper import API


def refused(call, *arguments, **options):
    try:
        call(*arguments, **options)
    except ApiError as error:
        return [error.status, error.detail]


def run(event):
    api = API()
    path = pathlib.Path("made.bin")
    path.write_bytes(bytes(range(256)) * 80_000)
    made = api.files.upload(path)
    api.files.download(made, to="back.bin")
    large = api.files.read(event["user_input"]["large"])
    link = api.files.link(made, expires_in=60).url
    told = api.runtime.send_notification("From inside", data={"file": made.id})
    other = api.files.upload(b"x", name="gone.txt")
    api.files.delete(other)
    return {
        "same": pathlib.Path("back.bin").read_bytes() == path.read_bytes(),
        "large": len(large),
        "made": [made.id, made.run_id, made.name],
        "names": [file.name for file in api.files.list()],
        "link": link,
        "told": told.run_id,
        "too_large": refused(api.files.upload, bytes(33 * 2**20), name="too-large.bin"),
        "bad_name": refused(api.files.upload, b"x", name="a/b"),
    }
"""


@pytest.mark.timeout(1500)
def test_scripts_use_files_and_tell_people_inside_the_jail(api: API, prepared: Prepared) -> None:
    large = api.files.upload(bytes(39 * 2**20), name="large.bin")
    owner = {"Authorization": f"App-Token {prepared.facts['owner_token']}"}
    with httpx.Client(base_url=prepared.environment["API_BASE_URL"], headers=owner, timeout=240) as platform:
        create_action(platform, prepared.facts["app_id"], "with_files", INSIDE)
    run = api.actions.run("with_files", user_input={"large": large.id})
    log = list(api.actions.stream_logs(run.task_id))
    status = api.actions.run_status(run.run_id)
    assert status.status == "completed", (status, log)
    result = status.result
    assert (result["same"], result["large"], result["told"]) == (True, 39 * 2**20, run.run_id)
    file_id, run_id, name = result["made"]
    assert (run_id, name) == (run.run_id, "made.bin")
    assert "made.bin" in result["names"] and "gone.txt" not in result["names"]
    assert httpx.get(result["link"], timeout=240).content == api.files.read(file_id)
    assert result["too_large"] == [413, "a request of a script may be at most 32 MB"]
    assert result["bad_name"][0] == 422


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_an_acknowledged_file_survives_a_kill_of_the_control_plane(api: API, installation: Installation) -> None:
    file = api.files.upload(LARGE, name="kept.bin")
    pid = installation.wait_child("control-plane")
    os.kill(pid, signal.SIGKILL)
    installation.wait_child("control-plane", other_than=pid)
    assert api.files.read(file) == LARGE
    stored = [path for path in (installation.data_dir / "files").rglob("*") if path.is_file()]
    assert any(path.read_bytes() == LARGE for path in stored)
    assert not any("#" in path.name for path in stored)

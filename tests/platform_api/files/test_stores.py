"""Both stores: local disk, and an S3-compatible server on loopback."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from platform_api.core.settings import InvalidSettings, Settings
from platform_api.files.lifespan import Files
from platform_api.files.store import LocalObjects, ObjectMissing, ObjectStore, create_store
from tests.platform_api.conftest import make_settings, running_platform
from tests.platform_api.files.conftest import make_link, objects, stored, sweep

pytestmark = pytest.mark.anyio

BUCKET = "automio-files"
_KEYS = {"files_s3_access_key_id": "test", "files_s3_secret_access_key": "test-secret"}


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test-secret",
    )
    client.create_bucket(Bucket=BUCKET)
    client.close()
    yield endpoint
    server.stop()


def s3_settings(endpoint: str, database_url: str = "postgresql:///unused", **changes: object) -> Settings:
    return make_settings(
        database_url, files_dir=None, files_s3_bucket=BUCKET, files_s3_endpoint=endpoint, **_KEYS, **changes
    )


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, files_dir: Path) -> ObjectStore:
    if request.param == "local":
        made = create_store(make_settings("postgresql:///unused", files_dir=files_dir))
    else:
        made = create_store(s3_settings(request.getfixturevalue("s3_endpoint")))
    assert made is not None
    return made


async def _chunks(count: int, *, fails: bool = False) -> AsyncIterator[bytes]:
    for number in range(count):
        yield bytes([number % 256]) * 65536
    if fails:
        raise ConnectionResetError("the sender went away")


@pytest.mark.parametrize("count", [0, 1, 300])
@pytest.mark.slow
async def test_what_is_written_is_read_in_parts(store: ObjectStore, count: int) -> None:
    key, whole = f"aa/whole{count}", b"".join([chunk async for chunk in _chunks(count)])
    await store.write(key, _chunks(count))
    assert await store.read(key, 0, len(whole)) == whole
    if count:
        assert await store.read(key, 65535, 65537) == whole[65535:65537]
    await store.remove(key)
    with pytest.raises(ObjectMissing):
        await store.read(key, 0, len(whole))
    await store.remove(key)


@pytest.mark.parametrize("count", [1, 300])
async def test_a_writing_that_fails_leaves_no_object(store: ObjectStore, count: int) -> None:
    with pytest.raises(ConnectionResetError):
        await store.write("bb/broken", _chunks(count, fails=True))
    with pytest.raises(ObjectMissing):
        await store.read("bb/broken", 0, 1)


async def test_a_writing_that_is_cancelled_leaves_no_object(store: ObjectStore) -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        async for chunk in _chunks(200):
            yield chunk
        begun.set()
        await asyncio.Event().wait()

    writing = asyncio.create_task(store.write("cc/cancelled", endless()))
    await asyncio.wait_for(begun.wait(), 240)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    with pytest.raises(ObjectMissing):
        await store.read("cc/cancelled", 0, 1)


def test_local_files_are_only_ours(files_dir: Path) -> None:
    store = LocalObjects(files_dir)
    asyncio.run(store.write("aa/one", _chunks(1)))
    assert files_dir.stat().st_mode & 0o777 == 0o700
    assert objects(files_dir) == [files_dir / "aa" / "one"]


async def test_a_platform_stores_files_in_s3(platform_database_url: str, s3_endpoint: str) -> None:
    async with running_platform(s3_settings(s3_endpoint, platform_database_url)) as platform:
        owner = await platform.create_caller()
        app = await platform.create_app(owner)
        content = bytes(range(256)) * 50_000
        file = await stored(platform, owner, app, content, "large.bin", "application/octet-stream")
        link = await make_link(platform, owner, app, file["id"])
        path = f"/api/apps/{app.id}/files/{file['id']}/"
        async with platform.client(owner) as client:
            assert (await client.get(f"{path}content/")).content == content
            ranged = await client.get(f"{path}content/", headers={"Range": "bytes=255-257"})
            assert (ranged.status_code, ranged.content) == (206, b"\xff\x00\x01")
            assert (await client.get(link)).content == content
            assert (await client.delete(path)).status_code == 204
            assert (await client.get(link)).status_code == 404
        await sweep(platform)
        assert await platform.app.services[Files].sweeper.sweep() == 0


async def test_an_s3_that_is_away_is_unavailable_and_nothing_is_acknowledged(platform_database_url: str) -> None:
    settings = s3_settings("http://127.0.0.1:9", platform_database_url)
    async with running_platform(settings) as platform:
        owner = await platform.create_caller()
        app = await platform.create_app(owner)
        async with platform.client(owner, timeout=240) as client:
            answer = await client.post(f"/api/apps/{app.id}/files/", files={"file": ("a.txt", b"x")})
            assert answer.status_code == 503, answer.text
            assert (await client.get(f"/api/apps/{app.id}/files/")).json()["count"] == 0


@pytest.mark.parametrize(
    "environment",
    [
        {"FILES_S3_ENDPOINT": "http://127.0.0.1:9"},
        {"FILES_S3_BUCKET": "b", "FILES_S3_ACCESS_KEY_ID": "only"},
        {"FILES_S3_BUCKET": "b", "FILES_S3_ENDPOINT": "127.0.0.1"},
        {"FILES_CONTENT_TYPES": "png"},
        {"FILES_CONTENT_TYPES": ","},
        {"FILES_MAX_BYTES": "many"},
    ],
)
def test_half_a_setting_is_refused(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql:///unused")
    monkeypatch.setenv("SECRET_KEYS", "0123456789abcdef-only-for-tests-0123456789")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=r"FILES_"):
        Settings.from_environment()

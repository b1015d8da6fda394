"""Links that open a file without a token: good for their time, for one file, and only as we made them."""

import time
from pathlib import Path

import httpx
import pytest

from platform_api.core.crypto import Vault
from platform_api.core.errors import NotFound
from platform_api.core.types import FileId
from platform_api.files.lifespan import Files
from platform_api.files.links import FileLinks, LinkExpired
from tests.platform_api.conftest import BASE_URL, Platform, make_settings, running_platform
from tests.platform_api.files.conftest import make_link, stored

pytestmark = pytest.mark.anyio

KEY, OTHER_KEY = "k" * 16 + "0123456789abcdef", "o" * 16 + "0123456789abcdef"


def _links(*keys: str) -> FileLinks:
    return FileLinks(
        Vault(make_settings("postgresql:///x", secret_keys=",".join(keys)).secret_keys, purpose="file links")
    )


async def _open(platform: Platform, url: str) -> httpx.Response:
    async with platform.client() as anybody:
        return await anybody.get(url)


async def test_a_link_opens_its_file_without_a_token(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    file = await stored(shared_platform, owner, app, b"linked", "linked.txt", "text/plain")
    url = await make_link(shared_platform, owner, app, file["id"], expires_in=60)
    assert url.startswith(f"{BASE_URL}/api/files/?link=")
    answer = await _open(shared_platform, url)
    assert (answer.status_code, answer.content) == (200, b"linked")
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["cache-control"] == "no-store"
    async with shared_platform.client(headers={"Range": "bytes=1-2"}) as anybody:
        assert (await anybody.get(url)).content == b"in"


async def test_a_link_says_when_it_expires(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    file = await stored(shared_platform, owner, app)
    path = f"/api/apps/{app.id}/files/{file['id']}/link/"
    async with shared_platform.client(owner) as client:
        assert (await client.post(path)).json()["expires_at"] > "2020"
        for seconds in (0, -5, 7 * 86400 + 1, "soon"):
            assert (await client.post(path, json={"expires_in": seconds})).status_code == 422


async def test_a_link_opens_nothing_once_the_file_is_deleted(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    file = await stored(shared_platform, owner, app)
    url = await make_link(shared_platform, owner, app, file["id"])
    assert (await _open(shared_platform, url)).status_code == 200
    async with shared_platform.client(owner) as client:
        await client.delete(f"/api/apps/{app.id}/files/{file['id']}/")
    assert (await _open(shared_platform, url)).status_code == 404


async def test_an_expired_link_says_so(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    file = await stored(shared_platform, owner, app)
    link = shared_platform.app.services[Files].links.create(FileId(file["id"]), expires_at=int(time.time()) - 1)
    answer = await _open(shared_platform, f"/api/files/?link={link}")
    assert answer.status_code == 410 and "expired" in answer.json()["detail"]


async def test_every_altered_link_is_refused() -> None:
    links = _links(KEY)
    link = links.create(FileId(5), expires_at=int(time.time()) + 100)
    assert links.open(link).file_id == 5
    for position in range(len(link)):
        for other in "Aw_-~":
            if link[position] == other:
                continue
            with pytest.raises(NotFound):
                links.open(link[:position] + other + link[position + 1 :])
    for altered in (link[:-1], link + "A", link + "=", link + "==", f" {link}", link * 20, "", "ż", "x" * 1000):
        with pytest.raises(NotFound):
            links.open(altered)


async def test_a_link_of_other_keys_or_another_purpose_is_refused() -> None:
    until = int(time.time()) + 100
    with pytest.raises(NotFound):
        _links(KEY).open(_links(OTHER_KEY).create(FileId(5), expires_at=until))
    credentials = Vault(make_settings("postgresql:///x", secret_keys=KEY).secret_keys)
    with pytest.raises(NotFound):
        _links(KEY).open(credentials.encrypt({"file": 5, "until": until}).decode().rstrip("="))
    # After a rotation the links of the old key still open.
    assert _links(OTHER_KEY, KEY).open(_links(KEY).create(FileId(5), expires_at=until)).file_id == 5


async def test_the_end_of_a_link_is_exact() -> None:
    links = _links(KEY)
    with pytest.raises(LinkExpired):
        links.open(links.create(FileId(5), expires_at=int(time.time())))


async def test_the_request_log_holds_no_link(
    platform_database_url: str, files_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_platform(make_settings(platform_database_url, files_dir=files_dir)) as platform:
        owner = await platform.create_caller()
        app = await platform.create_app(owner)
        file = await stored(platform, owner, app)
        url = await make_link(platform, owner, app, file["id"])
        await _open(platform, url)
    link = url.partition("link=")[2]
    assert not any(link in str(vars(record)) for record in caplog.records if record.name.startswith("platform_api"))

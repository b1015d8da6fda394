"""The client as the platform serves it: a wheel as the format asks for, its pages, and nothing else below them."""

import base64
import csv
import hashlib
import io
import re
import zipfile
from email import message_from_string
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename

from automio import __version__
from platform_api.core.errors import Unavailable
from platform_api.web.client import package
from platform_api.web.client.package import client_wheel
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio

_FILENAME = f"automio_platform-{__version__}-py3-none-any.whl"
_INFORMATION = f"automio_platform-{__version__}.dist-info"


async def test_the_wheel_holds_the_client_and_a_correct_record(shared_platform: Platform) -> None:
    async with shared_platform.client() as client:
        answer = await client.get(f"/client/{_FILENAME}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/octet-stream")
    assert parse_wheel_filename(_FILENAME)[0] == "automio-platform"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        content = {name: archive.read(name) for name in archive.namelist()}
    assert {name.partition("/")[0] for name in content} == {"automio", "plugins", _INFORMATION}
    assert {"automio/py.typed", "automio/cli/__init__.py", "plugins/_modules.py"} < set(content)
    assert not [name for name in content if "__pycache__" in name or "/." in name]
    record = list(csv.reader(io.StringIO(content[f"{_INFORMATION}/RECORD"].decode())))
    assert [path for path, _, _ in record] == list(content)
    for path, digest, size in record[:-1]:
        expected = base64.urlsafe_b64encode(hashlib.sha256(content[path]).digest()).decode().rstrip("=")
        assert (digest, size) == (f"sha256={expected}", str(len(content[path]))), path
    assert record[-1] == [f"{_INFORMATION}/RECORD", "", ""]


def test_the_wheel_asks_for_what_the_client_needs_only() -> None:
    with zipfile.ZipFile(io.BytesIO(client_wheel().content)) as archive:
        metadata = message_from_string(archive.read(f"{_INFORMATION}/METADATA").decode())
        assert archive.read(f"{_INFORMATION}/licenses/LICENSE")
    assert (metadata["Name"], metadata["Version"]) == ("automio-platform", __version__)
    assert metadata.get_all("Provides-Extra") == ["redis"]
    requirements = metadata.get_all("Requires-Dist") or []
    assert {re.match(r"[\w-]+", text)[0] for text in requirements} == {  # type: ignore[index]
        *("httpx", "python-dotenv", "gql", "tenacity", "click", "redis")
    }
    assert set(requirements) <= set(distribution("automio-platform").requires or ())


def test_the_same_files_make_the_same_bytes() -> None:
    package._build.cache_clear()
    first = client_wheel().content
    package._build.cache_clear()
    assert client_wheel().content == first
    assert client_wheel() is client_wheel()


def test_the_secrets_and_byte_code_beside_the_client_stay_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "beside"
    (folder / "__pycache__").mkdir(parents=True)
    for name in ("__init__.py", "py.typed", ".env", "notes.txt", "__pycache__/__init__.cpython-311.pyc"):
        (folder / name).write_text("x")
    (folder / "outside.py").symlink_to(Path(__file__))
    monkeypatch.syspath_prepend(tmp_path)
    assert set(package._files("beside")) == {"beside/__init__.py", "beside/py.typed"}


async def test_a_known_wheel_is_not_sent_again(shared_platform: Platform) -> None:
    path = f"/client/{_FILENAME}"
    async with shared_platform.client() as client:
        head = await client.head(path)
        tag = head.headers["etag"]
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(client_wheel().content))
        for known in (tag, f'"other", W/{tag}', "*"):
            answer = await client.get(path, headers={"If-None-Match": known})
            assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
        assert (await client.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_the_page_shows_the_lines_that_install_the_client(shared_platform: Platform) -> None:
    url = "http://platform.test"
    line = f"automio-platform[redis] @ {url}/client/{_FILENAME}"
    async with shared_platform.client() as client:
        page = await client.get("/client/")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert f'pip install "{line}"' in page.text
        assert f"pip install -r {url}/client/requirements.txt" in page.text
        assert f'href="{_FILENAME}#sha256={client_wheel().digest}"' in page.text
        assert (await client.get("/client")).text == page.text
        assert (await client.get("/client/requirements.txt")).text == f"{line}\n"
        assert 'href="/client/"' in (await client.get("/help/")).text


async def test_the_index_leads_to_the_wheel(shared_platform: Platform) -> None:
    async with shared_platform.client() as client:
        assert 'href="automio-platform/"' in (await client.get("/client/simple/")).text
        project = (await client.get("/client/simple/automio-platform/")).text
        (link,) = re.findall(r'href="\.\./\.\.([^"#]+)#sha256=([0-9a-f]{64})"', project)
        served = await client.get(f"/client{link[0]}")
    assert hashlib.sha256(served.content).hexdigest() == link[1]


@pytest.mark.parametrize(
    "path",
    [
        "automio_platform-0.0.1-py3-none-any.whl",
        "simple/httpx/",
        "..%2f..%2fpyproject.toml",
        "%2e%2e/%2e%2e/etc/passwd",
        "automio/__init__.py",
        "%00",
    ],
)
async def test_nothing_else_is_served(shared_platform: Platform, path: str) -> None:
    # As pip asks: what is not there is no page of the console.
    accept = "application/vnd.pypi.simple.v1+json, text/html; q=0.01"
    async with shared_platform.client(headers={"Accept": accept}) as client:
        answer = await client.get(f"/client/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert f"http://platform.test/client/{_FILENAME}" in answer.json()["detail"]


def test_a_platform_without_its_distribution_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "DISTRIBUTION", "no-such-distribution")
    package._build.cache_clear()
    with pytest.raises(Unavailable, match=r"no-such-distribution is not installed.*make setup"):
        client_wheel()

"""`api.files` towards a platform that is not what it should be, and what is sent."""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import pytest

from automio import AsyncAPI, File, InvalidReply, MockTransport, UnprocessableEntity
from automio.wrapper import API

CONTENT = b"0123456789"
FILE: dict[str, Any] = {
    "id": 5,
    "name": "digits.txt",
    "content_type": "text/plain",
    "size": len(CONTENT),
    "sha256": hashlib.sha256(CONTENT).hexdigest(),
}


def api_of(answers: dict[str, Any]) -> tuple[API, MockTransport]:
    transport = MockTransport(answers)
    return API(base_url="http://platform.test", token="t", app_id="org/shop", transport=transport), transport


def serving(content: bytes = CONTENT, **changes: Any) -> dict[str, Any]:
    return {
        "GET /api/apps/shop/files/5/": {**FILE, **changes},
        "GET /api/apps/shop/files/5/content/": httpx.Response(206, content=content),
    }


def test_a_file_is_asked_for_in_ranges() -> None:
    api, transport = api_of(serving())
    assert api.files.read(5) == CONTENT
    assert transport.requests[-1].headers["range"] == "bytes=0-9"
    assert transport.requests[-1].headers["accept-encoding"] == "identity"
    assert api.files.read(File.from_wire(FILE)) == CONTENT


@pytest.mark.parametrize("content", [b"0123456780", b"01234", b"0123456789x", b""])
def test_a_damaged_content_is_an_error_and_replaces_nothing(content: bytes, tmp_path: Path) -> None:
    api, _ = api_of(serving(content))
    with pytest.raises(InvalidReply):
        api.files.read(5)
    target = tmp_path / "kept.txt"
    target.write_text("before")
    with pytest.raises(InvalidReply):
        api.files.download(5, to=target)
    assert target.read_text() == "before" and list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "..", ".", "", "a\\b", "a\x00b"])
def test_a_platform_does_not_choose_the_directory(name: str, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    api, _ = api_of(serving(name=name))
    api.files.download(5, to=inside)
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()] == [Path("inside/file-5")]


def test_an_upload_says_name_and_type_in_the_form(tmp_path: Path) -> None:
    source = tmp_path / 'quoted".txt'
    source.write_bytes(CONTENT)
    api, transport = api_of({"POST /api/apps/shop/files/": httpx.Response(201, json=FILE)})
    assert api.files.upload(source, content_type="text/plain").id == 5
    body = transport.requests[-1].content
    assert b'name="name"\r\n\r\nquoted".txt\r\n' in body
    assert b'name="content_type"\r\n\r\ntext/plain\r\n' in body
    assert CONTENT in body


@pytest.mark.parametrize("is_async", [False, True])
def test_an_upload_that_fails_closes_what_it_opened(
    is_async: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a.txt"
    source.write_bytes(CONTENT)
    opened: list[BinaryIO] = []
    open_path = Path.open

    def remember(path: Path, *arguments: Any, **options: Any) -> Any:
        opened.append(open_path(path, *arguments, **options))
        return opened[-1]

    monkeypatch.setattr(Path, "open", remember)
    refusal = {"POST /api/apps/shop/files/": httpx.Response(422, json={"detail": "name: no"})}

    async def work() -> None:
        async with AsyncAPI(
            base_url="http://platform.test", token="t", app_id="shop", transport=MockTransport(refusal)
        ) as api:
            await api.files.upload(source)

    with pytest.raises(UnprocessableEntity) as kept:
        asyncio.run(work()) if is_async else api_of(refusal)[0].files.upload(source)
    assert kept.value.detail == "name: no"
    assert [file.closed for file in opened] == [True]


def test_a_notification_is_sent_as_it_was_given() -> None:
    answer = {"id": 3, "user_id": 1, "kind": "error", "title": "Stopped"}
    api, transport = api_of({"POST /api/notifications/": httpx.Response(201, json=answer)})
    actions: list[Any] = [{"label": "Open", "url": "/x"}]
    assert api.runtime.send_notification("Stopped", kind="error", data={"a": 1}, actions=actions, user_id=7).id == 3
    assert json.loads(transport.requests[-1].content) == {
        "title": "Stopped",
        "description": None,
        "kind": "error",
        "data": {"a": 1},
        "actions": [{"label": "Open", "url": "/x"}],
        "user_id": 7,
    }

"""What the browser loads before the first screen, from the build's manifest (design: at most 300 kB)."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from platform_api.web.templating import CONSOLE
from tests.console.conftest import Visit
from tests.platform_api.conftest import Platform

MAX_FIRST_BYTES = 300_000
MAX_EDITOR_BYTES = 190_000
MAX_REQUESTS = 6
_FIRST = ("index.html",)
"""With the shell and the home page in it."""

needs_build = pytest.mark.skipif(not (CONSOLE / "index.html").exists(), reason="the web console is not built")


def manifest() -> dict[str, Any]:
    """Chunks of the build by their sources."""
    loaded: dict[str, Any] = json.loads((CONSOLE / ".vite" / "manifest.json").read_text())
    return loaded


def files_of(*sources: str) -> set[str]:
    """Files that a browser loads for these modules, with all that they import statically."""
    chunks, found, waiting = manifest(), set(), list(sources)
    while waiting:
        chunk = chunks[waiting.pop()]
        if chunk["file"] not in found:
            found |= {chunk["file"], *chunk.get("css", ())}
            waiting += chunk.get("imports", ())
    return found


def compressed_bytes(files: set[str]) -> int:
    """Bytes over the wire with gzip."""
    return sum(_size(CONSOLE / file) for file in files)


def _size(path: Path) -> int:
    compressed = path.with_name(path.name + ".gz")
    return (compressed if compressed.exists() else path).stat().st_size


@needs_build
def test_the_first_screens_are_within_their_budget() -> None:
    size = compressed_bytes(files_of(*_FIRST, "src/features/accounts/components/SignInPage.tsx"))
    assert size <= MAX_FIRST_BYTES, f"{size:,} bytes"


@needs_build
def test_the_code_editor_is_within_its_budget_and_not_in_the_first_load() -> None:
    first, editor = files_of(*_FIRST), files_of("src/features/code/components/CodePage.tsx")
    size = compressed_bytes(editor - first)
    assert 100_000 < size <= MAX_EDITOR_BYTES, f"{size:,} bytes"


@needs_build
@pytest.mark.anyio
async def test_assets_are_compressed_and_kept_for_ever(shared_platform: Platform) -> None:
    entry = manifest()["index.html"]["file"]
    async with shared_platform.client() as client:
        answers: dict[str, httpx.Response] = {}
        for encoding in ("br", "gzip", "identity"):
            answer = await client.get(f"/static/console/{entry}", headers={"Accept-Encoding": encoding})
            answers[encoding] = answer
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]
            assert answer.headers["content-type"].startswith("text/javascript")
            assert "Accept-Encoding" in answer.headers["vary"]
        again = await client.get(
            f"/static/console/{entry}", headers={"If-None-Match": answers["gzip"].headers["etag"]}
        )
        assert again.status_code in (200, 304)
    assert [answers[name].headers.get("content-encoding") for name in answers] == ["br", "gzip", None]
    assert answers["gzip"].content == answers["identity"].content
    assert len({answer.headers["content-length"] for answer in answers.values()}) == 3


@pytest.mark.anyio
async def test_few_requests_come_before_the_first_content(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    app = await shared_platform.create_app(caller)
    async with visit() as visitor:
        page = visitor.page
        await visitor.open(f"/sign-in?next=/{caller.organization_slug}")
        await visitor.sign_in(caller.email, Platform.password)
        await expect(page.get_by_role("heading", name=app.name)).to_be_visible()
        # Left first: a page asks until the next one has arrived.
        await visitor.leave()
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url.removeprefix(visitor.base_url)))
        await visitor.open(f"/{caller.organization_slug}")
        await expect(page.get_by_role("heading", name=app.name)).to_be_visible()
    before = requests[: requests.index("/api/bootstrap/") + 1]
    assert len(before) <= MAX_REQUESTS, before
    assert [url for url in before if url.startswith("/api/")] == ["/api/bootstrap/"]
    assert not {"/api/me/", "/api/organizations/", "/api/apps/"} & {url.partition("?")[0] for url in requests}

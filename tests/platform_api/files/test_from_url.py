"""Files fetched from a URL: as the upstream sends them, bounded, and never from where integrations may not call."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from platform_api.apps.models import App
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform
from tests.platform_api.files.conftest import PNG, objects, sweep

pytestmark = pytest.mark.anyio


async def _picture(request: web.Request) -> web.Response:
    headers = {"Content-Disposition": 'attachment; filename="../../evil/cat.png"'}
    return web.Response(body=PNG, content_type="image/png", headers=headers)


async def _page(request: web.Request) -> web.Response:
    return web.Response(text="<html>", content_type="text/html")


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(1000):
        await response.write(bytes(65536))
    return response


async def _breaks_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"half")
    assert request.transport is not None
    request.transport.abort()
    return response


async def _redirect(request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": request.query["to"]})


@pytest.fixture
async def upstream() -> AsyncIterator[str]:
    application = web.Application()
    for path, handler in (
        ("/pictures/cat%20one.png", _page),
        ("/picture", _picture),
        ("/page.html", _page),
        ("/endless", _endless),
        ("/half", _breaks_off),
        ("/redirect", _redirect),
    ):
        application.router.add_get(path, handler)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def _fetch(platform: Platform, caller: Caller, app: App, url: str, **body: Any) -> httpx.Response:
    async with platform.client(caller, timeout=240) as client:
        return await client.post(f"/api/apps/{app.id}/files/from-url/", json={"url": url, **body})


async def test_a_url_is_stored_under_its_name_and_type(shared_platform: Platform, upstream: str) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    fetched = await _fetch(shared_platform, owner, app, f"{upstream}/picture?secret=1#part")
    assert fetched.status_code == 201, fetched.text
    file = fetched.json()
    assert (file["name"], file["content_type"], file["size"]) == ("cat.png", "image/png", len(PNG))
    said = await _fetch(shared_platform, owner, app, f"{upstream}/picture", name="a.bin", content_type="image/png")
    assert said.json()["name"] == "a.bin"
    by_path = await _fetch(shared_platform, owner, app, f"{upstream}/page.html")
    assert (by_path.json()["name"], by_path.json()["content_type"]) == ("page.html", "text/html")
    redirected = await _fetch(shared_platform, owner, app, f"{upstream}/redirect?to=/picture")
    assert redirected.json()["sha256"] == file["sha256"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/nothing", "answered 404"),
        ("/half", "broke off"),
        ("/redirect?to=/redirect%3Fto%3D/redirect", "answered 500"),
        ("/redirect?to=ftp://127.0.0.1/x", "only http"),
        ("/redirect?to=file:///etc/passwd", "only http"),
    ],
)
async def test_what_the_upstream_does_wrong_is_said(
    shared_platform: Platform, upstream: str, path: str, expected: str
) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    answer = await _fetch(shared_platform, owner, app, upstream + path)
    assert answer.status_code == 422, answer.text
    assert expected in answer.json()["detail"]


async def test_an_endless_answer_is_cut_off(platform_database_url: str, files_dir: Path, upstream: str) -> None:
    settings = make_settings(platform_database_url, files_dir=files_dir, files_max_bytes=1_000_000)
    async with running_platform(settings) as platform:
        owner = await platform.create_caller()
        app = await platform.create_app(owner)
        answer = await _fetch(platform, owner, app, f"{upstream}/endless")
        assert answer.status_code == 413
        await sweep(platform)
        assert objects(files_dir) == []


@pytest.mark.parametrize(
    "url", ["", "ftp://example.com/x", "file:///etc/passwd", "//example.com", "x", "http://", "http://[x"]
)
async def test_what_is_no_web_address_is_refused(shared_platform: Platform, url: str) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    assert (await _fetch(shared_platform, owner, app, url)).status_code == 422


async def test_private_addresses_are_refused(platform_database_url: str, files_dir: Path, upstream: str) -> None:
    settings = make_settings(platform_database_url, files_dir=files_dir, allow_private_upstreams=False)
    async with running_platform(settings) as platform:
        owner = await platform.create_caller()
        app = await platform.create_app(owner)
        port = upstream.rpartition(":")[2]
        for host in (
            "127.0.0.1",
            "localhost",
            "169.254.169.254",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "0.0.0.0",
            "10.0.0.1",
        ):
            answer = await _fetch(platform, owner, app, f"http://{host}:{port}/picture")
            assert answer.status_code == 422, (host, answer.text)
            assert "private or local" in answer.json()["detail"], (host, answer.text)
        # 127.0.0.1 as one number is no host at all.
        assert (await _fetch(platform, owner, app, f"http://2130706433:{port}/picture")).status_code == 422


async def test_a_redirect_from_an_allowed_address_to_a_private_one_is_refused(
    platform_database_url: str, files_dir: Path, upstream: str
) -> None:
    settings = make_settings(
        platform_database_url,
        files_dir=files_dir,
        allow_private_upstreams=False,
        allowed_private_upstreams="127.0.0.1",
    )
    async with running_platform(settings) as platform:
        owner = await platform.create_caller()
        app = await platform.create_app(owner)
        assert (await _fetch(platform, owner, app, f"{upstream}/picture")).status_code == 201
        for target in ("http://127.0.0.2/x", "http://169.254.169.254/latest/meta-data/", "http://[::1]/x"):
            answer = await _fetch(platform, owner, app, f"{upstream}/redirect?to={target}")
            assert answer.status_code == 422, (target, answer.text)
            assert "private or local" in answer.json()["detail"]
        assert len(objects(files_dir)) == 1

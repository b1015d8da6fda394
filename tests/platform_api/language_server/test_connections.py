"""Who may open a language server's WebSocket, who takes it, and when it ends. The test itself plays the runner."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, func, select, update
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from platform_api.accounts.models import Membership, Role, Scope
from platform_api.language_server import relay
from platform_api.language_server.models import LanguageServer
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.graphql.serving import serve_app
from tests.platform_api.runs.working import create_runner_token

pytestmark = pytest.mark.anyio


@pytest.fixture
async def url(platform: Platform) -> AsyncIterator[str]:
    async with serve_app(platform.app) as served:
        yield served


@asynccontextmanager
async def editing(
    url: str, app: object, headers: dict[str, str], *, query: str = "", origin: str | None = None
) -> AsyncIterator[ClientConnection]:
    address = f"{url.replace('http', 'ws')}/api/apps/{app}/language-server/{query}"
    async with connect(address, additional_headers=headers, origin=origin, max_size=None) as socket:  # type: ignore[arg-type]
        yield socket


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """Waits until the other end closes; returns code and reason."""
    try:
        async with asyncio.timeout(240):
            while True:
                await socket.recv()
    except ConnectionClosed as error:
        assert error.rcvd is not None
        return error.rcvd.code, error.rcvd.reason


async def cookie_of(url: str, caller: Caller) -> dict[str, str]:
    """Signs in and returns the header with the cookie."""
    async with httpx.AsyncClient(base_url=url) as client:
        body = {"email": caller.email, "password": Platform.password}
        answer = await client.post("/api/sessions/", json=body, headers={"Origin": url})
        assert answer.status_code < 300, answer.text
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in client.cookies.items())}


async def count_servers(platform: Platform) -> int:
    async with platform.database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(LanguageServer)) or 0


class PlayedRunner:
    """Claims language servers as a runner does."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.headers = {"Authorization": f"Bearer {token}"}

    async def claim(self, *, slots: int = 4, wait_seconds: float = 20) -> list[int]:
        body = {
            "runner_id": "played",
            "slots": slots,
            "limit": 4,
            "isolation": "bubblewrap",
            "wait_seconds": wait_seconds,
        }
        async with httpx.AsyncClient(base_url=self.url, headers=self.headers, timeout=240) as client:
            answer = await client.post("/api/runner/language-servers/claim/", json=body)
            assert answer.status_code == 200, answer.text
            servers: list[int] = answer.json()["servers"]
            return servers

    @asynccontextmanager
    async def serving(self, server_id: int, *, runner_id: str = "played") -> AsyncIterator[ClientConnection]:
        address = f"{self.url.replace('http', 'ws')}/api/runner/language-servers/{server_id}/?runner_id={runner_id}"
        async with connect(address, additional_headers=self.headers, max_size=None) as socket:
            yield socket


@pytest.fixture
async def runner(platform: Platform, url: str) -> PlayedRunner:
    return PlayedRunner(url, await create_runner_token(platform))


async def test_only_builders_of_the_apps_organization_from_our_own_pages(platform: Platform, url: str) -> None:
    owner, stranger = await platform.create_caller(), await platform.create_caller()
    app = await platform.create_app(owner, is_public=True)
    await platform.install(app, stranger)
    member = await platform.create_colleague(owner, Role.MEMBER)
    reader = await platform.create_colleague(owner, Role.BUILDER, scopes=[Scope.DATA])
    for caller, code in ((stranger, 4404), (member, 4403), (reader, 4403)):
        async with editing(url, app.id, caller.headers) as socket:
            assert (await closed(socket))[0] == code
    async with editing(url, app.id, {}) as socket:
        assert (await closed(socket))[0] == 4401
    mine, theirs = await cookie_of(url, owner), await cookie_of(url, stranger)
    async with editing(url, app.id, mine, origin="https://evil.example") as socket:
        code, reason = await closed(socket)
        assert code == 4403 and "own pages" in reason
    async with editing(url, app.id, mine) as socket:
        assert (await closed(socket))[0] == 4403
    async with editing(url, app.id, theirs, origin=url) as socket:
        assert (await closed(socket))[0] == 4404
    # Naming the other organization opens nothing, either.
    query = f"?organization={owner.organization_slug}"
    async with editing(url, app.id, theirs, origin=url, query=query) as socket:
        assert (await closed(socket))[0] == 4403
    with pytest.raises(InvalidStatus):
        async with editing(url, app.id, owner.headers, query="?organisation=x"):
            pass
    assert await count_servers(platform) == 0


async def test_without_a_runner_that_offers_one_the_reason_is_said(
    platform: Platform, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "_PATIENCE_SECONDS", 0.1)
    owner = await platform.create_caller()
    app = await platform.create_app(owner)
    async with editing(url, app.id, owner.headers) as socket:
        code, reason = await closed(socket)
    assert code == 4503 and "no runner" in reason
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/health")).json()["parts"]["language_servers"] == "absent"


async def test_a_runner_gets_the_source_and_the_names_and_no_settings(
    platform: Platform, url: str, runner: PlayedRunner
) -> None:
    owner = await platform.create_caller()
    app = await platform.create_app(owner)
    files = {"main.py": "x = 1\n", "pyrefly.toml": "x = 1\n", "notes.md": "# x\n"}
    async with platform.client(owner) as client:
        saving = {"base_version": 0, "changes": files}
        assert (await client.patch(f"/api/apps/{app.id}/source/", json=saving)).status_code == 201
    async with editing(url, app.id, await cookie_of(url, owner), origin=url) as editor:
        (server_id,) = await runner.claim()
        async with runner.serving(server_id, runner_id="another") as other:
            assert (await closed(other))[0] == 4404
        async with runner.serving(server_id) as serving:
            assert await serving.recv() == "here"
            given: dict[str, Any] = json.loads(await serving.recv())["files"]
            assert set(given) == {"source/main.py", "stubs/automio/_names.py", "stubs/automio/rows.py"}
            await editor.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}))
            begun = json.loads(await serving.recv())
            assert begun["params"]["rootUri"] == "file:///automio/bundle/source"
            # Another saves: the files come before the word of it.
            async with platform.client(owner) as client:
                saving = {"base_version": 1, "changes": {"main.py": "x = 2\n"}}
                assert (await client.patch(f"/api/apps/{app.id}/source/", json=saving)).status_code == 201
            assert json.loads(await serving.recv())["files"] == {"source/main.py": "x = 2\n"}
            told = json.loads(await serving.recv())
            assert told["method"] == "workspace/didChangeWatchedFiles"
            assert told["params"]["changes"] == [{"uri": "file:///automio/bundle/source/main.py", "type": 2}]
        assert (await closed(editor))[0] == 4500
    assert await count_servers(platform) == 0


async def test_who_may_no_longer_build_or_is_quiet_is_closed(
    platform: Platform, url: str, runner: PlayedRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "_CHECK_SECONDS", 0.2)
    owner = await platform.create_caller()
    builder = await platform.create_colleague(owner, Role.BUILDER)
    app = await platform.create_app(owner)
    async with editing(url, app.id, await cookie_of(url, builder), origin=url) as editor:
        (server_id,) = await runner.claim()
        async with runner.serving(server_id) as serving:
            assert await serving.recv() == "here"
            async with platform.database.transaction() as session:
                await session.execute(delete(Membership).where(Membership.user_id == builder.user_id))
            assert (await closed(editor))[0] == 4403
    async with editing(url, app.id, owner.headers) as editor:
        (server_id,) = await runner.claim()
        async with runner.serving(server_id) as serving:
            assert await serving.recv() == "here"
            monkeypatch.setattr(relay, "IDLE_SECONDS", 0.3)
            assert (await closed(editor))[0] == 4408


async def test_places_are_shared_between_organizations(
    platform: Platform, url: str, runner: PlayedRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "_PATIENCE_SECONDS", 0.3)
    greedy, modest = await platform.create_caller(), await platform.create_caller()
    app, other = await platform.create_app(greedy), await platform.create_app(modest)
    async with editing(url, app.id, greedy.headers) as first, editing(url, app.id, greedy.headers) as second:
        claimed: list[int] = []
        while len(claimed) < 2:
            claimed += await runner.claim()
        async with runner.serving(min(claimed)) as one, runner.serving(max(claimed)) as two:
            assert await one.recv() == "here" and await two.recv() == "here"
            async with platform.database.transaction() as session:
                older = update(LanguageServer).where(LanguageServer.id == min(claimed))
                await session.execute(older.values(used_at=func.now() - func.make_interval(0, 0, 0, 0, 1)))
            # All of the runner's places are in use: it claims nothing until one is free.
            async with editing(url, other.id, modest.headers):
                ended = [asyncio.create_task(closed(socket)) for socket in (first, second)]
                done, _ = await asyncio.wait(ended, timeout=240, return_when=asyncio.FIRST_COMPLETED)
                assert [task.result()[0] for task in done] == [4409]
                (taken,) = await runner.claim()
                assert taken > max(claimed)
                for task in ended:
                    task.cancel()
                await asyncio.gather(*ended, return_exceptions=True)

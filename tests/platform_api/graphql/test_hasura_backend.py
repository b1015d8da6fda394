"""A Hasura of its own behind the platform: what reaches it is a session of ours, never the client's."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from platform_api.core import remembered
from platform_api.graphql import expiry
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform
from tests.platform_api.graphql.serving import serve_app

pytestmark = pytest.mark.anyio

SECRET = "hasura-admin-secret-of-this-test"
# Not how a JSON library of ours would write it: it must arrive as it is.
ANSWER = b'{"data" :{"a":1.10, "b":"\\u017c"}}'


@dataclass
class RecordingHasura:
    """A server that speaks Hasura's transports and keeps what it was sent."""

    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    socket_messages: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self.converse(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((request.path, headers, await request.read()))
        return web.Response(body=ANSWER, content_type="application/json")

    async def converse(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("graphql-transport-ws", "graphql-ws"))
        await socket.prepare(request)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            received = json.loads(message.data)
            self.socket_messages.append(received)
            if received["type"] == "connection_init":
                await socket.send_str('{"type":"connection_ack"}')
            elif received["type"] == "subscribe":
                answer = {"id": received["id"], "type": "next", "payload": {"data": {"n": 1}}}
                await socket.send_str(json.dumps(answer))
        return socket

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        app = web.Application()
        for path in ("/v1/graphql", "/v1/metadata", "/v2/query"):
            app.router.add_route("*", path, self.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        try:
            yield
        finally:
            await runner.cleanup()


@dataclass
class Setting:
    """A platform before a Hasura, and an app of one of its callers."""

    platform: Platform
    hasura: RecordingHasura
    caller: Caller
    app: int

    @property
    def path(self) -> str:
        return f"/api/apps/{self.app}/v1/graphql"


@pytest.fixture
async def setting(module_database_url: str) -> AsyncIterator[Setting]:
    hasura = RecordingHasura()
    async with hasura.running():
        settings = make_settings(
            module_database_url, hasura_graphql_endpoint=hasura.url, hasura_graphql_admin_secret=SECRET
        )
        async with running_platform(settings) as platform:
            caller = await platform.create_caller()
            app = await platform.create_app(caller)
            yield Setting(platform, hasura, caller, app.id)


async def test_documents_go_on_with_our_session_and_answers_come_back_as_they_are(setting: Setting) -> None:
    body = b'{"query" : "{ a }", "variables":{"x":12345678901234567890.5}}'
    async with setting.platform.client(setting.caller) as client:
        answer = await client.post(setting.path, content=body)
    assert (answer.status_code, answer.content) == (200, ANSWER)
    [(path, headers, received)] = setting.hasura.requests
    assert (path, received) == ("/v1/graphql", body)
    assert headers["x-hasura-admin-secret"] == SECRET
    sent = {name: value for name, value in headers.items() if name.startswith("x-hasura-")}
    sent.pop("x-hasura-admin-secret")
    assert sent == {
        "x-hasura-role": f"app_{setting.app}",
        "x-hasura-organization-id": str(setting.caller.organization_id),
        "x-hasura-user-id": str(setting.caller.user_id),
    }
    assert "authorization" not in headers and "cookie" not in headers


@pytest.mark.parametrize(
    "forged",
    [
        {"X-Hasura-Role": "admin"},
        {"X-Hasura-Organization-Id": "999"},
        {"x-hasura-organization-ids": "{1,2,3}"},
        {"X-Hasura-Admin-Secret": "guess"},
        {"X-Hasura-Admin-Secret": ""},
    ],
)
async def test_forged_session_headers_never_reach_hasura(setting: Setting, forged: dict[str, str]) -> None:
    async with setting.platform.client(setting.caller, headers=forged) as client:
        answer = await client.post(setting.path, json={"query": "{ a }"})
    assert answer.status_code in (401, 403)
    assert answer.json()["errors"][0]["extensions"]["code"] == "access-denied"
    assert setting.hasura.requests == []


async def test_the_admin_secret_makes_the_request_an_administrators(setting: Setting) -> None:
    headers = {"X-Hasura-Admin-Secret": SECRET, "X-Hasura-Role": "app_9"}
    async with setting.platform.client(headers=headers) as client:
        assert (await client.post("/v1/graphql", json={"query": "{ a }"})).content == ANSWER
        assert (await client.post("/v1/metadata", json={"type": "export_metadata", "args": {}})).content == ANSWER
    assert [path for path, _, _ in setting.hasura.requests] == ["/v1/graphql", "/v1/metadata"]
    assert {headers["x-hasura-role"] for _, headers, _ in setting.hasura.requests} == {"app_9"}


async def test_metadata_and_sql_need_the_admin_secret(setting: Setting) -> None:
    async with setting.platform.client(setting.caller) as client:
        for path in ("/v1/metadata", "/v2/query", "/v1/query"):
            for headers in ({}, {"X-Hasura-Admin-Secret": "wrong"}):
                refused = await client.post(path, json={"type": "run_sql", "args": {}}, headers=headers)
                assert refused.status_code == 401
                assert refused.json()["code"] == "access-denied"
    assert setting.hasura.requests == []


async def test_a_hasura_that_is_away_is_a_503_in_graphqls_shape(module_database_url: str) -> None:
    settings = make_settings(
        module_database_url, hasura_graphql_endpoint="http://127.0.0.1:1", hasura_graphql_admin_secret=SECRET
    )
    async with running_platform(settings) as platform:
        caller = await platform.create_caller()
        app = await platform.create_app(caller)
        async with platform.client(caller) as client:
            answer = await client.post(f"/api/apps/{app.id}/v1/graphql", json={"query": "{ a }"})
            assert answer.status_code == 503
            assert "cannot be reached" in answer.json()["errors"][0]["message"]
            contract = await client.post(f"/api/apps/graphql/?app={app.id}", json={"query": "{ a }"})
            assert contract.status_code == 503


async def connect(
    session: aiohttp.ClientSession, url: str, *, headers: dict[str, str] | None = None, **options: Any
) -> aiohttp.ClientWebSocketResponse:
    protocols = options.pop("protocols", ["graphql-transport-ws"])
    return await session.ws_connect(url, protocols=protocols, headers=headers)


async def test_a_websockets_session_is_ours_and_its_messages_are_passed_on(setting: Setting) -> None:
    async with serve_app(setting.platform.app) as url, aiohttp.ClientSession() as session:
        socket = await connect(session, url + setting.path)
        init = {"headers": {"Authorization": f"Bearer {setting.caller.token}"}}
        await socket.send_json({"type": "connection_init", "payload": init})
        assert await socket.receive_json(timeout=240) == {"type": "connection_ack"}
        subscribe = {"id": "1", "type": "subscribe", "payload": {"query": "subscription { n }"}}
        await socket.send_json(subscribe)
        assert await socket.receive_json(timeout=240) == {"id": "1", "type": "next", "payload": {"data": {"n": 1}}}
        await socket.close()
    first, second = setting.hasura.socket_messages
    assert second == subscribe
    assert first["payload"]["headers"] == {
        "x-hasura-admin-secret": SECRET,
        "x-hasura-role": f"app_{setting.app}",
        "x-hasura-organization-id": str(setting.caller.organization_id),
        "x-hasura-user-id": str(setting.caller.user_id),
    }


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"type": "connection_init"}], 4403),
        ([{"type": "connection_init", "payload": {"headers": {"Authorization": "Bearer amt_wrong"}}}], 4403),
        ([{"type": "connection_init", "payload": {"headers": {"X-Hasura-Admin-Secret": "wrong"}}}], 4403),
        ([{"type": "subscribe", "id": "1", "payload": {"query": "{ a }"}}], 4400),
        ([[1]], 4400),
    ],
)
async def test_a_websocket_without_a_session_is_closed(setting: Setting, messages: list[Any], code: int) -> None:
    async with serve_app(setting.platform.app) as url, aiohttp.ClientSession() as session:
        socket = await connect(session, url + setting.path)
        for message in messages:
            await socket.send_json(message)
        received = await socket.receive(timeout=240)
        assert (received.type, socket.close_code) == (WSMsgType.CLOSE, code)
    assert setting.hasura.socket_messages == []


async def test_a_second_connection_init_cannot_change_the_session(setting: Setting) -> None:
    async with serve_app(setting.platform.app) as url, aiohttp.ClientSession() as session:
        socket = await connect(session, url + setting.path, headers=setting.caller.headers)
        await socket.send_json({"type": "connection_init"})
        assert (await socket.receive_json(timeout=240))["type"] == "connection_ack"
        # Two values for one key: whoever reads the message must read the same one.
        await socket.send_str('{"type":"subscribe","type":"connection_init","payload":{"headers":{}}}')
        await socket.receive(timeout=240)
        assert socket.close_code == 4429
    assert [message["type"] for message in setting.hasura.socket_messages] == ["connection_init"]


async def test_the_older_protocol_is_told_why_it_is_refused(setting: Setting) -> None:
    async with serve_app(setting.platform.app) as url, aiohttp.ClientSession() as session:
        socket = await connect(session, url + setting.path, protocols=["graphql-ws"])
        await socket.send_json({"type": "connection_init", "payload": {}})
        error = await socket.receive_json(timeout=240)
        assert error["type"] == "connection_error"
        assert "token is missing" in error["payload"]["message"]


async def test_a_websocket_ends_when_its_token_is_revoked(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "SECONDS_BETWEEN_CHECKS", 3600.0)
    monkeypatch.setattr(remembered, "SECONDS_REMEMBERED", 0.05)
    platform, caller = setting.platform, setting.caller
    async with serve_app(platform.app) as url, aiohttp.ClientSession() as session:
        socket = await connect(session, url + setting.path, headers=caller.headers)
        await socket.send_json({"type": "connection_init"})
        assert (await socket.receive_json(timeout=240))["type"] == "connection_ack"
        await asyncio.sleep(0.2)
        assert not socket.closed
        async with platform.client(caller) as client:
            [token] = (await client.get("/api/tokens/")).json()["results"]
            assert (await client.delete(f"/api/tokens/{token['id']}/")).is_success
        await socket.receive(timeout=240)
        assert socket.close_code == 4403

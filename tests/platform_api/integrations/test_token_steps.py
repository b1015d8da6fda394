"""Tokens that are exchanged for lasting ones and renew themselves, as Meta's do, over a provider on loopback."""

import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import httpx
import pytest
from aiohttp import web
from pydantic import ValidationError
from yarl import URL

from platform_api.integrations.definitions.definition import OAuth2Auth
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.integrations.test_oauth import change_credentials, stored

pytestmark = pytest.mark.anyio

SECRET, DAY = "the-client-secret", 86_400


@dataclass
class Meta:
    """A provider: the code gives `short`, that gives `long-1`, each long token the next one."""

    url: str = ""
    good: str = ""
    fault: dict[str, Any] | None = None
    """What the steps answer instead."""
    status: int = 400
    steps: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    async def token(self, request: web.Request) -> web.Response:
        self.good = "short"
        return web.json_response({"access_token": "short", "user_id": 17, "expires_in": 3600})

    async def step(self, request: web.Request) -> web.Response:
        posted = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        sent = {**request.query, **posted}
        self.steps.append((request.method, request.path, sent))
        if self.fault is not None:
            return web.json_response(self.fault, status=self.status)
        if sent.get("token") != self.good:
            return web.json_response({"error": {"code": 190, "message": f"bad {sent.get('token')!s}"}}, status=400)
        number = int(self.good.partition("-")[2] or 0) + 1
        self.good = f"long-{number}"
        return web.json_response({"access_token": self.good, "token_type": "bearer", "expires_in": 60 * DAY})

    async def call(self, request: web.Request) -> web.Response:
        is_good = request.headers.get("Authorization") == f"Bearer {self.good}"
        return web.json_response({"name": "anna"}, status=200 if is_good else 401)


@asynccontextmanager
async def running_meta() -> AsyncIterator[Meta]:
    meta = Meta()
    app = web.Application()
    app.router.add_post("/token", meta.token)
    for path in ("/exchange", "/renewal"):
        app.router.add_route("*", path, meta.step)
    app.router.add_get("/me", meta.call)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    meta.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield meta
    finally:
        await runner.cleanup()


@pytest.fixture
async def meta() -> AsyncIterator[Meta]:
    async with running_meta() as running:
        yield running


EXCHANGE = {"grant_type": "fb_exchange_token", "secret": "{client_secret}", "token": "{access_token}"}
RENEWAL = {"grant_type": "ig_refresh_token", "token": "{access_token}"}


async def _connect(platform: Platform, caller: Caller, meta: Meta, **auth: Any) -> httpx.Response:
    declared = {
        "id": "meta",
        "name": "Meta",
        "base_url": meta.url,
        "retry": {"attempts": 1},
        "auth": {
            "type": "oauth2",
            "authorize_url": f"{meta.url}/authorize",
            "token_url": f"{meta.url}/token",
            "token_values": {"user_id": "user_id"},
            "grant_end": {"at": "error.code", "values": [190]},
            "identity": {"url": "/me", "name": "name"},
            **auth,
        },
    }
    async with platform.client(caller) as client:
        made = await client.post("/api/integrations/", json=declared)
        assert made.status_code == 201, made.text
        body = {"client_id": "the-client", "client_secret": SECRET}
        assert (await client.put("/api/integrations/meta/oauth/client/", json=body)).status_code == 200
        started = (await client.post("/api/integrations/meta/oauth/start/", json={})).json()["url"]
    async with platform.client() as browser:
        page = await browser.get(started)
        [leads_to] = re.findall(r'id="continue"[^>]*href="([^"]+)"', page.text)
        back = {"state": URL(unescape(leads_to)).query["state"], "code": "the-code"}
        return await browser.get("/oauth/callback/", params=back)


async def _call(platform: Platform, caller: Caller) -> dict[str, Any]:
    async with platform.client(caller) as client:
        reply = await client.post("/api/integrations/meta/call/", json={"endpoint": "/me"})
    answered: dict[str, Any] = reply.json()["api_response"]
    return answered


async def _connection(platform: Platform, caller: Caller) -> dict[str, Any]:
    async with platform.client(caller) as client:
        [connection] = (await client.get("/api/integrations/meta/connections/")).json()["results"]
    found: dict[str, Any] = connection
    return found


def _steps(meta: Meta, method: str = "GET") -> dict[str, Any]:
    return {
        "exchange": {"url": f"{meta.url}/exchange", "method": method, "params": EXCHANGE},
        "renewal": {"url": f"{meta.url}/renewal", "method": method, "params": RENEWAL},
    }


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_lasting_token_is_kept_and_renews_itself_from_half_of_its_life_on(
    shared_platform: Platform, meta: Meta, method: str
) -> None:
    caller = await shared_platform.create_caller()
    page = await _connect(shared_platform, caller, meta, **_steps(meta, method))
    assert "Connected" in page.text, page.text
    exchanged = {"grant_type": "fb_exchange_token", "secret": SECRET, "token": "short"}
    assert meta.steps == [(method, "/exchange", exchanged)]
    connection = await _connection(shared_platform, caller)
    assert connection["name"] == "anna"
    kept = await stored(shared_platform, connection["id"])
    assert (kept["access_token"], kept["values"]["user_id"]) == ("long-1", "17")
    assert kept["expires_at"] == pytest.approx(time.time() + 60 * DAY, abs=60)
    assert kept["refresh_at"] == pytest.approx(time.time() + 30 * DAY, abs=60)
    assert (await _call(shared_platform, caller))["ok"] and len(meta.steps) == 1
    await change_credentials(shared_platform, connection["id"], refresh_at=time.time() - 1)
    assert (await _call(shared_platform, caller))["ok"]
    assert meta.steps[1:] == [(method, "/renewal", {"grant_type": "ig_refresh_token", "token": "long-1"})]
    kept = await stored(shared_platform, connection["id"])
    assert kept["access_token"] == "long-2" and kept["refresh_at"] > time.time() + 29 * DAY


async def test_an_exchange_that_is_refused_connects_nothing_and_tells_no_secret(
    shared_platform: Platform, meta: Meta
) -> None:
    caller = await shared_platform.create_caller()
    meta.fault = {"error": {"code": 1, "message": f"app secret {SECRET} and token short are of two apps"}}
    page = await _connect(shared_platform, caller, meta, **_steps(meta))
    assert page.status_code == 502 and "app secret *** and token *** are of two apps" in page.text, page.text
    async with shared_platform.client(caller) as client:
        assert (await client.get("/api/integrations/meta/connections/")).json()["results"] == []


async def test_while_the_provider_is_away_the_good_token_serves_and_it_is_left_alone(
    shared_platform: Platform, meta: Meta
) -> None:
    caller = await shared_platform.create_caller()
    await _connect(shared_platform, caller, meta, **_steps(meta))
    connection = await _connection(shared_platform, caller)
    await change_credentials(shared_platform, connection["id"], refresh_at=time.time() - 1)
    meta.fault, meta.status = {}, 503
    for _ in range(5):
        assert (await _call(shared_platform, caller))["ok"]
    assert [path for _, path, _ in meta.steps] == ["/exchange", "/renewal"]
    assert (await _connection(shared_platform, caller))["status"] == "active"
    # At its end it is asked for in any case.
    await change_credentials(shared_platform, connection["id"], expires_at=time.time() - 1)
    assert (await _call(shared_platform, caller))["status_code"] == 502
    assert len(meta.steps) == 3


async def test_a_token_that_was_taken_back_breaks_the_connection(shared_platform: Platform, meta: Meta) -> None:
    caller = await shared_platform.create_caller()
    await _connect(shared_platform, caller, meta, **_steps(meta))
    connection = await _connection(shared_platform, caller)
    meta.good = "another"
    answer = await _call(shared_platform, caller)
    assert (answer["status_code"], answer["text"].startswith("reconnect")) == (401, True), answer
    broken = await _connection(shared_platform, caller)
    assert (broken["status"], "bad ***" in broken["status_reason"]) == ("broken", True), broken
    assert (await stored(shared_platform, connection["id"]))["access_token"] == "long-1"


async def test_without_a_renewal_the_token_ends(shared_platform: Platform, meta: Meta) -> None:
    caller = await shared_platform.create_caller()
    await _connect(shared_platform, caller, meta, exchange=_steps(meta)["exchange"])
    connection = await _connection(shared_platform, caller)
    kept = await stored(shared_platform, connection["id"])
    assert kept["refresh_at"] == pytest.approx(kept["expires_at"] - 30)
    await change_credentials(shared_platform, connection["id"], refresh_at=0, expires_at=0)
    assert "gave no refresh token" in (await _call(shared_platform, caller))["text"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"exchange": {"url": "https://x.example/e", "params": {"a": "b"}}}, "must hold {access_token}"),
        ({"exchange": {"url": "https://x.example/e", "params": {}}}, "at least 1"),
        (
            {"renewal": {"url": "https://x.example/e", "params": {"a": "{access_token}{code}"}}},
            "{code} must be one of",
        ),
        ({"renewal": {"url": "https://{host}/e", "params": {"a": "{access_token}"}}}, "url"),
        ({"renewal": {"url": "ftp://x/e", "params": {"a": "{access_token}"}}}, "url"),
        ({"renewal": {"url": "https://x/e", "params": {"a": "{access_token}"}, "method": "PUT"}}, "GET"),
        (
            {
                "grant": "client_credentials",
                "renewal": {"url": "https://x/e", "params": {"a": "{access_token}"}},
            },
            "need the grant authorization_code",
        ),
    ],
)
def test_a_step_that_cannot_be_made_is_refused(changes: dict[str, Any], said: str) -> None:
    good = {"type": "oauth2", "authorize_url": "https://x.example/a", "token_url": "https://x.example/t"}
    OAuth2Auth.model_validate(good)
    with pytest.raises(ValidationError, match=re.escape(said)):
        OAuth2Auth.model_validate(good | changes)

"""Hosts that a connection chooses, or that the provider tells on the way back: nothing goes to any other."""

import json
import re
from html import unescape
from typing import Any

import pytest
from pydantic import ValidationError
from yarl import URL

from platform_api.integrations.definitions.definition import IntegrationDefinition
from platform_api.integrations.definitions.inputs import ConnectionInput, completed
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.integrations.raw_upstream import RawUpstream, raw_upstream
from tests.platform_api.integrations.test_oauth import change_credentials

pytestmark = pytest.mark.anyio

REGION = {"default": "com", "choices": ["com", "eu", "*.au"], "told_by": "accounts-server"}


def _definition(url: str) -> dict[str, Any]:
    auth = {"type": "oauth2", "authorize_url": url + "/{region}/auth", "token_url": url + "/{region}/token"}
    return {"id": "raw", "name": "Raw", "base_url": url, "auth": auth, "inputs": {"region": REGION}}


async def _defined(platform: Platform, upstream: RawUpstream) -> Caller:
    caller = await platform.create_caller()
    async with platform.client(caller) as client:
        made = await client.post("/api/integrations/", json=_definition(upstream.url))
        assert made.status_code == 201, made.text
        secret = {"client_id": "our-client", "client_secret": "our-secret"}
        assert (await client.put("/api/integrations/raw/oauth/client/", json=secret)).status_code == 200
    return caller


async def _started(platform: Platform, caller: Caller, region: str | None) -> Any:
    body = {"placeholders": {} if region is None else {"region": region}}
    async with platform.client(caller) as client:
        return await client.post("/api/integrations/raw/oauth/start/", json=body)


@pytest.mark.parametrize(
    ("chosen", "told", "used"),
    [
        (None, None, "com"),
        ("eu", None, "eu"),
        ("eu", "https://com/", "com"),
        (None, "https://eu", "eu"),
        (None, "x.au", "x.au"),
        (None, "https://evil", None),
        (None, "http://eu", None),
        (None, "eu/../x", None),
        (None, ".au", None),
    ],
)
async def test_the_host_is_the_chosen_one_or_the_one_that_the_provider_tells(
    shared_platform: Platform, chosen: str | None, told: str | None, used: str | None
) -> None:
    async with raw_upstream() as upstream:
        caller = await _defined(shared_platform, upstream)
        started = await _started(shared_platform, caller, chosen)
        assert started.status_code == 200, started.text
        async with shared_platform.client() as browser:
            page = await browser.get(started.json()["url"])
            [found] = re.findall(r'id="continue"[^>]*href="([^"]+)"', page.text)
            provider = URL(unescape(found))
            assert provider.path == f"/{chosen or 'com'}/auth"
            tokens = {"access_token": "one", "refresh_token": "again", "expires_in": 3600}
            upstream.answer(json.dumps(tokens).encode(), content_type="application/json")
            back = {"state": provider.query["state"], "code": "c"} | ({"accounts-server": told} if told else {})
            done = await browser.get("/oauth/callback/", params=back)
        if used is None:
            assert "must be one of" in done.text and upstream.arrived == []
            return
        assert "is connected" in done.text, done.text
        assert [one.target for one in upstream.arrived] == [f"/{used}/token"]
        async with shared_platform.client(caller) as client:
            [connection] = (await client.get("/api/integrations/raw/connections/")).json()["results"]
            assert connection["placeholders"] == {"region": used}
            await change_credentials(shared_platform, connection["id"], refresh_at=0, expires_at=0)
            upstream.answer(b'{"access_token": "two"}', content_type="application/json")
            await client.post("/api/integrations/raw/call/", json={"endpoint": "/x"})
        assert [one.target for one in upstream.arrived][1:] == [f"/{used}/token", "/x"]


async def test_a_value_that_is_none_of_the_choices_is_refused_and_the_form_tells_them(
    shared_platform: Platform,
) -> None:
    async with raw_upstream() as upstream:
        caller = await _defined(shared_platform, upstream)
        refused = await _started(shared_platform, caller, "evil.example")
        assert (refused.status_code, upstream.arrived) == (422, [])
        assert "one of com, eu, *.au" in refused.json()["detail"]
        async with shared_platform.client(caller) as client:
            form = (await client.get("/api/integrations/raw/")).json()["configuration_form"]
    assert form["properties"]["placeholders"]["properties"]["region"]["default"] == "com"
    assert form["properties"]["placeholders"]["properties"]["region"]["examples"] == ["com", "eu", "*.au"]
    assert form["required"] == form["properties"]["placeholders"]["required"] == []


def test_what_the_way_back_tells_needs_choices() -> None:
    for wrong in ({"told_by": "host"}, {"default": "us", "choices": ["eu"]}, {"choices": [""]}):
        with pytest.raises(ValidationError):
            ConnectionInput.model_validate(wrong)


def test_a_connection_from_before_has_the_usual_values() -> None:
    definition = IntegrationDefinition.model_validate(_definition("https://x.example"))
    assert completed(definition.inputs, {}) == {"region": "com"}
    assert completed(definition.inputs, {"region": "eu", "other": "1"}) == {"region": "eu", "other": "1"}

"""Tokens as providers give them: what is asked with, what is told beside them, and how their end is said."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pydantic import ValidationError
from yarl import URL

from platform_api.integrations.definitions.definition import IntegrationDefinition, fill_base_url
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform
from tests.platform_api.integrations.raw_upstream import RawUpstream, raw_upstream
from tests.platform_api.integrations.test_oauth import change_credentials, stored

pytestmark = pytest.mark.anyio


async def _machine(
    platform: Platform,
    upstream: RawUpstream,
    *,
    auth: dict[str, Any] | None = None,
    placeholders: dict[str, str] | None = None,
    **definition: Any,
) -> tuple[Caller, int]:
    """A connection by client credentials whose token endpoint is the upstream's `/token`."""
    caller = await platform.create_caller()
    whole = {
        "id": "raw",
        "name": "Raw",
        "base_url": upstream.url + "/api",
        "retry": {"attempts": 1},
        "auth": {
            "type": "oauth2",
            "grant": "client_credentials",
            "token_url": upstream.url + "/token",
            **(auth or {}),
        },
        **definition,
    }
    async with platform.client(caller) as client:
        made = await client.post("/api/integrations/", json=whole)
        assert made.status_code == 201, made.text
        body = {"name": "one", "placeholders": placeholders or {}}
        without = await client.post("/api/integrations/raw/connections/", json=body)
        assert without.status_code == 409 and "no OAuth client" in without.text, without.text
        secret = {"client_id": "our-client", "client_secret": "our-secret"}
        assert (await client.put("/api/integrations/raw/oauth/client/", json=secret)).status_code == 200
        made = await client.post("/api/integrations/raw/connections/", json=body)
        assert made.status_code == 201, made.text
        # The token endpoint was asked as the connection was made, and told nothing that is a token.
        upstream.arrived.clear()
        return caller, int(made.json()["id"])


async def _call(platform: Platform, caller: Caller, **call: Any) -> dict[str, Any]:
    async with platform.client(caller) as client:
        reply = await client.post("/api/integrations/raw/call/", json={"endpoint": "/x", **call})
    assert reply.status_code == 200, reply.text
    answered: dict[str, Any] = reply.json()["api_response"]
    return answered


def _json(upstream: RawUpstream, body: str, *, status: int = 200, **headers: str) -> None:
    upstream.answer(body.encode(), status=status, content_type="application/json", **headers)


@pytest.mark.parametrize(
    ("refusal", "status", "body", "headers", "is_renewed"),
    [
        ({}, 401, "{}", {}, True),
        ({"statuses": [401, 403]}, 403, "{}", {}, True),
        ({"at": "errcode", "values": [40001, 42001]}, 200, '{"errcode": 42001}', {}, True),
        ({"at": "errors.0.code", "values": ["expired"]}, 400, '{"errors": [{"code": "expired"}]}', {}, True),
        ({}, 403, "{}", {}, False),
        ({"statuses": [401, 403]}, 403, "{}", {"retry_after": "1"}, False),
        ({"statuses": [403]}, 401, "{}", {}, False),
        ({"at": "errcode", "values": [40001]}, 200, '{"errcode": 0}', {}, False),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_tokens_end_is_what_the_definition_says(
    shared_platform: Platform,
    method: str,
    refusal: dict[str, Any],
    status: int,
    body: str,
    headers: dict[str, str],
    is_renewed: bool,
) -> None:
    async with raw_upstream() as upstream:
        caller, connection = await _machine(shared_platform, upstream, refusal=refusal)
        _json(upstream, '{"access_token": "first"}')
        assert (await _call(shared_platform, caller))["ok"]
        await change_credentials(shared_platform, connection, renewed_at=0)
        upstream.arrived.clear()
        _json(upstream, body, status=status, **headers)
        _json(upstream, '{"access_token": "second"}')
        answer = await _call(shared_platform, caller, method=method, data={"n": 1})
        seen = [
            (one.target, one.header("Authorization"), one.body) for one in upstream.arrived if "/api" in one.target
        ]
        if not is_renewed:
            assert (answer["status_code"], len(upstream.arrived)) == (status, 1)
            return
        assert answer["text"] == "{}" and answer["ok"]
        assert seen == [("/api/x", f"Bearer {token}", b'{"n":1}') for token in ("first", "second")]
        # What is refused right after a renewal is not renewed again: once and no more.
        upstream.arrived.clear()
        _json(upstream, body, status=status)
        assert (await _call(shared_platform, caller))["status_code"] == status
        assert len(upstream.arrived) == 1


async def test_the_token_request_carries_what_the_definition_adds(shared_platform: Platform) -> None:
    auth = {
        "token_params": {
            "grant_type": "account_credentials",
            "audience": "https://api.example/?a=1&b=ż",
            "account_id": "{account_id}",
            "expires_in": "3600",
        },
        "token_headers": {"X-Account": "id={account_id}", "accept": "application/vnd.x+json"},
        "client_authentication": "basic",
        "scopes": ["a", "b"],
    }
    async with raw_upstream() as upstream:
        caller, _ = await _machine(shared_platform, upstream, auth=auth, placeholders={"account_id": "acc-1"})
        _json(upstream, '{"access_token": "t"}')
        assert (await _call(shared_platform, caller))["ok"]
        asked = upstream.arrived[0]
    assert dict(parse_qsl(asked.body.decode())) == {
        "grant_type": "account_credentials",
        "audience": "https://api.example/?a=1&b=ż",
        "account_id": "acc-1",
        "expires_in": "3600",
        "scope": "a b",
    }
    assert asked.header("X-Account") == "id=acc-1" and asked.header("Accept") == "application/vnd.x+json"
    assert (asked.header("Authorization") or "").startswith("Basic ")


async def test_a_connection_without_what_the_token_request_needs_is_refused(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    auth = {"type": "oauth2", "grant": "client_credentials", "token_url": "https://x.example/t"}
    definition = {"id": "raw", "name": "Raw", "base_url": "https://x.example"}
    async with shared_platform.client(caller) as client:
        whole = {**definition, "auth": {**auth, "token_params": {"account_id": "{account_id}"}}}
        assert (await client.post("/api/integrations/", json=whole)).status_code == 201
        await client.put("/api/integrations/raw/oauth/client/", json={"client_id": "a", "client_secret": "b"})
        for placeholders, said in (({}, "'account_id' is missing"), ({"account_id": "a&b"}, "letters, digits")):
            body = {"name": "one", "placeholders": placeholders}
            refused = await client.post("/api/integrations/raw/connections/", json=body)
            assert refused.status_code == 422 and said in refused.json()["detail"]


async def test_what_the_provider_tells_stands_in_address_and_headers_and_outlives_a_renewal(
    shared_platform: Platform,
) -> None:
    auth = {"token_values": {"instance_url": "instance_url", "cell": "account.cells.0.id"}}
    headers = {"X-Cell": "cell={cell}", "X-Client": "{client_id}"}
    async with raw_upstream() as upstream:
        caller, connection = await _machine(
            shared_platform, upstream, auth=auth, base_url="{instance_url}/v1/{cell}", headers=headers
        )
        told = f'"instance_url": "{upstream.url}/inst/", "account": {{"cells": [{{"id": 42}}]}}'
        _json(upstream, f'{{"access_token": "first", {told}}}')
        assert (await _call(shared_platform, caller))["ok"]
        await change_credentials(shared_platform, connection, renewed_at=0)
        _json(upstream, "{}", status=401)
        _json(upstream, '{"access_token": "second"}')
        assert (await _call(shared_platform, caller))["ok"]
        calls = [one for one in upstream.arrived if one.target != "/token"]
        async with shared_platform.client(caller) as client:
            shown = (await client.get("/api/integrations/raw/")).json()
    assert [one.target for one in calls] == ["/inst/v1/42/x"] * 3
    assert {(one.header("X-Cell"), one.header("X-Client")) for one in calls} == {("cell=42", "our-client")}
    assert shown["api_base_url"] == "{instance_url}/v1/{cell}" and shown["account_fields"] == []
    assert (await stored(shared_platform, connection))["values"] == {
        "instance_url": upstream.url + "/inst/",
        "cell": "42",
        "client_id": "our-client",
    }


async def test_a_connection_from_before_a_value_was_needed_is_renewed_for_it(shared_platform: Platform) -> None:
    async with raw_upstream() as upstream:
        caller, connection = await _machine(shared_platform, upstream, headers={"X-Client": "{client_id}"})
        await change_credentials(shared_platform, connection, access_token="old", values={})
        _json(upstream, '{"access_token": "new"}')
        assert (await _call(shared_platform, caller))["ok"]
        assert [one.target for one in upstream.arrived] == ["/token", "/api/x"]
        assert upstream.last.header("X-Client") == "our-client"


@pytest.mark.parametrize(
    "told",
    [
        "javascript:alert(1)",
        "https://user:p@evil.example",
        "http://evil.example/?a=",
        "evil.example",
        "https://x.example/a b",
        "https://x.example\\r\\nHost: y",
        "",
    ],
)
async def test_an_address_that_is_none_is_refused_and_not_called(shared_platform: Platform, told: str) -> None:
    auth = {"token_values": {"instance_url": "instance_url"}}
    async with raw_upstream() as upstream:
        caller, _ = await _machine(shared_platform, upstream, auth=auth, base_url="{instance_url}")
        _json(upstream, f'{{"access_token": "t", "instance_url": "{told}"}}')
        async with shared_platform.client(caller) as client:
            reply = await client.post("/api/integrations/raw/call/", json={"endpoint": "/x"})
        assert (reply.status_code, [one.target for one in upstream.arrived]) == (400, ["/token"])
    assert "is not the URL of a service" in reply.json()["detail"]


async def test_what_the_provider_did_not_tell_is_named(shared_platform: Platform) -> None:
    auth = {"token_values": {"domain": "data.api_domain"}}
    async with raw_upstream() as upstream:
        caller, _ = await _machine(shared_platform, upstream, auth=auth, base_url=upstream.url + "/{domain}")
        _json(upstream, '{"access_token": "t", "data": {}}')
        async with shared_platform.client(caller) as client:
            reply = await client.post("/api/integrations/raw/call/", json={"endpoint": "/x"})
    assert "the provider did not send 'domain'" in reply.text


async def test_an_address_told_by_the_provider_goes_through_the_guard(module_database_url: str) -> None:
    settings = make_settings(
        module_database_url, allow_private_upstreams=False, allowed_private_upstreams="127.0.0.1"
    )
    async with running_platform(settings) as platform, raw_upstream() as upstream:
        auth = {"token_values": {"instance_url": "instance_url"}}
        caller, _ = await _machine(platform, upstream, auth=auth, base_url="{instance_url}")
        _json(upstream, '{"access_token": "t", "instance_url": "http://127.0.0.2:9"}')
        assert "private or local address" in (await _call(platform, caller))["text"]


def test_over_tls_a_token_does_not_go_to_an_address_in_the_clear() -> None:
    auth = {
        "type": "oauth2",
        "grant": "client_credentials",
        "token_url": "https://x.example/t",
        "token_values": {"u": "u"},
    }
    definition = IntegrationDefinition.model_validate({"id": "x", "name": "X", "base_url": "{u}", "auth": auth})
    assert fill_base_url(definition, {}, {"values": {"u": "https://y.example/"}}) == "https://y.example"
    with pytest.raises(ValueError, match="is not the URL of a service"):
        fill_base_url(definition, {}, {"values": {"u": "http://y.example"}})


async def _sign_in(platform: Platform, upstream: RawUpstream, token_answer: str) -> tuple[Caller, str]:
    """Connects by consent with the given answer of the token endpoint; the page that says how it ended."""
    caller = await platform.create_caller()
    auth = {
        "type": "oauth2",
        "authorize_url": upstream.url + "/authorize",
        "token_url": upstream.url + "/token",
        "token_params": {"audience": "us"},
        "token_values": {"api_domain": "api_domain"},
        "location": "query",
        "name": "access_token",
        "identity": {"url": "/me", "name": "login"},
    }
    definition = {"id": "raw", "name": "Raw", "base_url": "{api_domain}/v2", "auth": auth}
    async with platform.client(caller) as client:
        assert (await client.post("/api/integrations/", json=definition)).status_code == 201
        await client.put("/api/integrations/raw/oauth/client/", json={"client_id": "a", "client_secret": "b"})
        started = (await client.post("/api/integrations/raw/oauth/start/", json={})).json()
    async with platform.client() as browser:
        page = await browser.get(started["url"])
        [provider] = re.findall(r'id="continue"[^>]*href="([^"]+)"', page.text)
        _json(upstream, token_answer)
        _json(upstream, '{"login": "anna"}')
        state = URL(unescape(provider)).query["state"]
        done = await browser.get("/oauth/callback/", params={"state": state, "code": "c"})
    return caller, done.text


async def test_a_consent_takes_its_values_along_and_a_token_may_stand_in_the_query(
    shared_platform: Platform,
) -> None:
    async with raw_upstream() as upstream:
        answer = f'{{"access_token": "t&1", "refresh_token": "r", "api_domain": "{upstream.url}/eu"}}'
        caller, page = await _sign_in(shared_platform, upstream, answer)
        assert "is connected" in page
        assert (await _call(shared_platform, caller))["ok"]
    token, identity, call = upstream.arrived
    assert dict(parse_qsl(token.body.decode()))["audience"] == "us"
    assert identity.target == "/eu/v2/me?access_token=t%261"
    assert call.target == "/eu/v2/x?access_token=t%261" and call.header("Authorization") is None


async def test_a_consent_without_a_needed_value_is_not_stored(shared_platform: Platform) -> None:
    async with raw_upstream() as upstream:
        caller, page = await _sign_in(shared_platform, upstream, '{"access_token": "t"}')
    assert "has no &#39;api_domain&#39;" in page
    async with shared_platform.client(caller) as client:
        assert (await client.get("/api/integrations/raw/connections/")).json()["results"] == []


_OAUTH = {"type": "oauth2", "grant": "client_credentials", "token_url": "https://x.example/{region}/t"}
_CONSENT = {**_OAUTH, "grant": "authorization_code", "authorize_url": "https://x.example/a"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"base_url": "{instance_url}"}, "only a value from the token endpoint"),
        ({"base_url": "{host}/x", "auth": {**_OAUTH, "token_values": {"other": "x"}}}, "only a value"),
        ({"base_url": "{a}.example.com", "auth": {**_OAUTH, "token_values": {"a": "x"}}}, "http"),
        ({"auth": {**_OAUTH, "token_values": {"region": "x"}}}, "the request to it cannot use it"),
        ({"auth": {**_OAUTH, "token_values": {"Bad Name": "x"}}}, "pattern"),
        ({"auth": {**_OAUTH, "token_values": {"a": ""}}}, "at least 1"),
        ({"auth": {**_OAUTH, "token_params": {"client_secret": "x"}}}, "'client_secret' is sent by the platform"),
        ({"auth": {**_CONSENT, "token_params": {"grant_type": "x"}}}, "'grant_type' is sent by the platform"),
        ({"auth": {**_OAUTH, "token_headers": {"Content-Type": "x"}}}, "'Content-Type' is sent by the platform"),
        ({"auth": {**_OAUTH, "token_headers": {"X": "a\r\nY: b"}}}, "line breaks"),
        ({"auth": {**_OAUTH, "name": "X Token"}}, "not a header name"),
        (
            {"auth": {**_OAUTH, "client_authentication": "basic", "token_headers": {"authorization": "x"}}},
            "'authorization' is sent",
        ),
    ],
)
def test_a_token_request_that_cannot_be_is_refused_when_saved(changes: dict[str, Any], said: str) -> None:
    good: dict[str, Any] = {"id": "x", "name": "X", "base_url": "https://x.example", "auth": _OAUTH}
    assert IntegrationDefinition.model_validate(good).placeholders == ("region",)
    with pytest.raises(ValidationError, match=said):
        IntegrationDefinition.model_validate(good | changes)


@pytest.mark.parametrize(
    ("answer", "stored"),
    [
        ((200, '{"access_token": "t"}'), True),
        ((401, '{"error": "invalid_client"}'), False),
        ((400, '{"error": "unauthorized_client", "error_description": "our-secret is wrong"}'), False),
        ((403, "{}"), False),
        ((200, '{"error": "invalid_client"}'), False),
        ((503, '{"error": "later"}'), True),
        ((429, "{}"), True),
        ((200, "<html>"), True),
    ],
)
async def test_a_client_that_gets_no_token_is_no_connection(
    shared_platform: Platform, answer: tuple[int, str], stored: bool
) -> None:
    async with raw_upstream() as upstream:
        caller, _ = await _machine(shared_platform, upstream)
        upstream.answer(answer[1].encode(), status=answer[0], content_type="application/json")
        async with shared_platform.client(caller) as client:
            made = await client.post("/api/integrations/raw/connections/", json={"name": "two"})
            listed = (await client.get("/api/integrations/raw/connections/")).json()["results"]
        assert [one["name"] for one in listed] == (["one", "two"] if stored else ["one"])
        assert made.status_code == (201 if stored else 422), made.text
        assert "our-secret" not in made.text
        if not stored:
            assert "nothing was stored" in made.json()["detail"]
        elif answer[1].startswith('{"access'):
            upstream.arrived.clear()
            called = await client_call(shared_platform, caller, made.json()["id"])
            assert called["ok"] and [one.target for one in upstream.arrived] == ["/api/x"]
        else:
            assert made.json()["tested"]["ok"] is False


async def client_call(platform: Platform, caller: Caller, connection: int) -> dict[str, Any]:
    async with platform.client(caller) as client:
        reply = await client.post(
            "/api/integrations/raw/call/", params={"connection_id": connection}, json={"endpoint": "/x"}
        )
    answered: dict[str, Any] = reply.json()["api_response"]
    return answered

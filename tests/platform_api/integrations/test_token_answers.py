"""What token endpoints answer: tokens and their end, however they are told, and that the grant is over."""

import json
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_api.integrations.definitions.definition import OAuth2Auth
from platform_api.integrations.oauth.oauth2 import (
    ClientCredentials,
    GrantOver,
    TokenUnavailable,
    is_due,
    merged_tokens,
    request_tokens,
)
from platform_api.integrations.outgoing.caller import Caller
from tests.platform_api.integrations.raw_upstream import RawUpstream, raw_upstream

pytestmark = pytest.mark.anyio
CLIENT = ClientCredentials("the-client", "the-secret")


async def _asked(upstream: RawUpstream, **auth: Any) -> dict[str, Any]:
    declared = {"type": "oauth2", "grant": "client_credentials", "token_url": f"{upstream.url}/token", **auth}
    async with Caller(allow_private=True) as caller:
        return await request_tokens(
            caller,
            OAuth2Auth.model_validate(declared),
            CLIENT,
            placeholders={},
            grant_type="refresh_token",
            refresh_token="old",
        )


def _in_an_hour(zone: timezone = UTC) -> datetime:
    return datetime.now(zone) + timedelta(hours=1)


@pytest.mark.parametrize(
    "told",
    [
        lambda: {"expires_in": 3600},
        lambda: {"expires_in": "3600"},
        lambda: {"expires_in": 3600.0, "expires_at": 17},
        lambda: {"expires_at": int(_in_an_hour().timestamp())},
        lambda: {"expires_at": str(int(_in_an_hour().timestamp()))},
        lambda: {"expires_at": int(_in_an_hour().timestamp() * 1000)},
        lambda: {"expires_at": _in_an_hour().isoformat().replace("+00:00", "Z")},
        lambda: {"expires_at": _in_an_hour(timezone(timedelta(hours=-7))).isoformat()},
        lambda: {"expires_at": _in_an_hour().replace(tzinfo=None).isoformat()},
    ],
    ids=["number", "text", "both", "epoch", "epoch as text", "epoch in ms", "date", "date elsewhere", "naive date"],
)
async def test_the_end_of_a_token_is_read_however_it_is_told(told: Any) -> None:
    async with raw_upstream() as upstream:
        before = time.time()
        upstream.answer(json.dumps({"access_token": "t", **told()}).encode())
        credentials = await _asked(upstream)
    assert before + 3599 <= credentials["expires_at"] <= time.time() + 3600
    assert credentials["refresh_at"] == pytest.approx(credentials["expires_at"] - 30)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"expires_in": None},
        {"expires_in": 0},
        {"expires_in": "0"},
        {"expires_in": -1},
        {"expires_in": "soon"},
        {"expires_in": True},
        {"expires_in": 1e300},
        {"expires_in": "NaN"},
        {"expires_in": {}},
        {"expires_at": "soon"},
        {"expires_at": 0},
        {"expires_at": "2001-01-01T00:00:00Z"},
        {"expires_at": []},
    ],
    ids=str,
)
async def test_an_end_that_is_not_told_or_makes_no_sense_is_none(told: dict[str, Any]) -> None:
    async with raw_upstream() as upstream:
        upstream.answer(json.dumps({"access_token": "t", **told}).encode())
        credentials = await _asked(upstream)
    assert "expires_at" not in credentials and not is_due(credentials)


async def test_tokens_may_stand_deeper_and_come_as_a_form() -> None:
    async with raw_upstream() as upstream:
        nested = {
            "code": 0,
            "data": {"access_token": "t", "refresh_token": "r", "expires_in": 60},
            "access_token": "x",
        }
        upstream.answer(json.dumps(nested).encode())
        credentials = await _asked(upstream, tokens_at="data")
        assert (credentials["access_token"], credentials["refresh_token"]) == ("t", "r")
        form = urlencode({"access_token": "t", "refresh_token": "r", "expires_in": "28800", "scope": ""})
        upstream.answer(form.encode(), content_type="application/x-www-form-urlencoded; charset=utf-8")
        credentials = await _asked(upstream)
        assert (credentials["access_token"], credentials["refresh_token"]) == ("t", "r")
        assert credentials["expires_at"] > time.time() + 28_000
        for missing in ({"data": None}, {"data": []}, {"access_token": "t"}, [], "x"):
            upstream.answer(json.dumps(missing).encode())
            with pytest.raises(TokenUnavailable, match="gave no token"):
                await _asked(upstream, tokens_at="data")


@pytest.mark.parametrize("client_authentication", ["basic", "post"])
async def test_a_token_endpoint_may_read_json(client_authentication: str) -> None:
    params = {"audience": "ż"}
    async with raw_upstream() as upstream:
        upstream.answer(b'{"access_token": "t"}')
        await _asked(upstream, token_body="json", client_authentication=client_authentication, token_params=params)
        [asked] = upstream.arrived
    own = {"client_id": "the-client", "client_secret": "the-secret"} if client_authentication == "post" else {}
    expected = {"grant_type": "refresh_token", "refresh_token": "old", **params, **own}
    assert (json.loads(asked.body), asked.header("Content-Type")) == (expected, "application/json")
    assert (asked.header("Authorization") is None) == (client_authentication == "post")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_grant"}),
        (401, {"error": "invalid_grant", "error_description": "revoked"}),
        (200, {"error": "bad_refresh_token"}),
        (200, {"ok": False, "error": "invalid_refresh_token"}),
        (400, {"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"}),
        (400, {"status": 400, "code": "invalid_grant", "error": "Bad Request"}),
        (400, {"error": {"code": "invalid_grant", "message": "over"}}),
        (200, {"error": "invalid_code"}),
    ],
)
async def test_a_grant_that_is_over_is_told_in_many_ways(status: int, body: dict[str, Any]) -> None:
    async with raw_upstream() as upstream:
        upstream.answer(json.dumps(body).encode(), status=status)
        with pytest.raises(GrantOver):
            await _asked(upstream)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_client"}),
        (400, {"error": "invalid_request", "message": "invalid_grant"}),
        (500, {"error": "invalid_grant"}),
        (429, {"status": "TOO_MANY"}),
        (200, {"error": ["invalid_grant"]}),
    ],
)
async def test_another_refusal_ends_no_grant(status: int, body: dict[str, Any]) -> None:
    async with raw_upstream() as upstream:
        upstream.answer(json.dumps(body).encode(), status=status)
        with pytest.raises(TokenUnavailable):
            await _asked(upstream)


_credentials = st.fixed_dictionaries(
    {"access_token": st.text(min_size=1), "values": st.dictionaries(st.sampled_from("ab"), st.text())},
    optional={"refresh_token": st.text(min_size=1), "account": st.none() | st.text()},
)
_ends = st.just({}) | st.floats(1, 2e9).map(lambda end: {"expires_at": end, "refresh_at": end - 0.5})


@given(old=_credentials, old_end=_ends, new=_credentials, new_end=_ends)
def test_a_renewal_keeps_what_is_not_told_again_but_the_end_of_the_old_token(
    old: dict[str, Any], old_end: dict[str, Any], new: dict[str, Any], new_end: dict[str, Any]
) -> None:
    merged = merged_tokens({**old, **old_end}, {**new, **new_end})
    assert {name: merged[name] for name in merged if name in ("expires_at", "refresh_at")} == new_end
    for name in ("access_token", "refresh_token", "account"):
        assert merged.get(name) == new.get(name, old.get(name))
    assert merged["values"] == {**old["values"], **new["values"]}

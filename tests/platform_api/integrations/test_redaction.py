"""Secrets in what is shown: nothing of them is left, and nothing else is lost."""

import base64
import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_api.integrations.definitions.definition import OAuth2Auth
from platform_api.integrations.oauth.oauth2 import ClientCredentials, GrantOver, TokenUnavailable, request_tokens
from platform_api.integrations.outgoing.caller import Caller
from platform_api.integrations.outgoing.redaction import MASK, redacted
from tests.platform_api.conftest import Platform
from tests.platform_api.integrations.raw_upstream import raw_upstream

pytestmark = pytest.mark.anyio

_secrets = st.lists(st.text('abc+/ "ż%', max_size=6), max_size=4)
_writings = [str, lambda one: quote(one, safe=""), quote_plus, lambda one: json.dumps(one)[1:-1]]


@given(_secrets, st.lists(st.tuples(st.text("xyz", max_size=5), st.integers(0, 3), st.integers(0, 3))))
def test_no_secret_is_left_however_it_is_written(secrets: list[str], parts: list[tuple[str, int, int]]) -> None:
    def written(which: int, how: int) -> str:
        return str(_writings[how](secrets[which % len(secrets)])) if secrets else ""

    text = "".join(plain + written(which, how) for plain, which, how in parts)
    shown = redacted(text, secrets)
    for secret in filter(None, secrets):
        for write in _writings:
            assert write(secret) not in shown.replace(MASK, "\0")
    # What is no secret stays, in order.
    assert [one for one in shown if one in "xyz"] == [one for one in text if one in "xyz"]


@pytest.mark.parametrize(
    ("secrets", "text", "shown"),
    [
        ([""], "all is shown", "all is shown"),
        ([], "all is shown", "all is shown"),
        (["anna", "anna-secret"], "anna-secret of anna", "*** of ***"),
        (["abc", "bcd"], "xabcdx", "x***x"),
        (["a.b"], "a.b axb", "*** axb"),
        (["*"], "**", "***"),
    ],
)
def test_one_secret_in_another_gives_nothing_away(secrets: list[str], text: str, shown: str) -> None:
    assert redacted(text, secrets) == shown


async def test_a_refusal_shows_no_credential_that_the_service_repeats(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    credentials = {"username": "anna", "password": 'anna:"secret"'}
    pair = base64.b64encode(b'anna:anna:"secret"').decode()
    async with raw_upstream() as upstream, shared_platform.client(caller) as client:
        definition: dict[str, Any] = {"id": "raw", "name": "Raw", "base_url": upstream.url, "auth": {"type": "basic"}}
        made = await client.post("/api/integrations/", json={**definition, "status_check_url": "/me"})
        assert made.status_code == 201, made.text
        upstream.answer(json.dumps({"wrong": credentials, "sent": f"Basic {pair}"}).encode(), status=401)
        body = {"name": "one", "credentials": credentials}
        refused = await client.post("/api/integrations/raw/connections/", json=body)
    assert refused.status_code == 422
    assert refused.json()["detail"].endswith(
        'it answered 401 ({"wrong": {"username": "***", "password": "***"}, "sent": "Basic ***"})'
    )


@pytest.mark.parametrize("error", ["invalid_grant", "invalid_client"])
async def test_a_token_endpoint_that_repeats_what_it_was_sent_is_not_quoted(error: str) -> None:
    said = "unknown token the-refresh-token of the-client with the-secret"
    async with raw_upstream() as upstream, Caller(allow_private=True) as caller:
        auth = OAuth2Auth(type="oauth2", grant="client_credentials", token_url=upstream.url)
        upstream.answer(json.dumps({"error": error, "error_description": said}).encode(), status=400)
        with pytest.raises((GrantOver, TokenUnavailable)) as caught:
            await request_tokens(
                caller,
                auth,
                ClientCredentials("the-client", "the-secret"),
                placeholders={},
                grant_type="refresh_token",
                refresh_token="the-refresh-token",
            )
    assert "unknown token *** of the-client with ***" in caught.value.message

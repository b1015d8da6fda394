"""Several keys in one call, each where the service wants it."""

import base64
import json
from typing import Any

import pytest
from pydantic import ValidationError

from platform_api.integrations.definitions.keys_auth import KeysAuth
from tests.platform_api.conftest import Platform
from tests.platform_api.integrations.raw_upstream import raw_upstream

pytestmark = pytest.mark.anyio

KEYS = {
    "type": "keys",
    "keys": [
        {"field": "client_id", "name": "X-Client-Id", "is_secret": False},
        {"field": "secret", "name": "Authorization", "prefix": "Key "},
        {"field": "account", "location": "query", "name": "account"},
        {"field": "client_id", "location": "body", "name": "client", "is_secret": False},
    ],
}
CREDENTIALS = {"client_id": "c-1", "secret": "s&2", "account": "a b"}


async def test_each_key_arrives_in_its_place(shared_platform: Platform) -> None:
    caller, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        definition = {
            "id": "raw",
            "name": "Raw",
            "base_url": upstream.url,
            "auth": KEYS,
            "headers": {"X-Version": "7", "X-Site": "{site}"},
            "body": {"type": "form"},
        }
        async with shared_platform.client(caller) as client:
            made = await client.post("/api/integrations/", json=definition)
            assert made.status_code == 201 and made.json()["auth"]["keys"][1]["prefix"] == "Key "
            shown = (await client.get("/api/integrations/raw/")).json()
            assert shown["account_fields"] == ["site", "client_id", "secret", "account"]
            form = shown["configuration_form"]["properties"]["credentials"]
            assert "format" not in form["properties"]["client_id"] and form["properties"]["secret"]["writeOnly"]
            body: dict[str, Any] = {"name": "one", "credentials": CREDENTIALS, "placeholders": {"site": "eu1"}}
            lacking = {**body, "credentials": {"client_id": "c"}}
            refused = await client.post("/api/integrations/raw/connections/", json=lacking)
            assert refused.status_code == 422 and "'secret' is missing; 'account' is missing" in refused.text
            made = await client.post("/api/integrations/raw/connections/", json=body)
            assert made.status_code == 201, made.text
            call = {"method": "POST", "endpoint": "/x", "data": {"n": 1}, "request_params": {"account": "mine"}}
            reply = await client.post("/api/integrations/raw/call/", json=call)
            assert reply.json()["api_response"]["ok"] and "s&2" not in reply.text
            bytes_only = {"method": "POST", "data_base64": base64.b64encode(b"x").decode()}
            refused = await client.post("/api/integrations/raw/call/", json=bytes_only)
            assert refused.status_code == 400 and "must be an object" in refused.text
        async with shared_platform.client(stranger) as client:
            foreign = {"connection_id": made.json()["id"]}
            assert (await client.post("/api/integrations/raw/call/", params=foreign, json=call)).status_code == 404
        [arrived] = upstream.arrived
    assert arrived.target == "/x?account=a+b"
    assert arrived.body == b"n=1&client=c-1"
    sent = {name: arrived.header(name) for name in ("X-Client-Id", "Authorization", "X-Version", "X-Site")}
    assert sent == {"X-Client-Id": "c-1", "Authorization": "Key s&2", "X-Version": "7", "X-Site": "eu1"}, json.dumps(
        sent
    )


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ([], "at least 1"),
        ([{"field": "a", "name": "X A"}], "not a header name"),
        ([{"field": "a", "name": "X-A"}, {"field": "b", "name": "x-a"}], "two keys are sent as the header"),
        ([{"field": "A", "name": "X-A"}], "pattern"),
        ([{"field": "a", "name": "X-A", "location": "cookie"}], "location"),
        ([{"field": "a", "name": "X-A", "prefix": "a\r\n"}], "line breaks"),
    ],
)
def test_keys_that_cannot_be_sent_are_refused_when_saved(keys: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        KeysAuth.model_validate({"type": "keys", "keys": keys})

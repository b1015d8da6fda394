"""Calls through the platform: the contract's envelope, whatever the upstream does."""

import base64
import json
import re

import httpx
import pytest
from pydantic import ValidationError

from automio import ApiResponse
from tests.platform_api.conftest import Platform, make_settings, running_platform
from tests.platform_api.integrations.conftest import RunningShop, connect_shop

pytestmark = pytest.mark.anyio


async def test_a_call_answers_with_the_upstreams_json_and_the_connection(
    shared_platform: Platform, shop: RunningShop
) -> None:
    caller = await shared_platform.create_caller()
    connection = await connect_shop(shared_platform, caller, shop.url)
    async with shared_platform.client(caller) as client:
        body = {"method": "GET", "endpoint": "/me", "request_headers": {}, "request_params": None, "data": {}}
        answer = await client.post("/api/integrations/shop/call/", json=body)
    assert answer.status_code == 200
    called = answer.json()
    assert called["api_data"]["login"] == "anna"
    assert set(called["api_response"]) == {"status_code", "text", "headers", "url", "ok"}
    assert called["api_response"]["ok"] is True
    assert (called["connection_id"], called["organization_id"]) == (connection, caller.organization_id)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
async def test_an_upstreams_refusal_is_an_envelope_with_status_200(
    shared_platform: Platform, shop: RunningShop, status: int
) -> None:
    caller = await shared_platform.create_caller()
    await connect_shop(shared_platform, caller, shop.url)
    from platform_api.mock_shop.faults import Fault

    shop.shop.faults.add(Fault("status", path="/offers", status=status))
    async with shared_platform.client(caller) as client:
        answer = await client.post("/api/integrations/shop/call/", json={"endpoint": "/offers"})
    assert answer.status_code == 200
    assert answer.json()["api_response"]["status_code"] == status
    assert answer.json()["api_response"]["ok"] is False


@pytest.mark.parametrize(("kind", "data"), [("reset", None), ("html", None)])
async def test_a_broken_answer_is_a_clear_result(
    shared_platform: Platform, shop: RunningShop, kind: str, data: object
) -> None:
    from platform_api.mock_shop.faults import Fault

    caller = await shared_platform.create_caller()
    await connect_shop(shared_platform, caller, shop.url)
    shop.shop.faults.add(Fault(kind, path="/offers"))  # type: ignore[arg-type]
    async with shared_platform.client(caller) as client:
        answer = await client.post("/api/integrations/shop/call/", json={"endpoint": "/offers"})
    assert answer.status_code == 200
    assert answer.json()["api_data"] is data


async def test_params_body_and_url_params_reach_the_upstream(shared_platform: Platform, shop: RunningShop) -> None:
    caller = await shared_platform.create_caller()
    await connect_shop(shared_platform, caller, shop.url)
    async with shared_platform.client(caller) as client:
        listed = await client.post(
            "/api/integrations/shop/call/",
            json={"endpoint": "offers", "request_params": {"limit": 3, "offset": None}},
        )
        offer = listed.json()["api_data"]["offers"][0]
        changed = await client.post(
            "/api/integrations/shop/call/",
            json={
                "method": "PATCH",
                "endpoint": "/offers/{id}",
                "url_params": {"id": offer["id"]},
                "data": {"stock": 7},
            },
        )
    assert len(listed.json()["api_data"]["offers"]) == 3
    assert changed.json()["api_data"]["stock"] == 7


async def test_files_go_upstream_as_a_form_even_when_the_client_lost_its_fields(
    shared_platform: Platform, shop: RunningShop
) -> None:
    caller = await shared_platform.create_caller()
    await connect_shop(shared_platform, caller, shop.url)
    form = {
        "method": "POST",
        "endpoint": "/offers/10000000/image",
        "request_params": "p",  # what is left of {"p": 1}
        "data": json.dumps({"title": "front"}),
    }
    async with shared_platform.client(caller) as client:
        answer = await client.post(
            "/api/integrations/shop/call/", data=form, files={"image": ("a.png", b"\x89PNG12", "image/png")}
        )
    uploaded = answer.json()["api_data"]
    assert uploaded["files"]["image"] == {"filename": "a.png", "contentType": "image/png", "size": 6}
    assert uploaded["fields"] == {"title": "front"}


@pytest.mark.parametrize(
    "endpoint",
    ["http://127.0.0.1:1/x", "//evil.example/x", "/a/../../secret", "/a/%2e%2e/secret", "/x\r\nHost: y", "/a\\..\\b"],
)
async def test_an_endpoint_cannot_leave_the_base_url(
    shared_platform: Platform, shop: RunningShop, endpoint: str
) -> None:
    caller = await shared_platform.create_caller()
    await connect_shop(shared_platform, caller, shop.url)
    async with shared_platform.client(caller) as client:
        answer = await client.post("/api/integrations/shop/call/", json={"endpoint": endpoint})
    assert answer.status_code == 400
    assert "endpoint" in answer.json()["detail"]


@pytest.mark.parametrize("headers", [{"Host": "x"}, {"X-A": "b\r\nX-B: c"}, {"Bad Name": "x"}])
async def test_headers_cannot_be_injected(
    shared_platform: Platform, shop: RunningShop, headers: dict[str, str]
) -> None:
    caller = await shared_platform.create_caller()
    await connect_shop(shared_platform, caller, shop.url)
    async with shared_platform.client(caller) as client:
        answer = await client.post(
            "/api/integrations/shop/call/", json={"endpoint": "/me", "request_headers": headers}
        )
    assert answer.status_code == 400
    assert "request_headers" in answer.json()["detail"]


async def test_another_organizations_connection_is_refused_by_id_and_by_name(
    shared_platform: Platform, shop: RunningShop
) -> None:
    owner, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    connection = await connect_shop(shared_platform, owner, shop.url)
    async with shared_platform.client(stranger) as client:
        definition = {"id": "shop", "name": "Shop", "base_url": shop.url}
        assert (await client.post("/api/integrations/", json=definition)).status_code == 201
        for reference in (str(connection), "anna@shop-key-anna"):
            refused = await client.post(
                "/api/integrations/shop/call/", params={"connection_id": reference}, json={"endpoint": "/me"}
            )
            assert refused.status_code == 403
            assert (refused.json()["code"], "api_response" in refused.json()) == ("no_connection", False)
        seen = await client.get("/api/integrations/shop/get_connections/")
        assert seen.json() == []
        assert (await client.delete(f"/api/integrations/connections/{connection}/")).status_code == 404
        renamed = await client.put(f"/api/integrations/connections/{connection}/", json={"name": "mine"})
        assert renamed.status_code == 404
        tested = await client.post(f"/api/integrations/shop/connections/{connection}/test/")
        assert tested.status_code == 403


async def test_private_addresses_are_refused_when_they_are_connected_to(
    module_database_url: str, shop: RunningShop
) -> None:
    settings = make_settings(module_database_url, allow_private_upstreams=False)
    async with running_platform(settings) as platform:
        for host in ("127.0.0.1", "localhost"):
            caller = await platform.create_caller()
            await connect_shop(platform, caller, shop.url.replace("127.0.0.1", host))
            async with platform.client(caller) as client:
                answer = await client.post("/api/integrations/shop/call/", json={"endpoint": "/me"})
            assert answer.status_code == 200
            assert answer.json()["api_response"]["ok"] is False
            assert "private or local address" in answer.json()["api_response"]["text"]


@pytest.mark.parametrize("allowed", [("127.0.0.0/8", "::1"), ("localhost",)])
async def test_what_the_operator_allows_may_be_called_and_nothing_else(
    module_database_url: str, shop: RunningShop, allowed: tuple[str, ...]
) -> None:
    settings = make_settings(
        module_database_url, allow_private_upstreams=False, allowed_private_upstreams=",".join(allowed)
    )
    async with running_platform(settings) as platform:
        seen = {}
        for host in ("127.0.0.1", "localhost"):
            caller = await platform.create_caller()
            await connect_shop(platform, caller, shop.url.replace("127.0.0.1", host))
            async with platform.client(caller) as client:
                answer = await client.post("/api/integrations/shop/call/", json={"endpoint": "/me"})
            seen[host] = answer.json()["api_response"]["ok"]
    assert seen == {"127.0.0.1": allowed != ("localhost",), "localhost": True}


@pytest.mark.parametrize("entry", ["10.0.0.0/40", "10.1", "http://x", "a b", "10.0.0.1/8"])
def test_an_allowed_upstream_that_is_none_is_named_at_the_start(entry: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(entry)):
        make_settings("postgresql:///unused", allowed_private_upstreams=entry)


async def test_a_body_that_is_no_text_arrives_as_it_was_sent(shared_platform: Platform, shop: RunningShop) -> None:
    caller = await shared_platform.create_caller()
    await connect_shop(shared_platform, caller, shop.url)
    async with shared_platform.client(caller) as client:
        orders = await client.post("/api/integrations/shop/call/", json={"endpoint": "/orders"})
        order = orders.json()["api_data"]["orders"][0]["id"]
        answer = await client.post("/api/integrations/shop/call/", json={"endpoint": f"/orders/{order}/label"})
    async with httpx.AsyncClient(headers={"X-Api-Key": "shop-key-anna"}, timeout=240) as without_us:
        direct = await without_us.get(f"{shop.url}/orders/{order}/label")
    response = answer.json()["api_response"]
    assert base64.b64decode(response["content_base64"]) == direct.content
    assert (response["text"], answer.json()["api_data"]) == ("", None)
    assert ApiResponse.from_wire(response).content == direct.content
    listed = ApiResponse.from_wire(orders.json()["api_response"])
    assert listed.content == listed.text.encode()


async def test_the_key_never_comes_back(shared_platform: Platform, shop: RunningShop) -> None:
    caller = await shared_platform.create_caller()
    connection = await connect_shop(shared_platform, caller, shop.url)
    async with shared_platform.client(caller) as client:
        answers = [
            await client.get("/api/integrations/shop/"),
            await client.get("/api/integrations/shop/connections/"),
            await client.post("/api/integrations/shop/call/", json={"endpoint": "/me"}),
            await client.post(f"/api/integrations/shop/connections/{connection}/test/"),
        ]
    assert answers[0].json()["connected_accounts"] == [connection]
    assert answers[3].json()["ok"] is True
    for answer in answers:
        # The connection's name holds it in this test; what counts is everything else.
        assert "shop-key-anna" not in answer.text.replace("anna@shop-key-anna", "")


async def test_missing_and_unknown_credentials_are_named(shared_platform: Platform, shop: RunningShop) -> None:
    caller = await shared_platform.create_caller()
    await connect_shop(shared_platform, caller, shop.url)
    async with shared_platform.client(caller) as client:
        answer = await client.post(
            "/api/integrations/shop/connections/", json={"name": "x", "credentials": {"token": "y"}}
        )
    assert answer.status_code == 422
    assert "'api_key' is missing" in answer.json()["detail"]
    assert "'token' is unknown" in answer.json()["detail"]


async def test_credentials_do_not_follow_a_definition_to_another_address(
    shared_platform: Platform, shop: RunningShop
) -> None:
    caller = await shared_platform.create_caller()
    connection = await connect_shop(shared_platform, caller, shop.url)
    async with shared_platform.client(caller) as client:
        key = {"type": "api_key", "location": "header", "name": "X-Api-Key"}
        same = {"id": "shop", "name": "Our shop", "base_url": shop.url, "auth": key}
        assert (await client.put("/api/integrations/shop/", json=same)).status_code == 200
        moved = await client.put("/api/integrations/shop/", json=same | {"base_url": "https://elsewhere.example"})
        assert moved.status_code == 409
        assert "Disconnect them first" in moved.json()["detail"]
        other_way = await client.put("/api/integrations/shop/", json=same | {"auth": key | {"name": "X-Other"}})
        assert other_way.status_code == 409
        made = await client.post(
            "/api/integrations/todoist/connections/", json={"name": "acct", "credentials": {"token": "sk_x"}}
        )
        assert made.status_code == 201, made.text
        shadow = {
            "id": "todoist",
            "name": "Todoist",
            "base_url": "https://elsewhere.example",
            "auth": {"type": "bearer"},
        }
        assert (await client.post("/api/integrations/", json=shadow)).status_code == 409
        assert (await client.delete(f"/api/integrations/connections/{connection}/")).status_code == 204
        moved = await client.put("/api/integrations/shop/", json=same | {"base_url": "https://elsewhere.example"})
        assert moved.status_code == 200


async def test_an_integration_tells_how_its_lists_go_on(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        notion = (await client.get("/api/integrations/notion/")).json()
    assert notion["pagination"]["style"] == "cursor"
    assert notion["pagination"]["next"] == "next_cursor"

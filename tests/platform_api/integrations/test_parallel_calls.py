"""Many calls at once: order, partial failures, streams that arrive as answers do."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from platform_api.mock_shop.faults import Fault
from tests.platform_api.conftest import Platform
from tests.platform_api.integrations.conftest import RunningShop, connect_shop
from tests.waiting import eventually

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def served(platform: Platform) -> AsyncIterator[str]:
    """The platform on a real socket: what is streamed is seen as it arrives."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(platform.app, log_level="error", lifespan="off"))
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await serving


def body_for(items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"method": "GET", "endpoint": "/offers/{id}", "data_list": items, "request_headers": {}, **more}


async def test_collected_answers_keep_the_order_and_the_failures_in_place(
    shared_platform: Platform, shop: RunningShop
) -> None:
    caller = await shared_platform.create_caller()
    connection = await connect_shop(shared_platform, caller, shop.url)
    shop.shop.faults.add(Fault("delay", path="/offers/10000000", seconds=0.2))
    text_ids = {"connection_id": str(connection), "organization_id": str(caller.organization_id)}
    items: list[dict[str, Any]] = [
        {**text_ids, "url_params": {"id": "10000000"}, "params": {}, "data": {}},
        {**text_ids, "url_params": {"id": "10000001"}, "params": {}, "data": {}},
        {**text_ids, "url_params": {"id": "nothing"}, "params": {}, "data": {}},
        {"connection_id": "999999", "organization_id": None, "url_params": {"id": "1"}},
        {**text_ids, "url_params": {}},
    ]
    async with shared_platform.client(caller) as client:
        answer = await client.post("/api/integrations/shop/parallel_call/", json=body_for(items))
    assert answer.status_code == 200
    replied = answer.json()
    responses = replied["responses"]
    assert [one["api_response"]["status_code"] for one in responses] == [200, 200, 404, 403, 400]
    assert [one["api_response"]["ok"] for one in responses] == [True, True, False, False, False]
    assert responses[0]["api_data"]["id"] == "10000000"
    assert responses[1]["connection_id"] == connection
    assert "{id}" in responses[4]["api_response"]["text"]
    assert replied["connections_used"] == {str(connection): 4}


async def test_no_items_are_no_answers(shared_platform: Platform, shop: RunningShop) -> None:
    caller = await shared_platform.create_caller()
    await connect_shop(shared_platform, caller, shop.url)
    async with shared_platform.client(caller) as client:
        answer = await client.post("/api/integrations/shop/parallel_call/", json=body_for([]))
    assert answer.json() == {"responses": [], "connections_used": {}}


async def test_one_connection_is_named_by_its_account_and_told_as_text(
    shared_platform: Platform, shop: RunningShop
) -> None:
    caller = await shared_platform.create_caller()
    connection = await connect_shop(shared_platform, caller, shop.url)
    async with shared_platform.client(caller) as client:
        answer = await client.post(
            "/api/integrations/shop/parallel_call_for_connection/",
            params={"connection_id": "anna@shop-key-anna"},
            json=body_for([{"url_params": {"id": "10000001"}}, {"url_params": {"id": "10000002"}}]),
        )
    replied = answer.json()
    assert replied["connection_id"] == str(connection)
    assert [one["api_data"]["id"] for one in replied["responses"]] == ["10000001", "10000002"]


async def test_a_stream_hands_out_answers_as_they_arrive(shared_platform: Platform, shop: RunningShop) -> None:
    caller = await shared_platform.create_caller()
    connection = await connect_shop(shared_platform, caller, shop.url)
    # Answered only after both others have arrived: holding them back for it would last for ever.
    slow = Fault("hold", path="/offers/10000000")
    shop.shop.faults.add(slow)
    items = [{"url_params": {"id": str(10000000 + n)}} for n in range(3)]
    events = []
    async with (
        served(shared_platform) as url,
        httpx.AsyncClient(headers=caller.headers, timeout=240) as client,
        client.stream(
            "POST", f"{url}/api/integrations/shop/parallel_call/", json=body_for(items, streaming=True)
        ) as reply,
    ):
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert reply.headers["transfer-encoding"] == "chunked"
        async for line in reply.aiter_lines():
            if line.startswith("data: "):
                events.append(json.loads(line.removeprefix("data: ")))
                slow.is_released = len(events) >= 2
    assert [event["index"] for event in events[:-1]][-1] == 0
    assert [event["completed"] for event in events[:-1]] == [1, 2, 3]
    assert all(event["total"] == 3 and event["connection_id"] == connection for event in events[:-1])
    assert events[-1] == {"completed": True, "total_processed": 3}


async def test_a_stream_starts_before_the_last_call_was_sent_and_stops_with_its_reader(
    shared_platform: Platform, shop: RunningShop
) -> None:
    caller = await shared_platform.create_caller()
    await connect_shop(shared_platform, caller, shop.url)
    items = [{"url_params": {"id": "10000001"}} for _ in range(10_000)]
    before = shop.shop.requests
    async with (
        served(shared_platform) as url,
        httpx.AsyncClient(headers=caller.headers, timeout=240) as client,
        client.stream(
            "POST", f"{url}/api/integrations/shop/parallel_call/", json=body_for(items, streaming=True)
        ) as reply,
    ):
        async for line in reply.aiter_lines():
            if line.startswith("data: "):
                break
        sent_when_first_arrived = shop.shop.requests - before
    assert sent_when_first_arrived < 10_000

    async def is_quiet() -> bool:
        seen = shop.shop.requests
        await asyncio.sleep(0.3)
        return shop.shop.requests == seen

    await eventually(is_quiet)
    assert shop.shop.requests - before < 10_000


async def test_non_ascii_answers_are_escaped(shared_platform: Platform, shop: RunningShop) -> None:
    caller = await shared_platform.create_caller()
    await connect_shop(shared_platform, caller, shop.url)
    shop.shop.sellers["anna"].offers["10000003"]["name"] = "stół\u2028\u0085łóżko"
    async with shared_platform.client(caller) as client:
        answer = await client.post(
            "/api/integrations/shop/parallel_call/",
            json=body_for([{"url_params": {"id": "10000003"}}], streaming=True),
        )
    assert answer.content.isascii()
    first = json.loads(answer.text.split("data: ")[1].split("\n")[0])
    assert first["response"]["api_data"]["name"] == "stół\u2028\u0085łóżko"


async def test_another_organizations_connection_is_a_refused_item(
    shared_platform: Platform, shop: RunningShop
) -> None:
    owner, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    connection = await connect_shop(shared_platform, owner, shop.url)
    own = await connect_shop(shared_platform, stranger, shop.url, key="shop-key-bert")
    app = await shared_platform.create_app(stranger)
    items = [
        {"connection_id": connection, "url_params": {"id": "10000001"}},
        {"connection_id": own, "organization_id": owner.organization_id, "url_params": {"id": "10000001"}},
        {"connection_id": own, "url_params": {"id": "10000001"}},
    ]
    async with shared_platform.client(stranger) as client:
        answer = await client.post("/api/integrations/shop/parallel_call/", json=body_for(items))
        assert [one["api_response"]["status_code"] for one in answer.json()["responses"]] == [403, 403, 200]
        single = await client.post(
            "/api/integrations/shop/parallel_call_for_connection/",
            params={"connection_id": connection},
            json=body_for([{"url_params": {"id": "10000001"}}]),
        )
        assert single.status_code == 403
        listed = await client.get("/api/integrations/shop/table_connections/", params={"app_id": app.id})
        assert list(listed.json()) == [str(stranger.organization_id)]

"""Many calls of which some go wrong in every way there is: a clear result per item, nothing else disturbed."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from platform_api.core.settings import Settings
from platform_api.mock_shop.faults import Fault
from tests.platform_api.conftest import Platform, make_settings, running_platform
from tests.platform_api.integrations.conftest import RunningShop, connect_shop
from tests.platform_api.integrations.test_parallel_calls import body_for, served

pytestmark = pytest.mark.anyio


def _settings(database_url: str) -> Settings:
    """The shop's own address may be called, no other private one."""
    return make_settings(database_url, allow_private_upstreams=False, allowed_private_upstreams="127.0.0.1")


def _offer(number: int, **more: Any) -> dict[str, Any]:
    return {"url_params": {"id": str(10_000_000 + number)}, **more}


async def test_each_item_says_what_happened_to_it(module_database_url: str, shop: RunningShop) -> None:
    faults = shop.shop.faults
    faults.add(Fault("endless", path="/offers/10000000"))
    faults.add(Fault("reset", path="/offers/10000001"))
    faults.add(Fault("html", path="/offers/10000002"))
    faults.add(Fault("redirect", path="/offers/10000003", location="http://127.0.0.2:9/internal"))
    faults.add(Fault("redirect", path="/offers/10000004", location="http://169.254.169.254/latest/meta-data/"))
    faults.add(Fault("redirect", path="/offers/10000005", location="file:///etc/passwd"))
    faults.add(Fault("redirect", path="/offers/10000006", location="/offers/10000016"))
    async with running_platform(_settings(module_database_url)) as platform:
        other = await platform.create_caller()
        foreign = await connect_shop(platform, other, shop.url)
        caller = await platform.create_caller()
        await connect_shop(platform, caller, shop.url)
        items = [
            *(_offer(number) for number in range(8)),
            _offer(8, connection_id=999_999),
            _offer(9, connection_id=foreign),
            _offer(10, connection_id=foreign, organization_id=other.organization_id),
            _offer(11, connection_id="nobody@example.com"),
            {"url_params": {"id": "../../me"}},
            _offer(12, headers={"X-Bad": "a\r\nX-Injected: 1"}),
            _offer(13),
        ]
        async with platform.client(caller) as client:
            answer = await client.post("/api/integrations/shop/parallel_call/", json=body_for(items), timeout=240)
    assert answer.status_code == 200
    seen = [one["api_response"] for one in answer.json()["responses"]]
    expected = [
        (502, "larger than"),
        (502, "broke off"),
        (200, "<html"),
        (502, "private or local"),
        (502, "private or local"),
        (502, "redirects to file:"),
        (200, "10000016"),
        (200, "10000007"),
        (403, "'999999'"),
        (403, "not yours"),
        (403, "not yours"),
        (403, "'nobody@example.com'"),
        (400, "must not leave the base URL"),
        (400, "X-Bad"),
        (200, "10000013"),
    ]
    assert [(one["status_code"], text in one["text"]) for one, (_, text) in zip(seen, expected, strict=True)] == [
        (status, True) for status, _ in expected
    ], seen
    # An answer of 200 that is no JSON is `ok`, without data.
    assert [one["ok"] for one in seen] == [status == 200 for status, _ in expected]
    data = [one["api_data"] for one in answer.json()["responses"]]
    assert data[2] is None and data[7]["id"] == "10000007"


@pytest.mark.parametrize("endpoint", ["/../me", "/offers/../../me", "http://127.0.0.2/x", "//127.0.0.2/x", "/a\r\nb"])
async def test_an_endpoint_that_leads_elsewhere_is_refused_for_each_item(
    shared_platform: Platform, shop: RunningShop, endpoint: str
) -> None:
    caller = await shared_platform.create_caller()
    await connect_shop(shared_platform, caller, shop.url)
    before = shop.shop.requests
    async with shared_platform.client(caller) as client:
        body = {"method": "GET", "endpoint": endpoint, "data_list": [{}, {}], "streaming": False}
        answer = await client.post("/api/integrations/shop/parallel_call/", json=body)
    assert [one["api_response"]["status_code"] for one in answer.json()["responses"]] == [400, 400]
    assert shop.shop.requests == before


async def test_an_integration_without_a_connection_says_so_for_each_item(
    shared_platform: Platform, shop: RunningShop
) -> None:
    caller = await shared_platform.create_caller()
    connection = await connect_shop(shared_platform, caller, shop.url)
    async with shared_platform.client(caller) as client:
        assert (await client.delete(f"/api/integrations/connections/{connection}/")).status_code == 204
        listed = await client.get("/api/integrations/shop/")
        single = await client.post("/api/integrations/shop/call/", json={"endpoint": "/me"})
        many = await client.post("/api/integrations/shop/parallel_call/", json=body_for([_offer(1)]))
    assert listed.json()["connected_accounts"] == []
    told = "no account of yours is connected to shop; connect one first"
    assert (single.status_code, single.json()["detail"], single.json()["code"]) == (403, told, "no_connection")
    [refused] = many.json()["responses"]
    assert refused["api_response"]["text"] == single.json()["detail"]


async def test_an_upstream_that_never_answers_disturbs_no_other_call(
    shared_platform: Platform, shop: RunningShop
) -> None:
    caller = await shared_platform.create_caller()
    await connect_shop(shared_platform, caller, shop.url)
    shop.shop.faults.add(Fault("never", path="/offers/10000000"))
    items = [_offer(number % 20) for number in range(100)]
    arrived: set[int] = set()
    async with (
        served(shared_platform) as url,
        httpx.AsyncClient(base_url=url, headers=caller.headers, timeout=240) as client,
        client.stream(
            "POST", "/api/integrations/shop/parallel_call/", json=body_for(items, streaming=True)
        ) as stream,
    ):
        async with asyncio.timeout(240):
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    arrived.add(json.loads(line[6:])["index"])
                if len(arrived) == 99:
                    break
    assert arrived == set(range(1, 100))


async def test_ten_thousand_items_are_streamed_in_bounded_memory(
    shared_platform: Platform, shop: RunningShop
) -> None:
    caller = await shared_platform.create_caller()
    await connect_shop(shared_platform, caller, shop.url)
    body = {"method": "GET", "endpoint": "/offers", "data_list": [{}] * 10_000, "streaming": True}
    seen, largest, before = 0, 0, 0
    async with (
        served(shared_platform) as url,
        httpx.AsyncClient(base_url=url, headers=caller.headers, timeout=240) as client,
        client.stream("POST", "/api/integrations/shop/parallel_call/", json=body) as stream,
    ):
        async for line in stream.aiter_lines():
            if not line.startswith("data: "):
                continue
            seen += 1
            if seen == 500:
                before = _resident_pages()
            largest = max(largest, _resident_pages())
    assert seen == 10_001
    # Each answer has some kilobytes: all of them together would be a hundred megabytes.
    assert (largest - before) * 4096 < 40 * 1024 * 1024


def _resident_pages() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1])

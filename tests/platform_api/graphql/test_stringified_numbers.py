"""Wide numbers as strings, where an app says so: for clients that would round them."""

from typing import Any

import aiohttp
import pytest

from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.graphql.serving import serve_app
from tests.platform_api.graphql.shop import Shop, open_shop

pytestmark = pytest.mark.anyio

DIGITS = "12345678901234567.89"
QUERY = "{ ORDERS { total } ORDERS_aggregate { aggregate { count sum { total } } } }"


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    shop = await open_shop(shared_platform)
    await shop.add_order(shop.owner, "1", total=DIGITS)
    await shop.add_order(shop.installer, "1", total=DIGITS)
    return shop


async def switch(shop: Shop, caller: Caller, is_on: bool) -> int:
    async with shop.platform.client(caller) as client:
        answer = await client.put(f"/api/apps/{shop.app}/", json={"stringify_numbers": is_on})
    return answer.status_code


async def totals(shop: Shop, caller: Caller, path: str) -> list[str]:
    """The answer's totals as they stand in its text."""
    query = QUERY.replace("ORDERS", shop.orders)
    async with shop.platform.client(caller) as client:
        answer = await client.post(path, json={"query": query})
    assert answer.status_code == 200 and "errors" not in answer.json(), answer.text
    return [part.split("}")[0].strip() for part in answer.text.split('"total":')[1:]]


async def test_clients_get_strings_once_the_app_says_so(shop: Shop) -> None:
    direct = f"/api/apps/{shop.app}/v1/graphql"
    assert await totals(shop, shop.owner, direct) == [DIGITS, DIGITS]

    assert await switch(shop, shop.owner, True) == 200

    for caller in (shop.owner, shop.installer):
        assert await totals(shop, caller, direct) == [f'"{DIGITS}"', f'"{DIGITS}"']
    data = await shop.run(shop.owner, "{ ORDERS_aggregate { aggregate { count } } }")
    assert data[f"{shop.orders}_aggregate"]["aggregate"]["count"] == 1, "integers stay numbers"
    assert await switch(shop, shop.owner, False) == 200
    assert await totals(shop, shop.owner, direct) == [DIGITS, DIGITS]


async def test_scripts_get_numbers_all_the_same(shop: Shop) -> None:
    assert await switch(shop, shop.owner, True) == 200

    assert await totals(shop, shop.owner, f"/api/apps/graphql/?app={shop.app}") == [DIGITS, DIGITS]


async def test_subscriptions_and_mutations_get_strings_too(shop: Shop) -> None:
    assert await switch(shop, shop.owner, True) == 200

    data = await shop.run(
        shop.owner, "mutation { update_ORDERS(where: {}, _set: {total: 0.10}) { returning { total } } }"
    )
    assert data[f"update_{shop.orders}"]["returning"] == [{"total": "0.10"}]
    query = {"query": f"subscription {{ {shop.orders} {{ total }} }}"}
    async with (
        serve_app(shop.platform.app) as url,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}/api/apps/{shop.app}/v1/graphql", protocols=["graphql-transport-ws"]) as socket,
    ):
        headers: dict[str, Any] = {"headers": dict(shop.owner.headers)}
        await socket.send_json({"type": "connection_init", "payload": headers})
        await socket.send_json({"id": "1", "type": "subscribe", "payload": query})
        messages = []
        while not messages or messages[-1]["type"] != "next":
            messages.append(await socket.receive_json(timeout=240))
    assert messages[-1]["payload"]["data"] == {shop.orders: [{"total": "0.10"}]}


async def test_only_the_apps_own_builders_decide(shop: Shop) -> None:
    stranger = await shop.platform.create_caller()

    assert [await switch(shop, caller, True) for caller in (shop.installer, stranger)] == [404, 404]
    assert await totals(shop, shop.owner, f"/api/apps/{shop.app}/v1/graphql") == [DIGITS, DIGITS]

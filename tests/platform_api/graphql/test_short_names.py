"""Root fields without the app's prefix, beside the full names, and only an app's own tables behind them."""

import pytest
from graphql import build_client_schema, get_introspection_query

from tests.platform_api.conftest import Platform
from tests.platform_api.graphql.shop import Shop, open_shop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    return await open_shop(shared_platform)


async def test_short_names_read_write_and_aggregate(shop: Shop) -> None:
    made = await shop.run(
        shop.owner,
        'mutation { insert_orders_one(object: {orderId: "s1", total: 5}) { id orderId }'
        ' update_orders(where: {orderId: {_eq: "s1"}}, _set: {delivered: true}) { affected_rows } }',
    )
    assert made["update_orders"] == {"affected_rows": 1}
    key = made["insert_orders_one"]["id"]
    read = await shop.run(
        shop.owner,
        'query ($id: uuid!) { orders(where: {orderId: {_eq: "s1"}}) { orderId delivered }'
        ' orders_by_pk(id: $id) { orderId } mine: ORDERS(where: {orderId: {_eq: "s1"}}) { orderId }'
        ' orders_aggregate(where: {orderId: {_eq: "s1"}}) { aggregate { count } } }',
        id=key,
    )
    assert read["orders"] == [{"orderId": "s1", "delivered": True}]
    assert read["orders_by_pk"] == {"orderId": "s1"}
    assert read["mine"] == [{"orderId": "s1"}]
    assert read["orders_aggregate"] == {"aggregate": {"count": 1}}
    gone = await shop.run(shop.owner, 'mutation { delete_orders(where: {orderId: {_eq: "s1"}}) { affected_rows } }')
    assert gone == {"delete_orders": {"affected_rows": 1}}


async def test_short_names_are_introspected_and_reach_no_other_app(shop: Shop) -> None:
    introspection = await shop.run(shop.owner, get_introspection_query())
    schema = build_client_schema(introspection)
    assert schema.query_type is not None
    assert {"orders", shop.orders, "orders_aggregate", "order_lines_by_pk"} <= set(schema.query_type.fields)
    assert schema.mutation_type is not None
    assert {"insert_orders_one", f"insert_{shop.orders}_one"} <= set(schema.mutation_type.fields)
    stranger = await shop.platform.create_caller()
    other = await shop.platform.create_app(stranger)
    async with shop.platform.client(stranger) as client:
        for name in ("orders", shop.orders):
            answer = await client.post(
                f"/api/apps/{other.id}/v1/graphql", json={"query": f"{{ {name} {{ orderId }} }}"}
            )
            assert "not found in type: 'query_root'" in answer.json()["errors"][0]["message"]

"""Tables with the engine in the same process: definition, table and metadata change together, served at once."""

from typing import Any

import pytest

from hasura.engine.engine import Engine
from hasura.metadata import MetadataCommand, MetadataError
from platform_api.ops.metadata import MetadataSettings, sync_metadata
from platform_api.tables.follow_up import EmbeddedFollowUp, EmbeddedTransport, MetadataChange
from tests.platform_api.conftest import Platform
from tests.platform_api.graphql.shop import Shop, open_shop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    return await open_shop(shared_platform)


async def edit(shop: Shop, **change: Any) -> None:
    async with shop.platform.client(shop.owner) as client:
        answer = await client.put(f"/api/apps/{shop.app}/edit_table/", json=change)
        assert answer.status_code == 200, answer.text


async def test_added_changed_renamed_and_dropped_columns_are_served_at_once(shop: Shop) -> None:
    await shop.add_order(shop.owner, "17", total=3)
    await edit(
        shop,
        name="orders",
        columns=[
            {"name": "number", "type": "integer", "required": True, "renamed_from": "orderId"},
            {"name": "status", "type": "choice", "choices": ["new", "paid"], "default": "new"},
        ],
        drop_columns=["total"],
    )
    data = await shop.run(shop.owner, "{ ORDERS(where: {number: {_eq: 17}}) { number status delivered } }")
    assert data[shop.orders] == [{"number": 17, "status": "new", "delivered": False}]
    for gone in ("orderId", "total"):
        assert (await shop.fail(shop.owner, f"{{ ORDERS {{ {gone} }} }}"))["extensions"][
            "code"
        ] == "validation-failed"
    insert = "mutation ($row: ORDERS_insert_input!) { insert_ORDERS_one(object: $row) { status } }"
    assert await shop.run(shop.owner, insert, row={"number": 18, "status": "paid"})
    error = await shop.fail(shop.owner, insert, row={"number": 19, "status": "stolen"})
    assert error["extensions"]["code"] == "permission-error" or "check" in error["message"].lower()
    upsert = """mutation ($row: ORDERS_insert_input!) {
      insert_ORDERS(
        objects: [$row] on_conflict: {constraint: uq_ORDERS_number_org, update_columns: [delivered]}
      ) { returning { number delivered } }
    }"""
    data = await shop.run(shop.owner, upsert, row={"number": 17, "delivered": True})
    assert data[f"insert_{shop.orders}"]["returning"] == [{"number": 17, "delivered": True}]


async def test_a_changed_type_is_served_although_the_metadata_did_not_change(shop: Shop) -> None:
    await shop.add_order(shop.owner, "17")
    document = "query ($x: Int!) { ORDERS(where: {orderId: {_gt: $x}}) { orderId } }"
    await shop.fail(shop.owner, document, x=5)
    await edit(shop, name="orders", columns=[{"name": "orderId", "type": "integer", "required": True}])
    assert (await shop.run(shop.owner, document, x=5))[shop.orders] == [{"orderId": 17}]


async def test_a_renamed_table_keeps_rows_permissions_and_relationships(shop: Shop) -> None:
    order = await shop.add_order(shop.owner, "1")
    await shop.run(
        shop.owner, "mutation ($o: uuid!) { insert_LINES_one(object: {order_id: $o, quantity: 2}) { id } }", o=order
    )
    await edit(shop, name="order_lines", new_name="positions")
    positions = f"app_{shop.app}_positions"
    data = await shop.run(
        shop.owner, f"{{ {positions} {{ quantity order {{ orderId order_lines {{ quantity }} }} }} }}"
    )
    assert data[positions] == [{"quantity": 2, "order": {"orderId": "1", "order_lines": [{"quantity": 2}]}}]
    assert (await shop.run(shop.installer, f"{{ {positions} {{ id }} }}"))[positions] == []
    await shop.fail(shop.owner, "{ LINES { id } }")


async def test_a_deleted_table_is_gone_and_its_name_is_free(shop: Shop) -> None:
    async with shop.platform.client(shop.owner) as client:
        assert (await client.delete(f"/api/apps/{shop.app}/table/order_lines/")).status_code == 204
        await shop.fail(shop.owner, "{ LINES { id } }")
        await shop.fail(shop.owner, "{ ORDERS { order_lines { id } } }")
        again = {"name": "order_lines", "columns": [{"name": "other", "type": "text"}]}
        assert (await client.post(f"/api/apps/{shop.app}/new_table/", json=again)).status_code == 200
    assert await shop.run(shop.owner, "{ LINES { other } }") == {shop.lines: []}


async def test_a_refused_change_leaves_everything_as_it_was(shop: Shop) -> None:
    await shop.add_order(shop.owner, "no number")
    async with shop.platform.client(shop.owner) as client:
        change = {
            "name": "orders",
            "new_name": "sales",
            "columns": [{"name": "orderId", "type": "integer"}, {"name": "extra", "type": "text"}],
        }
        refused = await client.put(f"/api/apps/{shop.app}/edit_table/", json=change)
        assert refused.status_code == 409
        names = [table["name"] for table in (await client.get(f"/api/apps/{shop.app}/tables/")).json()["tables"]]
    assert names == ["orders", "order_lines"]
    assert await shop.order_numbers(shop.owner) == ["no number"]
    await shop.fail(shop.owner, "{ ORDERS { extra } }")


async def test_metadata_that_cannot_follow_undoes_the_table(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    follow = EmbeddedFollowUp.follow

    async def follow_and_fail(self: EmbeddedFollowUp, session: Any, change: MetadataChange) -> None:
        await follow(self, session, change)
        raise MetadataError("the engine gave up half way")

    monkeypatch.setattr(EmbeddedFollowUp, "follow", follow_and_fail)
    async with shop.platform.client(shop.owner) as client:
        refused = await client.post(f"/api/apps/{shop.app}/new_table/", json={"name": "notes"})
        assert refused.status_code == 409
        assert "the engine gave up half way" in refused.json()["detail"]
        monkeypatch.undo()
        await shop.fail(shop.owner, f"{{ app_{shop.app}_notes {{ id }} }}")
        assert (await client.post(f"/api/apps/{shop.app}/new_table/", json={"name": "notes"})).status_code == 200
    assert await shop.run(shop.owner, f"{{ app_{shop.app}_notes {{ id }} }}")


async def test_metadata_sync_finds_and_mends_what_was_tampered_with(shop: Shop) -> None:
    settings = MetadataSettings(database_url=shop.platform.database.url)
    assert await sync_metadata(settings, repair=False) == []
    target = {"source": "default", "table": {"schema": "public", "name": shop.orders}}
    role = f"app_{shop.app}"
    widened = {"columns": ["id", "orderId"], "filter": {}}
    engine = shop.platform.app.services[Engine]
    async with shop.platform.database.transaction() as session:
        await EmbeddedTransport(engine, session).apply(
            [
                MetadataCommand("pg_drop_select_permission", {**target, "role": role}),
                MetadataCommand("pg_create_select_permission", {**target, "role": role, "permission": widened}),
            ]
        )
    expected = [f"pg_{verb}_select_permission {shop.orders} {role}" for verb in ("drop", "create")]
    assert await sync_metadata(settings, repair=False) == expected
    assert await sync_metadata(settings, repair=True) == expected
    assert await sync_metadata(settings, repair=False) == []
    await engine.refresh()
    await shop.add_order(shop.installer, "theirs")
    assert await shop.order_numbers(shop.owner) == []

"""No document reaches another organization's rows, whatever it says, nor another app's tables."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from platform_api.accounts.tokens import issue_run_token
from platform_api.core.types import AppId, RunId
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.graphql.shop import Shop, open_shop

pytestmark = pytest.mark.anyio

BY_ORGANIZATION = "query ($o: Int) { ORDERS(where: {organization_id: {_eq: $o}}) { orderId organization_id } }"
INSERT = "mutation ($rows: [ORDERS_insert_input!]!) { insert_ORDERS(objects: $rows) { affected_rows } }"


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    shop = await open_shop(shared_platform)
    await shop.add_order(shop.owner, "owner-1")
    await shop.add_order(shop.installer, "installer-1")
    return shop


async def test_each_organization_sees_its_own_rows(shop: Shop) -> None:
    assert await shop.order_numbers(shop.owner) == ["owner-1"]
    assert await shop.order_numbers(shop.installer) == ["installer-1"]


async def test_an_organization_id_in_the_query_is_no_key(shop: Shop) -> None:
    foreign = await shop.run(shop.installer, BY_ORGANIZATION, o=shop.owner.organization_id)
    assert foreign[shop.orders] == []
    own = await shop.run(shop.installer, BY_ORGANIZATION, o=shop.installer.organization_id)
    assert [row["orderId"] for row in own[shop.orders]] == ["installer-1"]
    absent = (await shop.post(shop.installer, BY_ORGANIZATION)).json()
    # A comparison with an absent variable may be refused or vanish; it never widens anything.
    assert "errors" in absent or [row["orderId"] for row in absent["data"][shop.orders]] == ["installer-1"]


async def test_a_null_organization_id_is_an_error_and_never_every_row(shop: Shop) -> None:
    error = await shop.fail(shop.installer, BY_ORGANIZATION, o=None)
    assert "null" in error["message"]
    literal = await shop.fail(shop.installer, "{ ORDERS(where: {organization_id: {_eq: null}}) { orderId } }")
    assert "null" in literal["message"]


@pytest.mark.parametrize(
    "where",
    [
        '{_not: {orderId: {_eq: ""}}}',
        "{_or: [{}, {organization_id: {_gt: 0}}]}",
        "{organization_id: {_in: [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]}}",
        "{organization_id: {_is_null: false}}",
    ],
)
async def test_no_boolean_expression_widens_the_rows(shop: Shop, where: str) -> None:
    data = await shop.run(shop.installer, f"{{ ORDERS(where: {where}) {{ orderId organization_id }} }}")
    assert {row["organization_id"] for row in data[shop.orders]} <= {shop.installer.organization_id}


async def test_aggregates_and_keys_stay_within_the_organization(shop: Shop) -> None:
    foreign = await shop.add_order(shop.owner, "owner-2")
    data = await shop.run(
        shop.installer,
        """query ($id: uuid!) {
             ORDERS_aggregate { aggregate { count } nodes { orderId } }
             ORDERS_by_pk(id: $id) { id }
           }""",
        id=foreign,
    )
    assert data[f"{shop.orders}_aggregate"] == {"aggregate": {"count": 1}, "nodes": [{"orderId": "installer-1"}]}
    assert data[f"{shop.orders}_by_pk"] is None


async def test_a_new_row_without_organization_belongs_to_the_caller(shop: Shop) -> None:
    document = 'mutation { insert_ORDERS_one(object: {orderId: "x"}) { organization_id delivered connection_id } }'
    data = await shop.run(shop.installer, document)
    assert data[f"insert_{shop.orders}_one"] == {
        "organization_id": shop.installer.organization_id,
        "delivered": False,
        "connection_id": None,
    }


async def test_a_new_row_may_name_the_callers_organization_and_no_other(shop: Shop) -> None:
    own = [{"orderId": "a", "organization_id": shop.installer.organization_id, "connection_id": "5"}]
    assert (await shop.run(shop.installer, INSERT, rows=own))[f"insert_{shop.orders}"] == {"affected_rows": 1}
    for organization_id in (shop.owner.organization_id, 0, -1, 2**31 - 1):
        error = await shop.fail(shop.installer, INSERT, rows=[{"orderId": "b", "organization_id": organization_id}])
        assert error["extensions"]["code"] == "permission-error"
    nothing = await shop.fail(shop.installer, INSERT, rows=[{"orderId": "b", "organization_id": None}])
    assert nothing["extensions"]["code"] in ("permission-error", "constraint-violation")
    assert await shop.order_numbers(shop.owner) == ["owner-1"]


async def test_one_foreign_row_among_many_stores_none(shop: Shop) -> None:
    rows = [{"orderId": f"n{n}"} for n in range(5)]
    rows.append({"orderId": "n5", "organization_id": shop.owner.organization_id})
    assert (await shop.fail(shop.installer, INSERT, rows=rows))["extensions"]["code"] == "permission-error"
    assert await shop.order_numbers(shop.installer) == ["installer-1"]


async def test_nested_rows_belong_to_the_organization_of_their_parent(shop: Shop) -> None:
    document = """
        mutation ($row: ORDERS_insert_input!) {
          insert_ORDERS_one(object: $row) { organization_id order_lines { organization_id quantity } }
        }
    """.replace("order_lines {", "order_lines(order_by: {quantity: asc}) {")
    row: dict[str, Any] = {"orderId": "nested", "order_lines": {"data": [{"quantity": 1}, {"quantity": 2}]}}
    data = await shop.run(shop.installer, document, row=row)
    own = shop.installer.organization_id
    assert data[f"insert_{shop.orders}_one"] == {
        "organization_id": own,
        "order_lines": [{"organization_id": own, "quantity": 1}, {"organization_id": own, "quantity": 2}],
    }
    foreign = shop.owner.organization_id
    for attempt in (
        {"orderId": "x", "order_lines": {"data": [{"quantity": 1, "organization_id": foreign}]}},
        {"orderId": "x", "organization_id": foreign, "order_lines": {"data": [{"quantity": 1}]}},
    ):
        await shop.fail(shop.installer, document, row=attempt)
    line = "mutation ($row: LINES_insert_input!) { insert_LINES_one(object: $row) { id } }"
    await shop.fail(
        shop.installer, line, row={"quantity": 1, "order": {"data": {"orderId": "x", "organization_id": foreign}}}
    )
    assert await shop.order_numbers(shop.owner) == ["owner-1"]
    assert await shop.order_numbers(shop.installer) == ["installer-1", "nested"]


async def test_a_reference_to_a_foreign_row_fails_like_one_to_no_row(shop: Shop) -> None:
    foreign = await shop.add_order(shop.owner, "owner-2")
    document = "mutation ($o: uuid!) { insert_LINES_one(object: {order_id: $o}) { id } }"
    probed = await shop.fail(shop.installer, document, o=foreign)
    invented = await shop.fail(shop.installer, document, o=str(uuid.uuid4()))
    assert probed["extensions"]["code"] == invented["extensions"]["code"] == "constraint-violation"
    assert probed["message"] == invented["message"]
    own = await shop.add_order(shop.installer, "installer-2")
    await shop.run(shop.installer, document, o=own)


async def test_a_row_cannot_be_moved_to_another_organization(shop: Shop) -> None:
    document = "mutation ($o: Int) { update_ORDERS(where: {}, _set: {organization_id: $o}) { affected_rows } }"
    error = await shop.fail(shop.installer, document, o=shop.owner.organization_id)
    assert error["extensions"]["code"] == "validation-failed"
    assert "organization_id" in error["message"]


async def test_foreign_rows_are_neither_updated_nor_deleted(shop: Shop) -> None:
    foreign = await shop.add_order(shop.owner, "owner-2")
    data = await shop.run(
        shop.installer,
        """mutation ($id: uuid!, $o: Int!) {
             a: update_ORDERS(where: {organization_id: {_eq: $o}}, _set: {delivered: true}) { affected_rows }
             b: update_ORDERS_by_pk(pk_columns: {id: $id}, _set: {delivered: true}) { id }
             c: delete_ORDERS(where: {id: {_eq: $id}}) { affected_rows }
             d: delete_ORDERS_by_pk(id: $id) { id }
           }""",
        id=foreign,
        o=shop.owner.organization_id,
    )
    assert data == {"a": {"affected_rows": 0}, "b": None, "c": {"affected_rows": 0}, "d": None}
    everything = await shop.run(shop.installer, "mutation { delete_ORDERS(where: {}) { affected_rows } }")
    assert everything[f"delete_{shop.orders}"] == {"affected_rows": 1}
    rows = await shop.run(shop.owner, "{ ORDERS(order_by: {orderId: asc}) { orderId delivered } }")
    assert rows[shop.orders] == [
        {"orderId": "owner-1", "delivered": False},
        {"orderId": "owner-2", "delivered": False},
    ]


async def test_an_upsert_does_not_reach_a_foreign_row_by_its_id(shop: Shop) -> None:
    foreign = await shop.add_order(shop.owner, "owner-2")
    document = """
        mutation ($row: ORDERS_insert_input!) {
          insert_ORDERS(objects: [$row], on_conflict: {constraint: ORDERS_pkey, update_columns: [orderId]}) {
            affected_rows returning { orderId organization_id }
          }
        }
    """
    response = await shop.post(shop.installer, document, row={"id": foreign, "orderId": "stolen"})
    answer = response.json()
    if "errors" not in answer:
        assert answer["data"][f"insert_{shop.orders}"] == {"affected_rows": 0, "returning": []}
    assert await shop.order_numbers(shop.owner) == ["owner-1", "owner-2"]
    assert await shop.order_numbers(shop.installer) == ["installer-1"]


async def test_equal_unique_values_of_two_organizations_do_not_meet(shop: Shop) -> None:
    document = """
        mutation ($rows: [ORDERS_insert_input!]!) {
          insert_ORDERS(
            objects: $rows
            on_conflict: {constraint: uq_ORDERS_orderId_org, update_columns: [total]}
          ) { affected_rows returning { total } }
        }
    """
    for caller, total in ((shop.owner, 1), (shop.installer, 2), (shop.installer, 3)):
        data = await shop.run(caller, document, rows=[{"orderId": "same", "total": total}])
        assert data[f"insert_{shop.orders}"] == {"affected_rows": 1, "returning": [{"total": total}]}
    totals = '{ ORDERS(where: {orderId: {_eq: "same"}}) { total } }'
    assert (await shop.run(shop.owner, totals))[shop.orders] == [{"total": 1}]
    assert (await shop.run(shop.installer, totals))[shop.orders] == [{"total": 3}]


async def test_relationships_lead_to_own_rows_only_also_in_filters(shop: Shop) -> None:
    for caller in (shop.owner, shop.installer):
        order = await shop.add_order(caller, "with-lines")
        document = "mutation ($o: uuid!) { insert_LINES_one(object: {order_id: $o, quantity: 1}) { id } }"
        await shop.run(caller, document, o=order)
    data = await shop.run(
        shop.installer,
        """query ($foreign: Int!) {
             a: LINES { order { orderId organization_id order_lines { organization_id } } }
             b: LINES(where: {order: {organization_id: {_eq: $foreign}}}) { id }
             c: ORDERS(where: {order_lines: {organization_id: {_eq: $foreign}}}) { id }
             d: ORDERS(order_by: {order_lines_aggregate: {count: desc}}, limit: 1) { orderId }
           }""",
        foreign=shop.owner.organization_id,
    )
    own = shop.installer.organization_id
    assert data["a"] == [
        {"order": {"orderId": "with-lines", "organization_id": own, "order_lines": [{"organization_id": own}]}}
    ]
    assert (data["b"], data["c"], data["d"]) == ([], [], [{"orderId": "with-lines"}])


async def test_another_apps_tables_do_not_exist(shop: Shop, shared_platform: Platform) -> None:
    other = await open_shop(shared_platform)
    for document in (
        f"{{ {other.orders} {{ orderId }} }}",
        f"mutation {{ delete_{other.orders}(where: {{}}) {{ affected_rows }} }}",
        f'{{ __type(name: "{other.orders}") {{ name }} ORDERS {{ id }} {other.orders} {{ id }} }}',
    ):
        error = await shop.fail(shop.owner, document)
        assert error["extensions"]["code"] == "validation-failed"
    seen = await shop.run(shop.owner, f'{{ __type(name: "{other.orders}") {{ name }} }}')
    assert seen == {"__type": None}


async def test_the_same_organizations_other_app_is_another_app(shared_platform: Platform) -> None:
    shop = await open_shop(shared_platform)
    app = await shared_platform.create_app(shop.owner)
    async with shared_platform.client(shop.owner) as client:
        await client.post(f"/api/apps/{app.id}/new_table/", json={"name": "notes"})
        document = {"query": f"{{ {shop.orders} {{ id }} }}"}
        answer = (await client.post(f"/api/apps/{app.id}/v1/graphql", json=document)).json()
        assert answer["errors"][0]["extensions"]["code"] == "validation-failed"


async def script_of(shop: Shop, caller: Caller) -> Caller:
    """The owner's script, as a caller: a run token that reaches every install."""
    async with shop.platform.database.transaction() as session:
        secret = await issue_run_token(
            session,
            organization_id=caller.organization_id,
            user_id=caller.user_id,
            app_id=AppId(shop.app),
            run_id=RunId(1),
            lifetime=timedelta(minutes=5),
            reaches_installs=True,
        )
    return Caller(caller.organization_id, caller.organization_slug, caller.user_id, caller.email, secret)


async def test_an_owners_script_works_on_the_rows_of_every_install_and_of_nobody_else(shop: Shop) -> None:
    script = await script_of(shop, shop.owner)
    assert await shop.order_numbers(script) == ["installer-1", "owner-1"]
    rows = [
        {"orderId": "default"},
        {"orderId": "for-installer", "organization_id": shop.installer.organization_id},
    ]
    await shop.run(script, INSERT, rows=rows)
    assert await shop.order_numbers(shop.owner) == ["default", "owner-1"]
    assert await shop.order_numbers(shop.installer) == ["for-installer", "installer-1"]
    stranger = await shop.platform.create_caller()
    error = await shop.fail(script, INSERT, rows=[{"orderId": "x", "organization_id": stranger.organization_id}])
    assert error["extensions"]["code"] == "permission-error"
    changed = await shop.run(
        script, "mutation { update_ORDERS(where: {}, _set: {delivered: true}) { affected_rows } }"
    )
    assert changed[f"update_{shop.orders}"] == {"affected_rows": 4}


async def test_an_installers_script_stays_at_home(shop: Shop) -> None:
    assert await shop.order_numbers(await script_of(shop, shop.installer)) == ["installer-1"]


async def test_an_owners_script_names_the_installer_whose_rows_it_works_on(shop: Shop) -> None:
    stranger = await shop.platform.create_caller()
    script, foreign = await script_of(shop, shop.owner), await script_of(shop, shop.installer)
    document = {"query": f"{{ {shop.orders}(order_by: {{orderId: asc}}) {{ orderId }} }}"}
    insert = f'mutation {{ insert_{shop.orders}_one(object: {{orderId: "named"}}) {{ orderId }} }}'
    urls = (f"/api/apps/{shop.app}/v1/graphql", f"/apps/graphql/?app={shop.app}&table=orders")
    for url in urls:
        for named, numbers in ((shop.installer, ["installer-1"]), (shop.owner, ["owner-1"])):
            headers = {"X-Organization-Id": str(named.organization_id)}
            async with shop.platform.client(script, headers=headers) as client:
                answer = (await client.post(url, json=document)).json()
            assert "data" in answer, answer
            assert [row["orderId"] for row in answer["data"][shop.orders]] == numbers
        for caller, named in ((script, stranger), (foreign, shop.owner), (foreign, stranger)):
            headers = {"X-Organization-Id": str(named.organization_id)}
            async with shop.platform.client(caller, headers=headers) as client:
                refused = await client.post(url, json=document)
            assert "data" not in refused.json() or refused.json()["data"] is None, refused.text
            assert "installer-1" not in refused.text and "owner-1" not in refused.text
    headers = {"X-Organization-Id": str(shop.installer.organization_id)}
    async with shop.platform.client(script, headers=headers) as client:
        assert (await client.post(urls[0], json={"query": insert})).json()["data"] is not None
    assert await shop.order_numbers(shop.installer) == ["installer-1", "named"]
    assert await shop.order_numbers(shop.owner) == ["owner-1"]

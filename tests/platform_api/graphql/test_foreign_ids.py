"""An id that another organization has taken: no answer says so, and nothing of that row is read or changed.

Ids are unique over all organizations. An id that cannot be used is refused in the same words, whether the caller, a
colleague whose rows they do not see, or another organization has it.
"""

import uuid
from typing import Any

import pytest

from tests.platform_api.conftest import Platform
from tests.platform_api.graphql.shop import Shop, open_shop

pytestmark = pytest.mark.anyio

_ROWS = "mutation ($row: ORDERS_insert_input!) { insert_ORDERS(objects: [$row]%s) { affected_rows } }"
INSERTS = {
    "many": _ROWS % "",
    "one": "mutation ($row: ORDERS_insert_input!) { insert_ORDERS_one(object: $row) { orderId } }",
    "another key": _ROWS % ", on_conflict: {constraint: uq_ORDERS_orderId_org, update_columns: [total]}",
    "ignored": _ROWS % ", on_conflict: {constraint: ORDERS_pkey, update_columns: []}",
}


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    return await open_shop(shared_platform)


@pytest.mark.parametrize("document", INSERTS.values(), ids=INSERTS)
async def test_an_insert_answers_alike_whosever_the_id_is(shop: Shop, document: str) -> None:
    foreign = await shop.add_order(shop.owner, "owner-1", total=7)
    own = await shop.add_order(shop.installer, "installer-1")
    answers = [
        (await shop.post(shop.installer, document, row={"id": taken, "orderId": "new"})).json()
        for taken in (own, foreign)
    ]
    assert answers[0] == answers[1]
    assert foreign not in str(answers)
    if "errors" in answers[0]:
        assert "already exists" not in str(answers) and "Key (" not in str(answers)
    rows = await shop.run(shop.owner, "{ ORDERS { id orderId total } }")
    assert rows[shop.orders] == [{"id": foreign, "orderId": "owner-1", "total": 7}]


async def test_an_upsert_writes_nothing_for_a_foreign_id_and_returns_nothing(shop: Shop) -> None:
    foreign = await shop.add_order(shop.owner, "owner-1", total=7)
    columns = "orderId organization_id total"
    for constraint in ("ORDERS_pkey", "org_ORDERS_id"):
        document = f"""
            mutation ($row: ORDERS_insert_input!) {{
              insert_ORDERS(objects: [$row], on_conflict: {{constraint: {constraint}, update_columns: [orderId]}}) {{
                affected_rows returning {{ {columns} }}
              }}
            }}
        """
        answer = (await shop.post(shop.installer, document, row={"id": foreign, "orderId": "stolen"})).json()
        data = (answer.get("data") or {}).get(f"insert_{shop.orders}")
        assert "errors" in answer or data == {"affected_rows": 0, "returning": []}
    assert await shop.order_numbers(shop.owner) == ["owner-1"]
    assert await shop.order_numbers(shop.installer) == []


async def test_a_reference_to_a_foreign_row_is_refused_like_one_to_no_row(shop: Shop) -> None:
    foreign = await shop.add_order(shop.owner, "owner-1")
    document = "mutation ($id: uuid!) { insert_LINES_one(object: {order_id: $id}) { id } }"
    answers = [(await shop.post(shop.installer, document, id=each)).json() for each in (foreign, str(uuid.uuid4()))]
    assert answers[0] == answers[1] and "Foreign key violation" in str(answers[0])


async def test_the_rows_api_answers_alike_for_a_foreign_row_and_no_row(shop: Shop) -> None:
    foreign = await shop.add_order(shop.owner, "owner-1")
    own = await shop.add_order(shop.installer, "installer-1")
    base = f"/api/apps/{shop.app}/table/orders"

    async def answers(other: str) -> list[tuple[int, dict[str, Any]]]:
        ids, mine = {"ids": [other]}, {"ids": [own]}
        async with shop.platform.client(shop.installer) as client:
            replies = [
                await client.post(f"{base}/count-rows/", json=ids),
                await client.patch(f"{base}/update-rows/", json={**ids, "set": {"total": 1}}),
                await client.request("DELETE", f"{base}/delete-rows/", json=ids),
                # An id cannot be changed, to whatever.
                await client.patch(f"{base}/update-rows/", json={**mine, "set": {"id": other}}),
            ]
        return [(reply.status_code, {**reply.json(), "request_id": ""}) for reply in replies if reply.content]

    first, second = await answers(foreign), await answers(str(uuid.uuid4()))
    assert first == second
    assert first[0] == (200, {"count": 0, "request_id": ""}) and first[-1][0] in (400, 422), first
    assert await shop.order_numbers(shop.owner) == ["owner-1"]

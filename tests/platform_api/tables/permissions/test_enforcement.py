"""What a member may do is what the permission says, by every way to rows, and never beyond the organization."""

import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from platform_api.accounts.models import Role
from platform_api.csv.worker import CsvWorker
from tests.platform_api.tables.permissions.limited import Limited, organization_of
from tests.waiting import eventually

pytestmark = pytest.mark.anyio

COLUMNS = ("orderId", "delivered", "total")


def holds(rule: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """What a rule of the generated kind says of a row, told without a database."""
    return all(_entry_holds(name, value, row) for name, value in rule.items())


def _entry_holds(name: str, value: Any, row: Mapping[str, Any]) -> bool:
    if name == "_and":
        return all(holds(item, row) for item in value)
    if name == "_or":
        return any(holds(item, row) for item in value)
    present = row[name]
    for operator, operand in value.items():
        if operator == "_is_null":
            result = (present is None) is operand
        elif operator == "_neq":
            result = present != operand
        elif present is None:
            result = False
        else:
            result = {
                "_eq": lambda p=present, o=operand: p == o,
                "_gt": lambda p=present, o=operand: p > o,
                "_lte": lambda p=present, o=operand: p <= o,
                "_in": lambda p=present, o=operand: p in o,
            }[operator]()
        if not result:
            return False
    return True


def some_rule(chosen: random.Random, depth: int = 0) -> dict[str, Any]:
    if depth < 2 and chosen.random() < 0.4:
        return {chosen.choice(["_and", "_or"]): [some_rule(chosen, depth + 1) for _ in range(chosen.randint(1, 3))]}
    leaves: list[dict[str, Any]] = [
        {"total": {chosen.choice(["_gt", "_lte", "_neq", "_eq"]): chosen.randint(0, 5)}},
        {"total": {"_is_null": chosen.random() < 0.5}},
        {"delivered": {chosen.choice(["_eq", "_neq"]): chosen.random() < 0.5}},
        {"orderId": {"_in": chosen.sample([f"n{number}" for number in range(12)], 6)}},
    ]
    return dict(chosen.choice(leaves), **(chosen.choice(leaves) if chosen.random() < 0.3 else {}))


@pytest.mark.parametrize("seed", range(4))
async def test_random_limits_hold_by_every_way(limited: Limited, seed: int) -> None:
    chosen, shop, member = random.Random(seed), limited.shop, limited.member
    rows = [
        {
            "orderId": f"n{number}",
            "delivered": chosen.choice([True, False, None]),
            "total": chosen.choice([None, 0, 1, 2, 3, 4, 5]),
        }
        for number in range(12)
    ]
    for row in rows:
        order = await shop.add_order(shop.owner, row["orderId"], delivered=row["delivered"], total=row["total"])
        line = "mutation ($o: uuid!) { insert_LINES_one(object: {order_id: $o, quantity: 1}) { id } }"
        await shop.run(shop.owner, line, o=order)
    await shop.add_order(shop.installer, "theirs", delivered=True, total=1)
    rules = {part: some_rule(chosen) for part in ("read", "change", "delete")}
    hidden = chosen.choice(["delivered", "total"])
    shown = [column for column in COLUMNS if column != hidden]
    stored = await limited.limit(
        read={"rule": rules["read"], "columns": shown},
        change={"rule": rules["change"], "columns": ["orderId"]},
        delete={"rule": rules["delete"]},
        add={"allowed": False},
    )
    assert stored["revision"] == 1 and set(stored["words"]) == {"read", "add", "change", "after", "delete"}
    visible = {row["orderId"] for row in rows if holds(rules["read"], row)}
    assert set(await shop.order_numbers(member)) == visible, rules["read"]
    data = await shop.run(member, "{ ORDERS_aggregate { aggregate { count } nodes { orderId } } }")
    assert data[f"{shop.orders}_aggregate"]["aggregate"]["count"] == len(visible)
    nested = await shop.run(member, "{ LINES { order { orderId } } }")
    assert {line["order"]["orderId"] for line in nested[shop.lines] if line["order"]} == visible
    for document in (
        f"{{ ORDERS {{ {hidden} }} }}",
        f"{{ ORDERS(where: {{{hidden}: {{_is_null: false}}}}) {{ id }} }}",
    ):
        assert (await shop.fail(member, document))["extensions"]["code"] == "validation-failed"
    assert await shop.fail(member, 'mutation { insert_ORDERS_one(object: {orderId: "x"}) { id } }')
    counted = await limited.send(member, "POST", "orders/count-rows/", {"all": True})
    assert counted.json() == {"count": len(visible)}
    estimated = await limited.send(member, "POST", "orders/estimate-rows/", {})
    assert estimated.json() == {"estimate": None}
    grouped = await limited.send(member, "POST", "orders/group-rows/", {"by": shown[1]})
    groups = {str(item["value"]): item["count"] for item in grouped.json()["groups"]}
    assert groups == Counter(str(row[shown[1]]) for row in rows if row["orderId"] in visible)
    assert (await limited.send(member, "POST", "orders/group-rows/", {"by": hidden})).status_code == 422
    assert await exported(limited, shown) == visible
    await changes_hold(limited, rows, rules)
    assert await shop.order_numbers(shop.installer) == ["theirs"]


async def exported(limited: Limited, shown: list[str]) -> set[str]:
    """What the member's own export holds; nobody else's is theirs."""
    platform, body = limited.shop.platform, {"app": limited.shop.app, "table": "orders"}
    ids = {}
    for caller in (limited.shop.owner, limited.member):
        async with platform.client(caller) as client:
            ids[caller] = (await client.post("/api/apps/csv-exports/", json=body)).json()["id"]
    while await platform.app.services[CsvWorker].export_next():
        pass
    async with platform.client(limited.member) as client:
        foreign = await client.get(f"/api/apps/csv-exports/{ids[limited.shop.owner]}/file/")
        assert foreign.status_code == 404
        listed = (await client.get("/api/apps/csv-exports/", params={"app": limited.shop.app})).json()
        assert [job["id"] for job in listed] == [ids[limited.member]]
        path = f"/api/apps/csv-exports/{ids[limited.member]}/"
        for _ in range(500):
            job = (await client.get(path)).json()
            if job["status"] in ("completed", "failed"):
                break
        content = (await client.get(f"{path}file/")).text
    header, *lines = content.splitlines()
    assert header.split(",")[5:] == shown, job
    return {line.split(",")[5] for line in lines}


async def changes_hold(limited: Limited, rows: list[dict[str, Any]], rules: dict[str, Any]) -> None:
    """Rows that the member changes and deletes are those that they see and that the rule of it admits."""
    shop, member = limited.shop, limited.member
    seen = [row for row in rows if holds(rules["read"], row)]
    reachable = sum(holds(rules["change"], row) for row in seen)
    changed = await limited.send(member, "PATCH", "orders/update-rows/", {"all": True, "set": {"orderId": "same"}})
    # Two rows cannot both be the same: what matters is how many it reached.
    assert changed.status_code == (409 if reachable > 1 else 200), (changed.text, reachable)
    refused = await limited.send(member, "PATCH", "orders/update-rows/", {"all": True, "set": {"total": 1}})
    assert refused.status_code == 422, refused.text
    for row in rows:
        document = """mutation ($n: String!) {
          update_ORDERS(where: {orderId: {_eq: $n}}, _set: {orderId: $n}) { affected_rows } }"""
        affected = (await shop.run(member, document, n=row["orderId"]))[f"update_{shop.orders}"]["affected_rows"]
        if reachable != 1:
            assert affected == (row in seen and holds(rules["change"], row)), (row, rules)
    if reachable == 1:
        return
    deleted = await limited.send(member, "DELETE", "orders/delete-rows/", {"all": True})
    assert deleted.status_code == 204, deleted.text
    left = {row["orderId"] for row in rows if not (row in seen and holds(rules["delete"], row))}
    assert set(await shop.order_numbers(shop.owner)) == left


async def test_members_work_with_their_own_rows_which_are_preset(limited: Limited) -> None:
    shop, member = limited.shop, limited.member
    async with shop.platform.client(shop.owner) as client:
        column = {"columns": [{"name": "owner", "type": "integer"}]}
        assert (await client.put(f"{limited.base}/orders/configuration/", json=column)).status_code == 200
    await shop.add_order(shop.owner, "nobody's")
    mine = {"owner": {"_eq": "X-Hasura-User-Id"}}
    await limited.limit(
        read={"rule": mine},
        add={
            "rule": {"total": {"_lte": 100}},
            "columns": ["orderId", "total"],
            "presets": {"owner": "X-Hasura-User-Id"},
        },
        change={"rule": mine, "after": {"total": {"_gt": 0}}, "columns": ["total"]},
        delete={"rule": {"_and": [mine, {"delivered": {"_eq": False}}]}},
    )
    own = await shop.add_order(member, "mine", total=5)
    assert await shop.order_numbers(member) == ["mine"]
    assert await shop.order_numbers(shop.owner) == ["mine", "nobody's"]
    data = await shop.run(member, "{ ORDERS { owner } }")
    assert data[shop.orders] == [{"owner": member.user_id}]
    insert = "mutation ($row: ORDERS_insert_input!) { insert_ORDERS_one(object: $row) { id } }"
    assert (await shop.fail(member, insert, row={"orderId": "x", "total": 101}))["extensions"][
        "code"
    ] == "permission-error"
    await shop.fail(member, insert, row={"orderId": "x", "owner": 1})
    update = (
        "mutation ($id: uuid!, $t: numeric) { update_ORDERS_by_pk(pk_columns: {id: $id}, _set: {total: $t}) { id } }"
    )
    assert (await shop.fail(member, update, id=own, t=-1))["extensions"]["code"] == "permission-error"
    assert (await shop.run(member, update, id=own, t=7))[f"update_{shop.orders}_by_pk"] == {"id": own}
    # An upsert changes only what may be changed.
    upsert = """mutation { insert_ORDERS(objects: [{orderId: "nobody's", total: 3}], on_conflict: {
        constraint: uq_ORDERS_orderId_org, update_columns: [total]}) { affected_rows } }"""
    assert (await shop.run(member, upsert))[f"insert_{shop.orders}"] == {"affected_rows": 0}
    # The contract's endpoint, and one's own token for an App: both are the member's. A run is the app's.
    async with shop.platform.client(member) as client:
        answer = await client.post(
            f"/api/apps/graphql/?app={shop.app}", json={"query": f"{{ {shop.orders} {{ orderId }} }}"}
        )
        assert [row["orderId"] for row in answer.json()["data"][shop.orders]] == ["mine"]
        mine_read = (await client.get(f"{limited.base}/orders/permissions/mine/")).json()
    assert mine_read["is_limited"] and mine_read["add"]["presets"] == ["owner"]
    assert mine_read["change"] == {"allowed": True, "columns": ["total"], "presets": [], "is_by_row": True}
    unlimited = await limited.send(member, "GET", "order_lines/permissions/mine/")
    assert unlimited.json()["is_limited"] is False and unlimited.json()["delete"]["allowed"]
    # As before, once it is lifted.
    lifted = await limited.send(shop.owner, "DELETE", "orders/permissions/member/?base_revision=1")
    assert lifted.status_code == 204, lifted.text
    assert await shop.order_numbers(member) == ["mine", "nobody's"]


@pytest.mark.parametrize(
    "rule",
    [
        {"_or": [{}, {"organization_id": {"_gt": 0}}]},
        {"organization_id": {"_neq": "X-Hasura-Organization-Id"}},
        {"_not": {"organization_id": {"_eq": "X-Hasura-Organization-Id"}}},
        {"_or": [{"orderId": {"_is_null": False}}, {"order_lines": {"quantity": {"_gt": 0}}}]},
    ],
)
async def test_no_rule_reaches_another_organization(limited: Limited, rule: dict[str, Any]) -> None:
    shop = limited.shop
    organization = await organization_of(shop.platform, shop.installer)
    theirs = await shop.platform.create_caller(organization=organization, role=Role.MEMBER)
    await shop.add_order(shop.owner, "ours")
    await shop.add_order(shop.installer, "theirs")
    await limited.limit(read={"rule": rule}, change={"rule": rule}, delete={"rule": rule}, add={"rule": rule})
    assert set(await shop.order_numbers(limited.member)) <= {"ours"}
    assert set(await shop.order_numbers(theirs)) <= {"theirs"}
    foreign = {"orderId": "x", "organization_id": shop.owner.organization_id}
    insert = "mutation ($row: ORDERS_insert_input!) { insert_ORDERS_one(object: $row) { id } }"
    await shop.fail(theirs, insert, row=foreign)
    await limited.send(theirs, "DELETE", "orders/delete-rows/", {"all": True})
    assert await shop.order_numbers(shop.owner) == ["ours"]
    # The installer's owner is not limited, and does not decide what members may do.
    assert await shop.order_numbers(shop.installer) in (["theirs"], [])
    for method, path, body in (
        ("GET", "orders/permissions/", None),
        ("PUT", "orders/permissions/member/", {"base_revision": 1}),
        ("DELETE", "orders/permissions/member/", None),
        ("GET", f"orders/rows/{'0' * 8}-0000-0000-0000-{'0' * 12}/visibility/?role=member", None),
    ):
        assert (await limited.send(shop.installer, method, path, body)).status_code == 404
        assert (await limited.send(limited.member, method, path, body)).status_code == 403
    stranger = await shop.platform.create_caller()
    assert (await limited.send(stranger, "GET", "orders/permissions/mine/")).status_code == 404


async def test_members_import_only_what_they_may_write(limited: Limited) -> None:
    shop, platform = limited.shop, limited.shop.platform
    await limited.limit(
        read={"rule": {"delivered": {"_eq": True}}},
        add={"rule": {"total": {"_lt": 10}}, "columns": ["orderId", "total"], "presets": {"delivered": True}},
        change={"allowed": False},
    )

    async def imported(text: str, **options: str) -> dict[str, Any]:
        form = {"app": str(shop.app), "table": "orders", **options}
        async with platform.client(limited.member) as client:
            started = await client.post(
                "/api/apps/csv-imports/", data=form, files={"file": ("o.csv", text.encode(), "text/csv")}
            )
            assert started.status_code == 201, started.text
            while await platform.app.services[CsvWorker].import_next():
                pass
            path = f"/api/apps/csv-imports/{started.json()['id']}/"
            await eventually(lambda: _has_ended(client, path))
            job: dict[str, Any] = (await client.get(path)).json()
            return job

    done = await imported("orderId,total\na,1\nb,50\n")
    result = done["import_result"]
    assert (result["inserted"], result["rejected"]) == (1, 1), done
    data = await shop.run(shop.owner, "{ ORDERS { orderId delivered } }")
    assert data[shop.orders] == [{"orderId": "a", "delivered": True}]
    preset = await imported("orderId,delivered\nc,false\n")
    assert preset["status"] == "failed" and "delivered" in preset["error"], preset
    await limited.limit(base_revision=1, add={"allowed": False})
    async with platform.client(limited.member) as client:
        form = {"app": str(shop.app), "table": "orders"}
        file = {"file": ("o.csv", b"orderId\nd\n", "text/csv")}
        refused = await client.post("/api/apps/csv-imports/", data=form, files=file)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    assert await shop.order_numbers(shop.owner) == ["a"]


async def _has_ended(client: httpx.AsyncClient, path: str) -> bool:
    return (await client.get(path)).json()["status"] in ("completed", "failed")

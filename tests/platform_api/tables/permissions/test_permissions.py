"""Permissions are checked when they are saved, follow changes of tables, and say why a row is not seen."""

import json
import uuid
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType

from platform_api.graphql import expiry
from platform_api.ops.metadata import MetadataSettings, sync_metadata
from platform_api.tables.definition import Column, OnDelete, Reference, TableDefinition
from platform_api.tables.permissions.rules import InvalidRule, read_rule, renamed_rule
from platform_api.tables.permissions.words import in_words
from tests.platform_api.graphql.serving import serve_app
from tests.platform_api.tables.permissions.limited import Limited

pytestmark = pytest.mark.anyio

REFERENCE = Reference(
    column="order_id",
    table_id=1,
    on_delete=OnDelete.SET_NULL,
    object_relationship="order",
    array_relationship="lines",
)
DEFINITIONS = {
    1: TableDefinition(
        app_id=7,
        name="orders",
        columns=tuple(
            Column.model_validate({"name": name, "type": name})
            for name in ("text", "integer", "numeric", "boolean", "date", "json", "uuid")
        ),
    ),
    2: TableDefinition(
        app_id=7,
        name="lines",
        columns=(Column.model_validate({"name": "order_id", "type": "reference"}),),
        references=(REFERENCE,),
    ),
}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({}, "every row"),
        ({"_or": []}, "no row"),
        ({"integer": {"_eq": "X-Hasura-User-Id"}}, "integer is the member's id"),
        ({"integer": {"_eq": "x-hasura-organization-id"}}, "integer is the organization's id"),
        ({"text": {"_in": ["a", "b"]}, "boolean": {"_eq": True}}, "text is one of “a”, “b” and boolean is true"),
        (
            {"_or": [{"date": {"_gte": "2026-01-31"}}, {"json": {"_is_null": True}}]},
            "date is at least “2026-01-31” or json is empty",
        ),
        ({"lines": {"order": {"numeric": {"_gt": 1.5}}}}, "one of its lines: its order: numeric is greater than 1.5"),
        ({"_not": {"integer": {"_gt": 1, "_lt": 5}}}, "not (integer is greater than 1 and integer is less than 5)"),
    ],
)
def test_rules_are_read_and_said_in_words(rule: dict[str, Any], words: str) -> None:
    assert in_words(read_rule(rule, 1, DEFINITIONS, path="rule")) == words


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"nothing": {"_eq": 1}}, "rule.nothing"),
        ({"_and": [{}, {"integer": {"_like": "x"}}]}, "rule._and.1.integer._like"),
        ({"integer": {"_eq": "seven"}}, "rule.integer._eq"),
        ({"integer": {"_eq": None}}, "rule.integer._eq"),
        ({"integer": 5}, "rule.integer"),
        ({"integer": {}}, "rule.integer"),
        ({"boolean": {"_eq": 1}}, "rule.boolean._eq"),
        ({"date": {"_eq": "now()"}}, "rule.date._eq"),
        ({"text": {"_eq": "X-Hasura-Role"}}, "rule.text._eq"),
        ({"text": {"_like": "X-Hasura-User-Id"}}, "rule.text._like"),
        ({"uuid": {"_eq": "X-Hasura-User-Id"}}, "rule.uuid._eq"),
        ({"text": {"_in": ["X-Hasura-User-Id"]}}, "rule.text._in"),
        ({"text": {"_in": "a"}}, "rule.text._in"),
        ({"text": {"_ceq": "text"}}, "rule.text._ceq"),
        ({"_and": {}}, "rule._and"),
        ({"_or": ["x"]}, "rule._or.0"),
        ({"$or": []}, "rule.$or"),
        ({"_exists": {"_table": "app_8_secrets", "_where": {}}}, "rule._exists"),
        ({"lines": {"order": {"nothing": {}}}}, "rule.lines.order.nothing"),
        ({"_not": {"_not": {"_not": {"_not": {"_not": {"_not": {"_not": {"_not": {"_not": {}}}}}}}}}}, ""),
        ({"_or": [{"integer": {"_eq": number}} for number in range(60)]}, ""),
    ],
)
def test_what_cannot_be_enforced_is_refused_with_its_place(rule: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidRule) as refused:
        read_rule(rule, 1, DEFINITIONS, path="rule")
    assert refused.value.fields[0].path == path or not path


def test_renamed_columns_are_followed_through_relationships() -> None:
    rule = {"_and": [{"order_id": {"_is_null": False}}, {"order": {"_not": {"text": {"_eq": "text"}}}}]}
    assert renamed_rule(rule, 2, DEFINITIONS, {1: {"text": "note"}, 2: {"order_id": "parent"}}) == {
        "_and": [{"parent": {"_is_null": False}}, {"order": {"_not": {"note": {"_eq": "text"}}}}]
    }


@pytest.mark.parametrize(
    ("permission", "path"),
    [
        ({"read": {"columns": ["orderId", "nothing"]}}, "read.columns.1"),
        ({"read": {"columns": ["total", "total"]}}, "read.columns.1"),
        ({"read": {"columns": ["id"]}}, "read.columns.0"),
        ({"read": {"rule": {"nothing": {"_eq": 1}}}}, "read.rule.nothing"),
        ({"change": {"after": {"total": {"_eq": "x"}}}}, "change.after.total._eq"),
        ({"add": {"presets": {"total": "X-Hasura-Role"}}}, "add.presets.total"),
        ({"add": {"presets": {"organization_id": 1}}}, "add.presets.organization_id"),
        ({"add": {"columns": ["total"]}}, "add.columns"),
        ({"read": {"allowed": False}}, "change.allowed"),
        ({"change": {"columns": []}}, "change.columns"),
        ({"delete": {"columns": []}}, "delete.columns"),
        ({"read": {"rule": {"orderId": {"_eq": "x" * 20_000}}}}, "read.rule"),
    ],
)
async def test_a_permission_that_makes_no_sense_is_refused(
    limited: Limited, permission: dict[str, Any], path: str
) -> None:
    body = {"base_revision": 0, **permission}
    refused = await limited.send(limited.shop.owner, "PUT", "orders/permissions/member/", body)
    assert refused.status_code == 422, refused.text
    assert refused.json()["fields"][0]["path"] == path
    kept = await limited.send(limited.shop.owner, "GET", "orders/permissions/")
    assert kept.json() == {"unlimited": ["owner", "builder"], "roles": []}


async def test_nobody_overwrites_a_permission(limited: Limited) -> None:
    owner = limited.shop.owner
    await limited.limit(read={"columns": ["orderId"]})
    stale = await limited.send(owner, "PUT", "orders/permissions/member/", {"base_revision": 0})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    assert stale.json()["current_revision"] == 1
    assert stale.json()["current_content"]["read"]["columns"] == ["orderId"]
    gone = await limited.send(owner, "DELETE", "orders/permissions/member/?base_revision=7")
    assert gone.status_code == 409
    unknown = await limited.send(owner, "PUT", "orders/permissions/builder/", {"base_revision": 0})
    assert unknown.status_code == 422, unknown.text


async def test_permissions_follow_tables_and_never_widen(limited: Limited) -> None:
    shop, owner = limited.shop, limited.shop.owner
    order = await shop.add_order(owner, "dear", total=50)
    line = "mutation ($o: uuid!) { insert_LINES_one(object: {order_id: $o, quantity: 1}) { id } }"
    await shop.run(owner, line, o=order)
    await shop.run(owner, "mutation { insert_LINES_one(object: {quantity: 2}) { id } }")
    await limited.limit(read={"rule": {"total": {"_gt": 9}}, "columns": ["orderId", "delivered"]})
    await limited.limit("order_lines", read={"rule": {"order": {"total": {"_gt": 9}}}})

    async def seen() -> tuple[list[str], int]:
        lines = await shop.run(limited.member, "{ LINES { quantity } }")
        return await shop.order_numbers(limited.member), len(lines[shop.lines])

    assert await seen() == (["dear"], 1)
    rename = {"columns": [{"name": "amount", "type": "numeric", "renamed_from": "total"}]}
    renamed = await limited.send(owner, "PUT", "orders/configuration/", rename)
    assert renamed.status_code == 200, renamed.text
    assert await seen() == (["dear"], 1)
    read = (await limited.send(owner, "GET", "order_lines/permissions/")).json()["roles"][0]
    assert (read["read"]["rule"], read["revision"]) == ({"order": {"amount": {"_gt": 9}}}, 2)
    # A column that a rule uses stays, and the plan names the rule; one that is only listed goes from the list.
    plan = await limited.send(owner, "POST", "orders/plan/", {"drop_columns": ["amount", "delivered"]})
    uses = {(use["column"], use["name"]) for use in plan.json()["uses"] if use["kind"] == "permission"}
    assert uses == {
        ("amount", "of members on orders, read.rule.amount"),
        ("delivered", "of members on orders, read.columns"),
        ("amount", "of members on order_lines, read.rule.order.amount"),
    }
    refused = await limited.send(owner, "PUT", "orders/configuration/", {"drop_columns": ["amount"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "used_by_permission"), refused.text
    to_text = {"columns": [{"name": "amount", "type": "text"}]}
    assert (await limited.send(owner, "PUT", "orders/configuration/", to_text)).status_code == 409
    dropped = await limited.send(owner, "PUT", "orders/configuration/", {"drop_columns": ["delivered"]})
    assert dropped.status_code == 200, dropped.text
    own = (await limited.send(limited.member, "GET", "orders/")).json()["limits"]
    assert own["read"]["columns"] == ["orderId"]
    added = {"columns": [{"name": "secret", "type": "text"}]}
    assert (await limited.send(owner, "PUT", "orders/configuration/", added)).status_code == 200
    await shop.fail(limited.member, "{ ORDERS { secret } }")
    # The table that the other's rule leads to cannot go; a table that is deleted takes its own limits with it.
    assert (await limited.send(owner, "DELETE", "orders/")).status_code == 409
    assert (await limited.send(owner, "DELETE", "order_lines/")).status_code == 204
    new = {"name": "notes", "columns": [{"name": "text", "type": "text"}]}
    async with shop.platform.client(owner) as client:
        assert (await client.post(f"/api/apps/{shop.app}/new_table/", json=new)).status_code == 200
    assert await shop.run(limited.member, f"{{ app_{shop.app}_notes {{ text }} }}")
    moved = await limited.send(owner, "PUT", "orders/configuration/", {"name": "sales"})
    assert moved.status_code == 200, moved.text
    data = await shop.run(limited.member, f"{{ app_{shop.app}_sales {{ orderId }} sales {{ id }} }}")
    assert [row["orderId"] for row in data[f"app_{shop.app}_sales"]] == ["dear"]
    settings = MetadataSettings(database_url=shop.platform.settings.database_url)
    assert await sync_metadata(settings, repair=False) == []


async def test_why_a_row_is_not_seen(limited: Limited) -> None:
    shop, owner, member = limited.shop, limited.shop.owner, limited.member
    add = {"columns": [{"name": "owner", "type": "integer"}]}
    assert (await limited.send(owner, "PUT", "orders/configuration/", add)).status_code == 200
    row = await shop.add_order(owner, "x", owner=member.user_id, total=5)
    path = f"orders/rows/{row}/visibility/"
    everything = await limited.send(owner, "GET", f"{path}?role=member")
    assert everything.json()["is_visible"] is True
    mine = {"owner": {"_eq": "X-Hasura-User-Id"}}
    cheap = {"_or": [{"total": {"_lt": 3}}, {"total": {"_neq": 5}}]}
    await limited.limit(read={"rule": {**mine, "_and": [cheap]}, "columns": ["owner", "total"]})
    why = (await limited.send(owner, "GET", f"{path}?user={member.user_id}")).json()
    assert why["is_visible"] is False
    assert why["reason"] == "the row does not meet: total is less than 3 or total is not 5"
    assert {part["words"]: part["is_met"] for part in why["parts"]} == {
        "owner is the member's id": True,
        "total is less than 3 or total is not 5": False,
    }
    assert why["hidden_columns"] == ["orderId", "delivered"]
    # A role is looked at as the caller themselves.
    as_role = (await limited.send(owner, "GET", f"{path}?role=member")).json()
    assert [part["is_met"] for part in as_role["parts"]].count(False) == 2
    await shop.run(
        owner,
        "mutation ($id: uuid!) { update_ORDERS_by_pk(pk_columns: {id: $id}, _set: {total: null}) { id } }",
        id=row,
    )
    seen = (await limited.send(owner, "GET", f"{path}?user={member.user_id}")).json()
    assert (seen["is_visible"], seen["reason"]) == (True, "the row meets the rule")
    await limited.limit(
        base_revision=1,
        **{part: {"allowed": False} for part in ("read", "add", "change", "delete")},
    )
    nothing = (await limited.send(owner, "GET", f"{path}?user={member.user_id}")).json()
    assert (nothing["is_visible"], nothing["parts"]) == (False, [])
    assert (await shop.fail(member, "{ ORDERS { id } }"))["extensions"]["code"] == "validation-failed"
    for bad, status in (("", 422), ("?role=member&user=1", 422), ("?user=999999", 404), ("?role=owner", 422)):
        assert (await limited.send(owner, "GET", path + bad)).status_code == status, bad
    absent = f"orders/rows/{uuid.uuid4()}/visibility/?role=member"
    assert (await limited.send(owner, "GET", absent)).status_code == 404
    assert (await limited.send(owner, "GET", "orders/rows/x/visibility/?role=member")).status_code == 422
    theirs = await shop.add_order(shop.installer, "theirs")
    foreign = await limited.send(owner, "GET", f"orders/rows/{theirs}/visibility/?role=member")
    assert foreign.status_code == 404, "another organization's row is like none"


async def test_an_open_subscription_does_not_outlive_a_change(
    limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "SECONDS_BETWEEN_CHECKS", 3600.0)
    shop, member = limited.shop, limited.member
    await shop.add_order(shop.owner, "seen")
    await limited.limit(delete={"allowed": False})
    query = f"subscription {{ {shop.orders} {{ orderId total }} }}"
    async with serve_app(shop.platform.app) as url, aiohttp.ClientSession() as session:
        path = f"{url}/api/apps/{shop.app}/v1/graphql"
        socket = await session.ws_connect(path, protocols=["graphql-transport-ws"], headers=member.headers)
        await socket.send_json({"type": "connection_init"})
        assert (await socket.receive_json(timeout=60))["type"] == "connection_ack"
        await socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": query}})
        first = await socket.receive_json(timeout=60)
        assert first["payload"]["data"][shop.orders] == [{"orderId": "seen", "total": None}]
        await limited.limit(base_revision=1, read={"rule": {"_or": []}})
        while (message := await socket.receive(timeout=60)).type is WSMsgType.TEXT:
            payload = json.loads(message.data).get("payload") or {}
            assert payload["data"][shop.orders] == [], "the engine plans the subscription again at once"
        assert socket.close_code == 4403

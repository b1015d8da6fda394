"""Tables over HTTP: the contract's shapes, what may be built, what is refused, and who may do it."""

import asyncio
from typing import Any

import httpx
import pytest

from platform_api.accounts.models import Role, Scope
from platform_api.core.types import AppId
from platform_api.tables import repository
from tests.platform_api.conftest import Caller, Platform

pytestmark = pytest.mark.anyio

ORDERS = {
    "name": "orders",
    "description": "What customers ordered",
    "columns": [
        {"name": "orderId", "type": "text", "required": True},
        {"name": "delivered", "type": "boolean", "default": False},
        {"name": "status", "type": "choice", "choices": ["new", "paid"], "default": "new"},
        {"name": "total", "type": "numeric"},
    ],
    "unique": [{"columns": ["orderId"]}],
}
LINES = {
    "name": "order_lines",
    "columns": [{"name": "order_id", "type": "reference"}, {"name": "quantity", "type": "integer", "required": True}],
    "foreign_keys": [{"column": "order_id", "table": "orders", "references": "id"}],
}


async def make_app(platform: Platform, *tables: dict[str, Any]) -> tuple[Caller, int]:
    caller = await platform.create_caller()
    app = await platform.create_app(caller)
    async with platform.client(caller) as client:
        for table in tables:
            answer = await client.post(f"/api/apps/{app.id}/new_table/", json=table)
            assert answer.status_code == 200, answer.text
    return caller, app.id


async def edit(platform: Platform, caller: Caller, app: int, **body: Any) -> httpx.Response:
    async with platform.client(caller) as client:
        return await client.put(f"/api/apps/{app}/edit_table/", json=body)


async def rows(platform: Platform, statement: str, *arguments: Any) -> list[Any]:
    connection = await platform.database.connect()
    try:
        await connection.execute("set role automio_engine")
        return list(await connection.fetch(statement, *arguments))
    finally:
        await connection.close()


async def test_a_table_is_created_with_its_columns_keys_and_relationships(shared_platform: Platform) -> None:
    caller, app = await make_app(shared_platform, ORDERS)
    async with shared_platform.client(caller) as client:
        answer = await client.post(f"/api/apps/{app}/new_table/", json=LINES)
    assert answer.status_code == 200
    table = answer.json()
    assert (table["name"], table["graphql_name"]) == ("order_lines", f"app_{app}_order_lines")
    assert [column["name"] for column in table["columns"]] == [
        "id",
        "organization_id",
        "connection_id",
        "created_at",
        "updated_at",
        "order_id",
        "quantity",
    ]
    assert table["foreign_keys"] == [
        {
            "column": "order_id",
            "table": "orders",
            "references": "id",
            "on_delete": "set_null",
            "object_relationship": "order",
            "array_relationship": "order_lines",
        }
    ]
    found = await rows(
        shared_platform, "select tableowner from pg_tables where tablename = $1", table["graphql_name"]
    )
    assert [row["tableowner"] for row in found] == ["automio_engine"]


async def test_the_unique_key_has_the_documented_name(shared_platform: Platform) -> None:
    entries = {
        "name": "billing_entries",
        "columns": [{"name": "allegroId", "type": "text"}],
        "unique": [{"columns": ["allegroId"]}],
    }
    caller, app = await make_app(shared_platform, entries)
    async with shared_platform.client(caller) as client:
        table = (await client.get(f"/api/apps/{app}/table/billing_entries/")).json()
    expected = f"uq_app_{app}_billing_entries_allegroId_org"
    assert table["unique"] == [{"name": expected, "columns": ["allegroId"]}]
    statement = "select pg_get_constraintdef(oid) as definition from pg_constraint where conname = $1"
    [constraint] = await rows(shared_platform, statement, expected)
    assert constraint["definition"] == 'UNIQUE ("allegroId", organization_id)'


async def test_a_body_of_the_published_clients_makes_a_table_of_system_columns(shared_platform: Platform) -> None:
    caller, app = await make_app(shared_platform)
    async with shared_platform.client(caller) as client:
        body = {"name": "notes", "description": "x", "icon": "i", "is_active": True, "forked_from": None}
        answer = await client.post(f"/api/apps/{app}/new_table/", json=body)
        assert answer.status_code == 200
        assert answer.json()["name"] == "notes"
        listed = (await client.get(f"/api/apps/{app}/tables/")).json()
        assert isinstance(listed["name"], str)
        assert [table["name"] for table in listed["tables"]] == ["notes"]
        mine = (await client.get(f"/api/apps/{app}/user_tables/")).json()
        assert mine == listed


async def test_editing_adds_changes_renames_and_drops_and_leaves_the_rest(shared_platform: Platform) -> None:
    caller, app = await make_app(shared_platform, ORDERS, LINES)
    added = await edit(
        shared_platform,
        caller,
        app,
        name="orders",
        new_name="sales",
        columns=[
            {"name": "number", "type": "text", "required": True, "renamed_from": "orderId"},
            {"name": "note", "type": "json"},
        ],
        drop_columns=["total"],
    )
    assert added.status_code == 200, added.text
    table = added.json()
    names = [column["name"] for column in table["columns"] if not column["is_system"]]
    assert (table["name"], names) == ("sales", ["number", "delivered", "status", "note"])
    assert table["unique"] == [{"name": f"uq_app_{app}_sales_number_org", "columns": ["number"]}]
    assert table["description"] == "What customers ordered"
    async with shared_platform.client(caller) as client:
        lines = (await client.get(f"/api/apps/{app}/table/app_{app}_order_lines/")).json()
        assert (await client.get(f"/api/apps/{app}/table/orders/")).status_code == 404
    assert lines["foreign_keys"][0]["table"] == "sales"


async def test_the_configuration_endpoint_names_the_table_in_its_path(shared_platform: Platform) -> None:
    caller, app = await make_app(shared_platform, ORDERS)
    async with shared_platform.client(caller) as client:
        answer = await client.put(
            f"/api/apps/{app}/table/orders/configuration/", json={"name": "sales", "description": "new"}
        )
        assert answer.status_code == 200, answer.text
        assert (answer.json()["name"], answer.json()["description"]) == ("sales", "new")
        assert len(answer.json()["columns"]) == 9


async def test_a_type_changes_where_the_rows_allow_it(shared_platform: Platform) -> None:
    caller, app = await make_app(shared_platform, ORDERS)
    insert = f'insert into app_{app}_orders (organization_id, "orderId") values ($1, $2)'
    await rows(shared_platform, insert, caller.organization_id, "17")
    column = {"name": "orderId", "type": "integer", "required": True}
    assert (await edit(shared_platform, caller, app, name="orders", columns=[column])).status_code == 200
    [row] = await rows(shared_platform, f'select "orderId" from app_{app}_orders')
    assert row["orderId"] == 17
    text = {"name": "orderId", "type": "text", "required": True}
    assert (await edit(shared_platform, caller, app, name="orders", columns=[text])).status_code == 200
    await rows(shared_platform, insert, caller.organization_id, "secret value")
    refused = await edit(shared_platform, caller, app, name="orders", columns=[column])
    assert refused.status_code == 409
    assert "cannot be converted" in refused.json()["detail"]
    assert "secret value" not in refused.text, "rows may be other organizations'"


@pytest.mark.parametrize(
    ("change", "status", "detail"),
    [
        (
            {"columns": [{"name": "x", "type": "integer", "required": True}]},
            409,
            "column 'x', so it cannot be required",
        ),
        ({"unique": [{"columns": ["delivered"]}]}, 409, "equal values in the columns of the unique key"),
        (
            {"columns": [{"name": "status", "type": "choice", "choices": ["paid"]}]},
            409,
            "not among the choices",
        ),
        ({"columns": [{"name": "delivered", "type": "timestamptz"}]}, 422, "cannot convert between these types"),
    ],
)
async def test_rows_in_the_way_of_a_change_are_told_in_words(
    shared_platform: Platform, change: dict[str, Any], status: int, detail: str
) -> None:
    caller, app = await make_app(shared_platform, ORDERS)
    insert = f'insert into app_{app}_orders (organization_id, "orderId") values ($1, $2)'
    for number in ("1", "2"):
        await rows(shared_platform, insert, caller.organization_id, number)
    refused = await edit(shared_platform, caller, app, name="orders", **change)
    assert refused.status_code == status, refused.text
    assert detail in refused.json()["detail"]
    async with shared_platform.client(caller) as client:
        table = (await client.get(f"/api/apps/{app}/table/orders/")).json()
    assert len(table["columns"]) == 9, "a refused change leaves the stored definition as it was"


BAD_TABLES: list[tuple[dict[str, Any], str]] = [
    ({}, "name: field required"),
    ({"name": 7}, "name"),
    ({"name": ""}, "must not be empty"),
    ({"name": 'orders"; drop table platform.users; --'}, "must start with a letter"),
    ({"name": "orders(where:{})"}, "must start with a letter"),
    ({"name": "t" * 49}, "too long"),
    ({"name": "t" * 1_000_000}, "too long"),
    ({"name": "orders_aggregate"}, "reserved"),
    ({"name": "app_1_orders"}, "bare name"),
    ({"name": "a", "columns": [{"name": "x"}]}, "columns.0.type: field required"),
    ({"name": "a", "columns": [{"name": "x", "type": "varchar(5)"}]}, "columns.0.type"),
    ({"name": "a", "columns": [{"name": "x", "type": "text", "typo": 1}]}, "columns.0.typo"),
    ({"name": "a", "columns": [{"name": "organization_id", "type": "text"}]}, "every table has"),
    ({"name": "a", "columns": [{"name": "x'); --", "type": "text"}]}, "must start with a letter"),
    ({"name": "a", "columns": [{"name": "x" * 64, "type": "text"}]}, "too long"),
    ({"name": "a", "columns": [{"name": "x", "type": "integer", "default": "1); drop"}]}, "the default of integer"),
    ({"name": "a", "columns": [{"name": "x", "type": "choice", "choices": []}]}, "needs at least one"),
    ({"name": "a", "columns": [{"name": "x", "type": "text"}] * 2}, "2 times"),
    ({"name": "a", "columns": [{"name": f"c{n}", "type": "text"} for n in range(501)]}, "too many"),
    ({"name": "a", "unique": [{"columns": ["missing"]}]}, "has no column 'missing'"),
    ({"name": "a", "unique": [{"columns": ["connection_id"], "name": 'x"y'}]}, "unique key name"),
    ({"name": "a", "foreign_keys": [{"column": "x", "table": "a"}]}, "has no column 'x'"),
    (
        {
            "name": "a",
            "columns": [{"name": "x", "type": "reference"}],
            "foreign_keys": [{"column": "x", "table": "b"}],
        },
        "refers to table 'b', which the app does not have",
    ),
    (
        {
            "name": "a",
            "columns": [{"name": "x", "type": "reference"}],
            "foreign_keys": [{"column": "x", "table": "a", "references": "organization_id"}],
        },
        "a reference is always to 'id'",
    ),
    (
        {"name": "a", "columns": [{"name": "x", "type": "text", "renamed_from": "y"}]},
        "a new table has no column to rename",
    ),
]


@pytest.mark.parametrize(("table", "detail"), BAD_TABLES)
async def test_what_cannot_be_built_is_refused_with_the_reason(
    shared_platform: Platform, table: dict[str, Any], detail: str
) -> None:
    caller, app = await make_app(shared_platform)
    async with shared_platform.client(caller) as client:
        refused = await client.post(f"/api/apps/{app}/new_table/", json=table)
        assert refused.status_code == 422, refused.text[:500]
        assert detail in refused.json()["detail"]
        assert len(refused.text) < 1000
        assert (await client.get(f"/api/apps/{app}/tables/")).json()["tables"] == []


async def test_a_name_taken_by_another_table_is_a_conflict(shared_platform: Platform) -> None:
    caller, app = await make_app(shared_platform, ORDERS, LINES)
    async with shared_platform.client(caller) as client:
        again = await client.post(f"/api/apps/{app}/new_table/", json={"name": "orders"})
        assert again.status_code == 409
    renamed = await edit(shared_platform, caller, app, name="orders", new_name="order_lines")
    assert renamed.status_code == 422
    assert "already" in renamed.json()["detail"]


async def test_an_unknown_table_or_column_to_edit_is_told(shared_platform: Platform) -> None:
    caller, app = await make_app(shared_platform, ORDERS)
    unknown = await edit(shared_platform, caller, app, name="nothing")
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "the app has no table 'nothing'")
    column = await edit(shared_platform, caller, app, name="orders", drop_columns=["nothing"])
    assert column.status_code == 422
    assert "its columns are: orderId, delivered, status, total" in column.json()["detail"]


async def test_a_table_that_others_refer_to_is_not_deleted(shared_platform: Platform) -> None:
    caller, app = await make_app(shared_platform, ORDERS, LINES)
    async with shared_platform.client(caller) as client:
        refused = await client.delete(f"/api/apps/{app}/table/orders/")
        assert refused.status_code == 409
        assert "order_lines" in refused.json()["detail"]
        assert (await client.delete(f"/api/apps/{app}/table/order_lines/")).status_code == 204
        assert (await client.delete(f"/api/apps/{app}/table/orders/")).status_code == 204
        assert (await client.get(f"/api/apps/{app}/tables/")).json()["tables"] == []
    found = await rows(shared_platform, "select 1 from pg_tables where tablename like $1", f"app\\_{app}\\_%")
    assert found == []


async def test_tables_that_refer_to_each_other_and_to_themselves(shared_platform: Platform) -> None:
    people = {
        "name": "people",
        "columns": [{"name": "boss_id", "type": "reference"}],
        "foreign_keys": [{"column": "boss_id", "table": "people", "on_delete": "restrict"}],
    }
    caller, app = await make_app(shared_platform, people)
    async with shared_platform.client(caller) as client:
        [key] = (await client.get(f"/api/apps/{app}/table/people/")).json()["foreign_keys"]
        assert (key["object_relationship"], key["array_relationship"]) == ("boss", "people")
        assert (await client.delete(f"/api/apps/{app}/table/people/")).status_code == 204


async def test_changes_at_the_same_time_do_not_mix(shared_platform: Platform) -> None:
    caller, app = await make_app(shared_platform)

    async def create(name: str) -> int:
        async with shared_platform.client(caller) as client:
            return (await client.post(f"/api/apps/{app}/new_table/", json={"name": name})).status_code

    statuses = await asyncio.gather(*(create(name) for name in ("a", "a", "a", "b", "c")))
    assert sorted(statuses) == [200, 200, 200, 409, 409]
    async with shared_platform.client(caller) as client:
        listed = (await client.get(f"/api/apps/{app}/tables/")).json()["tables"]
    assert sorted(table["name"] for table in listed) == ["a", "b", "c"]


async def test_a_table_in_use_is_not_waited_for(shared_platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "MAX_LOCK_WAIT", "100ms")
    caller, app = await make_app(shared_platform, ORDERS)
    connection = await shared_platform.database.connect()
    try:
        async with connection.transaction():
            await connection.execute("set local role automio_engine")
            await connection.execute(f"lock table app_{app}_orders in share mode")
            busy = await edit(shared_platform, caller, app, name="orders", columns=[{"name": "x", "type": "text"}])
        assert busy.status_code == 503
        assert "in use by another request or import of the platform, since " in busy.json()["detail"]
    finally:
        await connection.close()
    free = await edit(shared_platform, caller, app, name="orders", columns=[{"name": "x", "type": "text"}])
    assert free.status_code == 200


async def test_a_change_is_tried_again_while_a_table_is_in_use(
    shared_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "MAX_LOCK_WAIT", "100ms")
    caller, app = await make_app(shared_platform, ORDERS)
    connection = await shared_platform.database.connect()
    try:
        holding = connection.transaction()
        await holding.start()
        await connection.execute("set local role automio_engine")
        await connection.execute(f"lock table app_{app}_orders in share mode")
        column = {"name": "x", "type": "text"}
        changing = asyncio.create_task(edit(shared_platform, caller, app, name="orders", columns=[column]))
        waiting = "select count(*) from pg_locks where not granted and relation = to_regclass($1)"
        while not await connection.fetchval(waiting, f"app_{app}_orders"):  # noqa: ASYNC110  # PostgreSQL decides
            await asyncio.sleep(0.01)
        while await connection.fetchval(waiting, f"app_{app}_orders"):  # noqa: ASYNC110  # PostgreSQL decides
            await asyncio.sleep(0.01)
        await holding.rollback()
        assert (await changing).status_code == 200
    finally:
        await connection.close()


async def test_only_builders_of_the_owning_organization_change_tables(shared_platform: Platform) -> None:
    caller, app = await make_app(shared_platform, ORDERS)
    stranger = await shared_platform.create_caller()
    requests: list[tuple[str, str, dict[str, Any] | None]] = [
        ("POST", f"/api/apps/{app}/new_table/", {"name": "x"}),
        ("PUT", f"/api/apps/{app}/edit_table/", {"name": "orders", "description": "stolen"}),
        ("PUT", f"/api/apps/{app}/table/orders/configuration/", {"description": "stolen"}),
        ("DELETE", f"/api/apps/{app}/table/orders/", None),
        ("GET", f"/api/apps/{app}/tables/", None),
        ("GET", f"/api/apps/{app}/user_tables/", None),
        ("GET", f"/api/apps/{app}/table/orders/", None),
        ("DELETE", f"/api/apps/{app}/table/orders/delete-rows/", {"all": True}),
        ("POST", f"/api/apps/table-tags/{app}/orders/add/", {"name": "x"}),
    ]
    async with shared_platform.client(stranger) as client:
        for method, path, body in requests:
            answer = await client.request(method, path, json=body)
            assert answer.status_code == 404, (method, path, answer.text)
    member = await shared_platform.create_colleague(caller, role=Role.MEMBER)
    unscoped = await shared_platform.create_colleague(caller, role=Role.BUILDER, scopes=[Scope.DATA])
    for weak in (member, unscoped):
        async with shared_platform.client(weak) as client:
            for method, path, body in requests[:4]:
                answer = await client.request(method, path, json=body)
                assert answer.status_code == 403, (method, path, answer.text)
    async with shared_platform.client() as client:
        for method, path, body in requests:
            assert (await client.request(method, path, json=body)).status_code == 401
    async with shared_platform.client(caller) as client:
        assert (await client.get(f"/api/apps/{app}/table/orders/")).json()["description"] == ORDERS["description"]


async def test_a_token_of_another_app_changes_nothing(shared_platform: Platform) -> None:
    caller, app = await make_app(shared_platform, ORDERS)
    other = await shared_platform.create_app(caller)
    bound = await shared_platform.create_colleague(caller, role=Role.OWNER, app_id=AppId(other.id))
    async with shared_platform.client(bound) as client:
        assert (await client.delete(f"/api/apps/{app}/table/orders/")).status_code == 403
        assert (await client.get(f"/api/apps/{app}/tables/")).status_code == 403


async def test_tags_answer_both_published_shapes_and_count(shared_platform: Platform) -> None:
    caller, app = await make_app(shared_platform, ORDERS)
    path = f"/api/apps/table-tags/{app}/orders/add/"
    async with shared_platform.client(caller) as client:
        first = await client.post(path, json={"name": "urgent", "color": "#ff0000"})
        assert first.status_code == 200, first.text
        tag = first.json()
        assert tag["_id"] == str(tag["tag"]["id"])
        assert "id" not in tag
        assert (tag["name"], tag["color"], tag["count"], tag["collection_name"]) == ("urgent", "#ff0000", 1, "orders")
        assert (tag["organization_id"], tag["tag"]["organization_id"]) == (caller.organization_id,) * 2
        again = (await client.post(path, json={"name": "urgent", "description": "now"})).json()
        assert (again["_id"], again["count"], again["color"], again["description"]) == (
            tag["_id"],
            2,
            "#ff0000",
            "now",
        )
        for bad in ({"name": ""}, {"name": "x" * 101}, {"name": "x", "color": "#ff000000"}, {}):
            assert (await client.post(path, json=bad)).status_code == 422
        unknown = await client.post(f"/api/apps/table-tags/{app}/nothing/add/", json={"name": "x"})
        assert unknown.status_code == 404


async def test_two_organizations_tags_do_not_meet(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner, is_public=True)
    async with shared_platform.client(owner) as client:
        assert (await client.post(f"/api/apps/{app.id}/new_table/", json=ORDERS)).status_code == 200
    installer = await shared_platform.create_caller()
    await shared_platform.install(app, installer)
    path = f"/api/apps/table-tags/{app.id}/orders/add/"
    for caller in (owner, installer):
        async with shared_platform.client(caller) as client:
            tag = (await client.post(path, json={"name": "mine"})).json()
            assert (tag["count"], tag["organization_id"]) == (1, caller.organization_id)

"""Metadata commands: what is planned between two states, and how the HTTP transport reads a server's answers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from hasura.metadata import (
    HttpMetadata,
    MetadataCommand,
    MetadataError,
    MetadataUnavailable,
    QualifiedTable,
    Relationship,
    RelationshipKind,
    TableMetadata,
    plan,
    read_tables,
)
from hasura.permissions import table_permissions

ORDERS, LINES = QualifiedTable("app_1_orders"), QualifiedTable("app_1_lines")


def metadata(table: QualifiedTable, *relationships: Relationship, columns: tuple[str, ...] = ()) -> TableMetadata:
    all_columns = ("id", "organization_id", "connection_id", "created_at", "updated_at", *columns)
    return TableMetadata(table, relationships, tuple(table_permissions(1, columns=all_columns)))


TO_ORDER = Relationship(
    RelationshipKind.OBJECT, "order", ORDERS, (("order_id", "id"), ("organization_id", "organization_id"))
)
TO_LINES = Relationship(
    RelationshipKind.ARRAY, "lines", LINES, (("id", "order_id"), ("organization_id", "organization_id"))
)
BOTH = {ORDERS: metadata(ORDERS, TO_LINES), LINES: metadata(LINES, TO_ORDER, columns=("order_id",))}


def types(commands: list[MetadataCommand]) -> list[str]:
    return [command.type for command in commands]


def exported(tables: dict[QualifiedTable, TableMetadata]) -> list[dict[str, Any]]:
    """As `export_metadata` writes tables, with the columns in another order."""
    entries = []
    for table in tables.values():
        entry: dict[str, Any] = {"table": table.table.to_metadata()}
        for relationship in table.relationships:
            entry.setdefault(f"{relationship.kind}_relationships", []).append(
                {"name": relationship.name, "using": relationship.using()}
            )
        for permission in table.permissions:
            rules = dict(permission.rules)
            if "columns" in rules:
                rules["columns"] = list(reversed(rules["columns"]))
            entry.setdefault(f"{permission.operation}_permissions", []).append(
                {"role": permission.role, "permission": rules, "comment": ""}
            )
        entries.append(entry)
    return entries


def test_nothing_to_do_between_equal_states_also_after_an_export() -> None:
    assert plan(BOTH, BOTH) == []
    assert plan(read_tables(exported(BOTH)), BOTH) == []


def test_new_tables_are_tracked_before_they_have_relationships_and_permissions() -> None:
    commands = types(plan({}, BOTH))
    assert commands[:2] == ["pg_track_table", "pg_track_table"]
    assert set(commands[2:4]) == {"pg_create_object_relationship", "pg_create_array_relationship"}
    assert len(commands) == 4 + 16


def test_a_dropped_table_loses_permissions_first_and_others_lose_their_relationship_to_it() -> None:
    commands = plan(BOTH, {ORDERS: metadata(ORDERS)})
    assert types(commands)[-1] == "pg_untrack_table"
    assert commands[-1].args["table"]["name"] == "app_1_lines"
    assert sum(command.type == "pg_drop_relationship" for command in commands) == 2
    assert not [command for command in commands if command.type.startswith("pg_create")]


def test_a_changed_permission_is_replaced_and_nothing_else_is_touched() -> None:
    wider = {**BOTH, LINES: metadata(LINES, TO_ORDER, columns=("order_id", "quantity"))}
    commands = plan(BOTH, wider)
    assert {command.args["table"]["name"] for command in commands} == {"app_1_lines"}
    assert sorted(set(types(commands))) == [
        "pg_create_insert_permission",
        "pg_create_select_permission",
        "pg_create_update_permission",
        "pg_drop_insert_permission",
        "pg_drop_select_permission",
        "pg_drop_update_permission",
    ]


def test_a_foreign_relationship_on_a_known_name_is_replaced() -> None:
    tampered = exported(BOTH)
    tampered[1]["object_relationships"][0]["using"] = {"foreign_key_constraint_on": "order_id"}
    assert types(plan(read_tables(tampered), BOTH)) == ["pg_drop_relationship", "pg_create_object_relationship"]


def test_a_widened_permission_is_found_and_repaired() -> None:
    tampered = exported(BOTH)
    tampered[0]["select_permissions"][0]["permission"]["filter"] = {}
    commands = types(plan(read_tables(tampered), BOTH))
    assert commands == ["pg_drop_select_permission", "pg_create_select_permission"]


def test_other_tables_of_the_server_are_left_alone() -> None:
    foreign = QualifiedTable("users", "other")
    current = {**BOTH}
    desired = {**BOTH, foreign: replace(BOTH[ORDERS], table=foreign, relationships=(), permissions=())}
    assert types(plan(current, desired)) == ["pg_track_table"]


def served(
    answer: Callable[[dict[str, Any], web.Request], web.Response], use: Callable[[HttpMetadata], Awaitable[Any]]
) -> Any:
    """Runs `use` against a metadata endpoint on loopback that gives `answer`."""

    async def work() -> Any:
        async def handle(request: web.Request) -> web.Response:
            return answer(await request.json(), request)

        app = web.Application()
        app.router.add_post("/v1/metadata", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            host, port = runner.addresses[0][:2]
            async with aiohttp.ClientSession() as client:
                return await use(HttpMetadata(f"http://{host}:{port}/", admin_secret="s3cret", client=client))
        finally:
            await runner.cleanup()

    return asyncio.run(work())


def test_commands_go_as_one_bulk_with_the_admin_secret() -> None:
    seen: list[Any] = []

    def answer(payload: dict[str, Any], request: web.Request) -> web.Response:
        seen.append((payload, request.headers["X-Hasura-Admin-Secret"]))
        return web.json_response([{"message": "success"}])

    commands = plan({}, BOTH)
    served(answer, lambda metadata: metadata.apply(commands))
    [(payload, secret)] = seen
    assert secret == "s3cret"
    assert payload["type"] == "bulk"
    assert [part["type"] for part in payload["args"]] == types(commands)


def test_an_export_is_read_back_into_the_same_tables() -> None:
    def answer(payload: dict[str, Any], request: web.Request) -> web.Response:
        assert payload["type"] == "export_metadata"
        sources = [{"name": "other", "tables": []}, {"name": "default", "tables": exported(BOTH)}]
        return web.json_response({"resource_version": 7, "metadata": {"version": 3, "sources": sources}})

    assert plan(served(answer, lambda metadata: metadata.export_tables()), BOTH) == []


def test_a_refusal_carries_hasuras_code_and_path() -> None:
    def answer(payload: dict[str, Any], request: web.Request) -> web.Response:
        body = {"error": "view/table already tracked", "code": "already-tracked", "path": "$.args[0].args"}
        return web.json_response(body, status=400)

    with pytest.raises(MetadataError) as refused:
        served(answer, lambda metadata: metadata.apply(plan({}, BOTH)))
    assert (refused.value.code, refused.value.path, refused.value.status) == (
        "already-tracked",
        "$.args[0].args",
        400,
    )
    assert not isinstance(refused.value, MetadataUnavailable)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_that_cannot_answer_now_is_told_apart(status: int) -> None:
    def answer(payload: dict[str, Any], request: web.Request) -> web.Response:
        return web.Response(status=status, text="<html>bad gateway</html>")

    with pytest.raises(MetadataUnavailable):
        served(answer, lambda metadata: metadata.apply(plan({}, BOTH)))


def test_a_server_that_is_not_there_is_unavailable() -> None:
    async def work() -> None:
        async with aiohttp.ClientSession() as client:
            await HttpMetadata("http://127.0.0.1:1", admin_secret="x", client=client).apply(plan({}, BOTH))

    with pytest.raises(MetadataUnavailable, match="cannot be reached"):
        asyncio.run(work())

"""Schemas and functions under other names: what is in a schema has another name without having been written."""

from typing import Any

import pytest

from hasura.engine.catalog.types import QualifiedName
from tests.hasura.engine.metadata.conftest import Metadata

_SETUP = """
create schema app;
create type app.mood as enum ('ok', 'sad');
create domain app.short as text;
create table app.t (id int primary key, m app.mood);
create table app.c (id int primary key, t int references app.t);
create function app.f(x int) returns setof app.t language sql stable
  begin atomic select * from app.t where id = x; end;
create table outside (id int primary key, moods app.mood[], words app.short, tid int references app.t);
"""


def _names(metadata: Metadata) -> dict[str, set[str]]:
    snapshot = metadata.snapshot
    return {
        "tables": {str(name) for name in snapshot.tables},
        "functions": {str(name) for name in snapshot.functions},
        "kept": {
            str(QualifiedName(item["table"]["schema"], item["table"]["name"]))
            for item in metadata.call("export_metadata")["sources"][0]["tables"]
        },
    }


@pytest.fixture
def app(metadata: Metadata) -> Any:
    """A schema whose objects are tracked, related, and used by a permission."""
    metadata.sql(_SETUP)
    for name in ("t", "c"):
        metadata.call("pg_track_table", {"table": {"schema": "app", "name": name}})
    metadata.track("outside")
    metadata.call(
        "pg_create_object_relationship",
        {"table": "outside", "name": "t", "using": {"foreign_key_constraint_on": "tid"}},
    )
    exists = {"_exists": {"_table": {"schema": "app", "name": "t"}, "_where": {"m": {"_eq": "ok"}}}}
    metadata.permit("outside", "user", filter={"_and": [exists, {"t": {"m": {"_eq": "sad"}}}]})
    metadata.call(
        "pg_create_select_permission",
        {"table": {"schema": "app", "name": "t"}, "role": "user", "permission": {"columns": "*", "filter": {}}},
    )
    metadata.call("pg_track_function", {"function": {"schema": "app", "name": "f"}})
    metadata.call("pg_create_function_permission", {"function": {"schema": "app", "name": "f"}, "role": "user"})
    yield metadata
    metadata.call("clear_metadata")
    metadata.sql(
        "drop schema if exists app cascade; drop schema if exists shop cascade", check_metadata_consistency=False
    )


def test_what_is_in_a_renamed_schema_keeps_its_metadata(app: Metadata) -> None:
    app.sql("alter schema app rename to shop")

    assert app.call("get_inconsistent_metadata")["is_consistent"]
    tables = {"shop.t", "shop.c", "outside"}
    assert _names(app) == {"tables": tables, "functions": {"shop.f"}, "kept": tables}
    function = app.snapshot.functions[QualifiedName("shop", "f")]
    assert function.permissions == {"user"}
    outside = app.snapshot.table(QualifiedName("public", "outside"))
    assert outside.relationships["t"].remote_table == QualifiedName("shop", "t")
    # Types are cast to by their names.
    element = outside.columns_by_name["moods"].type.element
    assert element is not None and element.schema == "shop"
    (permission,) = app.exported("outside")["select_permissions"]
    assert permission["permission"]["filter"]["_and"][0]["_exists"]["_table"] == {"name": "t", "schema": "shop"}


def test_schemas_may_take_each_others_names(app: Metadata) -> None:
    app.sql("create schema shop; create table shop.t (id int primary key, other text)")
    app.call("pg_track_table", {"table": {"schema": "shop", "name": "t"}})

    app.sql("alter schema app rename to x; alter schema shop rename to app; alter schema x rename to shop")

    assert app.call("get_inconsistent_metadata")["is_consistent"]
    columns = {
        str(name): set(table.columns_by_name) for name, table in app.snapshot.tables.items() if name.name == "t"
    }
    assert columns == {"shop.t": {"id", "m"}, "app.t": {"id", "other"}}
    assert list(app.snapshot.table(QualifiedName("shop", "t")).select_permissions) == ["user"]
    assert list(app.snapshot.functions) == [QualifiedName("shop", "f")]


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("alter function app.f rename to g", QualifiedName("app", "g")),
        ("alter function app.f set schema public", QualifiedName("public", "f")),
    ],
)
def test_a_renamed_function_keeps_its_permissions(app: Metadata, statement: str, name: QualifiedName) -> None:
    app.sql(statement)

    assert app.call("get_inconsistent_metadata")["is_consistent"]
    assert {key: value.permissions for key, value in app.snapshot.functions.items()} == {name: {"user"}}


def test_a_table_of_a_renamed_schema_may_be_dropped_in_the_same_script(app: Metadata) -> None:
    app.sql("alter schema app rename to shop; drop table shop.c")

    tables = {"shop.t", "outside"}
    assert _names(app) == {"tables": tables, "functions": {"shop.f"}, "kept": tables}


@pytest.mark.parametrize(
    "statement",
    ["lock table outside", "declare rows cursor for select 1", "savepoint s", "set local work_mem = '1MB'"],
)
def test_what_needs_a_transaction_has_one(app: Metadata, statement: str) -> None:
    assert app.sql(statement) == {"result_type": "CommandOk", "result": None}

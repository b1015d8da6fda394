"""Two objects that bring a type of one name: one of them is told and left out, and the rest is a valid schema."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hasura.engine.resolve.type_names import TypeNames
from hasura.engine.schema.role import RoleSchema
from hasura.engine.schema.types import InputObjectType, NamedType, ObjectType, ScalarType, named_type
from hasura.engine.schema_cache import SchemaCache
from tests.hasura.engine.metadata.conftest import Metadata
from tests.lengths import at_length

Json = Any
_BASES = ("t", "t_max", "a")
_ENDS = (
    *("", "", "", "_bool_exp", "_order_by", "_max", "_max_order_by", "_avg_fields", "_enum", "_constraint", "_args"),
    *("_insert_input", "_arr_rel", "_inc_input", "_append_input", "_comparison_exp", "_stream_cursor_value_input"),
    *("_aggregate_fields", "_mutation_response", "_updates", "_pk_columns_input", "_enum_comparison_exp"),
)
_OTHER = ("jsonb", "timestamptz", "String", "order_by", "jsonb_comparison_exp", "String_comparison_exp", "uuid")
_COLUMNS = ("n int", "s text", "j jsonb", "ts timestamptz", "u uuid", "a int[]", "f float8", "e types.t_enum")


def _owners(cache: SchemaCache) -> tuple[RoleSchema, list[str]]:
    """Administrator's schema, and the names that more than one thing builds a type for."""
    built: dict[str, set[Any]] = {}

    class Recording(RoleSchema):
        def type(self, name: str, build: Callable[[], Any]) -> Any:
            cells = dict(zip(build.__code__.co_freevars, build.__closure__ or (), strict=True))
            table = cells["table"].cell_contents.name if "table" in cells else None
            built.setdefault(name, set()).add((build.__code__, table))
            return super().type(name, build)

    schema = Recording(cache, "admin", use_backend_only=False, root_prefix="")
    found: dict[str, Any] = {}
    twice = set(_walk(schema, found))
    twice |= {name for name, owners in built.items() if len({code for code, _ in owners}) > 1}
    twice |= {name for name, owners in built.items() if len({table for _, table in owners}) > 1}
    return schema, sorted(twice | {name for name in found if name.startswith("__")})


def _walk(schema: RoleSchema, found: dict[str, NamedType]) -> Iterator[str]:
    """Goes through all types; yields the names that two of them have."""
    waiting: list[NamedType] = [schema.query_root, schema.mutation_root, schema.subscription_root]
    while waiting:
        kind = waiting.pop()
        known = found.get(kind.name)
        if known is not None:
            if known is not kind and not (isinstance(kind, ScalarType) and isinstance(known, ScalarType)):
                yield kind.name
            continue
        found[kind.name] = kind
        if isinstance(kind, ObjectType):
            for field in kind.fields.values():
                waiting.append(named_type(field.type))
                waiting.extend(named_type(argument.type) for argument in field.arguments.values())
        elif isinstance(kind, InputObjectType):
            waiting.extend(named_type(field.type) for field in kind.fields.values())


def _world(choose: random.Random) -> tuple[str, Json]:
    """Tables with names that may meet, related to each other, one perhaps with a custom name, and its metadata."""
    names = list(dict.fromkeys(_name(choose) for _ in range(choose.choice((2, 2, 3)))))
    ddl = ["drop schema if exists types cascade; create schema types; create type types.t_enum as enum ('x')"]
    tables: list[Json] = []
    for index, name in enumerate(names):
        columns = choose.sample(_COLUMNS, choose.randint(0, 4))
        reference = f', ref int references "{names[index - 1]}"' if index and choose.random() < 0.6 else ""
        ddl.append(f'create table "{name}" (id int primary key{"".join(f", {item}" for item in columns)}{reference})')
        table: Json = {"table": {"schema": "public", "name": name}}
        if choose.random() < 0.15:
            table["configuration"] = {"custom_name": _name(choose), "custom_root_fields": {"select": f"rows_{index}"}}
        if choose.random() < 0.2 and not reference:
            ddl[-1] = f'create table "{name}" (id text primary key, comment text)'
            ddl.append(f"""insert into "{name}" values ('one', 'x')""")
            table["is_enum"] = True
        tables.append(table)
        if reference and not tables[index - 1].get("is_enum"):
            key = {"table": {"schema": "public", "name": name}, "column": "ref"}
            tables[index - 1]["array_relationships"] = [
                {"name": "below", "using": {"foreign_key_constraint_on": key}}
            ]
    return ";".join(ddl), tables


def _name(choose: random.Random) -> str:
    return choose.choice(_OTHER) if choose.random() < 0.2 else choose.choice(_BASES) + choose.choice(_ENDS)


def _document(tables: Json, **source: Json) -> Json:
    own = {"name": "default", "kind": "postgres", "tables": tables, "configuration": {}, **source}
    return {"allow_inconsistent_metadata": True, "metadata": {"version": 3, "sources": [own]}}


@pytest.mark.parametrize("seed", range(at_length(2, full=8)))
@pytest.mark.parametrize("convention", ["hasura-default", "graphql-default"])
def test_exactly_what_would_bring_a_type_twice_is_left_out(
    metadata: Metadata, monkeypatch: pytest.MonkeyPatch, seed: int, convention: str
) -> None:
    choose = random.Random(f"{seed} {convention}")
    customization = {"naming_convention": convention}
    for _ in range(8):
        ddl, tables = _world(choose)
        if "references" in ddl and "id text" in ddl:
            continue
        metadata.sql(ddl)
        document = _document(tables, customization=customization)

        with monkeypatch.context() as patch:
            patch.setattr(TypeNames, "add_table", lambda *_: [])
            patch.setattr(TypeNames, "remove_table", lambda *_: None)
            metadata.call("replace_metadata", document)
            _, twice = _owners(metadata.snapshot)
            metadata.call("clear_metadata")
        metadata.call("replace_metadata", document)
        told = [
            item["reason"]
            for item in metadata.call("get_inconsistent_metadata")["inconsistent_objects"]
            if "definitions for the type" in item["reason"]
        ]

        assert bool(told) is bool(twice), (ddl, tables, twice, told)
        assert _owners(metadata.snapshot)[1] == [], (ddl, tables)
        metadata.reset()


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("t_bool_exp", "table t in source default"),
        ("t_mutation_response", "table t in source default"),
        ("query_root", "the schema itself"),
        ("String", "the schema itself"),
        ("order_by", "the schema itself"),
        ("timestamptz_comparison_exp", "the types of columns and arguments"),
        ("jsonb", "the types of columns and arguments"),
    ],
)
def test_tracking_it_is_refused_with_both_named(metadata: Metadata, name: str, other: str) -> None:
    metadata.sql(f'create table t (id int primary key, j jsonb, ts timestamptz); create table "{name}" (id int)')
    metadata.track("t")

    refusal = metadata.refusal("pg_track_table", {"table": name})

    assert refusal["code"] == "invalid-configuration"
    assert f"for the type '{name}' defined in [{other}, table {name} in source default]" in refusal["error"]
    metadata.call("pg_track_table", {"table": name, "configuration": {"custom_name": "free"}})
    assert metadata.call("get_inconsistent_metadata")["is_consistent"]


def test_a_column_may_bring_the_type_that_a_table_has(metadata: Metadata) -> None:
    metadata.sql("create table jsonb (id int primary key); create table t (id int primary key)")
    metadata.track("jsonb", "t")

    refusal = metadata.sql_refusal("alter table t add column j jsonb")

    assert refusal["code"] == "dependency-error"
    metadata.sql("alter table jsonb rename to documents; alter table t add column j jsonb")
    assert set(metadata.snapshot.query_fields) >= {"documents", "t"}


def test_a_function_is_told_and_a_hidden_table_comes_back_when_the_name_is_free(metadata: Metadata) -> None:
    metadata.sql(
        "create table t (id int primary key); create table f_args (id int primary key);"
        "create function f(x int) returns setof t language sql stable as 'select * from t where id = x'"
    )
    metadata.track("t", "f_args")
    assert "for the type 'f_args'" in metadata.refusal("pg_track_function", {"function": "f"})["error"]

    tables = [{"table": {"schema": "public", "name": name}} for name in ("t", "f_args")]
    functions = [{"function": {"schema": "public", "name": "f"}}]
    metadata.call("replace_metadata", _document(tables, functions=functions))
    assert "f" not in metadata.snapshot.query_fields
    metadata.call("pg_untrack_table", {"table": "f_args"})

    assert metadata.call("get_inconsistent_metadata")["is_consistent"]
    assert "f" in metadata.snapshot.query_fields


def test_a_relationship_that_makes_two_tables_meet_is_refused(metadata: Metadata) -> None:
    metadata.sql("create table p (id int primary key)")
    metadata.sql("create table t (id int primary key, n int references p); create table t_max (id int primary key)")
    metadata.track("p", "t", "t_max")
    assert metadata.call("get_inconsistent_metadata")["is_consistent"]

    refusal = metadata.refusal(
        "pg_create_array_relationship",
        {"table": "p", "name": "ts", "using": {"foreign_key_constraint_on": {"table": "t", "column": "n"}}},
    )

    assert "for the type 't_max_order_by'" in refusal["error"]
    assert "t" in metadata.snapshot.query_fields


def test_the_names_that_columns_brought_are_free_when_their_table_is_gone(metadata: Metadata) -> None:
    metadata.sql(
        "create table twice (id int primary key, a jsonb, b jsonb, c text); create table jsonb (id int primary key)"
    )
    for _ in range(3):
        metadata.track("twice")
        assert "conflicting definitions" in metadata.refusal("pg_track_table", {"table": "jsonb"})["error"]
        metadata.call("pg_untrack_table", {"table": "twice"})
        metadata.track("jsonb")
        metadata.call("pg_untrack_table", {"table": "jsonb"})

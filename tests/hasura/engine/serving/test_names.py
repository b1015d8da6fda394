"""Names that the database may have and GraphQL may not: what bears them is left out, and the schema stays valid."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    get_introspection_query,
    validate_schema,
)

from tests.hasura.engine.serving.conftest import Served

_DDL = """
create type "odd mood" as enum ('ok', 'sad');
create domain "odd-domain" as integer;
create table "odd-table" (id integer primary key, plain_id integer);
create table odd_key ("the key" integer primary key, title text);
create table plain (
  id integer primary key, title text, "two words" text, "1st" integer, "true" integer, "ünï" text,
  m "odd mood", ms "odd mood"[],
  d "odd-domain", constraint "odd constraint" unique (title), constraint "null" unique ("1st"));
insert into plain values (1, 'a', 'x', 1, null, 'u', 'ok', '{ok}', 5), (2, 'b', 'y', 2, null, 'u', 'sad', '{}', 6);
insert into odd_key values (1, 'one');
create function odd_argument(mood "odd mood") returns setof plain language sql stable as 'select * from plain';
create function odd_domain_argument(n "odd-domain") returns setof plain language sql stable as 'select * from plain';
create function odd_result(r plain) returns "odd mood" language sql stable as 'select r.m';
create function odd_results(r plain) returns "odd mood"[] language sql stable as 'select r.ms';
create function odd_parameter(r plain, "a b" integer) returns integer language sql stable as 'select 1';
create function shout(r plain) returns text language sql stable as 'select upper(r.title)';
"""


@pytest.fixture
def served(serve: Callable[..., Served]) -> Iterator[Served]:
    engine = serve()
    engine.sql(_DDL)
    for table in ("odd-table", "odd_key", "plain"):
        engine.metadata("pg_track_table", source="default", table=table)
    engine.metadata(
        "pg_create_array_relationship",
        source="default",
        table="plain",
        name="odd_rows",
        using={"manual_configuration": {"remote_table": "odd-table", "column_mapping": {"id": "plain_id"}}},
    )
    every = {"columns": "*", "filter": {"two words": {"_eq": "x"}}, "allow_aggregations": True}
    for table, rule in [
        ("plain", every),
        ("odd_key", {**every, "filter": {}}),
        ("odd-table", {**every, "filter": {}}),
    ]:
        engine.metadata("pg_create_select_permission", source="default", table=table, role="reader", permission=rule)
    engine.metadata(
        "pg_create_insert_permission",
        source="default",
        table="plain",
        role="reader",
        permission={"columns": "*", "check": {}, "set": {"two words": "preset"}},
    )
    yield engine


def _schema(served: Served, role: str) -> GraphQLSchema:
    headers = served.admin_headers(X_Hasura_Role=role)
    return build_client_schema(served.graphql(get_introspection_query(), headers=headers)["data"])


@pytest.mark.parametrize("role", ["admin", "reader"])
def test_the_schema_is_valid(served: Served, role: str) -> None:
    schema = _schema(served, role)

    assert validate_schema(schema) == []
    plain, values = schema.type_map["plain"], schema.type_map["plain_insert_input"]
    assert isinstance(plain, GraphQLObjectType)
    assert isinstance(values, GraphQLInputObjectType)
    assert set(plain.fields) == {"id", "title", "d"}
    assert set(values.fields) == {"id", "title", "d"}


def test_what_is_left_in_works(served: Served) -> None:
    assert served.graphql("{ plain(order_by: {id: asc}) { id d } odd_key { title } }") == {
        "data": {"plain": [{"id": 1, "d": 5}, {"id": 2, "d": 6}], "odd_key": [{"title": "one"}]}
    }
    reader = served.admin_headers(X_Hasura_Role="reader")
    assert served.graphql("{ plain { id } }", headers=reader) == {"data": {"plain": [{"id": 1}]}}
    served.graphql('mutation { insert_plain_one(object: {id: 3, title: "c"}) { id } }', headers=reader)
    written = served.fetch_value('select "two words" from plain where id = 3')
    assert asyncio.run(written) == "preset"


def test_a_custom_name_brings_it_in(served: Served) -> None:
    served.metadata(
        "pg_set_table_customization",
        source="default",
        table="odd-table",
        configuration={"custom_name": "odd_table"},
    )
    served.metadata(
        "pg_set_table_customization",
        source="default",
        table="plain",
        configuration={"column_config": {"two words": {"custom_name": "two_words"}}},
    )

    assert validate_schema(_schema(served, "admin")) == []
    assert served.graphql("{ plain(where: {id: {_eq: 1}}) { two_words odd_rows { id } } odd_table { id } }") == {
        "data": {"plain": [{"two_words": "x", "odd_rows": []}], "odd_table": []}
    }


_REFUSED = [
    ("pg_track_function", {"function": "odd_argument"}),
    ("pg_track_function", {"function": "odd_domain_argument"}),
    ("pg_add_computed_field", {"table": "plain", "name": "odd", "definition": {"function": "odd_result"}}),
    ("pg_add_computed_field", {"table": "plain", "name": "odd", "definition": {"function": "odd_results"}}),
    ("pg_add_computed_field", {"table": "plain", "name": "odd", "definition": {"function": "odd_parameter"}}),
    ("pg_add_computed_field", {"table": "plain", "name": "a b", "definition": {"function": "shout"}}),
    (
        "pg_create_array_relationship",
        {
            "table": "plain",
            "name": "a b",
            "using": {"manual_configuration": {"remote_table": "odd_key", "column_mapping": {"id": "the key"}}},
        },
    ),
    ("pg_set_table_customization", {"table": "plain", "configuration": {"custom_name": "a b"}}),
    ("pg_set_table_customization", {"table": "plain", "configuration": {"custom_root_fields": {"select": "a b"}}}),
    ("pg_set_table_customization", {"table": "plain", "configuration": {"custom_column_names": {"title": "a b"}}}),
]


@pytest.mark.parametrize(("kind", "args"), _REFUSED)
def test_metadata_cannot_bring_in_such_names(served: Served, kind: str, args: dict[str, object]) -> None:
    answer = served.client.post(
        "/v1/metadata",
        json={"type": kind, "args": {"source": "default", **args}},
        headers=served.admin_headers(),
    )

    assert answer.status_code == 400
    assert "valid GraphQL" in answer.json()["error"] or "GraphQL spec" in answer.json()["error"]
    assert validate_schema(_schema(served, "admin")) == []

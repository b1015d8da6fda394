"""Functions, computed fields, enum tables, inherited roles, collections, endpoints."""

from typing import Any

import pytest

from hasura.engine.catalog.types import QualifiedName
from hasura.engine.metadata.types import FunctionExposure
from hasura.engine.schema_cache import EnumValue
from tests.hasura.engine.metadata.conftest import Metadata

AUTHOR, ARTICLE = QualifiedName("public", "author"), QualifiedName("public", "article")

FUNCTIONS = """
create function search(session json, term text default '') returns setof article language sql stable as
  $$ select * from article where title ilike term $$;
create function add_author(name text) returns author language sql volatile as
  $$ insert into author (name) values (name) returning * $$;
create function scalar(a int) returns int language sql stable as $$ select a $$;
create function twice(a int) returns setof author language sql stable as $$ select * from author $$;
create function twice(a text) returns setof author language sql stable as $$ select * from author $$;
create function shout(author author, mark text) returns text language sql stable as
  $$ select upper(author.name) || mark $$;
create function written(author author) returns setof article language sql stable as
  $$ select * from article where author_id = author.id $$;
create function counted(author author) returns bigint language sql volatile as $$ select 1::bigint $$;
"""


def with_functions(metadata: Metadata) -> None:
    metadata.authors()
    metadata.sql(FUNCTIONS)


def test_a_tracked_function_is_a_root_field_by_its_volatility(metadata: Metadata) -> None:
    with_functions(metadata)

    metadata.call("pg_track_function", {"function": "search", "configuration": {"session_argument": "session"}})
    metadata.call("pg_track_function", {"function": "add_author"})

    search = metadata.snapshot.functions[QualifiedName("public", "search")]
    assert (search.returned_table, search.session_argument, search.exposed_as) == (ARTICLE, 0, FunctionExposure.QUERY)
    assert [(item.name, item.has_default) for item in search.input_arguments] == [("term", True)]
    assert {"search", "search_aggregate"} <= set(metadata.snapshot.query_fields)
    assert "add_author" in metadata.snapshot.mutation_fields and "add_author" not in metadata.snapshot.query_fields


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"function": "scalar"}, 'the function does not return a "COMPOSITE" type'),
        ({"function": "twice"}, 'function "twice" is overloaded. Overloaded functions are not supported'),
        ({"function": "nothing"}, 'no such function exists: "nothing"'),
        ({"function": "search", "configuration": {"exposed_as": "mutation"}}, "is not marked VOLATILE"),
        ({"function": "search", "configuration": {"session_argument": "term"}}, "is not of type json"),
    ],
)
def test_functions_that_cannot_be_fields_are_refused(metadata: Metadata, args: dict[str, Any], error: str) -> None:
    with_functions(metadata)

    refusal = metadata.refusal("pg_track_function", args)

    assert error in refusal["error"] and refusal["code"] == "invalid-configuration"


def test_a_tracked_function_goes_with_its_table_only_on_request(metadata: Metadata) -> None:
    metadata.sql("create table author (id int)")
    metadata.sql("create function f() returns setof author language sql stable as $$ select * from author $$")
    metadata.track("author")
    metadata.call("pg_track_function", {"function": "f"})

    assert metadata.refusal("pg_untrack_table", {"table": "author"})["error"].endswith(
        'function f in source "default"'
    )
    metadata.call("pg_untrack_table", {"table": "author", "cascade": True})

    assert dict(metadata.snapshot.functions) == {}


def test_function_permissions_are_given_and_taken(metadata: Metadata) -> None:
    with_functions(metadata)
    metadata.call("pg_track_function", {"function": "search"})
    permission = {"function": "search", "role": "user"}
    metadata.call(
        "pg_create_select_permission",
        {"table": "article", "role": "user", "permission": {"columns": "*", "filter": {}}},
    )

    metadata.call("pg_create_function_permission", permission)
    assert metadata.snapshot.functions[QualifiedName("public", "search")].permissions == {"user"}
    assert metadata.refusal("pg_create_function_permission", permission)["code"] == "already-exists"
    metadata.call("pg_drop_function_permission", permission)
    assert metadata.snapshot.functions[QualifiedName("public", "search")].permissions == frozenset()


def test_computed_fields_take_the_row_and_give_scalars_or_rows(metadata: Metadata) -> None:
    with_functions(metadata)

    metadata.call("pg_add_computed_field", {"table": "author", "name": "loud", "definition": {"function": "shout"}})
    metadata.call(
        "pg_add_computed_field", {"table": "author", "name": "works", "definition": {"function": "written"}}
    )

    fields = metadata.snapshot.tables[AUTHOR].computed_fields
    assert [item.name for item in fields["loud"].input_arguments] == ["mark"]
    assert (fields["loud"].returned_table, fields["works"].returned_table) == (None, ARTICLE)
    definition = {"function": "counted"}
    refusal = metadata.refusal("pg_add_computed_field", {"table": "author", "name": "c", "definition": definition})
    assert "is of type VOLATILE; cannot be added as a computed field" in refusal["error"]


def test_several_reasons_are_listed(metadata: Metadata) -> None:
    metadata.sql(
        "create table t (a integer, b integer);"
        " create function f(variadic numbers integer[]) returns record language sql as 'select 1, 2'"
    )
    metadata.track("t")
    definition = {"function": "f", "session_argument": "session"}

    refused = [
        metadata.refusal("pg_track_function", {"function": "f"}),
        metadata.refusal("pg_add_computed_field", {"table": "t", "name": "c", "definition": definition}),
        metadata.refusal("pg_set_table_is_enum", {"table": "t", "is_enum": True}),
    ]

    assert [refusal["error"].removesuffix("\n").split("\n") for refusal in refused] == [
        [
            'Inconsistent object: in function "f": the function "f" cannot be tracked for the following reasons:',
            '  • function with "VARIADIC" parameters are not supported',
            '  • the function does not return a "COMPOSITE" type',
        ],
        [
            'Inconsistent object: in table "t": in computed field "c": the computed field "c" cannot be added to '
            'table "t" for the following reasons:',
            '  • the function "f" is of type VOLATILE; cannot be added as a computed field',
            '  • first argument of the function "f" is not COMPOSITE type',
            '  • "session" is not an input argument of the function "f"',
            '  • the function "f" returning type record is not a BASE type',
        ],
        [
            'Inconsistent object: the table "t" cannot be used as an enum for the following reasons:',
            "  • the table must have a primary key",
            "  • the table must have exactly one primary key and optionally one comment column, "
            'not 2 columns ("a", "b")',
        ],
    ]


def test_a_computed_fields_function_neither_goes_nor_is_overloaded(metadata: Metadata) -> None:
    with_functions(metadata)
    metadata.call("pg_add_computed_field", {"table": "author", "name": "loud", "definition": {"function": "shout"}})

    assert metadata.sql_refusal("drop function shout")["code"] == "dependency-error"
    refusal = metadata.sql_refusal(
        "create or replace function shout(author author) returns text language sql stable as $$ select 'x' $$"
    )
    assert "is being overloaded" in refusal["error"]
    metadata.sql("drop function shout", cascade=True)
    assert metadata.snapshot.tables[AUTHOR].computed_fields == {}


def test_enum_tables_give_their_values_to_columns_that_refer_to_them(metadata: Metadata) -> None:
    metadata.sql(
        "create table color (value text primary key, comment text);"
        " insert into color values ('red', 'hot'), ('blue', null);"
        " create table shirt (id int primary key, color text references color)"
    )
    metadata.track("color", "shirt")
    color, shirt = QualifiedName("public", "color"), QualifiedName("public", "shirt")
    assert metadata.snapshot.tables[shirt].columns_by_name["color"].enum_table is None

    metadata.call("pg_set_table_is_enum", {"table": "color", "is_enum": True})

    assert metadata.snapshot.tables[color].enum_values == (EnumValue("blue", None), EnumValue("red", "hot"))
    assert metadata.snapshot.tables[shirt].columns_by_name["color"].enum_table == color
    metadata.call("pg_set_table_is_enum", {"table": "color", "is_enum": False})
    assert metadata.snapshot.tables[shirt].columns_by_name["color"].enum_table is None


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("create table t (a text)", "the table must have a primary key"),
        ("create table t (a text primary key)", "the table must have at least one row"),
        ("create table t (a int primary key)", 'must have type "text", not type "int4"'),
        ("create table t (a text primary key, b int)", 'must have type "text", not type "int4"'),
        ("create table t (a text primary key); insert into t values ('no-name')", '"no-name" is not a valid GraphQL'),
    ],
)
def test_tables_that_are_no_enum_say_why(metadata: Metadata, sql: str, error: str) -> None:
    metadata.sql(sql)
    metadata.track("t")

    assert error in metadata.refusal("pg_set_table_is_enum", {"table": "t", "is_enum": True})["error"]


def test_inherited_roles_have_no_cycles(metadata: Metadata) -> None:
    metadata.call("add_inherited_role", {"role_name": "a", "role_set": ["b", "user"]})

    refusal = metadata.refusal("add_inherited_role", {"role_name": "b", "role_set": ["a"]})

    assert refusal["error"] == 'found cycle(s) in roles: ["a","b","a"]'
    metadata.call("drop_inherited_role", {"role_name": "a"})
    assert metadata.snapshot.inherited_roles == {}


def test_parents_that_differ_on_writing_are_reported(metadata: Metadata) -> None:
    metadata.authors()
    metadata.permit("author", "first", operation="delete", filter={})
    metadata.permit("author", "second", operation="delete", filter={"id": {"_eq": 1}})

    metadata.call("add_inherited_role", {"role_name": "both", "role_set": ["first", "second"]})

    found = metadata.call("get_inconsistent_metadata")["inconsistent_objects"]
    assert [(item["name"], item["entity"]["permission_type"]) for item in found] == [("both", "delete")]
    metadata.call("pg_drop_delete_permission", {"table": "author", "role": "second"})
    assert metadata.call("get_inconsistent_metadata")["is_consistent"] is True


def collection(metadata: Metadata, name: str = "known", query: str = "query { author { id } }") -> None:
    metadata.call(
        "create_query_collection", {"name": name, "definition": {"queries": [{"name": "all", "query": query}]}}
    )


def test_collections_and_the_allow_list(metadata: Metadata) -> None:
    collection(metadata)
    metadata.call("add_query_to_collection", {"collection_name": "known", "query_name": "b", "query": "{ author }"})
    metadata.call(
        "add_collection_to_allowlist", {"collection": "known", "scope": {"global": False, "roles": ["user"]}}
    )

    assert metadata.snapshot.query_collections["known"].queries == {
        "all": "query { author { id } }",
        "b": "{ author }",
    }
    assert metadata.snapshot.allowlist["known"].roles == {"user"}
    assert metadata.refusal("drop_query_collection", {"collection": "known"})["code"] == "dependency-error"
    metadata.call("drop_query_collection", {"collection": "known", "cascade": True})
    assert (metadata.snapshot.query_collections, metadata.snapshot.allowlist) == ({}, {})


@pytest.mark.parametrize(
    ("url", "query", "error"),
    [
        ("a//b", "all", "Empty segments or unnamed variables are not allowed: a//b"),
        ("a/:x/:x", "all", "Duplicate variables are not allowed"),
        ("a", "nothing", "query with name nothing does not exist in collection known"),
        ("taken/:other", "all", "Ambiguous URL paths"),
    ],
)
def test_endpoints_that_cannot_be_served_are_refused(metadata: Metadata, url: str, query: str, error: str) -> None:
    collection(metadata)
    definition = {"query": {"collection_name": "known", "query_name": "all"}}
    metadata.call(
        "create_rest_endpoint", {"name": "x", "url": "taken/:id", "methods": ["GET"], "definition": definition}
    )

    definition = {"query": {"collection_name": "known", "query_name": query}}
    refusal = metadata.refusal(
        "create_rest_endpoint", {"name": "y", "url": url, "methods": ["GET", "POST"], "definition": definition}
    )

    assert error in refusal["error"]
    assert list(metadata.snapshot.rest_endpoints) == ["x"]


def test_an_endpoint_without_its_query_is_inconsistent(metadata: Metadata) -> None:
    collection(metadata)
    definition = {"query": {"collection_name": "known", "query_name": "all"}}
    metadata.call("create_rest_endpoint", {"name": "x", "url": "x", "methods": ["GET"], "definition": definition})

    assert metadata.refusal("drop_query_collection", {"collection": "known"})["code"] == "unexpected"
    assert list(metadata.snapshot.rest_endpoints) == ["x"]

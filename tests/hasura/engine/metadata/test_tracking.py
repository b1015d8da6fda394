"""Tables, relationships, permissions: what the calls keep, and what they refuse in which words."""

from typing import Any

import pytest

from hasura.engine.catalog.types import QualifiedName
from tests.hasura.engine.metadata.conftest import Metadata

AUTHOR, ARTICLE = QualifiedName("public", "author"), QualifiedName("public", "article")


def test_a_tracked_table_has_its_columns_keys_and_root_fields(metadata: Metadata) -> None:
    metadata.sql(
        "create table author"
        " (id serial primary key, name varchar(3) not null, made int generated always as (1) stored)"
    )

    metadata.track("author")

    table = metadata.snapshot.tables[AUTHOR]
    columns = {info.name: info.column for info in table.columns}
    assert [(name, column.type.name) for name, column in columns.items()] == [
        ("id", "int4"),
        ("name", "varchar"),
        ("made", "int4"),
    ]
    assert columns["id"].has_default and not columns["name"].is_nullable
    assert columns["made"].is_generated and not columns["made"].is_insertable
    assert table.table.primary_key is not None and table.table.primary_key.columns == ("id",)
    assert set(metadata.snapshot.query_fields) == {"author", "author_by_pk", "author_aggregate"}
    assert metadata.snapshot.mutation_fields["insert_author_one"].table == AUTHOR


def test_tracking_twice_or_what_is_not_there_is_refused(metadata: Metadata) -> None:
    metadata.sql("create table author (id int)")
    metadata.track("author")

    assert metadata.refusal("pg_track_table", {"table": "author"}) == {
        "path": "$.args",
        "error": 'view/table already tracked: "author"',
        "code": "already-tracked",
    }
    assert metadata.refusal("pg_track_table", {"table": "nobody"}) == {
        "path": "$.args",
        "error": 'Inconsistent object: no such table/view exists in source: "nobody"',
        "code": "invalid-configuration",
    }
    assert set(metadata.snapshot.tables) == {AUTHOR}


def test_a_view_is_as_writable_as_the_database_says(metadata: Metadata) -> None:
    metadata.sql(
        "create table author (id int primary key); create view plain as select * from author;"
        " create view grouped as select count(*) from author"
    )
    metadata.track("plain", "grouped")

    assert "insert_plain" in metadata.snapshot.mutation_fields
    assert "insert_grouped" not in metadata.snapshot.mutation_fields


def test_relationships_follow_foreign_keys_both_ways(metadata: Metadata) -> None:
    metadata.authors()

    author = metadata.snapshot.tables[ARTICLE].relationships["author"]
    articles = metadata.snapshot.tables[AUTHOR].relationships["articles"]
    assert (author.remote_table, author.column_mapping, author.is_nullable) == (AUTHOR, (("author_id", "id"),), False)
    assert (articles.remote_table, articles.column_mapping) == (ARTICLE, (("id", "author_id"),))


@pytest.mark.parametrize(
    ("args", "error", "code"),
    [
        (
            {"table": "article", "name": "title", "using": {"foreign_key_constraint_on": "author_id"}},
            'field with name "title" already exists in table "article"',
            "already-exists",
        ),
        (
            {"table": "article", "name": "writer", "using": {"foreign_key_constraint_on": "title"}},
            'Inconsistent object: in table "article": in relationship "writer": '
            "no foreign constraint exists on the given column(s)",
            "invalid-configuration",
        ),
        (
            {"table": "nobody", "name": "writer", "using": {"foreign_key_constraint_on": "author_id"}},
            'table "nobody" does not exist in source: default',
            "not-exists",
        ),
        (
            {"table": "article", "name": "", "using": {"foreign_key_constraint_on": "author_id"}},
            "empty string not allowed",
            "parse-failed",
        ),
        ({"table": "article", "name": "writer"}, 'key "using" not found', "parse-failed"),
    ],
)
def test_relationships_that_do_not_fit_are_refused(
    metadata: Metadata, args: dict[str, Any], error: str, code: str
) -> None:
    metadata.authors()

    refusal = metadata.refusal("pg_create_object_relationship", args)

    assert (refusal["error"], refusal["code"]) == (error, code)


def test_manual_relationships_join_what_they_say(metadata: Metadata) -> None:
    metadata.authors()
    metadata.call(
        "pg_create_array_relationship",
        {
            "table": "author",
            "name": "namesakes",
            "using": {"manual_configuration": {"remote_table": "author", "column_mapping": {"name": "name"}}},
        },
    )

    assert metadata.snapshot.tables[AUTHOR].relationships["namesakes"].column_mapping == (("name", "name"),)


def test_what_others_depend_on_goes_only_with_cascade(metadata: Metadata) -> None:
    metadata.authors()
    metadata.permit("article", "user", filter={"author": {"name": {"_eq": "X-Hasura-Name"}}})

    refusal = metadata.refusal("pg_untrack_table", {"table": "author"})
    assert refusal["code"] == "dependency-error"
    assert refusal["error"] == (
        "cannot drop due to the following dependent objects: "
        'relationship article.author in source "default", permission article.user.select in source "default"'
    )
    metadata.call("pg_untrack_table", {"table": "author", "cascade": True})

    assert set(metadata.snapshot.tables) == {ARTICLE}
    assert metadata.exported("article") == {"table": {"name": "article", "schema": "public"}}


def test_renaming_a_relationship_renames_it_in_permissions(metadata: Metadata) -> None:
    metadata.authors()
    metadata.permit("article", "user", filter={"_not": {"author": {"name": {"_eq": "X-Hasura-Name"}}}})

    metadata.call("pg_rename_relationship", {"table": "article", "name": "author", "new_name": "writer"})

    entry = metadata.exported("article")
    assert entry["object_relationships"][0]["name"] == "writer"
    assert entry["select_permissions"][0]["permission"]["filter"] == {
        "_not": {"writer": {"name": {"_eq": "X-Hasura-Name"}}}
    }
    assert metadata.snapshot.inconsistent_objects == ()


@pytest.mark.parametrize(
    ("operation", "rules", "error"),
    [
        ("select", {"columns": ["nothing"], "filter": {}}, 'column "nothing" does not exist'),
        ("select", {"columns": "*", "filter": {"nothing": {"_eq": 1}}}, '"nothing" does not exist'),
        ("insert", {"check": {}, "set": {"nothing": 1}}, 'column "nothing" does not exist'),
        ("select", {"columns": "*", "filter": {}, "computed_fields": ["x"]}, 'computed field "x" does not exist'),
    ],
)
def test_permissions_name_what_there_is(
    metadata: Metadata, operation: str, rules: dict[str, Any], error: str
) -> None:
    metadata.authors()

    refusal = metadata.refusal(
        f"pg_create_{operation}_permission", {"table": "author", "role": "user", "permission": rules}
    )

    assert refusal["error"].startswith('Inconsistent object: in table "author": in permission for role "user": ')
    assert error in refusal["error"]
    assert metadata.exported("author").keys() == {"table", "array_relationships"}


def test_permissions_are_made_once_and_dropped_once(metadata: Metadata) -> None:
    metadata.authors()
    metadata.permit("author", "user", columns=["id"], limit=5)
    permission = {"table": "author", "role": "user", "permission": {"columns": "*", "filter": {}}}

    assert metadata.snapshot.tables[AUTHOR].select_permissions["user"].columns == {"id"}
    assert metadata.refusal("pg_create_select_permission", permission)["code"] == "already-exists"
    metadata.call("pg_drop_select_permission", {"table": "author", "role": "user"})
    assert metadata.snapshot.tables[AUTHOR].select_permissions == {}
    assert metadata.refusal("pg_drop_select_permission", {"table": "author", "role": "user"})["error"] == (
        'select permission on "author" for role "user" does not exist'
    )


def test_presets_are_no_columns_of_the_role(metadata: Metadata) -> None:
    metadata.authors()

    metadata.permit("author", "user", operation="insert", check={}, columns=["name", "email"], set={"email": "x"})

    assert metadata.snapshot.tables[AUTHOR].insert_permissions["user"].columns == {"name"}


def test_custom_names_change_fields_and_columns(metadata: Metadata) -> None:
    metadata.authors()
    metadata.call(
        "pg_set_table_customization",
        {
            "table": "author",
            "configuration": {
                "custom_name": "writer",
                "custom_root_fields": {"select": "allWriters"},
                "column_config": {"name": {"custom_name": "fullName"}},
            },
        },
    )

    table = metadata.snapshot.tables[AUTHOR]
    assert (table.graphql_name, table.columns_by_graphql_name["fullName"].name) == ("writer", "name")
    assert {"allWriters", "writer_by_pk", "article"} <= set(metadata.snapshot.query_fields)
    assert "author" not in metadata.snapshot.query_fields


def test_two_tables_do_not_share_a_root_field(metadata: Metadata) -> None:
    metadata.authors()

    refusal = metadata.refusal(
        "pg_set_table_customization", {"table": "author", "configuration": {"custom_name": "article"}}
    )

    assert "article" in refusal["error"] and refusal["code"] == "invalid-configuration"
    assert metadata.snapshot.query_fields["article"].table == ARTICLE


def test_relationships_are_suggested_along_foreign_keys(metadata: Metadata) -> None:
    metadata.sql("create table a (id int primary key); create table b (a_id int unique references a)")
    metadata.track("a", "b")

    found = metadata.call("pg_suggest_relationships")["relationships"]

    described = [(item["type"], item["from"]["table"]["name"], item["to"]["table"]["name"]) for item in found]
    assert described == [("object", "b", "a"), ("object", "a", "b")]


def test_only_admin_changes_metadata(metadata: Metadata) -> None:
    from hasura.engine.errors import AccessDenied
    from hasura.engine.session import Session

    with pytest.raises(AccessDenied, match="restricted access : admin only"):
        metadata.post({"type": "run_sql", "args": {"sql": "select 1"}}, path="/v2/query", session=Session("user"))


def test_equal_permissions_of_many_tables_are_one_object(metadata: Metadata) -> None:
    metadata.sql("create table a (id int); create table b (id int)")
    metadata.track("a", "b")
    for table in ("a", "b"):
        metadata.permit(table, "user", columns=["id"], filter={"id": {"_eq": "X-Hasura-User-Id"}})

    first, second = (metadata.snapshot.tables[QualifiedName("public", name)] for name in ("a", "b"))

    assert first.select_permissions["user"] is second.select_permissions["user"]


def test_tables_a_change_does_not_touch_stay_the_same_objects(metadata: Metadata) -> None:
    metadata.authors()
    metadata.sql("create table other (id int)")
    metadata.permit("article", "user", filter={"author": {"name": {"_eq": "x"}}})
    before = metadata.snapshot.tables

    metadata.track("other")
    metadata.sql("alter table author add column extra int")

    assert metadata.snapshot.tables[ARTICLE] is before[ARTICLE]
    assert metadata.snapshot.tables[AUTHOR] is not before[AUTHOR]
    metadata.sql("alter table author alter column email type varchar(50)")
    assert metadata.snapshot.tables[ARTICLE] is before[ARTICLE]

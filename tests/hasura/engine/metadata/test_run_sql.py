"""SQL through the API: its results, and the metadata that follows."""

from typing import Any

import pytest

from hasura.engine.api.sql.lexer import split_statements
from hasura.engine.catalog.types import QualifiedName
from tests.hasura.engine.metadata.conftest import Metadata

AUTHOR, ARTICLE = QualifiedName("public", "author"), QualifiedName("public", "article")


def test_rows_come_as_text_below_their_column_names(metadata: Metadata) -> None:
    answer = metadata.sql("select 1 as one, null as nothing, true as yes, E'a\\tb\\\\' as text, array[1,2] as list")

    assert answer == {
        "result_type": "TuplesOk",
        "result": [["one", "nothing", "yes", "text", "list"], ["1", None, "t", "a\tb\\", "{1,2}"]],
    }


def test_the_last_of_several_statements_answers(metadata: Metadata) -> None:
    assert metadata.sql("create table t (a int); insert into t values (1), (2) returning a")["result"] == [
        ["a"],
        ["1"],
        ["2"],
    ]
    assert metadata.sql("select 1; create table u (a int)") == {"result_type": "CommandOk", "result": None}
    assert metadata.sql("show server_encoding")["result"] == [["server_encoding"], ["UTF8"]]


def test_a_failed_statement_changes_nothing(metadata: Metadata) -> None:
    refusal = metadata.sql_refusal("create table t (a int); select * from nothing")

    assert (refusal["error"], refusal["code"]) == ("query execution failed", "postgres-error")
    assert metadata.sql("select to_regclass('t') is null as gone")["result"][1] == ["t"]


def test_read_only_refuses_writes_and_leaves_later_calls_alone(metadata: Metadata) -> None:
    metadata.sql("create table t (a int)")

    answer = metadata.post(
        {
            "type": "bulk",
            "args": [
                {"type": "run_sql", "args": {"sql": "select 1 as a", "read_only": True}},
                {"type": "run_sql", "args": {"sql": "insert into t values (1)"}},
            ],
        },
        path="/v2/query",
    )

    assert answer[1]["result_type"] == "CommandOk"
    assert metadata.sql_refusal("insert into t values (1)", read_only=True)["code"] == "postgres-error"


@pytest.mark.parametrize(
    ("script", "statements"),
    [
        ("select 1; select 2", ["select 1", " select 2"]),
        ("select ';'; -- a ; comment\n", ["select ';'"]),
        ("select $$a;b$$ /* ; /* ; */ ; */; select 2;", ["select $$a;b$$ /* ; /* ; */ ; */", " select 2"]),
        ("select $x$;$y$;$x$", ["select $x$;$y$;$x$"]),
        ("select E'\\';', \"a;b\"", ["select E'\\';', \"a;b\""]),
        ("-- nothing", []),
    ],
)
def test_scripts_are_split_at_semicolons_that_end_statements(script: str, statements: list[str]) -> None:
    assert [statement.text for statement in split_statements(script)] == statements


def test_renamed_columns_keep_their_metadata(metadata: Metadata) -> None:
    metadata.authors()
    metadata.permit("author", "user", columns=["id", "name"], filter={"name": {"_eq": "X-Hasura-Name"}})
    metadata.permit("article", "user", filter={"author": {"name": {"_cne": ["$", "title"]}}})
    metadata.call(
        "pg_set_table_customization",
        {"table": "author", "configuration": {"column_config": {"name": {"custom_name": "fullName"}}}},
    )

    metadata.sql(
        "alter table author rename column name to called; alter table article rename column title to heading"
    )

    author, article = metadata.exported("author"), metadata.exported("article")
    assert author["select_permissions"][0]["permission"] == {
        "columns": ["id", "called"],
        "filter": {"called": {"_eq": "X-Hasura-Name"}},
    }
    assert author["configuration"]["column_config"] == {"called": {"custom_name": "fullName"}}
    assert article["select_permissions"][0]["permission"]["filter"] == {
        "author": {"called": {"_cne": ["$", "heading"]}}
    }
    assert metadata.snapshot.inconsistent_objects == ()


def test_a_renamed_key_column_keeps_relationships(metadata: Metadata) -> None:
    metadata.authors()

    metadata.sql("alter table author rename id to author_key; alter table article rename author_id to writer")

    assert metadata.snapshot.tables[ARTICLE].relationships["author"].column_mapping == (("writer", "author_key"),)
    assert metadata.snapshot.tables[AUTHOR].relationships["articles"].column_mapping == (("author_key", "writer"),)


def test_a_renamed_table_keeps_its_metadata(metadata: Metadata) -> None:
    metadata.authors()
    metadata.permit("article", "user", filter={"_exists": {"_table": "author", "_where": {"id": {"_eq": 1}}}})

    metadata.sql("alter table author rename to writer")

    writer = QualifiedName("public", "writer")
    assert set(metadata.snapshot.tables) == {writer, ARTICLE}
    assert metadata.snapshot.tables[ARTICLE].relationships["author"].remote_table == writer
    assert metadata.exported("article")["select_permissions"][0]["permission"]["filter"]["_exists"]["_table"] == {
        "name": "writer",
        "schema": "public",
    }
    assert metadata.snapshot.inconsistent_objects == ()


@pytest.mark.parametrize(
    "names",
    [("one", "two", "three"), ("two", "one", "three"), ("two", "three", "one"), ("three", "one", "other")],
)
def test_tables_may_take_each_others_names(metadata: Metadata, names: tuple[str, str, str]) -> None:
    before = ("one", "two", "three")
    for name in before:
        metadata.sql(f"create table {name} (id integer primary key, {name}_n integer)")
        metadata.track(name)
        metadata.permit(name, "user", columns=["id", f"{name}_n"], filter={f"{name}_n": {"_gt": 0}})

    aside = "; ".join(f"alter table {name} rename to {name}_aside" for name in before)
    metadata.sql(
        f"{aside}; "
        + "; ".join(f"alter table {old}_aside rename to {new}" for old, new in zip(before, names, strict=True))
    )

    assert {table.name for table in metadata.snapshot.tables} == set(names)
    for old, new in zip(before, names, strict=True):
        assert metadata.exported(new)["select_permissions"][0]["permission"] == {
            "columns": ["id", f"{old}_n"],
            "filter": {f"{old}_n": {"_gt": 0}},
        }
        assert f"{old}_n" in metadata.snapshot.tables[QualifiedName("public", new)].columns_by_name
    assert metadata.snapshot.inconsistent_objects == ()


def test_dropping_what_is_depended_on_needs_cascade(metadata: Metadata) -> None:
    metadata.authors()
    metadata.permit("author", "user", columns=["id", "name"])

    refusal = metadata.sql_refusal("alter table author drop column name")
    assert refusal["error"] == (
        'cannot drop due to the following dependent objects: permission author.user.select in source "default"'
    )
    assert "name" in metadata.snapshot.tables[AUTHOR].columns_by_name

    metadata.sql("alter table author drop column name", cascade=True)
    assert "name" not in metadata.snapshot.tables[AUTHOR].columns_by_name
    assert "select_permissions" not in metadata.exported("author")


def test_a_dropped_table_is_untracked(metadata: Metadata) -> None:
    metadata.authors()
    assert metadata.sql_refusal("drop table article")["error"] == (
        'cannot drop due to the following dependent objects: relationship author.articles in source "default"'
    )

    metadata.sql("drop table article", cascade=True)

    assert set(metadata.snapshot.tables) == {AUTHOR}
    assert metadata.snapshot.tables[AUTHOR].relationships == {}


def test_a_dropped_foreign_key_takes_its_relationships(metadata: Metadata) -> None:
    metadata.authors()

    assert (
        "relationship" in metadata.sql_refusal("alter table article drop constraint article_author_id_fkey")["error"]
    )
    metadata.sql("alter table article drop constraint article_author_id_fkey", cascade=True)

    assert metadata.snapshot.tables[ARTICLE].relationships == {}
    assert metadata.snapshot.tables[AUTHOR].relationships == {}


@pytest.mark.parametrize(
    ("ddl", "column", "type_name"),
    [
        ("alter table author add column extra jsonb", "extra", "jsonb"),
        ("alter table author alter column email type varchar(10)", "email", "varchar"),
        ("do $$ begin alter table author add column extra date; end $$", "extra", "date"),
    ],
)
def test_altered_tables_are_read_again(metadata: Metadata, ddl: str, column: str, type_name: str) -> None:
    metadata.authors()

    metadata.sql(ddl)

    assert metadata.snapshot.tables[AUTHOR].columns_by_name[column].type.name == type_name


def test_a_new_label_of_an_enum_type_is_seen(metadata: Metadata) -> None:
    metadata.sql("create type mood as enum ('sad'); create table author (id int, mood mood)")
    metadata.track("author")

    metadata.sql("alter type mood add value 'happy'")

    assert metadata.snapshot.tables[AUTHOR].columns_by_name["mood"].type.enum_labels == ("sad", "happy")


def test_comments_are_seen(metadata: Metadata) -> None:
    metadata.authors()

    metadata.sql("comment on table author is 'who writes'; comment on column author.name is 'in full'")

    table = metadata.snapshot.tables[AUTHOR]
    assert (table.description, table.columns_by_name["name"].description) == ("who writes", "in full")


def test_a_table_dropped_and_made_again_keeps_its_metadata(metadata: Metadata) -> None:
    metadata.authors()
    metadata.permit("author", "user", columns=["id"])

    metadata.sql("drop table article, author cascade; create table author (id bigint primary key)", cascade=True)

    assert metadata.snapshot.tables[AUTHOR].columns_by_name["id"].type.name == "int8"
    assert metadata.snapshot.tables[AUTHOR].select_permissions["user"].columns == {"id"}


NUMBERS = "create table t (id int primary key, n int, s text, m int); create table u (id int primary key, t_id int)"
_STATIC = {"n": {"_gt": 1}}


def numbers(metadata: Metadata) -> None:
    metadata.sql(NUMBERS)
    metadata.track("t", "u")
    mapping = {"remote_table": "t", "column_mapping": {"t_id": "id"}}
    metadata.call(
        "pg_create_object_relationship", {"table": "u", "name": "t", "using": {"manual_configuration": mapping}}
    )


@pytest.mark.parametrize(
    ("table", "operation", "rules"),
    [
        ("t", "select", {"columns": ["id"], "filter": _STATIC}),
        ("t", "select", {"columns": ["id"], "filter": {"_or": [{"s": {"_eq": "a"}}, {"_not": _STATIC}]}}),
        ("t", "select", {"columns": ["id"], "filter": {"$and": [{"n": {"$in": ["X-Hasura-N", 1]}}]}}),
        ("t", "insert", {"columns": ["id"], "check": _STATIC}),
        ("t", "update", {"columns": ["id"], "filter": {}, "check": _STATIC}),
        ("t", "delete", {"filter": {"n": 1}}),
        ("u", "select", {"columns": ["id"], "filter": {"t": _STATIC}}),
        ("u", "select", {"columns": ["id"], "filter": {"_exists": {"_table": "t", "_where": _STATIC}}}),
    ],
)
@pytest.mark.parametrize("type_name", ["bigint", "text"])
def test_a_type_that_a_permission_compares_with_does_not_change(
    metadata: Metadata, table: str, operation: str, rules: dict[str, Any], type_name: str
) -> None:
    numbers(metadata)
    metadata.permit(table, "user", operation=operation, **rules)

    for cascade in (False, True):
        refusal = metadata.sql_refusal(f"alter table t alter n type {type_name}", cascade=cascade)
        assert refusal == {
            "path": "$.args",
            "code": "dependency-error",
            "error": 'cannot change type of column "n" in table "t" because of the following dependencies: '
            f'permission {table}.user.{operation} in source "default"',
        }
    assert metadata.snapshot.tables[QualifiedName("public", "t")].columns_by_name["n"].type.name == "int4"


def test_every_permission_that_compares_is_named(metadata: Metadata) -> None:
    numbers(metadata)
    for role in ("a", "b"):
        metadata.permit("t", role, filter=_STATIC)

    assert str(metadata.sql_refusal("alter table t alter n type text")["error"]).endswith(
        'permission t.a.select in source "default", permission t.b.select in source "default"'
    )


@pytest.mark.parametrize(
    "condition",
    [
        {"n": {"_eq": "X-Hasura-User-Id"}},
        {"n": {"_in": ["X-Hasura-A", "x-hasura-b"]}},
        {"n": {"_is_null": True}},
        {"s": {"_eq": "a"}},
        {"t": {"s": {"_eq": "a"}}},
    ],
)
def test_a_type_changes_below_what_is_cast_to_it(metadata: Metadata, condition: dict[str, Any]) -> None:
    numbers(metadata)
    metadata.permit("u" if "t" in condition else "t", "user", filter=condition, columns=["id"])

    metadata.sql("alter table t alter n type text")

    assert metadata.call("get_inconsistent_metadata")["is_consistent"] is True


def test_a_renamed_type_is_the_same_type(metadata: Metadata) -> None:
    metadata.sql("create type mood as enum ('sad', 'happy'); create table t (id int, m mood)")
    metadata.track("t")
    metadata.permit("t", "user", filter={"m": {"_eq": "sad"}})

    metadata.sql("alter type mood rename to feeling")

    assert metadata.snapshot.tables[QualifiedName("public", "t")].columns_by_name["m"].type.name == "feeling"


@pytest.mark.parametrize(
    ("ddl", "named"),
    [
        ("alter table t alter m type uuid using null", "permission t.user.insert"),
        (
            "drop function double; create function double(r u) returns int language sql stable as 'select 1'",
            "computed field t.doubled",
        ),
        (
            "drop function double; create function double(r t) returns t language sql stable as 'select r'",
            "computed field t.doubled",
        ),
        ("drop function double", "computed field t.doubled"),
        ("drop function found; create function found() returns int language sql as 'select 1'", "function found"),
        ("alter table t drop n", "permission t.user.select"),
        ("alter table t drop m", "permission t.user.insert"),
        ("alter table t drop id cascade", "relationship u.t"),
        ("alter table t rename n to doubled", "computed field t.doubled"),
    ],
)
def test_what_would_break_is_named(metadata: Metadata, ddl: str, named: str) -> None:
    numbers(metadata)
    metadata.sql(
        "create function double(r t) returns int language sql stable as 'select 2 * r.n';"
        "create function found() returns setof u language sql stable as 'select * from u'"
    )
    metadata.call("pg_add_computed_field", {"table": "t", "name": "doubled", "definition": {"function": "double"}})
    metadata.call("pg_track_function", {"function": "found"})
    metadata.permit("t", "user", filter={"n": {"_eq": "X-Hasura-N"}}, columns=["s"])
    metadata.permit("t", "user", operation="insert", check={}, columns=["id"], set={"m": 7})

    refusal = metadata.sql_refusal(ddl)

    assert refusal["code"] == "dependency-error"
    assert f'{named} in source "default"' in str(refusal["error"])
    assert metadata.call("get_inconsistent_metadata")["is_consistent"] is True

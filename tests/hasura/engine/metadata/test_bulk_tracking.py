"""Calls that track or untrack many objects: with warnings as many as can be, else all or none."""

from typing import Any

import pytest

from tests.hasura.engine.metadata.conftest import Metadata

Json = Any
_FUNCTIONS = """
create function one() returns setof author language sql stable as $$ select * from author $$;
create function two(word text) returns setof author language sql stable as $$ select * from author $$;
create function number() returns int language sql stable as $$ select 1 $$;
create function twofold() returns setof author language sql stable as $$ select * from author $$;
create function twofold(word text) returns setof author language sql stable as $$ select * from author $$;
"""


@pytest.fixture
def world(metadata: Metadata) -> Metadata:
    metadata.authors()
    metadata.sql(_FUNCTIONS + "create table more (id int primary key); create view seen as select * from more")
    return metadata


def _tracked(metadata: Metadata) -> tuple[list[str], list[str]]:
    """The names of tracked functions and tables."""
    (source,) = metadata.call("export_metadata")["sources"]
    functions = [item["function"]["name"] for item in source.get("functions", [])]
    return functions, [item["table"]["name"] for item in source["tables"]]


def _named(answer: Json) -> list[tuple[str, str]]:
    assert answer["message"] == "success"
    return [(item["name"], item["code"]) for item in answer.get("warnings", [])]


def test_functions_that_cannot_be_tracked_are_warnings_and_the_others_are_tracked(world: Metadata) -> None:
    functions: Json = [
        {"function": "one", "configuration": {"custom_name": "first"}, "source": "default"},
        {"function": "number"},
        {"function": {"schema": "public", "name": "twofold"}},
        "two",
        {"function": "one"},
        {"function": "two", "source": "other"},
    ]
    answer = world.call("pg_track_functions", {"functions": functions, "allow_warnings": True})

    assert _named(answer) == [
        ("function number", "invalid-configuration"),
        ("function twofold", "invalid-configuration"),
        ("function one", "already-tracked"),
        ("function two", "not-exists"),
    ]
    assert {item["type"] for item in answer["warnings"]} == {"function"}
    assert _tracked(world)[0] == ["one", "two"]
    assert {"first", "two"} <= set(world.snapshot.query_fields)
    assert world.call("get_inconsistent_metadata")["is_consistent"]


def test_functions_are_untracked_likewise(world: Metadata) -> None:
    world.call("pg_track_functions", {"functions": ["one", "two"]})
    answer = world.call("pg_untrack_functions", {"functions": [{"function": "one"}, {"function": "nowhere"}, "two"]})

    assert _named(answer) == [("function nowhere", "not-exists")]
    assert _tracked(world)[0] == []


def test_tables_are_tracked_and_untracked_likewise(world: Metadata) -> None:
    answer = world.call("pg_track_tables", {"tables": [{"table": "more"}, {"table": "nowhere"}, "author", "seen"]})
    assert _named(answer) == [("table nowhere", "invalid-configuration"), ("table author", "already-tracked")]
    assert _tracked(world)[1] == ["author", "article", "more", "seen"]

    answer = world.call("pg_untrack_tables", {"tables": [{"table": "author"}, {"table": "more"}, {"table": "more"}]})
    assert _named(answer) == [("table author", "dependency-error"), ("table more", "already-untracked")]
    answer = world.call("pg_untrack_tables", {"tables": [{"table": "author", "cascade": True}]})
    assert answer == {"message": "success"}
    assert _tracked(world)[1] == ["article", "seen"]


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        ("pg_track_functions", {"functions": [{"function": "two"}, {"function": "number"}]}),
        ("pg_untrack_functions", {"functions": [{"function": "one"}, {"function": "nowhere"}]}),
        ("pg_track_tables", {"tables": [{"table": "more"}, {"table": "nowhere"}]}),
        ("pg_untrack_tables", {"tables": [{"table": "article"}, {"table": "nowhere"}]}),
    ],
)
def test_without_warnings_all_are_handled_or_none(world: Metadata, kind: str, args: Json) -> None:
    world.call("pg_track_functions", {"functions": ["one"]})
    before = world.call("export_metadata")

    world.refusal(kind, {**args, "allow_warnings": False})
    assert world.call("export_metadata") == before
    assert "one" in world.snapshot.query_fields and "article" in world.snapshot.query_fields


@pytest.mark.parametrize(
    ("kind", "list_name", "item", "path"),
    [
        ("pg_track_functions", "functions", {"function": 5}, "$.args.functions[1].function"),
        ("pg_untrack_functions", "functions", {"function": "one", "sorce": "x"}, "$.args.functions[1].sorce"),
        ("pg_track_tables", "tables", {"table": "more", "configuraton": {}}, "$.args.tables[1].configuraton"),
        ("pg_untrack_tables", "tables", {"table": "author", "cascad": True}, "$.args.tables[1].cascad"),
    ],
)
def test_what_cannot_be_read_is_refused_and_no_warning(
    world: Metadata, kind: str, list_name: str, item: Json, path: str
) -> None:
    world.call("pg_track_functions", {"functions": ["one"]})
    before = world.call("export_metadata")
    name = "one" if list_name == "functions" else "article"

    refusal = world.refusal(kind, {list_name: [{list_name.removesuffix("s"): name}, item]})
    assert (refusal["code"], refusal["path"]) == ("parse-failed", path)
    assert world.call("export_metadata") == before


def test_what_may_be_tracked_is_listed(world: Metadata) -> None:
    names = [{"name": name, "schema": "public"} for name in ("one", "two", "twofold")]
    functions = sorted(names, key=lambda name: name["name"])
    tables = world.call("pg_get_source_tables")

    assert world.call("pg_get_source_functions") == functions
    listed = world.call("pg_get_source_trackables", {"source": "default"})
    assert listed == {"tables": [{"name": name} for name in tables], "functions": [{"name": n} for n in functions]}
    assert {"name": "seen", "schema": "public"} in tables

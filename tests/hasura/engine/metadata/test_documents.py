"""Export, replace, reload, inconsistencies: metadata as a whole."""

from typing import Any

import pytest

from hasura.engine.catalog.types import QualifiedName
from tests.hasura.engine.metadata.conftest import Metadata

AUTHOR, ARTICLE = QualifiedName("public", "author"), QualifiedName("public", "article")


def fill(metadata: Metadata) -> None:
    """A little of everything."""
    metadata.authors()
    metadata.sql(
        "create function search(search text) returns setof article language sql stable as"
        " $$ select * from article where title ilike search $$;"
        " create function shout(author author) returns text language sql stable as $$ select upper(author.name) $$"
    )
    metadata.permit("article", "user", columns=["id"], filter={"author_id": {"_eq": "X-Hasura-User-Id"}}, limit=10)
    metadata.permit("article", "user", operation="insert", check={}, set={"title": "x"}, backend_only=True)
    metadata.call("pg_track_function", {"function": "search", "configuration": {"custom_name": "find"}})
    metadata.call("pg_add_computed_field", {"table": "author", "name": "loud", "definition": {"function": "shout"}})
    metadata.call("add_inherited_role", {"role_name": "both", "role_set": ["user", "guest"]})
    definition = {"queries": [{"name": "all", "query": "query { author { id } }"}]}
    metadata.call("create_query_collection", {"name": "known", "definition": definition})
    metadata.call("add_collection_to_allowlist", {"collection": "known"})
    query = {"query": {"collection_name": "known", "query_name": "all"}}
    metadata.call(
        "create_rest_endpoint", {"name": "authors", "url": "authors", "methods": ["GET"], "definition": query}
    )
    metadata.call("set_graphql_schema_introspection_options", {"disabled_for_roles": ["guest"]})


def test_replacing_metadata_with_its_export_changes_nothing(metadata: Metadata) -> None:
    fill(metadata)
    before, snapshot = metadata.call("export_metadata"), metadata.snapshot

    answer = metadata.call("replace_metadata", {"metadata": before}, version=2)

    assert answer == {"is_consistent": True, "inconsistent_objects": []}
    assert metadata.call("export_metadata") == before
    assert dict(metadata.snapshot.tables) == dict(snapshot.tables)
    assert dict(metadata.snapshot.query_fields) == dict(snapshot.query_fields)
    assert metadata.snapshot.rest_endpoints == snapshot.rest_endpoints
    assert {"find", "find_aggregate", "author"} <= set(metadata.snapshot.query_fields)


def test_parts_the_engine_does_not_know_come_back_as_they_were(metadata: Metadata) -> None:
    metadata.sql("create table author (id int)")
    trigger = {"name": "t", "definition": {"insert": {"columns": "*"}}, "webhook": "http://127.0.0.1"}
    document = {
        "version": 3,
        "sources": [
            {
                "name": "default",
                "kind": "postgres",
                "tables": [{"table": {"name": "author", "schema": "public"}, "event_triggers": [trigger]}],
                "configuration": {"connection_info": {"database_url": "postgres://elsewhere"}},
                "logical_models": [{"name": "m", "fields": []}],
            }
        ],
        "actions": [{"name": "act", "definition": {}}],
        "cron_triggers": [{"name": "tick", "schedule": "* * * * *"}],
    }

    metadata.call("replace_metadata", {"metadata": document, "allow_inconsistent_metadata": True})

    assert metadata.call("export_metadata") == document


def test_the_older_form_without_sources_is_understood(metadata: Metadata) -> None:
    metadata.sql("create table author (id int)")

    metadata.call("replace_metadata", {"tables": [{"table": "author", "array_relationships": []}], "functions": []})

    assert set(metadata.snapshot.tables) == {AUTHOR}
    assert metadata.exported("author") == {"table": {"name": "author", "schema": "public"}}


def test_a_call_made_for_another_version_conflicts(metadata: Metadata) -> None:
    exported = metadata.call("export_metadata", version=2)
    version = exported["resource_version"]

    refusal = metadata.refusal(
        "replace_metadata", {"metadata": exported["metadata"]}, version=2, resource_version=version - 1
    )
    assert refusal["code"] == "conflict"
    metadata.call("replace_metadata", {"metadata": exported["metadata"]}, version=2, resource_version=version)

    assert metadata.call("export_metadata", version=2)["resource_version"] == version + 1


def test_a_vanished_table_becomes_inconsistent_and_the_rest_goes_on(metadata: Metadata) -> None:
    metadata.authors()
    metadata.sql("create table other (id int)")
    metadata.track("other")

    metadata.sql("drop table article", check_metadata_consistency=False)
    answer = metadata.call("reload_metadata")

    assert answer["is_consistent"] is False
    assert [(item["type"], item["name"]) for item in answer["inconsistent_objects"]] == [
        ("table", "table article in source default"),
        ("array_relation", "array_relation articles in table author in source default"),
    ]
    assert set(metadata.snapshot.tables) == {AUTHOR, QualifiedName("public", "other")}
    assert metadata.call("get_inconsistent_metadata")["inconsistent_objects"] == answer["inconsistent_objects"]


def test_what_is_inconsistent_heals_when_the_database_fits_again(metadata: Metadata) -> None:
    metadata.authors()
    metadata.permit("author", "user", filter={"articles": {"title": {"_eq": "x"}}})
    metadata.sql("alter table article rename to hidden", check_metadata_consistency=False)
    assert metadata.call("reload_metadata")["is_consistent"] is False
    assert "user" not in metadata.snapshot.tables[AUTHOR].select_permissions

    metadata.sql("alter table hidden rename to article")

    assert metadata.call("get_inconsistent_metadata")["is_consistent"] is True
    assert "user" in metadata.snapshot.tables[AUTHOR].select_permissions


def test_inconsistent_objects_can_be_dropped(metadata: Metadata) -> None:
    metadata.authors()
    metadata.permit("author", "user", filter={"articles": {"title": {"_eq": "x"}}})
    metadata.sql("drop table article", check_metadata_consistency=False)
    metadata.call("reload_metadata")

    metadata.call("drop_inconsistent_metadata")

    assert metadata.call("get_inconsistent_metadata")["is_consistent"] is True
    assert metadata.exported("author") == {"table": {"name": "author", "schema": "public"}}


def test_inconsistent_metadata_replaces_only_when_that_is_allowed(metadata: Metadata) -> None:
    tables = [{"table": {"schema": "public", "name": "nobody"}}]
    document = {"version": 3, "sources": [{"name": "default", "kind": "postgres", "tables": tables}]}

    refusal = metadata.refusal("replace_metadata", {"metadata": document}, version=2)
    assert (refusal["error"], refusal["code"]) == ("cannot continue due to inconsistent metadata", "unexpected")
    assert metadata.call("export_metadata")["sources"][0]["tables"] == []

    metadata.call("replace_metadata", {"metadata": document, "allow_inconsistent_metadata": True}, version=2)
    assert metadata.call("export_metadata")["sources"][0]["tables"] == tables


@pytest.mark.parametrize(
    "part",
    [
        {"graphql_schema_introspection": {"disabled_for_roles": "guest"}},
        {"api_limits": []},
        {"rest_endpoints": [{"name": "x"}]},
        {"sources": [{"name": "default", "tables": [{"table": 5}]}]},
        {"sources": [{"name": "default", "tables": [], "customization": {"naming_convention": "shouting"}}]},
    ],
)
def test_what_could_not_be_read_again_is_not_stored(metadata: Metadata, part: dict[str, Any]) -> None:
    if part.get("api_limits") == []:
        part = {"api_limits": ["no object"]}
    before = metadata.call("export_metadata")

    assert metadata.refusal("replace_metadata", {"metadata": {"version": 3, "sources": [], **part}})["code"]
    assert metadata.call("export_metadata") == before


def test_clearing_leaves_nothing(metadata: Metadata) -> None:
    fill(metadata)

    metadata.call("clear_metadata")

    exported = metadata.call("export_metadata")
    assert exported.keys() == {"version", "sources"}
    assert exported["sources"][0]["tables"] == []
    assert (dict(metadata.snapshot.tables), dict(metadata.snapshot.query_fields)) == ({}, {})
    assert (dict(metadata.snapshot.functions), dict(metadata.snapshot.mutation_fields)) == ({}, {})


def test_one_failed_call_undoes_a_bulk(metadata: Metadata) -> None:
    metadata.sql("create table author (id int)")
    calls = [
        {"type": "pg_track_table", "args": {"table": "author"}},
        {"type": "pg_track_table", "args": {"table": "nobody"}},
    ]

    refusal = metadata.refusal("bulk", calls)

    assert refusal["path"] == "$.args[1].args"
    assert dict(metadata.snapshot.tables) == {}
    assert metadata.call("export_metadata")["sources"][0]["tables"] == []


def test_a_bulk_that_keeps_going_answers_for_each_call(metadata: Metadata) -> None:
    metadata.sql("create table author (id int)")
    calls = [
        {"type": "pg_track_table", "args": {"table": "nobody"}},
        {"type": "pg_track_table", "args": {"table": "author"}},
    ]

    answers = metadata.call("bulk_keep_going", calls)

    assert (answers[0]["code"], answers[1]) == ("invalid-configuration", {"message": "success"})
    assert set(metadata.snapshot.tables) == {AUTHOR}


def test_what_the_command_line_keeps_on_the_server_outlives_metadata(metadata: Metadata) -> None:
    state = {"migrations": {"default": {"1": False}}}

    metadata.call("set_catalog_state", {"type": "cli", "state": state})
    metadata.call("clear_metadata")

    kept = metadata.call("get_catalog_state")
    assert (kept["cli_state"], kept["console_state"]) == (state, {})
    assert kept["id"] == metadata.call("get_catalog_state")["id"]
    assert metadata.call("export_metadata").keys() == {"version", "sources"}


@pytest.mark.parametrize(
    ("payload", "path", "code"),
    [
        ({"type": "nonsense", "args": {}}, "$.type", "parse-failed"),
        ({"args": {}}, "$", "parse-failed"),
        ({"type": "pg_track_table", "version": 3, "args": {}}, "$.version", "parse-failed"),
        ({"type": "pg_track_table", "args": {"table": {"schema": "x"}}}, "$.args.table", "parse-failed"),
        ({"type": "pg_add_source", "args": {"name": "x"}}, "$.args", "not-supported"),
        ({"type": "pg_track_table", "args": {"source": "x", "table": "t"}}, "$.args", "not-exists"),
    ],
)
def test_calls_that_make_no_sense_say_where(metadata: Metadata, payload: Any, path: str, code: str) -> None:
    from hasura.engine.errors import EngineError

    with pytest.raises(EngineError) as caught:
        metadata.post(payload)

    assert (caught.value.path, caught.value.code) == (path, code)


_NAMED = {"name": "default", "kind": "postgres", "tables": []}
_ROLE = {"role": "user", "permission": {"columns": [], "filter": {}}}
_BY_KEY = {"foreign_key_constraint_on": {"table": "article", "column": "author_id"}}


@pytest.mark.parametrize(
    ("document", "message", "place"),
    [
        ({}, 'key "tables" not found', "$.args"),
        ({"metadata": {"allow_inconsistent_metadata": True}}, 'key "tables" not found', "$.args.metadata"),
        ({"version": 3}, 'key "sources" not found', "$.args"),
        ({"version": 2, "sources": []}, 'key "tables" not found', "$.args"),
        (
            {"version": 3, "sources": None},
            "parsing [] failed, expected Array, but encountered Null",
            "$.args.sources",
        ),
        ({"version": 9, "sources": []}, "expected 1, 2 or 3, encountered 9", "$.args.version"),
    ],
)
def test_a_document_that_does_not_say_what_it_holds_replaces_nothing(
    metadata: Metadata, document: dict[str, Any], message: str, place: str
) -> None:
    metadata.authors()
    before = metadata.call("export_metadata")

    refusal = metadata.refusal("replace_metadata", document)

    assert (refusal["error"], refusal["code"], refusal["path"]) == (message, "parse-failed", place)
    assert metadata.call("export_metadata") == before


@pytest.mark.parametrize(
    ("part", "what"),
    [
        ({"sources": [{**_NAMED, "tables": [{"table": "a"}, {"table": {"name": "a"}}]}]}, "tables: a"),
        ({"sources": [{**_NAMED, "functions": [{"function": "f"}, {"function": {"name": "f"}}]}]}, "functions: f"),
        ({"inherited_roles": [{"role_name": "r", "role_set": []}] * 2}, "inherited roles: r"),
        ({"query_collections": [{"name": "q", "definition": {"queries": []}}] * 2}, "query collections: q"),
        ({"allowlist": [{"collection": "q"}] * 2}, "allowlist entries: q"),
    ],
)
def test_nothing_is_declared_twice(metadata: Metadata, part: dict[str, Any], what: str) -> None:
    refusal = metadata.refusal("replace_metadata", {"version": 3, "sources": [_NAMED], **part})

    assert refusal["error"] == f"multiple declarations exist for the following {what}"
    assert refusal["code"] == "parse-failed"


@pytest.mark.parametrize(
    ("lists", "what"),
    [
        ({"select_permissions": [_ROLE, _ROLE]}, "select permissions: user"),
        (
            {
                "array_relationships": [{"name": "r", "using": _BY_KEY}],
                "object_relationships": [{"name": "r", "using": {"foreign_key_constraint_on": "id"}}],
            },
            "relationships: r",
        ),
        ({"computed_fields": [{"name": "c", "definition": {"function": "f"}}] * 2}, "computed fields: c"),
    ],
)
def test_nothing_of_a_table_is_declared_twice(metadata: Metadata, lists: dict[str, Any], what: str) -> None:
    document = {"version": 3, "sources": [{**_NAMED, "tables": [{"table": "author", **lists}]}]}

    refusal = metadata.refusal("replace_metadata", document)

    assert refusal["error"] == f"multiple declarations exist for the following {what}"

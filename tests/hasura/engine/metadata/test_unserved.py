"""What metadata may hold and this engine does not serve: kept as it came, and told wherever consistency is."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hasura.engine.api.commands.settings import UNSERVED_COMMANDS
from hasura.engine.api.registry import commands
from tests.hasura.engine.metadata.conftest import Metadata

Json = dict[str, Any]
AUTHOR = {"name": "author", "schema": "public"}
PAGE = Path(__file__).parents[4] / "docs" / "hasura-compatibility.md"


class Kind(NamedTuple):
    """Something that is not served: where it stands in a document, and how it is told."""

    place: str
    """`metadata`, `source` or `table`."""
    part: Json
    type: str
    name: str
    calls: tuple[str, ...] = ()
    """Single commands that would make it, all of them refused."""


_TRIGGER = {"name": "made", "definition": {"insert": {"columns": "*"}}, "webhook": "http://127.0.0.1/hook"}
_REMOTE = {"name": "orders", "definition": {"to_remote_schema": {"remote_schema": "r", "lhs_fields": ["id"]}}}
_QUERY = {"root_field_name": "latest", "code": "select 1 as id", "returns": "row", "arguments": {}}
_MODEL = {"name": "row", "fields": [{"name": "id", "type": {"scalar": "integer", "nullable": False}}]}
_SCHEMA = {"name": "countries", "definition": {"url": "http://127.0.0.1/graphql"}}
_ACTION = {
    "name": "login",
    "definition": {"handler": "http://127.0.0.1", "output_type": "Token", "kind": "synchronous"},
}
_CRON = {"name": "nightly", "webhook": "http://127.0.0.1", "schedule": "0 2 * * *", "include_in_metadata": True}
_TYPES = {"objects": [{"name": "Token", "fields": [{"name": "value", "type": "String!"}]}]}

KINDS = (
    Kind(
        "table",
        {"event_triggers": [_TRIGGER]},
        "event_trigger",
        "event_trigger made in table author in source default",
        ("pg_create_event_trigger", "create_event_trigger", "pg_invoke_event_trigger", "pg_redeliver_event"),
    ),
    Kind(
        "table",
        {"remote_relationships": [_REMOTE]},
        "remote_relationship",
        "remote_relationship orders in table author in source default",
        ("pg_create_remote_relationship", "create_remote_relationship"),
    ),
    Kind(
        "table",
        {"apollo_federation_config": {"enable": "v1"}},
        "apollo_federation_config",
        "apollo_federation_config in table author in source default",
    ),
    Kind(
        "source",
        {"native_queries": [_QUERY]},
        "native_query",
        "native_query latest in source default",
        ("pg_track_native_query", "track_native_query", "pg_create_native_query_object_relationship"),
    ),
    Kind(
        "source",
        {"logical_models": [_MODEL]},
        "logical_model",
        "logical_model row in source default",
        ("pg_track_logical_model", "pg_create_logical_model_select_permission"),
    ),
    Kind(
        "source",
        {"stored_procedures": [{"stored_procedure": {"schema": "dbo", "name": "p"}}]},
        "stored_procedure",
        "stored_procedure dbo.p in source default",
        ("mssql_track_stored_procedure",),
    ),
    Kind(
        "source",
        {"query_tags": {"disabled": False, "format": "standard"}},
        "query_tags",
        "query_tags in source default",
    ),
    Kind(
        "source",
        {"health_check": {"test": {"sql": "select 1"}, "interval": 5}},
        "health_check",
        "health_check in source default",
    ),
    Kind(
        "source",
        {"configuration": {"connection_info": {}, "connection_template": {"template": "{{$.default}}"}}},
        "connection_template",
        "connection_template in source default",
    ),
    Kind("metadata", {"actions": [_ACTION]}, "action", "action login", ("create_action", "create_action_permission")),
    Kind("metadata", {"custom_types": _TYPES}, "custom_types", "custom_types"),
    Kind("metadata", {"cron_triggers": [_CRON]}, "cron_trigger", "cron_trigger nightly", ("create_cron_trigger",)),
    Kind(
        "metadata", {"remote_schemas": [_SCHEMA]}, "remote_schema", "remote_schema countries", ("add_remote_schema",)
    ),
    Kind(
        "metadata",
        {"network": {"tls_allowlist": [{"host": "x.test"}]}},
        "network",
        "network",
        ("add_host_to_tls_allowlist",),
    ),
    Kind(
        "metadata",
        {"opentelemetry": {"status": "enabled", "data_types": ["traces"]}},
        "open_telemetry",
        "open_telemetry",
        ("set_opentelemetry_config", "set_opentelemetry_status"),
    ),
    Kind("metadata", {"metrics_config": {"analyze_query_variables": True}}, "metrics_config", "metrics_config"),
    Kind(
        "metadata",
        {"backend_configs": {"dataconnector": {"sqlite": {"uri": "http://127.0.0.1"}}}},
        "data_connector_agent",
        "data_connector_agent",
        ("dc_add_agent",),
    ),
    Kind("metadata", {"of_a_later_version": {"on": True}}, "of_a_later_version", "of_a_later_version"),
)
kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type)


def document(*parts: Kind, source: str = "default") -> Json:
    """A metadata document with a table, and with these parts."""
    table: Json = {"table": AUTHOR}
    own: Json = {"name": source, "kind": "postgres", "tables": [table], "configuration": {"connection_info": {}}}
    whole: Json = {"version": 3, "sources": [own]}
    for kind in parts:
        {"metadata": whole, "source": own, "table": table}[kind.place].update(copy.deepcopy(kind.part))
    return whole


def replace(metadata: Metadata, whole: Json, *, version: int = 2) -> Json:
    args = {"metadata": whole, "allow_inconsistent_metadata": True}
    answer: Json = metadata.call("replace_metadata", args, version=version)
    return answer


@pytest.fixture
def author(metadata: Metadata) -> Metadata:
    metadata.sql("create table author (id int primary key, name text); insert into author values (1, 'Ann')")
    return metadata


@kinds
def test_what_is_not_served_is_told_wherever_consistency_is(author: Metadata, kind: Kind) -> None:
    answers = [
        replace(author, document(kind)),
        replace(author, document(kind), version=1),
        author.call("get_inconsistent_metadata"),
        author.call("reload_metadata"),
        author.call("bulk", [{"type": "reload_metadata", "args": {}}])[0],
        author.call("bulk", [{"type": "get_inconsistent_metadata", "args": {}}])[0],
    ]

    for answer in answers:
        assert answer["is_consistent"] is False
        (told,) = answer["inconsistent_objects"]
        assert (told["type"], told["name"], told["reason"]) == (kind.type, kind.name, "not served by this engine")
        assert told["definition"]


@kinds
def test_it_comes_back_as_it_was(author: Metadata, kind: Kind) -> None:
    replace(author, document(kind))
    assert author.call("export_metadata") == document(kind)

    author.call("reload_metadata")
    assert author.call("export_metadata") == document(kind)


@kinds
def test_it_is_refused_unless_inconsistent_metadata_is_allowed(author: Metadata, kind: Kind) -> None:
    before = author.call("export_metadata")

    for version in (1, 2):
        refusal = author.refusal("replace_metadata", {"metadata": document(kind)}, version=version)
        assert (refusal["error"], refusal["code"]) == ("cannot continue due to inconsistent metadata", "unexpected")

    assert author.call("export_metadata") == before


@kinds
def test_the_rest_is_served(author: Metadata, kind: Kind) -> None:
    replace(author, document(kind))

    author.permit("author", "user", filter={"name": {"_eq": "Ann"}})
    author.sql("alter table author rename to writer; alter table writer add column born date")

    (table,) = author.snapshot.tables.values()
    assert (table.name.name, set(table.select_permissions)) == ("writer", {"user"})
    expected = kind.name.replace("author", "writer")
    assert [item.name for item in author.snapshot.inconsistent_objects] == [expected]


@kinds
def test_it_can_be_dropped_with_what_is_inconsistent(author: Metadata, kind: Kind) -> None:
    replace(author, document(kind))

    author.call("drop_inconsistent_metadata")

    assert author.call("get_inconsistent_metadata") == {"is_consistent": True, "inconsistent_objects": []}
    left = author.call("export_metadata")
    assert left["sources"][0]["tables"] == [{"table": AUTHOR}]
    assert kind.name == "source_customization in source default" or left == document()


@kinds
def test_the_calls_that_would_make_it_are_refused(author: Metadata, kind: Kind) -> None:
    for call in kind.calls:
        refusal = author.refusal(call, {"name": "x", "table": AUTHOR})
        assert (refusal["code"], refusal["path"]) == ("not-supported", "$.args"), call
        assert "not served by this engine" in str(refusal["error"])


@pytest.mark.parametrize(
    ("call", "args"),
    [
        ("set_custom_types", _TYPES),
        ("pg_set_apollo_federation_config", {"table": "author", "apollo_federation_config": {"enable": "v1"}}),
        ("pg_track_table", {"table": "author", "apollo_federation_config": {"enable": "v1"}}),
        ("pg_track_table", {"table": "author", "logical_model": {"name": "row"}}),
        *((name, {}) for names in UNSERVED_COMMANDS.values() for name in names),
    ],
)
def test_no_single_call_keeps_what_is_not_served(author: Metadata, call: str, args: Json) -> None:
    refusal = author.refusal(call, args)

    assert refusal["code"] == "not-supported"
    assert "not served by this engine" in str(refusal["error"])


def test_everything_at_once_is_told_and_comes_back(author: Metadata) -> None:
    whole = document(*KINDS[:8], *KINDS[9:])

    answer = replace(author, whole)

    told = {(item["type"], item["name"]) for item in answer["inconsistent_objects"]}
    assert told == {(kind.type, kind.name) for kind in (*KINDS[:8], *KINDS[9:])}
    assert author.call("export_metadata") == whole


@pytest.mark.parametrize("kind", [kind for kind in KINDS if isinstance(next(iter(kind.part.values())), list)])
def test_each_of_several_is_told_and_dropped(author: Metadata, kind: Kind) -> None:
    ((name, (element,)),) = kind.part.items()
    key = next(key for key in ("root_field_name", "stored_procedure", "name") if key in element)
    several = kind._replace(part={name: [element, {**element, key: "another"}]})

    told = replace(author, document(several))["inconsistent_objects"]

    assert [item["type"] for item in told] == [kind.type] * 2
    author.call("drop_inconsistent_metadata")
    assert author.call("export_metadata") == document()


@pytest.mark.parametrize(
    "part",
    [
        {"custom_types": {"enums": [], "objects": []}},
        {"network": {"tls_allowlist": []}},
        {"opentelemetry": {"status": "disabled", "data_types": ["traces"]}},
        {"metrics_config": {"analyze_query_variables": False}},
        {"actions": [], "cron_triggers": [], "remote_schemas": []},
    ],
)
def test_what_asks_for_nothing_is_consistent(author: Metadata, part: Json) -> None:
    answer = author.call("replace_metadata", {"metadata": {**document(), **part}}, version=2)

    assert answer == {"is_consistent": True, "inconsistent_objects": []}


def test_a_permission_whose_input_a_webhook_validates_is_not_served(author: Metadata) -> None:
    """It would let through what the webhook refuses."""
    validation = {"type": "http", "definition": {"url": "http://127.0.0.1/validate"}}
    rules = {"check": {}, "columns": ["id"], "validate_input": validation}
    whole = document()
    whole["sources"][0]["tables"][0]["insert_permissions"] = [{"role": "user", "permission": rules}]

    (told,) = replace(author, whole)["inconsistent_objects"]

    assert told["type"] == "insert_permission"
    assert "validate_input: not served by this engine" in told["reason"]
    (table,) = author.snapshot.tables.values()
    assert not table.insert_permissions
    assert author.call("export_metadata") == whole
    args = {"table": "author", "role": "other", "permission": rules}
    assert "validate_input" in str(author.refusal("pg_create_insert_permission", args)["error"])


# --- sources ------------------------------------------------------------------------------------------------------


def other(name: str, kind: str = "postgres") -> Json:
    return {"name": name, "kind": kind, "tables": [{"table": "elsewhere"}], "configuration": {"connection_info": {}}}


@pytest.mark.parametrize("name", ["default", "main", "postgres"])
def test_one_source_is_served_under_any_name(author: Metadata, name: str) -> None:
    answer = author.call("replace_metadata", {"metadata": document(source=name)}, version=2)

    assert answer["is_consistent"] is True
    assert author.call("export_metadata") == document(source=name)
    permission = {"columns": ["id"], "filter": {}}
    for source in ({"source": name}, {}):
        author.call(
            "pg_create_select_permission",
            {"table": "author", "role": f"u{len(source)}", "permission": permission, **source},
        )
    author.call("run_sql", {"sql": "alter table author rename to writer", "source": name}, path="/v2/query")
    assert [table.name for table in author.snapshot.tables] == ["writer"]


def test_messages_have_the_name_of_the_source(author: Metadata) -> None:
    author.call("replace_metadata", {"metadata": document(source="main")})
    author.permit("author", "user", columns=["name"])

    elsewhere = author.refusal("pg_track_table", {"source": "default", "table": "x"})
    assert elsewhere["error"] == 'source with name "default" does not exist'
    dropped = author.sql_refusal("alter table author drop name")
    assert str(dropped["error"]).endswith('permission author.user.select in source "main"')
    author.sql("drop table author", check_metadata_consistency=False)
    (told,) = author.call("reload_metadata")["inconsistent_objects"]
    assert told["name"] == "table author in source main"
    assert (
        author.refusal("pg_drop_relationship", {"table": "x", "relationship": "r"})["error"]
        == 'table "x" does not exist in source: main'
    )


@pytest.mark.parametrize(
    ("sources", "served"),
    [
        ([lambda: document(source="a")["sources"][0], lambda: other("b")], "a"),
        ([lambda: other("a"), lambda: document()["sources"][0], lambda: other("b", "mssql")], "default"),
        ([lambda: other("a", "mssql"), lambda: document(source="b")["sources"][0]], "b"),
        ([lambda: other("default", "mssql"), lambda: document(source="b")["sources"][0]], "b"),
    ],
)
def test_of_several_sources_one_is_served(author: Metadata, sources: list[Callable[[], Json]], served: str) -> None:
    whole = {"version": 3, "sources": [make() for make in sources]}

    answer = replace(author, whole)

    told = {(item["type"], item["name"], item["reason"]) for item in answer["inconsistent_objects"]}
    others = [source["name"] for source in whole["sources"] if source["name"] != served]
    assert told == {("source", f"source {name}", "not served by this engine") for name in others}
    assert [table.name for table in author.snapshot.tables] == ["author"]
    assert author.call("export_metadata") == whole
    author.call("drop_inconsistent_metadata")
    assert [source["name"] for source in author.call("export_metadata")["sources"]] == [served]


def test_a_source_that_is_not_postgresql_is_told_and_kept(author: Metadata) -> None:
    whole = {"version": 3, "sources": [other("legacy", "mssql")]}

    (told,) = replace(author, whole)["inconsistent_objects"]

    assert (told["type"], told["name"]) == ("source", "source legacy")
    assert author.call("export_metadata") == whole
    author.track("author")
    assert [source["name"] for source in author.call("export_metadata")["sources"]] == ["default", "legacy"]


def test_two_sources_of_one_name_are_refused(author: Metadata) -> None:
    refusal = author.refusal("replace_metadata", {"version": 3, "sources": [other("a"), other("a")]})

    assert (refusal["code"], refusal["path"]) == ("parse-failed", "$.args.sources[1].name")


# --- the page -----------------------------------------------------------------------------------------------------


def test_the_compatibility_page_names_every_kind() -> None:
    text = PAGE.read_text()
    for kind in KINDS:
        if kind.type != "of_a_later_version":
            assert f"`{next(iter(kind.part))}`" in text or kind.type == "connection_template", kind.type
    for name in (
        "connection_template",
        "namespace",
        "validate_input",
        "/v1alpha1/pg_dump",
        "/v1alpha1/config",
    ):
        assert name in text, name


def test_every_call_that_is_not_served_is_known() -> None:
    for names in UNSERVED_COMMANDS.values():
        assert set(names) <= commands.keys()


# --- bulks of reads -----------------------------------------------------------------------------------------------


def test_a_concurrent_bulk_only_reads(author: Metadata) -> None:
    reads = [{"type": "run_sql", "args": {"sql": f"select {n} as n", "read_only": True}} for n in (1, 2)]

    answers = author.call("concurrent_bulk", reads, path="/v2/query")

    assert [answer["result"][1] for answer in answers] == [["1"], ["2"]]
    writes = [*reads, {"type": "run_sql", "args": {"sql": "select 3"}}]
    refusal = author.refusal("concurrent_bulk", writes, path="/v2/query")
    assert (refusal["error"], refusal["path"]) == (
        "Only read-only queries are allowed in a concurrent_bulk",
        "$.args[2]",
    )


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        ({"cost_limit": {"global": 5}}, "cost_limit in api_limits"),
        (
            {"rate_limit": {"global": {"max_reqs_per_min": 5, "unique_params": "IP"}}},
            "unique_params IP of rate_limit in api_limits",
        ),
    ],
)
def test_limits_that_are_not_served_are_told_as_well(metadata: Metadata, limits: Json, name: str) -> None:
    metadata.authors()
    tables: Json = [{"table": AUTHOR}]
    source = {"name": "default", "kind": "postgres", "tables": tables, "configuration": {"connection_info": {}}}
    whole: Json = {"version": 3, "sources": [source], "api_limits": limits}

    metadata.call("replace_metadata", {"allow_inconsistent_metadata": True, "metadata": whole})

    assert [item["name"] for item in metadata.call("get_inconsistent_metadata")["inconsistent_objects"]] == [name]
    assert metadata.call("export_metadata") == whole
    metadata.call("drop_inconsistent_metadata")
    assert metadata.call("get_inconsistent_metadata")["is_consistent"]


def test_updating_the_source_changes_what_is_given_and_nothing_else(metadata: Metadata) -> None:
    metadata.authors()
    customization = {"root_fields": {"prefix": "x_"}}
    metadata.call("pg_set_source_customization", {"source": "default", "customization": customization})

    configuration = {"connection_info": {"database_url": {"from_env": "OTHER"}}}
    metadata.call("pg_update_source", {"name": "default", "configuration": configuration})

    source = metadata.call("export_metadata")["sources"][0]
    assert (source["customization"], source["configuration"]) == (customization, configuration)
    assert "x_author" in metadata.snapshot.query_fields
    metadata.call("pg_set_source_customization", {"source": "default"})
    assert "author" in metadata.snapshot.query_fields

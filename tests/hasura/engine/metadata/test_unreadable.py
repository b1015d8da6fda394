"""Stored metadata of which a part cannot be read: told, kept as it stands, and everything else is served."""

import asyncio
import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import pytest

from hasura.engine.errors import EngineError
from hasura.engine.execution.guards import OperationGuards
from hasura.engine.metadata_service import MetadataService
from hasura.engine.schema.permissions import SelectAccess, table_access
from hasura.engine.schema_cache import SchemaCache, SchemaOptions
from hasura.engine.session import Session
from tests.hasura.engine.metadata.conftest import Metadata
from tests.lengths import at_length

Json = Any
_REPLACEMENTS: tuple[Json, ...] = (None, 5, True, "x", "", [], {}, [5], {"a": 1}, [None], [[]], 1.5)


def _whole(metadata: Metadata) -> Json:
    """Metadata with one object of every kind that is served."""
    metadata.sql(
        "create function shout(article) returns text language sql stable as $$ select upper($1.title) $$;"
        "create function found(word text) returns setof article language sql stable"
        " as $$ select * from article where title = word $$;"
        "create table safe (id int primary key); insert into safe values (1)"
    )
    author: Json = {
        "table": {"name": "author", "schema": "public"},
        "configuration": {"custom_name": "writer", "column_config": {"name": {"custom_name": "title"}}},
        "array_relationships": [
            {
                "name": "articles",
                "using": {"foreign_key_constraint_on": {"table": "article", "column": "author_id"}},
            }
        ],
        "select_permissions": [{"role": "user", "permission": {"columns": ["id"], "filter": {"id": {"_gt": 0}}}}],
    }
    article: Json = {
        "table": {"name": "article", "schema": "public"},
        "object_relationships": [{"name": "author", "using": {"foreign_key_constraint_on": "author_id"}}],
        "computed_fields": [{"name": "loud", "definition": {"function": {"name": "shout", "schema": "public"}}}],
        "select_permissions": [
            {"role": "user", "permission": {"columns": ["id", "title"], "filter": {"author": {"id": {"_eq": 1}}}}},
            {"role": "reader", "permission": {"columns": "*", "filter": {}, "limit": 3}},
        ],
        "insert_permissions": [
            {"role": "user", "permission": {"check": {}, "set": {"author_id": 1}}},
            {"role": "reader", "permission": {"check": {}, "set": {"author_id": 1}}},
        ],
        "delete_permissions": [{"role": "user", "permission": {"filter": {}}}],
    }
    # Stricter than what the role would inherit.
    article["select_permissions"].append(
        {"role": "both", "permission": {"columns": ["id"], "filter": {"id": {"_eq": 7}}}}
    )
    article["delete_permissions"].append({"role": "both", "permission": {"filter": {"id": {"_eq": 7}}}})
    return {
        "version": 3,
        "sources": [
            {
                "name": "default",
                "kind": "postgres",
                "tables": [author, article, {"table": {"name": "safe", "schema": "public"}}],
                "functions": [{"function": {"name": "found", "schema": "public"}, "permissions": [{"role": "user"}]}],
                "configuration": {"connection_info": {"database_url": {"from_env": "X"}}},
                "customization": {"root_fields": {"prefix": ""}},
            }
        ],
        "inherited_roles": [{"role_name": "both", "role_set": ["user", "reader"]}],
        "query_collections": [
            {"name": "q", "definition": {"queries": [{"name": "one", "query": "{ safe { id } }"}]}}
        ],
        "allowlist": [{"collection": "q", "scope": {"global": False, "roles": ["user"]}}],
        "rest_endpoints": [
            {
                "name": "one",
                "url": "one",
                "methods": ["GET"],
                "definition": {"query": {"collection_name": "q", "query_name": "one"}},
            }
        ],
        "api_limits": {"disabled": False, "depth_limit": {"global": 5, "per_role": {"user": 3}}},
        "graphql_schema_introspection": {"disabled_for_roles": ["user"]},
    }


@pytest.fixture
def stored(metadata: Metadata) -> dict[tuple[str, str], Json]:
    """Every document of such metadata, as the engine keeps it, by kind and name."""
    metadata.authors()
    metadata.call("replace_metadata", _whole(metadata))
    rows = metadata.run(
        _fetch(metadata.url, "select kind, name, definition::text from automio_engine.metadata_object")
    )
    return {(row["kind"], row["name"]): json.loads(row["definition"]) for row in rows}


async def _fetch(url: str, query: str, *values: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(query, *values))
    finally:
        await connection.close()


async def _store(url: str, documents: dict[tuple[str, str], Json]) -> None:
    """Puts these documents in place of all there are."""
    rows = [
        (kind, "public" if kind in ("table", "function") else "", name, json.dumps(document))
        for (kind, name), document in documents.items()
    ]
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("delete from automio_engine.metadata_object")
            await connection.executemany(
                "insert into automio_engine.metadata_object (kind, schema_name, name, definition)"
                " values ($1, $2, $3, $4)",
                rows,
            )
    finally:
        await connection.close()


class _Another(Metadata):
    """A process of the same installation, which stops again."""

    def __init__(self, metadata: Metadata, runner: Callable[..., Any]) -> None:
        self.url, self.run = metadata.url, runner
        self.service = MetadataService(self.connect, SchemaOptions())


@pytest.fixture
def restarted(metadata: Metadata) -> Iterator[Callable[[dict[tuple[str, str], Json]], Metadata]]:
    """Stores documents as they are given, behind the engine's back, and starts another process."""
    made: list[Metadata] = []

    def stop() -> None:
        while made:
            metadata.run(made.pop().service.stop())

    def restart(documents: dict[tuple[str, str], Json]) -> Metadata:
        stop()
        metadata.run(_store(metadata.url, documents))
        another = _Another(metadata, metadata.run)
        made.append(another)
        metadata.run(another.service.start())
        return another

    yield restart
    stop()


def _damaged(document: Json, choose: random.Random) -> Json:
    """The document with one part of it replaced or left out."""
    damaged = copy.deepcopy(document)
    places = list(_places(damaged))
    holder, key = choose.choice(places)
    if isinstance(holder, dict) and choose.random() < 0.3:
        del holder[key]
    else:
        holder[key] = choose.choice(_REPLACEMENTS)
    return damaged


def _places(value: Json) -> Iterator[tuple[Json, Any]]:
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def _parts(exported: Json) -> Json:
    """The documents in exported metadata that one row each holds, beside the served source's."""
    return exported["sources"][0]["tables"] + exported["sources"][0].get("functions", [])


@pytest.mark.parametrize("seed", range(at_length(3, full=12)))
def test_whatever_is_damaged_the_rest_is_served_and_nothing_is_lost(
    metadata: Metadata, stored: dict[tuple[str, str], Json], restarted: Callable[..., Metadata], seed: int
) -> None:
    choose = random.Random(seed)
    for _ in range(6):
        key = choose.choice([key for key in stored if key != ("table", "safe")])
        document = choose.choice(_REPLACEMENTS[:7]) if choose.random() < 0.1 else _damaged(stored[key], choose)
        if document is None:
            continue
        engine = restarted({**stored, key: document})

        assert any(name.name == "safe" for name in engine.snapshot.tables)
        exported = engine.call("export_metadata")
        found = engine.call("get_inconsistent_metadata")
        if key[0] in ("table", "function"):
            assert document in _parts(exported)
        # Other objects are edited, and what cannot be read stays as it stands.
        engine.permit("safe", f"r{seed}")
        engine.call("pg_drop_select_permission", {"table": "safe", "role": f"r{seed}"})
        assert engine.call("export_metadata") == exported
        assert engine.call("get_inconsistent_metadata") == found
        engine.call("drop_inconsistent_metadata")
        assert engine.call("get_inconsistent_metadata")["is_consistent"], (key, document)


@pytest.mark.parametrize(
    ("key", "document", "told"),
    [
        (
            ("table", "article"),
            {
                "table": {"name": "article", "schema": "public"},
                "select_permissions": [
                    {"role": "user"},
                    {"role": "reader", "permission": {"columns": "*", "filter": {}}},
                ],
            },
            (
                "select_permission",
                "select_permission user in table article in source default",
                'cannot be read: key "permission" not found at $.select_permissions[0]',
            ),
        ),
        (
            ("table", "article"),
            {"table": {"name": "article", "schema": "public"}, "configuration": {"custom_name": 7}},
            (
                "table",
                "table article in source default",
                "Inconsistent object: cannot be read: parsing Text failed, expected String, but encountered Number"
                " at $.configuration.custom_name",
            ),
        ),
        (
            ("function", "found"),
            {"name": "found"},
            (
                "function",
                "function found in source default",
                'Inconsistent object: cannot be read: key "function" not found',
            ),
        ),
        (
            ("inherited_role", "both"),
            {"role_name": "both", "role_set": "user"},
            (
                "inherited_role",
                "inherited_role both",
                "cannot be read: parsing [] failed, expected Array, but encountered String at $.role_set",
            ),
        ),
        (
            ("section", "api_limits"),
            {"depth_limit": {"global": "five"}, "node_limit": {"global": 7}},
            (
                "depth_limit",
                "depth_limit in api_limits",
                "cannot be read: parsing Integer failed, expected Number, but encountered String"
                " at $.depth_limit.global",
            ),
        ),
    ],
)
def test_the_part_that_cannot_be_read_is_one_inconsistent_object(
    stored: dict[tuple[str, str], Json],
    restarted: Callable[..., Metadata],
    key: tuple[str, str],
    document: Json,
    told: tuple[str, str, str],
) -> None:
    engine = restarted({**stored, key: document})

    found = engine.call("get_inconsistent_metadata")["inconsistent_objects"]
    assert told in [(item["type"], item["name"], item["reason"]) for item in found]


def test_what_stands_beside_it_in_a_table_is_served(
    stored: dict[tuple[str, str], Json], restarted: Callable[..., Metadata]
) -> None:
    article = copy.deepcopy(stored["table", "article"])
    article["select_permissions"][0] = {"role": "user", "permission": {"columns": 5, "filter": {}}}
    engine = restarted({**stored, ("table", "article"): article})

    (table,) = [table for name, table in engine.snapshot.tables.items() if name.name == "article"]
    assert list(table.select_permissions) == ["reader", "both"]
    assert list(table.computed_fields) == ["loud"]
    # Further edits of the same table, and renames in it, leave it as it stands.
    engine.permit("article", "more")
    engine.sql("alter table article rename column title to heading")
    assert engine.exported("article")["select_permissions"][0] == article["select_permissions"][0]


def test_an_object_of_which_nothing_can_be_read_is_not_overwritten(
    metadata: Metadata, stored: dict[tuple[str, str], Json], restarted: Callable[..., Metadata]
) -> None:
    damaged: dict[tuple[str, str], Json] = {
        ("table", "article"): {"table": 5},
        ("query_collection", "q"): {"name": "q"},
        ("section", "graphql_schema_introspection"): {"disabled_for_roles": 5},
    }
    engine = restarted({**stored, **damaged})
    exported = engine.call("export_metadata")

    for kind, args in (
        (
            "pg_create_select_permission",
            {"table": "article", "role": "x", "permission": {"columns": [], "filter": {}}},
        ),
        ("pg_set_table_customization", {"table": "article", "configuration": {"custom_name": "a"}}),
        ("pg_track_table", {"table": "article"}),
        ("create_query_collection", {"name": "q", "definition": {"queries": []}}),
        ("add_query_to_collection", {"collection_name": "q", "query_name": "x", "query": "{ safe { id } }"}),
    ):
        with pytest.raises(EngineError) as caught:
            engine.call(kind, args)
        assert caught.value.code in ("unexpected", "already-tracked"), kind
    assert engine.call("export_metadata") == exported
    # SQL on the table is not held up by it.
    engine.sql("alter table article add column more text")
    assert engine.call("export_metadata") == exported


def test_a_running_process_goes_on_when_another_writes_what_it_cannot_read(
    metadata: Metadata, stored: dict[tuple[str, str], Json]
) -> None:
    metadata.run(
        _fetch(
            metadata.url,
            "with changed as (update automio_engine.metadata_object set definition = '{}' where name = 'author'),"
            " bumped as (update automio_engine.metadata_version set resource_version = resource_version + 1"
            "   returning resource_version)"
            " insert into automio_engine.metadata_change"
            " select resource_version, 'table', 'public', 'author' from bumped",
        )
    )
    metadata.run(asyncio.wait_for(metadata.service.refresh(), 60))

    assert {name.name for name in metadata.snapshot.tables} == {"article", "safe"}


# --- what protects ------------------------------------------------------------------------------------------------

_ROLES = ("user", "reader", "both")
_SHALLOW, _DEEP = "{ safe { id } }", "{ article { author { articles { author { articles { id } } } } } }"


def _session(role: str) -> Session:
    return Session(role=role, variables={"x-hasura-role": role}, is_admin=False)


def _refusal(cache: SchemaCache, document: str, role: str, *, with_allowlist: bool) -> str | None:
    guards = OperationGuards(enable_allowlist=with_allowlist)
    try:
        guards.check_document(cache, document, _session(role))
    except EngineError as exc:
        return exc.message
    return None


def _grants(cache: SchemaCache, role: str) -> dict[tuple[str, str], Any]:
    """What a role may do: by table and operation."""
    tables = {name.name: table_access(cache, role, table) for name, table in cache.tables.items()}
    operations = ("select", "insert", "update", "delete")
    return {
        (name, operation): granted
        for name, access in tables.items()
        for operation in operations
        if (granted := getattr(access, operation)) is not None
    }


def _is_within(granted: Any, before: Any) -> bool:
    if not isinstance(granted, SelectAccess):
        return bool(granted == before)
    is_limited = before.limit is None or (granted.limit is not None and granted.limit <= before.limit)
    rows = all(row_filter in before.filters for row_filter in granted.filters)
    return is_limited and rows and granted.columns.keys() <= before.columns.keys()


@pytest.mark.parametrize("seed", range(at_length(4, full=16)))
def test_what_cannot_be_read_never_opens_what_it_protects(
    metadata: Metadata, stored: dict[tuple[str, str], Json], restarted: Callable[..., Metadata], seed: int
) -> None:
    before = metadata.snapshot
    grants = {role: _grants(before, role) for role in _ROLES}
    choose = random.Random(1000 + seed)
    told = 0
    while told < 5:
        key = choose.choice(list(stored))
        document = choose.choice(_REPLACEMENTS) if choose.random() < 0.1 else _damaged(stored[key], choose)
        engine = restarted({**stored, key: document})
        if engine.call("get_inconsistent_metadata")["is_consistent"]:
            continue
        told += 1
        cache = engine.snapshot
        for role in _ROLES:
            for place, granted in _grants(cache, role).items():
                assert place in grants[role], (key, document, role, place)
                assert _is_within(granted, grants[role][place]), (key, document, role, place)
            assert before.may_introspect(role) or not cache.may_introspect(role), (key, document)
            for query, with_allowlist in ((_DEEP, False), (_SHALLOW, True)):
                if _refusal(before, query, role, with_allowlist=with_allowlist) is not None:
                    refusal = _refusal(cache, query, role, with_allowlist=with_allowlist)
                    assert refusal is not None, (key, document, query)


@pytest.mark.parametrize(
    ("damaged", "named"),
    [
        (5, "api_limits in metadata cannot be read"),
        (None, "api_limits in metadata cannot be read"),
        ({"depth_limit": {"global": "x"}}, "api_limits in metadata (depth_limit) cannot be read"),
        ({"depth_limit": {"per_role": {"user": []}}, "rate_limit": 1}, "(depth_limit, rate_limit)"),
        ({"disabled": "no", "time_limit": {"global": "1s"}}, "(time_limit)"),
    ],
)
def test_a_limit_that_cannot_be_read_refuses_all_roles_but_admin_until_it_is_repaired(
    stored: dict[tuple[str, str], Json], restarted: Callable[..., Metadata], damaged: Json, named: str
) -> None:
    engine = restarted({**stored, ("section", "api_limits"): damaged})

    for role in _ROLES:
        refusal = _refusal(engine.snapshot, _SHALLOW, role, with_allowlist=False)
        assert refusal is not None and named in refusal
    OperationGuards(enable_allowlist=False).check_document(engine.snapshot, _SHALLOW, Session.admin())

    engine.call("set_api_limits", {"disabled": False, "depth_limit": {"global": 9}})
    assert engine.call("get_inconsistent_metadata")["is_consistent"]
    assert _refusal(engine.snapshot, _SHALLOW, "user", with_allowlist=False) is None


def test_limits_that_are_switched_off_need_not_be_read(
    stored: dict[tuple[str, str], Json], restarted: Callable[..., Metadata]
) -> None:
    engine = restarted({**stored, ("section", "api_limits"): {"disabled": True, "depth_limit": 5}})

    assert _refusal(engine.snapshot, _DEEP, "user", with_allowlist=False) is None


@pytest.mark.parametrize("damaged", [5, None, {}, {"disabled_for_roles": "user"}, {"disabled": ["user"]}])
def test_introspection_is_for_admin_alone_while_its_setting_cannot_be_read(
    stored: dict[tuple[str, str], Json], restarted: Callable[..., Metadata], damaged: Json
) -> None:
    engine = restarted({**stored, ("section", "graphql_schema_introspection"): damaged})

    assert [role for role in (*_ROLES, "admin") if engine.snapshot.may_introspect(role)] == ["admin"]
    engine.call("set_graphql_schema_introspection_options", {"disabled_for_roles": ["user"]})
    assert [role for role in _ROLES if engine.snapshot.may_introspect(role)] == ["reader", "both"]


@pytest.mark.parametrize("scope", [None, {}, {"global": "no"}, {"global": False}, {"global": False, "roles": []}])
def test_a_collection_whose_scope_cannot_be_read_is_allowed_to_nobody(
    stored: dict[tuple[str, str], Json], restarted: Callable[..., Metadata], scope: Json
) -> None:
    entry = {"collection": "q", "scope": scope}
    for damaged in (entry, {"collection": "q"}):
        engine = restarted({**stored, ("allowlist", "q"): damaged})
        for role in _ROLES:
            assert _refusal(engine.snapshot, _SHALLOW, role, with_allowlist=True) == "query is not allowed"


@pytest.mark.parametrize("role_set", [["both"], ["user", "more"], ["admin"], ["user", "admin"]])
def test_a_role_that_inherits_from_itself_or_from_admin_may_do_nothing(
    stored: dict[tuple[str, str], Json], restarted: Callable[..., Metadata], role_set: list[str]
) -> None:
    more = {"role_name": "more", "role_set": ["both"]}
    documents = {**stored, ("inherited_role", "both"): {"role_name": "both", "role_set": role_set}}
    engine = restarted({**documents, ("inherited_role", "more"): more})

    names = [item["name"] for item in engine.call("get_inconsistent_metadata")["inconsistent_objects"]]
    assert "inherited_role both" in names
    assert ("author", "select") not in _grants(engine.snapshot, "both")
    assert not any(table == "author" for table, _ in _grants(engine.snapshot, "more"))
    engine.call("drop_inconsistent_metadata")
    assert engine.call("get_inconsistent_metadata")["is_consistent"]


def test_of_two_permissions_of_one_role_neither_is_applied(
    stored: dict[tuple[str, str], Json], restarted: Callable[..., Metadata]
) -> None:
    article = copy.deepcopy(stored["table", "article"])
    article["select_permissions"].append({"role": "user", "permission": {"columns": "*", "filter": {}}})
    engine = restarted({**stored, ("table", "article"): article})

    assert ("article", "select") not in _grants(engine.snapshot, "user")
    assert ("article", "select") in _grants(engine.snapshot, "reader")
    reasons = [item["reason"] for item in engine.call("get_inconsistent_metadata")["inconsistent_objects"]]
    assert reasons == ["cannot be read: a role has more than one permission"] * 2


def test_what_a_role_inherits_does_not_take_the_place_of_its_own_permission(
    stored: dict[tuple[str, str], Json], restarted: Callable[..., Metadata]
) -> None:
    for damaged in ({"role": "both"}, {"permission": {"columns": ["id"], "filter": {}}}, 5):
        article = copy.deepcopy(stored["table", "article"])
        article["select_permissions"][2] = article["delete_permissions"][1] = damaged
        engine = restarted({**stored, ("table", "article"): article})
        granted = [operation for table, operation in _grants(engine.snapshot, "both") if table == "article"]
        assert granted == ["insert"]
        assert ("article", "delete") in _grants(engine.snapshot, "user")


def test_nothing_is_written_by_the_permission_of_one_parent_while_the_others_cannot_be_read(
    stored: dict[tuple[str, str], Json], restarted: Callable[..., Metadata]
) -> None:
    article = copy.deepcopy(stored["table", "article"])
    article["insert_permissions"][1] = {"role": "reader", "permission": {"check": 5}}
    engine = restarted({**stored, ("table", "article"): article})

    assert ("article", "insert") in _grants(engine.snapshot, "user")
    assert ("article", "insert") not in _grants(engine.snapshot, "both")

"""Keys that nobody knows: refused with their place and the nearest name; what Hasura knows is imported and kept."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hasura.engine.errors import json_path
from tests.hasura.engine.metadata.conftest import Metadata

Json = Any
# Objects whose keys are names of the user's, or that are not looked into.
_FREE = frozenset(
    {"filter", "check", "set", "column_mapping", "custom_column_names", "column_config", "per_role"}
    | {"connection_info", "localPresets"}
)
_WITH_KEYS_INSIDE = frozenset({"column_config", "per_role"})


def _document(metadata: Metadata) -> Json:
    """Metadata with every key of Hasura's that a role's access, a name or a limit depends on."""
    metadata.authors()
    metadata.sql(
        "create function shout(article, session json) returns text language sql stable as $$ select $1.title $$;"
        "create function found(word text, session json) returns setof article language sql stable"
        " as $$ select * from article where title = word $$"
    )
    public_article: Json = {"name": "article", "schema": "public"}
    author: Json = {
        "table": {"name": "author", "schema": "public"},
        "configuration": {
            "custom_name": "writer",
            "comment": "who writes",
            "custom_root_fields": {"select": "writers", "insert_one": {"name": "add_writer", "comment": "adds"}},
            "custom_column_names": {"email": "mail"},
            "column_config": {"name": {"custom_name": "title", "comment": "in full"}},
        },
        "array_relationships": [
            {
                "name": "articles",
                "comment": "theirs",
                "using": {"foreign_key_constraint_on": {"table": public_article, "column": "author_id"}},
            },
            {
                "name": "others",
                "using": {
                    "manual_configuration": {
                        "remote_table": public_article,
                        "column_mapping": {"id": "id"},
                        "insertion_order": None,
                    }
                },
            },
        ],
        "select_permissions": [
            {
                "role": "user",
                "comment": "reads",
                "permission": {
                    "columns": ["id"],
                    "filter": {"id": {"_gt": 0}},
                    "limit": 5,
                    "allow_aggregations": True,
                    "computed_fields": [],
                    "query_root_fields": ["select"],
                    "subscription_root_fields": ["select_stream"],
                },
            }
        ],
        "insert_permissions": [
            {
                "role": "user",
                "permission": {
                    "check": {},
                    "columns": ["name"],
                    "set": {"email": "x"},
                    "backend_only": True,
                    # Left by consoles of Hasura v1.
                    "localPresets": [{"key": "", "value": ""}],
                    "allow_upsert": True,
                },
            }
        ],
        "update_permissions": [
            {
                "role": "user",
                "permission": {"columns": ["name"], "filter": {}, "check": None, "set": {}, "backend_only": False},
            }
        ],
        "delete_permissions": [{"role": "user", "permission": {"filter": {}, "backend_only": False}}],
    }
    article: Json = {
        "table": public_article,
        "object_relationships": [{"name": "author", "using": {"foreign_key_constraint_on": "author_id"}}],
        "computed_fields": [
            {
                "name": "loud",
                "comment": "in capitals",
                "definition": {
                    "function": {"name": "shout", "schema": "public"},
                    "table_argument": None,
                    "session_argument": "session",
                },
            }
        ],
        "select_permissions": [{"role": "user", "permission": {"columns": "*", "filter": {}}}],
    }
    function: Json = {
        "function": {"name": "found", "schema": "public"},
        "configuration": {
            "custom_name": "find",
            "custom_root_fields": {"function": "find_them", "function_aggregate": "find_aggregate"},
            "session_argument": "session",
            "exposed_as": "query",
        },
        "permissions": [{"role": "user"}],
        "comment": "finds",
    }
    query: Json = {"name": "one", "query": "query { writers { id } }"}
    return {
        "version": 3,
        "sources": [
            {
                "name": "default",
                "kind": "postgres",
                "tables": [author, article],
                "functions": [function],
                "configuration": {"connection_info": {"database_url": {"from_env": "X"}}},
                "customization": {
                    "root_fields": {"prefix": "", "suffix": "", "namespace": ""},
                    "type_names": {"prefix": "", "suffix": ""},
                    "naming_convention": "hasura-default",
                },
            }
        ],
        "inherited_roles": [{"role_name": "both", "role_set": ["user", "reader"]}],
        "query_collections": [{"name": "q", "comment": "few", "definition": {"queries": [query]}}],
        "allowlist": [{"collection": "q", "scope": {"global": False, "roles": ["user"]}}],
        "rest_endpoints": [
            {
                "name": "one",
                "url": "one",
                "methods": ["GET"],
                "comment": "first",
                "definition": {"query": {"collection_name": "q", "query_name": "one"}},
            }
        ],
        "api_limits": {
            "disabled": False,
            "depth_limit": {"global": 5, "per_role": {"user": 3}},
            "rate_limit": {"global": {"max_reqs_per_min": 9, "unique_params": ["x-hasura-user-id"]}},
        },
        "graphql_schema_introspection": {"disabled_for_roles": ["user"]},
    }


def _places(value: Json, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yields the paths of all objects whose keys are not the user's."""
    if isinstance(value, dict):
        if path and path[-1] not in _FREE:
            yield path
        for key, inner in value.items():
            yield from _places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, (*path, index))


def _at(document: Json, path: tuple[str | int, ...]) -> Json:
    for step in path:
        document = document[step]
    return document


def _is_told_elsewhere(path: tuple[str | int, ...]) -> bool:
    """The source's and tables' own keys, and limits as such, are told as not served."""
    return (path[:2] == ("sources", 0) and len(path) in (2, 4) and path[-2] != "functions") or path == ("api_limits",)


def test_every_key_of_hasura_is_imported_and_exported_again(metadata: Metadata) -> None:
    document = _document(metadata)
    assert metadata.call("replace_metadata", document) == {"message": "success"}
    (source,) = metadata.call("export_metadata")["sources"]

    author, article = source["tables"]
    written = document["sources"][0]["tables"][0]
    assert author["insert_permissions"] == written["insert_permissions"]
    assert author["configuration"] == written["configuration"]
    assert article["computed_fields"] == document["sources"][0]["tables"][1]["computed_fields"]
    # And what was exported can be brought back.
    assert metadata.call("replace_metadata", metadata.call("export_metadata")) == {"message": "success"}


def test_a_mistyped_key_is_refused_wherever_it_stands(metadata: Metadata) -> None:
    document = json.loads(json.dumps(_document(metadata)))
    tried = 0
    for path in _places(document):
        inside = any(step in _FREE - _WITH_KEYS_INSIDE for step in path)
        if inside or _is_told_elsewhere(path) or (path[-1] == "configuration" and len(path) == 3):
            continue
        for key in list(_at(document, path)):
            mistyped = copy.deepcopy(document)
            holder = _at(mistyped, path)
            holder[f"{key}x"] = holder[key] if holder[key] is not None else 1
            for allow_inconsistent in (False, True):
                args = {"allow_inconsistent_metadata": allow_inconsistent, "metadata": mistyped}
                refusal = metadata.refusal("replace_metadata", args)
                assert refusal["code"] == "parse-failed", (path, key)
                assert refusal["path"] == json_path("args", "metadata", *path, f"{key}x"), refusal
                assert refusal["error"] == f'unexpected key "{key}x": did you mean "{key}"?'
            tried += 1
    assert tried > 80


@pytest.mark.parametrize(
    ("kind", "args", "place", "similar"),
    [
        (
            "pg_create_select_permission",
            {"table": "author", "role": "new", "permission": {"columns": "*", "colums": ["id"], "filter": {}}},
            "$.args.permission.colums",
            "columns",
        ),
        (
            "pg_create_delete_permission",
            {"table": "author", "role": "new", "permission": {"filter": {}, "backendonly": True}},
            "$.args.permission.backendonly",
            "backend_only",
        ),
        (
            "pg_set_table_customization",
            {"table": "author", "configuration": {"column_config": {"id": {"customname": "x"}}}},
            "$.args.configuration.column_config.id.customname",
            "custom_name",
        ),
        (
            "pg_track_table",
            {"table": "new", "configuration": {"custom_root_fields": {"selekt": "x"}}},
            "$.args.configuration.custom_root_fields.selekt",
            "select",
        ),
        ("pg_track_table", {"table": "new", "configuraton": {}}, "$.args.configuraton", "configuration"),
        ("track_table", {"name": "new", "shema": "other"}, "$.args.shema", "schema"),
        (
            "pg_create_array_relationship",
            {
                "table": "author",
                "name": "new",
                "using": {
                    "manual_configuration": {
                        "remote_table": "article",
                        "column_mapping": {"id": "author_id"},
                        "insertionorder": "before_parent",
                    }
                },
            },
            "$.args.using.manual_configuration.insertionorder",
            "insertion_order",
        ),
        (
            "pg_track_function",
            {"function": "found", "configuration": {"session_argumnt": "session"}},
            "$.args.configuration.session_argumnt",
            "session_argument",
        ),
        ("pg_untrack_table", {"table": "author", "cascad": True}, "$.args.cascad", "cascade"),
        ("pg_track_tables", {"tables": [], "allow_warning": False}, "$.args.allow_warning", "allow_warnings"),
        ("set_api_limits", {"depth_limits": {"global": 1}}, "$.args.depth_limits", "depth_limit"),
        ("set_api_limits", {"depth_limit": {"globl": 1}}, "$.args.depth_limit.globl", "global"),
        (
            "pg_set_source_customization",
            {"customization": {"root_fields": {"prefx": "x"}}},
            "$.args.customization.root_fields.prefx",
            "prefix",
        ),
        (
            "replace_metadata",
            {"metadata": {"version": 3, "sources": []}, "allow_inconsistent": True},
            "$.args.allow_inconsistent",
            "allow_inconsistent_metadata",
        ),
    ],
)
def test_a_call_with_a_mistyped_key_changes_nothing(
    metadata: Metadata, kind: str, args: Json, place: str, similar: str
) -> None:
    metadata.call("replace_metadata", _document(metadata))
    before = metadata.call("export_metadata")

    refusal = metadata.refusal(kind, args)
    assert (refusal["code"], refusal["path"]) == ("parse-failed", place)
    assert refusal["error"].endswith(f'did you mean "{similar}"?')
    after = metadata.call("export_metadata")
    assert after == before


def test_a_key_like_no_other_is_kept_and_asks_for_nothing(metadata: Metadata) -> None:
    """Clients of Hasura's send more than it reads."""
    document = _document(metadata)
    seen = document["sources"][0]["tables"][0]["select_permissions"][0]["permission"]
    seen["set"] = {"email": "x"}
    assert metadata.call("replace_metadata", document) == {"message": "success"}
    permission = {"columns": "*", "filter": {}, "check": {}}
    created = {"table": "author", "role": "new", "permission": permission, "from_console": True}
    assert metadata.call("pg_create_select_permission", created) == {"message": "success"}

    assert metadata.call("get_inconsistent_metadata")["is_consistent"]
    (source,) = metadata.call("export_metadata")["sources"]
    (author,) = [table for table in source["tables"] if table["table"]["name"] == "author"]
    kept = {item["role"]: item["permission"] for item in author["select_permissions"]}
    assert kept == {"new": permission, "user": seen}


def test_any_other_key_of_a_configuration_is_told(metadata: Metadata) -> None:
    """It may be one of a later version."""
    document = _document(metadata)
    document["sources"][0]["tables"][0]["configuration"]["zzz"] = 1
    arguments = {"allow_inconsistent_metadata": True, "metadata": document}
    metadata.call("replace_metadata", arguments)

    (told,) = metadata.call("get_inconsistent_metadata")["inconsistent_objects"]
    assert told["name"] == "configuration.zzz in table author in source default"


def _stored_damage(damage: Callable[[Json], None], metadata: Metadata, kind: str, name: str) -> None:
    async def change() -> None:
        connection = await metadata.connect()
        try:
            where = "from automio_engine.metadata_object where kind = $1 and name = $2"
            document = json.loads(await connection.fetchval(f"select definition::text {where}", kind, name))
            damage(document)
            await connection.execute(
                "update automio_engine.metadata_object set definition = $3 where kind = $1 and name = $2",
                kind,
                name,
                json.dumps(document),
            )
        finally:
            await connection.close()

    metadata.run(change())
    metadata.call("reload_metadata")


def test_unknown_keys_that_are_stored_are_told_and_the_rest_is_served(metadata: Metadata) -> None:
    """Earlier versions took them."""
    document = _document(metadata)
    metadata.call("replace_metadata", document)
    before = metadata.call("export_metadata")

    def damage_table(table: Json) -> None:
        table["select_permissions"].insert(0, {"role": "broken"})
        table["select_permissions"][1]["permission"]["limt"] = 3
        table["configuration"]["colum_config"] = {"id": {}}

    _stored_damage(damage_table, metadata, "table", "author")
    _stored_damage(lambda table: table.update(permisions=[]), metadata, "function", "found")
    _stored_damage(lambda limits: limits["depth_limit"].update(globl=1), metadata, "section", "api_limits")

    told = {item["name"] for item in metadata.call("get_inconsistent_metadata")["inconsistent_objects"]}
    assert told == {
        "select_permission broken in table author in source default",
        "select_permissions[1].permission.limt in table author in source default",
        "configuration.colum_config in table author in source default",
        "permisions in function found in source default",
        "depth_limit.globl in api_limits",
    }
    assert "author" in {name.name for name in metadata.snapshot.tables}
    metadata.call("drop_inconsistent_metadata")
    assert metadata.call("get_inconsistent_metadata")["is_consistent"]
    after = metadata.call("export_metadata")
    assert after == before

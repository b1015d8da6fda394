"""The gallery's metadata: what is tracked of `gallery.sql`, and what the roles `visitor` and `weigher` may do."""

from pathlib import Path
from typing import Any

DDL = (Path(__file__).parent / "gallery.sql").read_text()

CUSTOMIZATION: dict[str, Any] = {
    "root_fields": {"namespace": "gallery", "prefix": "all_", "suffix": "_here"},
    "type_names": {"prefix": "G_", "suffix": "_t"},
}


def metadata(customization: dict[str, Any] | None = None) -> dict[str, Any]:
    """The whole metadata document, its source customized on request."""
    source: dict[str, Any] = {"name": "default", "kind": "postgres", "tables": _tables(), "functions": _functions()}
    if customization is not None:
        source["customization"] = customization
    return {"version": 3, "sources": [source]}


def _tables() -> list[dict[str, Any]]:
    works = {"table": "painting", "column": "artist_id"}
    return [
        {"table": "status", "is_enum": True},
        {
            "table": "artist",
            "array_relationships": [
                {"name": "paintings", "using": {"foreign_key_constraint_on": works}},
                _manual("sold_paintings", "sold_painting", {"id": "artist_id"}),
                {
                    "name": "visits",
                    "using": {"foreign_key_constraint_on": {"table": "visit", "column": "artist_id"}},
                },
            ],
            "object_relationships": [_manual("total", "artist_total", {"id": "artist_id"})],
            "computed_fields": [
                {"name": "label", "definition": {"function": "artist_label"}},
                {"name": "favourite", "definition": {"function": "artist_favourite"}},
                {"name": "works", "definition": {"function": "artist_works"}},
            ],
            "select_permissions": [
                _permission(
                    columns=["id", "name", "mood"],
                    computed_fields=["label"],
                    filter={"retired_on": {"_is_null": True}},
                    allow_aggregations=True,
                )
            ],
            "insert_permissions": [_permission(columns=["name", "mood"], check={})],
        },
        {
            "table": "painting",
            "object_relationships": [{"name": "artist", "using": {"foreign_key_constraint_on": "artist_id"}}],
            "computed_fields": [
                {"name": "words", "definition": {"function": "painting_words"}},
                {"name": "worth", "definition": {"function": "painting_worth"}},
            ],
            "select_permissions": [
                _permission(
                    columns=["id", "title", "artist_id", "status", "width"],
                    computed_fields=["words"],
                    filter={"status": {"_eq": "shown"}},
                    allow_aggregations=True,
                )
            ],
            "update_permissions": [_permission(columns=["title", "status"], filter={"is_sold": {"_eq": False}})],
        },
        {
            "table": "sold_painting",
            "select_permissions": [_permission(columns=["id", "title"], filter={})],
        },
        {"table": "artist_total"},
        {
            "table": "visit",
            "object_relationships": [{"name": "artist", "using": {"foreign_key_constraint_on": "artist_id"}}],
            "array_relationships": [
                {
                    "name": "tickets",
                    "using": {"foreign_key_constraint_on": {"table": "ticket", "columns": ["visit_id", "visit_day"]}},
                }
            ],
        },
        {
            "table": "visit_2024",
            "object_relationships": [{"name": "artist", "using": {"foreign_key_constraint_on": "artist_id"}}],
        },
        {
            "table": "ticket",
            "object_relationships": [
                {"name": "visit", "using": {"foreign_key_constraint_on": ["visit_id", "visit_day"]}}
            ],
        },
        {
            "table": "specimen",
            "computed_fields": [
                {"name": "weight", "definition": {"function": "specimen_weight"}},
                {
                    "name": "note",
                    "definition": {"function": "specimen_note", "session_argument": "hasura_session"},
                },
            ],
            "select_permissions": [
                {
                    "role": "weigher",
                    "permission": {
                        "columns": [],
                        "computed_fields": ["weight"],
                        "filter": {},
                        "allow_aggregations": True,
                    },
                }
            ],
        },
        {
            "table": {"schema": "archive", "name": "note"},
            "select_permissions": [_permission(columns=["text"], filter={}, limit=5)],
        },
    ]


def _functions() -> list[dict[str, Any]]:
    return [
        {"function": "paintings_among"},
        {"function": "artists_in"},
        {"function": "sell", "configuration": {"exposed_as": "mutation"}, "permissions": [{"role": "visitor"}]},
    ]


def _manual(name: str, table: str, columns: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "using": {"manual_configuration": {"remote_table": table, "column_mapping": columns}}}


def _permission(**rules: Any) -> dict[str, Any]:
    return {"role": "visitor", "permission": rules}

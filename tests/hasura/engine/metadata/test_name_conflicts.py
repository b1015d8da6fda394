"""Two objects that want one root field: the newcomer is refused, and no whole schema is built of such a pair."""

from typing import Any

import pytest

from hasura.engine.errors import EngineError
from tests.hasura.engine.metadata.conftest import Metadata


def _sentence(root: str, name: str) -> str:
    return (
        f"Encountered conflicting definitions in the selection set for '{root}' for field '{name}' defined in "
        "[table article in source default, table author in source default]. "
        "Fields must not be defined more than once across all sources."
    )


def _document(root_fields: dict[str, str]) -> dict[str, Any]:
    tables = [
        {"table": {"schema": "public", "name": "article"}},
        {"table": {"schema": "public", "name": "author"}, "configuration": {"custom_root_fields": root_fields}},
    ]
    return {"version": 3, "sources": [{"name": "default", "kind": "postgres", "tables": tables}]}


def test_a_whole_schema_with_conflicts_is_refused_with_all_their_names(metadata: Metadata) -> None:
    metadata.authors()
    before = metadata.call("export_metadata")
    one, several = {"select": "article"}, {"select": "article", "delete": "delete_article"}

    for names, expected in (
        (one, _sentence("query_root", "article")),
        (
            several,
            f"  • {_sentence('query_root', 'article')}\n  • {_sentence('mutation_root', 'delete_article')}",
        ),
    ):
        with pytest.raises(EngineError) as caught:
            metadata.call("replace_metadata", _document(names))
        error = caught.value
        assert (error.status, error.path, error.code, error.message) == (500, "$.args", "unexpected", expected)
    assert metadata.call("export_metadata") == before


def test_a_table_that_takes_a_name_of_anothers_is_refused_by_itself(metadata: Metadata) -> None:
    metadata.authors()

    refusal = metadata.refusal(
        "pg_set_table_customization",
        {"table": "author", "configuration": {"custom_root_fields": {"select": "article"}}},
    )

    assert refusal["code"] == "invalid-configuration"
    assert refusal["error"] == f"Inconsistent object: {_sentence('query_root', 'article')}"

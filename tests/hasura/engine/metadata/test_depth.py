"""Expressions of permissions, however deep: told in words, and readable again when they are stored."""

from collections.abc import Callable
from typing import Any

import pytest

from hasura.engine.catalog.types import QualifiedName
from tests.hasura.engine.metadata.conftest import Metadata

AUTHOR = QualifiedName("public", "author")

_STEPS: list[Callable[[Any], Any]] = [
    lambda inner: {"_not": inner},
    lambda inner: {"_and": [inner]},
    lambda inner: {"articles": {"author": inner}},
    lambda inner: {"_exists": {"_table": "author", "_where": inner}},
]


@pytest.mark.parametrize("step", _STEPS)
@pytest.mark.parametrize("levels", [49, 90, 201, 400, 700])
def test_a_deep_expression_is_stored_and_read_again_or_refused(
    metadata: Metadata, step: Callable[[Any], Any], levels: int
) -> None:
    metadata.authors()
    expression: dict[str, Any] = {"id": {"_eq": 1}}
    for _ in range(levels):
        expression = step(expression)
    rules = {"columns": ["id"], "filter": expression}
    arguments = {"table": "author", "role": "user", "permission": rules}

    if levels <= 90:
        metadata.call("pg_create_select_permission", arguments)
        document = metadata.call("export_metadata")
        assert metadata.call("reload_metadata")["is_consistent"] is True
        assert metadata.call("replace_metadata", document) == {"message": "success"}
        assert metadata.snapshot.tables[AUTHOR].select_permissions["user"].source.filter == expression
        return
    refusal = metadata.refusal("pg_create_select_permission", arguments)
    assert "levels" in refusal["error"] or "nested too deeply" in refusal["error"], refusal
    document = metadata.call("export_metadata")
    document["sources"][0]["tables"][0]["select_permissions"] = [{"role": "user", "permission": rules}]
    refusal = metadata.refusal("replace_metadata", document)
    assert "levels" in refusal["error"] or "nested too deeply" in refusal["error"], refusal
    assert metadata.call("get_inconsistent_metadata")["is_consistent"] is True

"""The SQL of each way in which lists are read, whole, and that all give the same rows: `shapes/*.yaml`.

Each case: `name`, `query`, `tables` (what statistics say of them: sizes, values, indexes) and `sql`. What statistics
say decides how rows are read, never which: the answer is that of the same query without any.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hasura.engine.schema_cache import SchemaCache
from tests.hasura.engine.compiler.conftest import Compiler
from tests.hasura.engine.compiler.shop import name_of, shop
from tests.yaml_files import load_yaml

_CASES: list[Any] = load_yaml(Path(__file__).parent / "shapes" / "lists.yaml")


def _with_statistics(cache: SchemaCache, tables: dict[str, Any]) -> SchemaCache:
    changed = dict(cache.tables)
    for name, known in tables.items():
        info = changed[name_of(name)]
        indexes = frozenset(tuple(columns) for columns in known.get("indexes", [["id"]]))
        table = replace(
            info.table,
            estimated_rows=known["rows"],
            distinct_values=known.get("values", {}),
            indexes=indexes,
            found_by=frozenset(columns[0] for columns in indexes),
        )
        changed[name_of(name)] = replace(info, table=table)
    return replace(cache, tables=changed, memo={})


@pytest.mark.parametrize("case", _CASES, ids=[case["name"] for case in _CASES])
def test_a_list_is_read_by_the_statement_written_down(case: dict[str, Any], compiler: Compiler) -> None:
    outcome = compiler.run(case["query"], cache=_with_statistics(shop(), case.get("tables", {})))

    assert outcome.body == compiler.run(case["query"]).body
    assert "errors" not in outcome.body
    (statement,) = outcome.statements
    assert " ".join(statement.split()) == " ".join(case["sql"].split())

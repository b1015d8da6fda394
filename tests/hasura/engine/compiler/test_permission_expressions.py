"""Boolean expressions of metadata: what each notation lets through, what is refused, what it depends on."""

from dataclasses import replace
from typing import Any

import pytest

from hasura.engine.errors import EngineError
from hasura.engine.ir.permission import Dependency, expression_dependencies, resolve_boolean_expression
from hasura.engine.metadata.types import SelectPermission
from hasura.engine.schema_cache import SchemaCache, SelectPermissionInfo
from tests.hasura.engine.compiler.conftest import Compiler
from tests.hasura.engine.compiler.shop import name_of, shop

_SESSION = {
    "x-hasura-author-id": "1",
    "x-hasura-ids": "{2,3}",
    "x-hasura-name": "Ben",
    "x-hasura-town": '{"home": {"town": "London"}}',
}


def _with_filter(table: str, expression: dict[str, Any]) -> SchemaCache:
    cache = shop()
    info = cache.tables[name_of(table)]
    columns = frozenset(info.columns_by_name)
    permission = SelectPermissionInfo(columns, frozenset(), SelectPermission("probe", tuple(columns), expression))
    changed = replace(info, select_permissions={"probe": permission})
    return replace(cache, tables={**cache.tables, info.name: changed}, memo={})


@pytest.mark.parametrize(
    ("table", "expression", "ids"),
    [
        ("article", {}, [1, 2, 3, 4]),
        ("article", {"author_id": "X-Hasura-Author-Id"}, [1, 2]),
        ("article", {"author_id": {"$eq": "x-hasura-author-id"}}, [1, 2]),
        ("article", {"id": {"_in": "X-Hasura-Ids"}}, [2, 3]),
        ("article", {"id": {"_in": ["X-Hasura-Author-Id", 4]}}, [1, 4]),
        ("article", {"id": {"_nin": [1, 2]}}, [3, 4]),
        # NULL is different from any value, and not equal to any.
        ("article", {"author_id": {"_ne": 1}}, [3, 4]),
        ("article", {"_not": {"author_id": {"_eq": 1}}}, [3]),
        ("article", {"price": {"_is_null": True}}, [2]),
        ("article", {"author": {"name": {"_eq": "X-Hasura-Name"}}}, [3]),
        ("article", {"author": {"profile": {"_contains": "X-Hasura-Town"}}}, [1, 2]),
        ("article", {"likes": {"_clt": "id"}}, [4]),
        ("article", {"title_length": {"_cgt": ["likes"]}}, [2, 4]),
        ("article", {"reviews": {"stars": {"_cgt": ["$", "id"]}}}, [1]),
        ("article", {"author_id": {"_ceq": ["author", "id"]}}, [1, 2, 3]),
        ("article", {"_exists": {"_table": "review", "_where": {"article_id": {"_ceq": ["$", "id"]}}}}, [1, 3]),
        (
            "article",
            {
                "_exists": {
                    "_table": {"schema": "public", "name": "author"},
                    "_where": {"name": {"_eq": "X-Hasura-Name"}},
                }
            },
            [1, 2, 3, 4],
        ),
        ("article", {"_exists": {"_table": "author", "_where": {"name": {"_eq": "nobody"}}}}, []),
        ("article", {"_or": []}, []),
        ("article", {"_and": []}, [1, 2, 3, 4]),
        ("article", {"title": {"_ilike": "%n%"}, "likes": {"_gte": 3}}, [1, 2]),
        ("author", {"profile": {"_has_keys_any": ["langs"]}}, [1]),
        ("author", {"profile": {"_cast": {"String": {"_like": "%Oslo%"}}}}, [2]),
        ("author", {"tags": {"_contains": ["maths"]}}, [1]),
        ("author", {"best": {"title": {"_eq": "Fjords"}}}, [2]),
    ],
)
def test_a_filter_lets_exactly_these_rows_through(
    compiler: Compiler, table: str, expression: dict[str, Any], ids: list[int]
) -> None:
    cache = _with_filter(table, expression)

    outcome = compiler.run(
        f"{{ {table}(order_by: {{id: asc}}) {{ id }} }}", role="probe", session=_SESSION, cache=cache
    )

    assert outcome.body == {"data": {table: [{"id": number} for number in ids]}}
    by_key = f"{{ {' '.join(f'a{number}: {table}_by_pk(id: {number}) {{ id }}' for number in range(1, 5))} }}"
    found = compiler.run(by_key, role="probe", session=_SESSION, cache=cache).body["data"]
    assert [number for number in range(1, 5) if found[f"a{number}"] is not None] == ids


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ({"nowhere": {"_eq": 1}}, "not-exists"),
        ({"author": {"nowhere": 1}}, "not-exists"),
        ({"likes": {"_ceq": ["$", "nowhere"]}}, "not-exists"),
        ({"likes": {"_ceq": ["nowhere", "id"]}}, "not-exists"),
        ({"_exists": {"_table": "nowhere", "_where": {}}}, "not-exists"),
        ({"_exists": {"_where": {}}}, "parse-failed"),
        ({"likes": {"_is": 1}}, "unexpected-payload"),
        ({"likes": {"_eq": None}}, "parse-failed"),
        ({"is_published": {"_eq": "perhaps"}}, "validation-failed"),
        ({"_and": {"likes": 1}}, "parse-failed"),
        ({"likes": {"_in": 1}}, "parse-failed"),
        ({"likes": {"_is_null": "yes"}}, "parse-failed"),
    ],
)
def test_a_filter_that_does_not_fit_is_refused(expression: dict[str, Any], code: str) -> None:
    tables = shop().tables

    with pytest.raises(EngineError) as raised:
        resolve_boolean_expression(tables, tables[name_of("article")], expression)
    assert raised.value.code == code


def test_dependencies_are_everything_an_expression_names() -> None:
    tables = shop().tables
    expression = {
        "author": {"name": {"_eq": "x"}},
        "_exists": {"_table": "genre", "_where": {"value": {"_ceq": ["$", "genre"]}}},
        "likes": {"_cgt": ["author", "age"]},
    }

    found = expression_dependencies(tables, tables[name_of("article")], expression)

    article, author, genre = (name_of(name) for name in ("article", "author", "genre"))
    assert found == {
        Dependency("relationship", article, "author"),
        Dependency("column", author, "name"),
        Dependency("table", genre),
        Dependency("column", genre, "value"),
        Dependency("column", article, "genre"),
        Dependency("column", article, "likes"),
        Dependency("column", author, "age"),
    }

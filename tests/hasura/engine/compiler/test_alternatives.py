"""Generated worlds whose filters are alternatives through relationships: found apart, the rows are the same."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from hasura.engine.schema_cache import RelationshipInfo, SchemaCache
from hasura.engine.sql.composition import Sql
from hasura.engine.translate import alternatives
from tests.hasura.engine.compiler.conftest import Compiler
from tests.hasura.engine.compiler.naive import NaiveEvaluator
from tests.hasura.engine.compiler.worlds import Document, World
from tests.lengths import at_length

_Relationships = Mapping[str, Mapping[str, RelationshipInfo]]
_WORLDS = at_length(20, full=30)
_QUERIES_PER_WORLD = 4


class _Split(World):
    """A world of large tables in which each value is that of few rows, and most filters are alternatives."""

    def _statistics(self, table: str) -> dict[str, Any]:
        columns = list(self.columns[table])
        # Without an index on it, a column's value is not known to be that of few rows.
        found_by = {column for column in columns if self.random.random() < 0.95}
        return {
            "estimated_rows": 20_000 if self.random.random() < 0.9 else 500,
            "distinct_values": dict.fromkeys(columns, 20_000),
            "indexes": frozenset({("id",), *((column,) for column in found_by)}),
            "found_by": frozenset({"id", *found_by}),
        }

    def condition(
        self, table: str, relationships: _Relationships, *, depth: int, is_permission: bool
    ) -> dict[str, Any]:
        if depth < 2 or self.random.random() < 0.1:
            column, type_name = self.random.choice(list(self.columns[table].items()))
            return {column: self._comparison(type_name, is_permission)}
        made = self._alternatives(table, relationships, is_permission)
        kind = self.random.random()
        if kind < 0.3 and relationships[table]:
            name, info = self.random.choice(list(relationships[table].items()))
            made = {name: self._alternatives(info.remote_table.name, relationships, is_permission)}
        elif kind < 0.4:
            made = {"_not": made}
        if self.random.random() < 0.6:
            return made
        return {"_and": [made, self.condition(table, relationships, depth=1, is_permission=is_permission)]}

    def _alternatives(self, table: str, relationships: _Relationships, is_permission: bool) -> dict[str, Any]:
        """`_or` of values and related rows, some of them with more that is asked, or alternatives themselves."""
        items = [self._item(table, relationships, is_permission) for _ in range(self.random.randint(1, 3))]
        if self.random.random() < 0.4:
            both = [self._item(table, relationships, is_permission) for _ in range(2)]
            items.append({self.random.choice(["_and", "_or"]): both})
        return {"_or": items}

    def _item(self, table: str, relationships: _Relationships, is_permission: bool) -> dict[str, Any]:
        if relationships[table] and self.random.random() < 0.6:
            name, info = self.random.choice(list(relationships[table].items()))
            return {name: self._value_of(info.remote_table.name, is_permission)}
        return self._value_of(table, is_permission)

    def _value_of(self, table: str, is_permission: bool) -> dict[str, Any]:
        column, type_name = self.random.choice(list(self.columns[table].items()))
        if is_permission and type_name == "int4" and self.random.random() < 0.5:
            return {column: {"_eq": "X-Hasura-Number"}}
        return {column: {"_eq": self._value(type_name)}}


def _without_statistics(cache: SchemaCache) -> SchemaCache:
    tables = {
        name: replace(info, table=replace(info.table, estimated_rows=0, distinct_values={}))
        for name, info in cache.tables.items()
    }
    return replace(cache, tables=tables, memo={})


@pytest.mark.parametrize("role", ["admin", "user"])
@pytest.mark.parametrize("gathered", ["few keys", "many keys"])
def test_rows_found_by_alternatives_are_those_of_the_whole_filter(
    compiler: Compiler, role: str, gathered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if gathered == "few keys":
        # So many that some values have more, which are then read in one step.
        monkeypatch.setattr(alternatives, "_USUAL_SHARE", 10**9)
    split: list[alternatives.Alternatives] = []
    select = alternatives.AlternativesTranslator.select

    def counted(*given: Any) -> Sql:
        split.append(given[-1])
        return select(*given)

    monkeypatch.setattr(alternatives.AlternativesTranslator, "select", counted)
    for seed in range(_WORLDS):
        world = _Split(seed)
        plain = _without_statistics(world.cache)
        with compiler.temporary(world.ddl(), world.rows):
            naive = NaiveEvaluator(world.cache, world.rows, role, world.session)
            for _ in range(_QUERIES_PER_WORLD):
                field = world.field(world.random.choice(list(world.columns)), depth=seed % 2)
                document = Document(field)
                outcome, whole = (
                    compiler.run(
                        document.text, variables=document.variables, role=role, session=world.session, cache=cache
                    )
                    for cache in (world.cache, plain)
                )

                assert outcome.body == {"data": {"root": naive.answer(field)}}, document.text
                assert outcome.body == whole.body
    assert len(split) > _WORLDS / 2
    assert {len(keys.here) == 1 and keys.here == keys.there for keys in split} == {True, False}
    assert {keys.tries is None for keys in split} == {True, False}

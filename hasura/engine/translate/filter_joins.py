"""Joins rows that a filter asks for and that are shown too, once for both.

A filter through a to-one relationship (`where: {track: {genre: ...}}`) asks for the very row that `track` shows. Rows
that pass it have that row, and only one: an inner join makes them neither more nor fewer than EXISTS does, and the
object needs no second look at the table.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hasura.engine.ir.nodes import And, BoolExp, ObjectOutput, RelatedExists, Selection
from hasura.engine.schema_cache import TableInfo
from hasura.engine.sql.composition import Sql, concat, ident, sql
from hasura.engine.translate.boolexp import Scope, condition, join_condition
from hasura.engine.translate.fragments import Aliases, RowReference, table_name, used_columns
from hasura.engine.translate.joins import Joins, is_joined


@dataclass(frozen=True, slots=True, eq=False)
class FilterJoin:
    """Joins the row `row` that `item` asks for and `outputs` show; `inner` are joins that its own filter needs.

    `above` is the same row where a select around that of the joins reads it.
    """

    item: RelatedExists
    outputs: tuple[ObjectOutput, ...]
    inner: tuple["FilterJoin", ...]
    row: RowReference
    above: RowReference

    def shown(self) -> Iterator[tuple[ObjectOutput, RowReference]]:
        """Yields the outputs that need no join of their own, with what they are made of."""
        for output in self.outputs:
            yield output, self.above
        for join in self.inner:
            yield from join.shown()

    def columns(self) -> list[Sql]:
        """Returns what is read of the rows above, under the names it has there."""
        names = used_columns(self.above)
        own = [concat(self.row.column(name), sql(" as "), ident(self.above.name_of(name))) for name in names]
        return own + [column for join in self.inner for column in join.columns()]


def filter_joins(
    aliases: Aliases,
    where: BoolExp,
    selections: Sequence[Selection],
    joins: Joins,
    above: RowReference | None = None,
) -> tuple[FilterJoin, ...]:
    """Returns the joins for rows that both filter and selections ask for, as many as have a place in `joins`.

    `above` is the row under whose alias a select around that of the joins reads all; None: there is none.
    """
    result: list[FilterJoin] = []
    for item in conjuncts(where):
        known = {output for join in result for output in join.outputs}
        outputs = tuple(
            output
            for selection in selections
            for output in selection.outputs
            if isinstance(output, ObjectOutput)
            and isinstance(item, RelatedExists)
            and output not in known
            and _is_same_row(item, output)
        )
        if outputs and isinstance(item, RelatedExists) and joins.reserve(1):
            row = aliases.row(item.table)
            there = row if above is None else row.under(above.alias)
            inner = filter_joins(aliases, item.condition, [output.selection for output in outputs], joins, above)
            result.append(FilterJoin(item, outputs, inner, row, there))
    return tuple(result)


def restrict(scope: Scope, where: BoolExp, shared: Sequence[FilterJoin], joins: Joins) -> list[Sql]:
    """Adds the joins, and returns all conditions of the filter."""
    by_item = {join.item: join for join in shared}
    conditions: list[Sql] = []
    for item in conjuncts(where):
        join = by_item.get(item) if isinstance(item, RelatedExists) else None
        if join is None:
            conditions.append(condition(scope, item))
            continue
        there = Scope(scope.aliases, join.row, scope.root)
        on = join_condition(scope.row, there.row, join.item.relationship.column_mapping)
        joins.add_table(table_name(join.item.table.table.name), there.row.alias, on, is_inner=True)
        conditions += restrict(there, join.item.condition, join.inner, joins)
    return conditions


def conjuncts(exp: BoolExp) -> tuple[BoolExp, ...]:
    """Returns what must all hold."""
    return exp.items if isinstance(exp, And) else (exp,)


def condition_text(exp: BoolExp, table: TableInfo) -> Sql:
    """Returns the condition of any row of the table: equal texts are equal conditions."""
    aliases = Aliases()
    return condition(Scope(aliases, aliases.row(table)), exp)


def _is_same_row(item: RelatedExists, output: ObjectOutput) -> bool:
    """Returns whether the output shows the row that the item asks for, whenever it is there."""
    rows = output.rows
    if item.table is not rows.table or set(item.relationship.column_mapping) != set(rows.join):
        return False
    conditions = {condition_text(each, item.table) for each in conjuncts(item.condition)}
    return is_joined(output) and all(condition_text(each, rows.table) in conditions for each in conjuncts(rows.where))

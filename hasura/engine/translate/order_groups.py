"""Aggregates that a whole table is ordered or filtered by, computed once for all its rows.

`order_by: {tracks_aggregate: {count: desc}}` of all albums needs the count of each before the first is known, and so
does `where: {tracks_aggregate: {count: {predicate: {_gt: 9}}}}` where few have so many: a subquery of the row would
run for every row of the table. Rows that another filter chooses may be few, so theirs remain subqueries.
"""

from hasura.engine.ir.nodes import AggregateExpression, ColumnExpression, Comparison, Expression, OrderThrough, Rows
from hasura.engine.schema_cache import TableInfo
from hasura.engine.sql import Sql, concat, ident, join, small_int, sql
from hasura.engine.translate.boolexp import Scope, aggregate_call, restriction, source
from hasura.engine.translate.filter_joins import conjuncts
from hasura.engine.translate.fragments import RowReference
from hasura.engine.translate.grouping import SMALL_TABLE, is_key, max_rows_of
from hasura.engine.translate.joins import cannot_fail, is_to_one

_VALUE = "automio value"


def is_whole_table(rows: Rows) -> bool:
    """Returns whether all rows of the table are looked at."""
    if rows.source is not None or rows.join:
        return False
    return not conjuncts(rows.where) or bool(filter_aggregates(rows))


def filter_aggregates(rows: Rows) -> list[AggregateExpression]:
    """Returns the aggregates that a whole table is filtered by, if by nothing else, and each can be joined to it."""
    found: list[AggregateExpression] = []
    for item in conjuncts(rows.where):
        exp = item.left if isinstance(item, Comparison) else None
        if not isinstance(exp, AggregateExpression) or not group_joins_of(exp, rows.table):
            return []
        # With a limit a subquery of each row may soon have found enough.
        if max_rows_of(rows) is not None and exp.rows.table.table.estimated_rows > SMALL_TABLE:
            return []
        found.append(exp)
    return list(dict.fromkeys(found))


def group_joins_of(exp: Expression, table: TableInfo) -> int:
    """Returns how many joins lead to the aggregate that rows of the table are ordered by, 0 when none can."""
    count = 1
    while isinstance(exp, OrderThrough):
        if not is_to_one(exp.rows):
            return 0
        count, table, exp = count + 1, exp.rows.table, exp.inner
    if not isinstance(exp, AggregateExpression) or exp.rows.source is not None or not exp.rows.join:
        return 0
    is_exact = all(isinstance(argument, ColumnExpression) and _is_exact(argument) for argument in exp.arguments)
    are_keys = all(is_key(table, here, exp.rows.table, there) for here, there in exp.rows.join)
    return count if is_exact and are_keys and cannot_fail(exp.rows.where) else 0


def grouped(scope: Scope, exp: AggregateExpression) -> Sql:
    """`select key, count(*) ... group by key` of all rows."""
    inner = Scope(scope.aliases, scope.aliases.row(exp.rows.table))
    keys = [inner.row.column(there) for _, there in exp.rows.join]
    value = aggregate_call(inner, exp.function, exp.arguments, is_distinct=exp.is_distinct)
    shown = [concat(key, sql(" as "), ident(_key(number))) for number, key in enumerate(keys)]
    return concat(
        sql("select "),
        join(", ", [*shown, concat(value, sql(" as "), ident(_VALUE))]),
        sql(" from "),
        source(exp.rows, None, inner.row.alias),
        restriction(inner, exp.rows, None),
        sql(" group by "),
        join(", ", keys),
    )


def on_keys(row: RowReference, exp: AggregateExpression, group: str) -> Sql:
    """Whether a group is that of the row."""
    pairs = [
        concat(ident(group, _key(number)), sql(" = "), row.column(here))
        for number, (here, _) in enumerate(exp.rows.join)
    ]
    return join(" and ", pairs)


def grouped_value(exp: AggregateExpression, group: str, through: Sql | None) -> Sql:
    """What a group computed, or what no rows give; NULL where the row `through` (its key) is not there at all."""
    value = ident(group, _VALUE)
    if exp.function != "count":
        return value
    value = concat(sql("coalesce("), value, sql(", "), small_int(0), sql(")"))
    return (
        value
        if through is None
        else concat(sql("case when "), through, sql(" is not null then "), value, sql(" end"))
    )


def _is_exact(argument: ColumnExpression) -> bool:
    """Returns whether sums of the column do not depend on the order in which the rows are read."""
    return argument.column.type.underlying.name not in ("float4", "float8")


def _key(number: int) -> str:
    return f"automio key {number}"

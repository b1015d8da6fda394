"""Computes aggregates that a whole table is ordered or filtered by once for all its rows.

`order_by: {tracks_aggregate: {count: desc}}` of all albums needs the count of each before the first is known, and so
does `where: {tracks_aggregate: {count: {predicate: {_gt: 9}}}}` where few have so many: a subquery of the row would
run for every row of the table. Rows that another filter chooses may be few, so theirs remain subqueries.
"""

from hasura.engine.ir.nodes import (
    AggregateExpression,
    And,
    BoolExp,
    ColumnExpression,
    Comparison,
    Expression,
    Not,
    Or,
    OrderThrough,
    RelatedExists,
    Rows,
)
from hasura.engine.schema_cache import TableInfo
from hasura.engine.sql.composition import Sql, concat, ident, join, small_int, sql
from hasura.engine.translate.boolexp import Scope, aggregate_call, restriction, source
from hasura.engine.translate.filter_joins import conjuncts
from hasura.engine.translate.fragments import RowReference
from hasura.engine.translate.groups.grouping import SMALL_TABLE, TINY_TABLE, is_key, max_rows_of
from hasura.engine.translate.joins import cannot_fail, is_to_one

_VALUE = "automio value"
# Where fewer than one in so many of a table's rows are read, what is nested in them is computed for each.
_MIN_SHARE = 4


class FilterGroups:
    """Collects the aggregates of all rows, or of related rows, that filter a table and that groups give."""

    def __init__(self, rows: Rows) -> None:
        is_plain, count = rows.source is None and not rows.join, rows.table.table.estimated_rows
        is_limited = max_rows_of(rows) is not None
        self._chosen = _choosing(rows.where, rows.table, count, is_limited=is_limited) if is_plain else set()

    def __contains__(self, exp: AggregateExpression) -> bool:
        """Returns whether groups give the aggregate."""
        return exp in self._chosen

    def __bool__(self) -> bool:
        """Returns whether there are any: then all rows of the table are looked at."""
        return bool(self._chosen)

    def join(self, scope: Scope, exp: AggregateExpression) -> tuple[Sql, Sql] | None:
        """Returns the join of an aggregate of a related row, and its value; None where the row computes it."""
        if exp not in self:
            return None
        name = scope.aliases.name()
        on = on_keys(scope.row, exp, name)
        text = concat(sql(" left join ("), grouped(scope, exp), sql(") as "), ident(name), sql(" on ("), on, sql(")"))
        return text, grouped_value(exp, name, None)


def is_whole_table(rows: Rows) -> bool:
    """Returns whether all rows of the table are looked at."""
    is_plain = rows.source is None and not rows.join
    return is_plain and (not conjuncts(rows.where) or bool(FilterGroups(rows)))


def group_joins_of(exp: Expression, table: TableInfo) -> int:
    """Returns how many joins lead to the aggregate that all rows of the table are ordered by, 0 when none can."""
    joins, count = 1, table.table.estimated_rows
    while isinstance(exp, OrderThrough):
        if not is_to_one(exp.rows):
            return 0
        joins, table = joins + 1, exp.rows.table
        count, exp = _related(count, table, [there for _, there in exp.rows.join]), exp.inner
    return joins if isinstance(exp, AggregateExpression) and _can_group(exp, table, count) else 0


def _choosing(exp: BoolExp, table: TableInfo, count: int, *, is_limited: bool) -> set[AggregateExpression]:
    """Returns the aggregates that choose among `count` rows of the table, none where anything else does.

    `is_limited`: rows are tried only until enough are found.
    """
    if isinstance(exp, And | Or):
        parts = [_choosing(item, table, count, is_limited=is_limited) for item in exp.items]
        # Without a limit all rows are tried, if only for one of several conditions.
        return set().union(*parts) if all(parts) or (isinstance(exp, Or) and not is_limited) else set()
    if isinstance(exp, Not):
        return _choosing(exp.item, table, count, is_limited=is_limited)
    if isinstance(exp, RelatedExists):
        keys = [there for _, there in exp.relationship.column_mapping]
        count = _related(count, exp.table, keys)
        # Of several related rows the first that passes is enough.
        is_limited = is_limited or not exp.table.table.has_at_most_one(keys)
        return _choosing(exp.condition, exp.table, count, is_limited=is_limited)
    aggregate = exp.left if isinstance(exp, Comparison) else None
    if not isinstance(aggregate, AggregateExpression) or not _can_group(aggregate, table, count):
        return set()
    # A subquery of each row may soon have found enough.
    is_late = is_limited and aggregate.rows.table.table.estimated_rows > SMALL_TABLE
    return set() if is_late else {aggregate}


def _can_group(exp: AggregateExpression, table: TableInfo, count: int) -> bool:
    """Returns whether a group of all that is nested gives the aggregate to `count` rows of the table in less time."""
    if exp.rows.source is not None or not exp.rows.join:
        return False
    if exp.rows.table.table.estimated_rows > TINY_TABLE and count * _MIN_SHARE < table.table.estimated_rows:
        return False
    is_exact = all(isinstance(argument, ColumnExpression) and _is_exact(argument) for argument in exp.arguments)
    are_keys = all(is_key(table, here, exp.rows.table, there) for here, there in exp.rows.join)
    return is_exact and are_keys and cannot_fail(exp.rows.where)


def _related(count: int, table: TableInfo, keys: list[str]) -> int:
    """Returns how many rows of the table are related to `count` rows by these columns of theirs, at most."""
    of_each = 1 if table.table.has_at_most_one(keys) else table.table.rows_per_value(keys)
    of_all = table.table.estimated_rows
    return of_all if of_each is None else min(of_all, count * of_each)


def grouped(scope: Scope, exp: AggregateExpression) -> Sql:
    """Returns `select key, count(*) ... group by key` of all rows."""
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
    """Returns the condition that a group is that of the row."""
    pairs = [
        concat(ident(group, _key(number)), sql(" = "), row.column(here))
        for number, (here, _) in enumerate(exp.rows.join)
    ]
    return join(" and ", pairs)


def grouped_value(exp: AggregateExpression, group: str, through: Sql | None) -> Sql:
    """Returns a group's value, or what no rows give; NULL where the row `through` (its key) is not there."""
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

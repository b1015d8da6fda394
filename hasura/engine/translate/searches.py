"""Searches the first few rows, in an index's order or any, of those that pass a filter through relationships.

PostgreSQL can go through the index and try each row until it has enough, or gather all rows that pass and sort them.
It cannot know how many pass: that depends on a value that is looked up in another table. It takes the average, and
then tries every row of a large table for a value that nearly no row has, or gathers half of it for one of many rows.
So rows are searched in steps:

    with first as materialized (
      select * from (select * from rows order by key limit A) as walked where (select filter) order by key limit n),
    second as materialized (
      select * from (select * from rows order by key limit B) as walked
      where filter and (select count(*) from first) < n order by key limit n),
    others as materialized (
      select * from rows where filter and (select count(*) from first) < n and (select count(*) from second) < n)
    select ... from first where (select count(*) from first) >= n
    union all select ... from second where (select count(*) from second) >= n
    union all (select ... from others order by key limit n)

The first step tries a few times as many rows as are asked for, one after the other: PostgreSQL does not join what is
selected as a value. The second goes through B rows at most, in whatever way PostgreSQL likes. Where they are not
enough, few rows pass, and the last step gathers all of them; it is planned as if all were asked for. B grows with the
root of the table's rows times the limit, where these two take about as long in the worst case. Only one part of the
union has rows, in the order asked for. Where the filter's tables are not found by an index there is no first step.
"""

from collections.abc import Iterator, Sequence
from math import isqrt
from typing import TYPE_CHECKING

from hasura.engine.catalog.types import TableKind, TypeKind
from hasura.engine.ir.nodes import (
    And,
    BoolExp,
    ColumnExpression,
    Comparison,
    Not,
    Or,
    OrderItem,
    RelatedExists,
    Rooted,
    Rows,
)
from hasura.engine.sql.composition import Sql, concat, ident, join, parenthesized, small_int, sql
from hasura.engine.translate.boolexp import Scope, condition
from hasura.engine.translate.filter_joins import conjuncts
from hasura.engine.translate.fragments import RowReference, materialized, row_count, table_name, whole_row
from hasura.engine.translate.joins import Joins, cannot_fail

if TYPE_CHECKING:
    from hasura.engine.translate.selects import SelectTranslator

# All rows of a table smaller than this are tried in some milliseconds.
MIN_ROWS = 10_000
# Beyond this limit PostgreSQL does not try row after row in the first step, but gathers all that pass.
MAX_LIMIT = 50
# A step ends where all rows would be tried in so many times the time.
_MIN_SHARE = 4
# Rows tried one after the other, for each that is asked for: enough for a value that a third of the rows have.
TRIES_EACH = 4


class SearchTranslator:
    """Translates the searches in steps of one statement."""

    def __init__(self, selects: "SelectTranslator") -> None:
        self._selects = selects

    def select(self, rows: Rows, permission_limit: int | None, tries: int) -> Sql:
        """Returns all columns of the rows."""
        table, aliases = table_name(rows.table.name), self._selects.aliases
        size = self._selects.size(rows, permission_limit)
        limit = self._selects.limit(rows, permission_limit)
        assert size is not None
        named: list[Sql] = []
        parts: list[Sql] = []
        is_lacking: list[Sql] = []
        for is_alone, number in self._steps(rows, permission_limit, tries):
            step, row = aliases.name(), aliases.row(rows.table, is_typed=False)
            tried = self._ordered(rows, table, sql(""), concat(sql(" limit "), small_int(number)))
            where = self._passing(rows, row, is_lacking, is_alone=is_alone)
            named.append(materialized(step, self._ordered(rows, parenthesized(tried), where, limit, row)))
            count = row_count(step)
            parts.append(self._ordered(rows, ident(step), concat(sql(" where "), count, sql(" >= "), size), sql("")))
            is_lacking.append(concat(count, sql(" < "), size))
        others, row = aliases.name(), aliases.row(rows.table)
        gathered = concat(
            concat(sql("select "), whole_row(row.alias), sql(" from "), table, sql(" as "), ident(row.alias)),
            self._passing(rows, row, is_lacking),
        )
        named.append(materialized(others, gathered))
        parts.append(self._ordered(rows, ident(others), sql(""), limit))
        return concat(sql("with "), join(", ", named), sql(" ("), join(") union all (", parts), sql(")"))

    @staticmethod
    def _steps(rows: Rows, permission_limit: int | None, tries: int) -> Iterator[tuple[bool, int]]:
        """Yields whether each row is tried alone, and how many are."""
        limits = [limit for limit in (rows.limit, permission_limit) if isinstance(limit, int)]
        number = TRIES_EACH * min(limits)
        if number * 2 <= tries and is_tried_by_index(rows.where):
            yield True, number
        yield False, tries

    def _ordered(self, rows: Rows, origin: Sql, where: Sql, limit: Sql, row: RowReference | None = None) -> Sql:
        row = row or self._selects.aliases.row(rows.table, is_typed=False)
        order = self._selects.order(Scope(self._selects.aliases, row), rows.order_by, Joins())
        return concat(
            sql("select "),
            whole_row(row.alias),
            sql(" from "),
            origin,
            sql(" as "),
            ident(row.alias),
            where,
            order,
            limit,
        )

    def _passing(self, rows: Rows, row: RowReference, others: Sequence[Sql], *, is_alone: bool = False) -> Sql:
        passes = condition(Scope(self._selects.aliases, row), rows.where)
        if is_alone:
            passes = concat(sql("(select "), passes, sql(")"))
        return sql(" where ") + join(" and ", [passes, *others])


def is_tried_by_index(exp: BoolExp) -> bool:
    """Returns whether the condition of one row reads no whole table."""
    if isinstance(exp, And | Or):
        return all(is_tried_by_index(item) for item in exp.items)
    if isinstance(exp, Not | Rooted):
        return is_tried_by_index(exp.item)
    if isinstance(exp, RelatedExists):
        found_by = exp.table.table.found_by
        is_found = any(there in found_by for _, there in exp.relationship.column_mapping)
        return is_found and is_tried_by_index(exp.condition)
    return isinstance(exp, Comparison) and isinstance(exp.left, ColumnExpression)


def rows_to_try(rows: Rows, permission_limit: int | None) -> int | None:
    """Returns how many rows are tried in their order before all that pass are gathered; None: search in one step."""
    table = rows.table.table
    if rows.source is not None or rows.join or rows.distinct_on or table.kind is not TableKind.TABLE:
        return None
    limits = [limit for limit in (rows.limit, permission_limit) if limit is not None]
    numbers = [limit for limit in limits if isinstance(limit, int)]
    if not limits or len(numbers) < len(limits) or not 0 < min(numbers) <= MAX_LIMIT:
        return None
    if table.estimated_rows < MIN_ROWS:
        return None
    # Any rows come first where no order is asked for.
    if rows.order_by and not is_sorted(rows.order_by, table.sorted_within(())):
        return None
    # PostgreSQL can begin with rows of the other table.
    if not cannot_fail(rows.where) or not any(isinstance(item, RelatedExists) for item in conjuncts(rows.where)):
        return None
    number = isqrt(table.estimated_rows * min(numbers)) // 2
    return number if number * _MIN_SHARE <= table.estimated_rows else None


def is_sorted(order_by: tuple[OrderItem, ...], sorted_by: frozenset[str]) -> bool:
    """Returns whether an index has the rows in this order, but for rows with the same value in the first column."""
    if not order_by or not all(isinstance(item.expression, ColumnExpression) for item in order_by):
        return False
    first = order_by[0]
    assert isinstance(first.expression, ColumnExpression)
    column, direction = first.expression.column, first.direction
    # An index has nulls last, read backwards first.
    is_natural = direction.is_descending == direction.nulls_first
    # All rows with the same value are sorted: they should not be half of the table.
    has_many_values = column.type.name != "bool" and column.type.kind is not TypeKind.ENUM
    return is_natural and column.name in sorted_by and (has_many_values or len(order_by) == 1)

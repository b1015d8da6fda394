"""The first few rows, in an order that an index gives or in any, of those that pass a filter through relationships.

PostgreSQL can go through the index and try each row until it has enough, or gather all rows that pass and sort them.
It cannot know how many pass: that depends on a value that is looked up in another table. It takes the average, and
then tries every row of a large table for a value that nearly no row has. So rows are searched in two steps:

    with first as materialized (
      select * from (select * from rows order by key limit B) as walked where filter order by key limit n),
    others as materialized (select * from rows where filter and (select count(*) from first) < n)
    select ... from first where (select count(*) from first) >= n
    union all (select ... from others order by key limit n)

The first step goes through B rows at most. Where they are not enough, few rows pass, and the second step gathers all
of them; it is planned as if all were wanted. B grows with the root of the table's rows times the limit, where both
steps take about as long in the worst case. Only one of the two parts of the union has rows, in the order asked for.
"""

from math import isqrt
from typing import TYPE_CHECKING

from hasura.engine.catalog.types import TableKind, TypeKind
from hasura.engine.ir.nodes import ColumnExpression, OrderItem, RelatedExists, Rows
from hasura.engine.sql import Sql, concat, ident, parenthesized, small_int, sql
from hasura.engine.translate.boolexp import Scope, condition
from hasura.engine.translate.filter_joins import conjuncts
from hasura.engine.translate.fragments import RowReference, table_name, whole_row
from hasura.engine.translate.joins import Joins, cannot_fail

if TYPE_CHECKING:
    from hasura.engine.translate.selects import SelectTranslator

# Rows of fewer than these are tried in some milliseconds.
MIN_ROWS = 10_000
# For more, PostgreSQL does not try row after row in the first step, but gathers all that pass.
MAX_LIMIT = 50
# The first step ends where all rows would be tried in so many times the time.
_MIN_SHARE = 4


class SearchTranslator:
    """Translates the searches in two steps of one statement."""

    def __init__(self, selects: "SelectTranslator") -> None:
        self._selects = selects

    def select(self, rows: Rows, permission_limit: int | None, tries: int) -> Sql:
        """All columns of the rows."""
        table, aliases = table_name(rows.table.name), self._selects.aliases
        first, others = aliases.name(), aliases.name()
        size = self._selects.size(rows, permission_limit)
        limit = self._selects.limit(rows, permission_limit)
        assert size is not None
        count = concat(sql("(select count(*) from "), ident(first), sql(")"))
        is_enough, is_too_few = concat(count, sql(" >= "), size), concat(count, sql(" < "), size)
        tried = self._ordered(rows, table, sql(""), concat(sql(" limit "), small_int(tries)))
        row = aliases.row(rows.table, is_typed=False)
        walked = self._ordered(rows, parenthesized(tried), self._passing(rows, row), limit, row)
        row = aliases.row(rows.table)
        gathered = concat(
            sql("select "),
            whole_row(row.alias),
            sql(" from "),
            table,
            sql(" as "),
            ident(row.alias),
            self._passing(rows, row),
            sql(" and "),
            is_too_few,
        )
        return concat(
            sql("with "),
            ident(first),
            sql(" as materialized ("),
            walked,
            sql("), "),
            ident(others),
            sql(" as materialized ("),
            gathered,
            sql(") ("),
            self._ordered(rows, ident(first), sql(" where ") + is_enough, sql("")),
            sql(") union all ("),
            self._ordered(rows, ident(others), sql(""), limit),
            sql(")"),
        )

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

    def _passing(self, rows: Rows, row: RowReference) -> Sql:
        return sql(" where ") + condition(Scope(self._selects.aliases, row), rows.where)


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

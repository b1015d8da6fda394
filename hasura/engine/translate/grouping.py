"""Which nested rows are read once for all rows they are nested in.

A subquery of the row runs once a row, with all its joins. Where the rows are many, what is nested in them is instead
read by their keys, all at once, numbered within each key, and put together by key:

    with rows as (...)
    select ..., coalesce(grouped.rows, '[]') from rows left join (
      select key, json_agg(... order by number) as rows
      from (select ..., row_number() over (partition by key order by ...) as number
            from other where key in (select key from rows) and filter) as numbered
      where number <= limit group by key) as grouped on grouped.key = rows.key

Without a limit all rows of those keys must be read anyway, and so for nested aggregates. With one, that reads more
than is shown: without a filter a subquery of the row stops at the limit, so it stays one. With a filter either may
read much more than is shown: the group all rows that pass a filter which many pass, the subquery all rows of its key
for a filter which few pass (or, when PostgreSQL guesses that many do, a whole index in the order asked for). The
planner cannot know which of the two it is of a value that is looked up in another table. So the size of the table
decides: the group reads a small one at most once.

Rows that are filtered by the very rows that are nested in them (playlists with tracks of a genre, and those tracks)
share them, where the other table is small: the nested rows are found first, the others by their keys. So neither a
small limit nor a rare value makes PostgreSQL try one row after the other.
"""

from hasura.engine.catalog.types import Table, TableKind, TypeKind
from hasura.engine.ir.nodes import (
    TRUE,
    AggregateOutput,
    And,
    ArrayOutput,
    BoolExp,
    ColumnExpression,
    Comparison,
    Operand,
    Output,
    RelatedExists,
    Rows,
    Selection,
)
from hasura.engine.schema_cache import TableInfo
from hasura.engine.translate.filter_joins import condition_text, conjuncts
from hasura.engine.translate.joins import cannot_fail, order_joins_of

# Rows that are read in some 10 ms, filter included.
SMALL_TABLE = 50_000
FEW_ROWS = 10
# Types whose values are equal exactly when `group by` takes them for the same.
_KEY_TYPES = [{"int2", "int4", "int8"}, {"text", "varchar"}, {"uuid"}, {"date"}, {"timestamptz"}, {"timestamp"}]


def has_groups(selection: Selection, table: TableInfo, *, are_few: bool = False) -> bool:
    """Returns whether some output, nested in rows of the table, is read for all of them together."""
    return any(is_grouped(output, table, are_few=are_few) for output in selection.outputs)


def is_grouped(output: Output, table: TableInfo, *, are_few: bool = False) -> bool:
    """Returns whether an output, nested in several rows of the table (or a few), is read for all of them together."""
    if not isinstance(output, ArrayOutput | AggregateOutput):
        return False
    rows = output.rows
    # `distinct on` would have to be done within each key, and what a function returns has none.
    if rows.source is not None or not rows.join or rows.distinct_on:
        return False
    # The filter may be evaluated of rows that belong to no row shown.
    if not cannot_fail(rows.where) or not _has_places(rows.table.table):
        return False
    if not all(_is_key(table, here, rows.table, there) for here, there in rows.join):
        return False
    if isinstance(output, AggregateOutput):
        # A role's limit is only one of the nodes.
        is_whole = rows.permission_limit is None or not output.aggregate.has_nodes()
        return not are_few and rows.limit is None and rows.offset is None and is_whole
    if rows.limit is None and rows.permission_limit is None:
        return not are_few
    return rows.where != TRUE and _is_small(rows.table)


def shared(rows: Rows, selection: Selection) -> tuple[ArrayOutput, BoolExp] | None:
    """Returns the nested rows that the filter asks for too, and what else it asks for."""
    # Rows without an order are then shown in that of their places.
    if rows.source is not None or rows.distinct_on or not (rows.order_by or _has_places(rows.table.table)):
        return None
    few = are_few(rows)
    conditions = conjuncts(rows.where)
    for output in selection.outputs:
        if (
            isinstance(output, ArrayOutput)
            and is_grouped(output, rows.table, are_few=few)
            and _is_shareable(output.rows)
        ):
            for index, item in enumerate(conditions):
                if isinstance(item, RelatedExists) and _asks_for(item, output.rows):
                    return output, And((*conditions[:index], *conditions[index + 1 :]))
    return None


def _is_shareable(rows: Rows) -> bool:
    """Returns whether the rows may be found and numbered before those that they are nested in."""
    if rows.where == TRUE or not _is_small(rows.table):
        return False
    keys = (item.expression for item in rows.order_by)
    return all(isinstance(key, ColumnExpression) or order_joins_of(key) for key in keys)


def _asks_for(item: RelatedExists, rows: Rows) -> bool:
    is_same_way = set(item.relationship.column_mapping) == set(rows.join) and item.table is rows.table
    return is_same_way and condition_text(item.condition, rows.table) == condition_text(rows.where, rows.table)


def _is_small(table: TableInfo) -> bool:
    return table.table.estimated_rows <= SMALL_TABLE


def is_limited(rows: Rows) -> bool:
    """Returns whether not all rows of a key are shown."""
    return rows.limit is not None or rows.offset is not None or rows.permission_limit is not None


def are_few(rows: Rows) -> bool:
    """Returns whether a limit leaves so few rows that a subquery of each takes no longer than one for all."""
    limits = [limit for limit in (rows.limit, rows.permission_limit) if isinstance(limit, int)]
    return bool(limits) and min(limits) <= FEW_ROWS


def is_single(rows: Rows) -> bool:
    """Returns whether the rows are at most one: by a limit, or by values for a whole key."""
    limits = [limit for limit in (rows.limit, rows.permission_limit) if isinstance(limit, int)]
    if limits and min(limits) <= 1:
        return True
    return rows.source is None and rows.table.table.has_at_most_one(_equal_columns(rows.where))


def _equal_columns(exp: BoolExp) -> set[str]:
    return {
        item.left.column.name
        for item in conjuncts(exp)
        if isinstance(item, Comparison)
        and item.operator == "_eq"
        and isinstance(item.left, ColumnExpression)
        and isinstance(item.right, Operand)
    }


def _has_places(table: Table) -> bool:
    """Returns whether a row has one place (`ctid`) in it: rows without an order are shown in that of their places."""
    return table.kind in (TableKind.TABLE, TableKind.MATERIALIZED_VIEW) and not table.has_heirs


def _is_key(here: TableInfo, local: str, there: TableInfo, remote: str) -> bool:
    one, other = here.columns_by_name[local].type.underlying, there.columns_by_name[remote].type.underlying
    if one.kind is TypeKind.ENUM:
        return one.oid == other.oid
    return any(one.name in names and other.name in names for names in _KEY_TYPES)

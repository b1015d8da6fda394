"""Decides which nested rows are read once for all rows they are nested in.

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
planner cannot know which of the two it is of a value that is looked up in another table. So it is decided by numbers
that PostgreSQL has counted. The group reads a small table at most once. Of a large one, where a key has few rows and
few are read in all, a subquery reads by an index the rows of its key, whatever the filter; where a key has many, they
are a group, which `searches` may read in two steps. Without an index on the key each subquery
would read the whole table: never row by row then.

Rows that are filtered by the very rows that are nested in them (playlists with tracks of a genre, and those tracks)
share them, where the other table is small: the nested rows are found first, the others by their keys. So neither a
small limit nor a rare value makes PostgreSQL try one row after the other.
"""

from dataclasses import dataclass
from math import isqrt

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
from hasura.engine.translate.searches import MAX_LIMIT, is_sorted

# Rows that are read in some 10 ms, filter included.
SMALL_TABLE = 50_000
# Up to this many rows, what is nested in each is read by a subquery of its own.
MAX_ROWS_ONE_BY_ONE = 10
# Tables that are read quickly however often.
TINY_TABLE = 1_000
# Rows that are read one by one, by an index, in some milliseconds, filter included.
MAX_READ_BY_KEY = 2_500
# The rows of each key are not tried first where all would be tried in so many times the time ...
_MIN_SHARE = 4
# As many as are tried of all keys together, where that leaves each key enough tries for its limit.
_USUAL_TRIES = 20_000
# For each row that is asked for: enough for a value that half of the rows have.
_MIN_TRIES_EACH = 3
_MAX_TRIES = 100_000
# Types whose values are equal exactly when `group by` takes them for the same.
_KEY_TYPES = [{"int2", "int4", "int8"}, {"text", "varchar"}, {"uuid"}, {"date"}, {"timestamptz"}, {"timestamp"}]


def is_grouped(output: Output, table: TableInfo, max_rows: int | None = None, max_keys: int | None = None) -> bool:
    """Returns whether an output, nested in several rows of the table, is read for all of them together.

    A limit leaves `max_rows` of them at most; None: unknown. Of them `max_keys` are different at most; None: all.
    """
    if not isinstance(output, ArrayOutput | AggregateOutput):
        return False
    rows = output.rows
    # `distinct on` would have to be done within each key, and what a function returns has none.
    if rows.source is not None or not rows.join or rows.distinct_on:
        return False
    # The filter may be evaluated of rows that belong to no row shown.
    if not cannot_fail(rows.where) or not _has_places(rows.table.table):
        return False
    if not all(is_key(table, here, rows.table, there) for here, there in rows.join):
        return False
    is_far = not is_found_by_key(rows)
    are_few = max_rows is not None and max_rows <= MAX_ROWS_ONE_BY_ONE and not is_far
    if isinstance(output, AggregateOutput):
        # A role's limit is only one of the nodes.
        is_whole = rows.permission_limit is None or not output.aggregate.has_nodes()
        return not are_few and rows.limit is None and rows.offset is None and is_whole
    if rows.limit is None and rows.permission_limit is None:
        return not are_few
    if is_far or rows.where == TRUE:
        return is_far
    if _is_small(rows.table) or group_search(rows, table, max_keys or max_rows) is not None:
        return True
    return not _is_small_by_key(rows, table, max_rows)


@dataclass(frozen=True, slots=True)
class GroupSearch:
    """Holds how many rows of each key are tried first, and about how many it has."""

    tries: int
    rows_per_key: int


def group_search(rows: Rows, table: TableInfo, max_rows: int | None) -> GroupSearch | None:
    """Returns how the rows of each key are searched in steps; None: all that pass are gathered at once.

    The rows are nested in those of the table, of which a limit leaves `max_rows`.
    """
    nested, keys = rows.table.table, [there for _, there in rows.join]
    limits = [limit for limit in (rows.limit, rows.permission_limit) if limit is not None]
    numbers = [limit for limit in limits if isinstance(limit, int)]
    if not limits or len(numbers) < len(limits) or not 0 < min(numbers) <= MAX_LIMIT:
        return None
    if rows.where == TRUE or _is_small(rows.table) or not nested.found_by.intersection(keys):
        return None
    # Any rows of a key come first where no order is asked for.
    if rows.order_by and not is_sorted(rows.order_by, nested.sorted_within(keys)):
        return None
    of_each, count = rows_per_key(rows, table), max_rows or table.table.estimated_rows
    if of_each is None or not count:
        return None
    affordable = max(_MIN_TRIES_EACH * min(numbers), _USUAL_TRIES // count)
    tries = min(isqrt(of_each * min(numbers)), affordable)
    is_quicker = tries * _MIN_SHARE <= of_each and tries * count <= _MAX_TRIES
    return GroupSearch(tries, of_each) if is_quicker else None


def rows_per_key(rows: Rows, table: TableInfo) -> int | None:
    """Returns about how many rows are nested in one row of the table, at most; None where nobody knows."""
    nested = rows.table.table
    known = nested.rows_per_value([there for _, there in rows.join])
    if known is None and table.table.estimated_rows:
        # As if each had another key, and as many rows as any other.
        known = max(1, nested.estimated_rows // table.table.estimated_rows)
    return known


def _is_small_by_key(rows: Rows, table: TableInfo, max_rows: int | None) -> bool:
    of_each = rows_per_key(rows, table)
    return max_rows is not None and of_each is not None and max_rows * of_each <= MAX_READ_BY_KEY


def is_found_by_key(rows: Rows) -> bool:
    """Returns whether the rows of a key are found without reading the table."""
    table = rows.table.table
    return table.estimated_rows <= TINY_TABLE or any(there in table.found_by for _, there in rows.join)


def shared(rows: Rows, selection: Selection) -> tuple[ArrayOutput, BoolExp] | None:
    """Returns the nested rows that the filter asks for too, and what else it asks for."""
    # Rows without an order are then shown in that of their places.
    if rows.source is not None or rows.distinct_on or not (rows.order_by or _has_places(rows.table.table)):
        return None
    max_rows = max_rows_of(rows)
    conditions = conjuncts(rows.where)
    for output in selection.outputs:
        if (
            isinstance(output, ArrayOutput)
            and is_grouped(output, rows.table, max_rows)
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


def max_rows_of(rows: Rows) -> int | None:
    """Returns how many rows a limit leaves that is written into the statement; None: there is none."""
    return min((limit for limit in (rows.limit, rows.permission_limit) if isinstance(limit, int)), default=None)


def is_single(rows: Rows) -> bool:
    """Returns whether the rows are at most one: by a limit, or by values for a whole key."""
    max_rows = max_rows_of(rows)
    if max_rows is not None and max_rows <= 1:
        return True
    return rows.source is None and rows.table.table.has_at_most_one(compared_columns(rows.where, "_eq"))


def compared_columns(exp: BoolExp, operator: str) -> set[str]:
    """Returns the columns that must compare so with a value of the request, or with one of a list of them."""
    return {
        item.left.column.name
        for item in conjuncts(exp)
        if isinstance(item, Comparison)
        and item.operator == operator
        and isinstance(item.left, ColumnExpression)
        and isinstance(item.right, Operand)
    }


def _has_places(table: Table) -> bool:
    """Returns whether a row has one place (`ctid`) in it: rows without an order are shown in that of their places."""
    return table.kind in (TableKind.TABLE, TableKind.MATERIALIZED_VIEW) and not table.has_children


def is_key(here: TableInfo, local: str, there: TableInfo, remote: str) -> bool:
    """Returns whether rows with equal values in these columns are those that `group by` puts together."""
    left, right = here.columns_by_name[local].type.underlying, there.columns_by_name[remote].type.underlying
    if left.kind is TypeKind.ENUM:
        return left.oid == right.oid
    return any(left.name in names and right.name in names for names in _KEY_TYPES)

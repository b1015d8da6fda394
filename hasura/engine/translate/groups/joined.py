"""Groups rows nested in a to-one row that many rows lead to: they are read once for all of them.

A list of tracks shows the genre of each, and of each genre how many tracks it has: a subquery of the row would count
them for every track, though there are few genres. They are grouped as rows nested in the list itself are
(`grouping`), by the keys of the joined rows:

    with rows as (...),
    keys as (select distinct genre.id from rows join genre on ...)
    select ... from rows left join genre on ... left join (
      select genre_id, count(*) ... from track where genre_id in (select id from keys) group by genre_id) as grouped
      on grouped.genre_id = genre.id

Where about each row leads to another, a subquery of the row reads no more than the group does, and needs no keys.
Which of the two it is is estimated by what PostgreSQL has counted. Without an index on the key each subquery would
read the whole table: never row by row then.
"""

from collections.abc import Iterator
from dataclasses import replace

from hasura.engine.ir.nodes import (
    TRUE,
    AggregateOutput,
    ArrayOutput,
    ColumnExpression,
    Comparison,
    ObjectOutput,
    Output,
    Rows,
    Selection,
)
from hasura.engine.schema_cache import TableInfo
from hasura.engine.sql.composition import Sql, concat, ident, join, sql
from hasura.engine.translate.boolexp import Scope, condition, join_condition
from hasura.engine.translate.filter_joins import conjuncts
from hasura.engine.translate.fragments import Aliases, table_name
from hasura.engine.translate.groups.grouping import (
    compared_columns,
    is_found_by_key,
    is_grouped,
    max_rows_of,
    rows_per_key,
)
from hasura.engine.translate.joins import JoinedRow, Joins, Parents, is_joined

# From this many rows that lead to one, what is nested in it is read once for all: by an index each is read quickly.
_MIN_ROWS_OF_EACH = 4
# Assumed number of values in a list.
_VALUES_OF_A_LIST = 10
# One row in so many is assumed to pass a filter of which nothing is known.
_ROWS_OF_A_FILTER = 100


def has_groups(selection: Selection, table: TableInfo, count: int, max_rows: int | None = None) -> bool:
    """Returns whether some output, nested in rows of the table or in rows joined to them, is read for all together.

    There are about `count` rows, of which a limit leaves `max_rows` at most; None: unknown.
    """
    if any(is_grouped(output, table, max_rows) for output in selection.outputs):
        return True
    return any(
        is_grouped_below(output, joined.rows, here, count)
        for here, joined in _joined_in(selection, table)
        for output in joined.selection.outputs
    )


def _joined_in(selection: Selection, table: TableInfo) -> Iterator[tuple[TableInfo, ObjectOutput]]:
    """Yields the objects of joined rows, at any depth, each with the table from which the join leads to it."""
    for output in selection.outputs:
        if isinstance(output, ObjectOutput) and is_joined(output):
            yield table, output
            yield from _joined_in(output.selection, output.rows.table)


def is_grouped_below(output: Output, joined: Rows, here: TableInfo, count: int) -> bool:
    """Returns whether an output, nested in the row `joined`, is read for all rows that lead there together.

    About `count` rows are listed that lead there, by way of a row of the table `here`.
    """
    if not isinstance(output, ArrayOutput | AggregateOutput):
        return False
    keys = rows_led_to(joined, here)
    is_repeated = keys is not None and count >= keys * _MIN_ROWS_OF_EACH
    return (is_repeated or not is_found_by_key(output.rows)) and is_grouped(output, joined.table, count, keys)


def parents_of(joins: Joins, joined: JoinedRow, local: list[str], aliases: Aliases) -> Parents:
    """Returns the joined rows, for what is nested in them by values in the columns `local`."""
    if joined.keys is None:
        joined.keys = aliases.name()
    joined.columns.update(local)
    keys = rows_led_to(joined.rows, joined.here.table)
    count = joins.count if keys is None else min(keys, joins.count)
    return Parents(joined.keys, joined.rows.table, count, count)


def keys_of(joins: Joins, joined: JoinedRow, aliases: Aliases) -> Sql:
    """Returns `select distinct columns` of the rows that joins lead to from the parents."""
    assert joins.parents is not None and joins.row is not None
    start = replace(joins.row, alias=aliases.name())
    here, tables = start, [concat(sql(" from "), ident(joins.parents), sql(" as "), ident(start.alias))]
    for step in joins.way_to(joined):
        if step.row.prefix is not None:
            # The parents have its columns already.
            here = replace(step.row, alias=start.alias)
            continue
        there = aliases.row(step.rows.table)
        on = join_condition(here, there, step.rows.join)
        if step.rows.where != TRUE:
            on = concat(on, sql(" and "), condition(Scope(aliases, there), step.rows.where))
        name = table_name(step.rows.table.name)
        tables.append(concat(sql(" join "), name, sql(" as "), ident(there.alias), sql(" on ("), on, sql(")")))
        here = there
    columns = [concat(here.column(name), sql(" as "), ident(name)) for name in sorted(joined.columns)]
    return concat(sql("select distinct "), join(", ", columns), *tables)


# --- about how many rows there are -------------------------------------------------------------------------------


def rows_read(rows: Rows) -> int:
    """Returns about how many rows a list has, nested in one row or in none."""
    table, max_rows = rows.table.table, max_rows_of(rows)
    counts = [table.estimated_rows]
    equal = compared_columns(rows.where, "_eq").union(there for _, there in rows.join)
    for columns, factor in ((equal, 1), (compared_columns(rows.where, "_in"), _VALUES_OF_A_LIST)):
        of_each = 1 if table.has_at_most_one(columns) else table.rows_per_value(columns)
        if of_each is not None:
            counts.append(of_each * factor)
    count = _passing(rows, min(counts))
    return count if max_rows is None else min(count, max_rows)


def rows_nested(rows: Rows, parents: Parents) -> int:
    """Returns about how many rows are nested in all of the parents together."""
    of_each, max_rows = rows_per_key(rows, parents.table), max_rows_of(rows)
    counts = [rows.table.table.estimated_rows]
    if of_each is not None:
        counts.append(parents.count * of_each)
    count = _passing(rows, min(counts))
    return count if max_rows is None else min(count, parents.count * max_rows)


def _passing(rows: Rows, count: int) -> int:
    """Returns about how many of so many rows pass conditions that are more than a column's value."""
    is_known = all(
        isinstance(item, Comparison) and item.operator in ("_eq", "_in") and isinstance(item.left, ColumnExpression)
        for item in conjuncts(rows.where)
    )
    return count if is_known else count // _ROWS_OF_A_FILTER


def rows_led_to(joined: Rows, here: TableInfo) -> int | None:
    """Returns about how many rows those of the table `here` lead to, at most; None where nobody knows."""
    counts = [joined.table.table.estimated_rows]
    if len(joined.join) == 1:
        counts.append(here.table.distinct_values.get(joined.join[0][0], 0))
    return min((count for count in counts if count), default=None)

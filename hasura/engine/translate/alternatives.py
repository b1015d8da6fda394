"""Translates rows that one of several alternatives asks for, each alternative found on its own.

`{_or: [{owner_id: {_eq: 7}}, {members: {user_id: {_eq: 7}}}]}` is an OR of a column and an EXISTS. PostgreSQL makes
no join of an EXISTS under OR: it looks at every row of the table, for a few that pass. Each alternative alone is
found by an index. So their keys are gathered first, and the rows by their keys:

    with first as materialized (
      select * from (select * from rows order by key limit A) as walked where (select filter) order by key limit n),
    near as materialized (
      select id from rows where owner_id = 7 union all select project_id from members where user_id = 7 limit K + 1)
    select ... from first where (select count(*) from first) >= n
    union all (select ... from rows where id in (select * from near) and filter
      and (select count(*) from first) < n and (select count(*) from near) <= K order by key limit n)
    union all (select ... from rows where filter
      and (select count(*) from first) < n and (select count(*) from near) > K order by key limit n)

Numbers that PostgreSQL has counted tell how many rows an alternative has on average, not how many for the value at
hand: one user may own half of the table. So at most K + 1 keys are gathered, and where there are more, the rows are
read as if nothing had been gathered, for some hundredths of the time more. Only one part of the union has rows, in
the order asked for. A list with a small limit in the order of an index first tries a few times as many rows as are
asked for, as in `searches`, and so finds at once what many rows pass.

Where the alternatives are those of a related row (tasks of projects that one owns or is a member of), `near` holds
the keys of the related rows. The whole filter is applied to the rows that `near` leads to: keys only say where to
look, so a row that does not pass is never shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isqrt
from typing import TYPE_CHECKING

from hasura.engine.catalog.types import TableKind
from hasura.engine.ir.nodes import (
    And,
    BoolExp,
    ColumnExpression,
    Comparison,
    Not,
    Operand,
    Or,
    RelatedExists,
    Rows,
    TableExists,
)
from hasura.engine.schema_cache import TableInfo
from hasura.engine.sql.composition import Sql, concat, ident, join, parenthesized, small_int, sql
from hasura.engine.translate.boolexp import Scope, condition
from hasura.engine.translate.fragments import RowReference, materialized, row_count, table_name, whole_row
from hasura.engine.translate.groups.grouping import is_key
from hasura.engine.translate.joins import Joins, cannot_fail, relations_in
from hasura.engine.translate.searches import MAX_LIMIT, MIN_ROWS, TRIES_EACH, is_sorted, is_tried_by_index

if TYPE_CHECKING:
    from hasura.engine.translate.selects import SelectTranslator

# Where there are too many keys, this many rows are read anyway for each key that was gathered in vain ...
_USUAL_SHARE = 100
# ... or at least, where the keys are more than that on average.
_MIN_SHARE = 25
# Rows that another condition leaves and that are tried one after the other quickly, up to this many.
_MAX_ROWS_OF_OTHERS = 1_000
# Assumed size of a table that is too small for PostgreSQL's statistics to be read.
_TINY_TABLE = 1_000
# Assumed length of a list whose length is known only with a request.
_USUAL_LIST = 10
_RANGES = frozenset({"_gt", "_gte", "_lt", "_lte"})


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Holds rows whose columns `here` are the columns `there` of a row of `table` that one of `items` asks for.

    `max_keys` is how many of these are gathered, `tries` how many rows are tried before that.
    """

    table: TableInfo
    here: tuple[str, ...]
    there: tuple[str, ...]
    items: tuple[BoolExp, ...]
    max_keys: int
    tries: int | None


def alternatives(rows: Rows, permission_limit: int | None) -> Alternatives | None:
    """Returns which keys lead to the rows; None: their filter has no such alternatives, or is quicker as it is."""
    table = rows.table.table
    if rows.source is not None or rows.join or rows.distinct_on or table.kind is not TableKind.TABLE:
        return None
    if table.estimated_rows < MIN_ROWS or not _may_be_split(rows.where):
        return None
    limit = _small_limit(rows, permission_limit)
    tries = TRIES_EACH * limit if limit is not None and is_tried_by_index(rows.where) else None
    items = _flat(rows.where)
    # What PostgreSQL finds without our help.
    others = _rows_found(rows.table, And(tuple(item for item in items if not _split(item))))
    for item in items:
        keys_and_rows = _of_condition(rows.table, item)
        if keys_and_rows is None:
            continue
        keys, of_each = keys_and_rows
        count = sum(_rows_found(keys.table, each) or 0 for each in keys.items)
        if others is not None and others <= max(_MAX_ROWS_OF_OTHERS, count * of_each):
            continue
        looked_at = table.estimated_rows if others is None else others
        max_keys = max(looked_at // _USUAL_SHARE // of_each, 2 * count)
        if max_keys * of_each * _MIN_SHARE > looked_at:
            continue
        if tries is not None and limit is not None:
            # As in `searches`: where there are more keys than these, not many more rows have to be tried.
            max_keys = min(max_keys, max(isqrt(table.estimated_rows * limit) // 4, 2 * count))
        return replace(keys, max_keys=max_keys, tries=tries)
    return None


class AlternativesTranslator:
    """Translates the alternatives of one statement."""

    def __init__(self, selects: "SelectTranslator") -> None:
        self._selects = selects

    def select(self, rows: Rows, permission_limit: int | None, columns: list[str], keys: Alternatives) -> Sql:
        """Returns some columns of the rows."""
        near = self._selects.aliases.name()
        limit = self._selects.limit(rows, permission_limit)
        named: list[Sql] = []
        parts: list[Sql] = []
        is_lacking: list[Sql] = []
        # A row that is only counted still needs a column.
        columns = columns or list(keys.here)
        if keys.tries is not None:
            size = self._selects.size(rows, permission_limit)
            assert size is not None
            first = self._selects.aliases.name()
            named.append(materialized(first, self._first(rows, limit, keys.tries)))
            enough = concat(row_count(first), sql(" >= "), size)
            row = self._selects.aliases.row(rows.table, is_typed=False)
            parts.append(self._part(rows, columns, row, ident(first), [enough], sql("")))
            is_lacking.append(concat(row_count(first), sql(" < "), size))
        named.append(materialized(near, self._near(keys)))
        table = table_name(rows.table.name)
        for is_near in (True, False):
            row = self._selects.aliases.row(rows.table)
            passes = [condition(Scope(self._selects.aliases, row), rows.where), *is_lacking]
            if is_near:
                among = concat(sql(" in (select * from "), ident(near), sql(")"))
                passes.insert(0, parenthesized(join(", ", [row.column(name) for name in keys.here])) + among)
            compared = sql(" <= ") if is_near else sql(" > ")
            passes.append(concat(row_count(near), compared, small_int(keys.max_keys)))
            parts.append(self._part(rows, columns, row, table, passes, limit))
        return concat(sql("with "), join(", ", named), sql(" ("), join(") union all (", parts), sql(")"))

    def _first(self, rows: Rows, limit: Sql, tries: int) -> Sql:
        """Returns the first rows that pass; tries the rows one after the other."""
        walked, passing = (self._selects.aliases.row(rows.table, is_typed=typed) for typed in (True, False))
        scope = Scope(self._selects.aliases, walked)
        # A page begins after the rows of the pages before.
        begins = [condition(scope, item) for item in _flat(rows.where) if _is_of_order(rows, item)]
        where = sql(" where ") + join(" and ", begins) if begins else sql("")
        order = self._selects.order(scope, rows.order_by, Joins())
        walk = concat(
            concat(sql("select "), whole_row(walked.alias), sql(" from "), table_name(rows.table.name)),
            concat(sql(" as "), ident(walked.alias), where, order, sql(" limit "), small_int(tries)),
        )
        scope = Scope(self._selects.aliases, passing)
        # PostgreSQL does not join what is selected as a value.
        passes = concat(sql(" where (select "), condition(scope, rows.where), sql(")"))
        return concat(
            concat(sql("select "), whole_row(passing.alias), sql(" from "), parenthesized(walk)),
            concat(sql(" as "), ident(passing.alias), passes),
            self._selects.order(scope, rows.order_by, Joins()),
            limit,
        )

    def _near(self, keys: Alternatives) -> Sql:
        """Returns the keys that the alternatives lead to: `max_keys`, and one more if there are too many."""
        all_keys = join(" union all ", [self._keys_of(keys, item) for item in keys.items])
        return concat(all_keys, sql(" limit "), small_int(keys.max_keys + 1))

    def _keys_of(self, keys: Alternatives, item: BoolExp) -> Sql:
        table, there = keys.table, keys.there
        if isinstance(item, RelatedExists) and (columns := _keys_in_related(keys, item)) is not None:
            # The related rows have the keys themselves.
            table, there, item = item.table, columns, item.condition
        row = self._selects.aliases.row(table)
        return concat(
            concat(sql("select "), join(", ", [row.column(name) for name in there]), sql(" from ")),
            concat(table_name(table.name), sql(" as "), ident(row.alias)),
            concat(sql(" where "), condition(Scope(self._selects.aliases, row), item)),
        )

    def _part(
        self, rows: Rows, columns: list[str], row: RowReference, origin: Sql, conditions: list[Sql], limit: Sql
    ) -> Sql:
        joins = Joins(others=1 + relations_in(rows.where))
        order = self._selects.order(Scope(self._selects.aliases, row), rows.order_by, joins)
        shown = join(", ", [row.column(name) for name in columns])
        return concat(
            concat(sql("select "), shown, sql(" from "), origin, sql(" as "), ident(row.alias), joins.text()),
            concat(sql(" where "), join(" and ", conditions), order, limit),
        )


# --- which alternatives there are ---------------------------------------------------------------------------------


def _of_condition(table: TableInfo, exp: BoolExp) -> tuple[Alternatives, int] | None:
    """Returns the keys of a condition's alternatives, and how many rows have one key; None: it has none."""
    if isinstance(exp, RelatedExists):
        items = _split(exp.condition)
        there_table, mapping = exp.table, exp.relationship.column_mapping
        here, there = tuple(local for local, _ in mapping), tuple(remote for _, remote in mapping)
    else:
        items, there_table = _split(exp), table
        key = table.table.primary_key
        here = there = key.columns if key is not None else ()
    if not items or not here or any(_rows_found(there_table, item) is None for item in items):
        return None
    of_each = _rows_per_key(table, here)
    are_keys = all(is_key(table, column, there_table, other) for column, other in zip(here, there, strict=True))
    if of_each is None or not are_keys:
        return None
    return Alternatives(there_table, here, there, tuple(items), 0, None), of_each


def _split(exp: BoolExp) -> list[BoolExp]:
    """Returns alternatives one of which holds exactly where the condition does; none: no OR of relationships."""
    if isinstance(exp, Or):
        # PostgreSQL finds those of columns alone by their indexes.
        return list(_flat_or(exp)) if relations_in(exp) else []
    if isinstance(exp, RelatedExists):
        return [replace(exp, condition=item) for item in _split(exp.condition)]
    if isinstance(exp, And):
        items = _flat(exp)
        for index, item in enumerate(items):
            if parts := _split(item):
                return [And((*items[:index], each, *items[index + 1 :])) for each in parts]
    return []


def _flat(exp: BoolExp) -> list[BoolExp]:
    return [each for item in exp.items for each in _flat(item)] if isinstance(exp, And) else [exp]


def _flat_or(exp: BoolExp) -> Iterator[BoolExp]:
    if isinstance(exp, Or):
        for item in exp.items:
            yield from _flat_or(item)
    elif isinstance(exp, And) and len(exp.items) == 1:
        yield from _flat_or(exp.items[0])
    else:
        yield exp


def _may_be_split(exp: BoolExp) -> bool:
    """Returns whether alternatives may be evaluated of any rows of the table, and away from the row at hand."""
    return cannot_fail(exp) and not _mentions_root(exp)


def _mentions_root(exp: BoolExp) -> bool:
    if isinstance(exp, And | Or):
        return any(_mentions_root(item) for item in exp.items)
    if isinstance(exp, Not):
        return _mentions_root(exp.item)
    if isinstance(exp, RelatedExists | TableExists):
        return _mentions_root(exp.condition)
    if isinstance(exp, Comparison):
        return any(isinstance(side, ColumnExpression) and side.is_root for side in (exp.left, exp.right))
    # A permission that mentions it says so.
    return True


def _keys_in_related(keys: Alternatives, item: RelatedExists) -> tuple[str, ...] | None:
    """Returns the columns of the related rows that are the keys; None: they are not all that are needed."""
    # A key of a row that is not there leads to no row, unless it is that of a third row.
    remote = dict(item.relationship.column_mapping)
    if keys.here != keys.there or set(remote) != set(keys.there):
        return None
    if not all(is_key(keys.table, name, item.table, remote[name]) for name in keys.there):
        return None
    return tuple(remote[name] for name in keys.there)


# --- how many rows there are --------------------------------------------------------------------------------------


def _rows_found(table: TableInfo, exp: BoolExp) -> int | None:
    """Returns about how many rows pass, on average, where indexes lead to them; None: nobody knows."""
    if isinstance(exp, Or):
        counts = [_rows_found(table, item) for item in exp.items]
        return None if None in counts else sum(count or 0 for count in counts)
    if isinstance(exp, And):
        return min((count for item in exp.items if (count := _rows_found(table, item)) is not None), default=None)
    if isinstance(exp, RelatedExists):
        there = _rows_found(exp.table, exp.condition)
        here = _rows_per_key(table, tuple(local for local, _ in exp.relationship.column_mapping))
        return None if there is None or here is None else there * here
    if not isinstance(exp, Comparison) or not isinstance(exp.left, ColumnExpression):
        return None
    if exp.operator not in ("_eq", "_in") or not isinstance(exp.right, Operand):
        return None
    count = _rows_per_key(table, (exp.left.column.name,))
    return None if count is None else count * (_USUAL_LIST if exp.operator == "_in" else 1)


def _rows_per_key(table: TableInfo, columns: tuple[str, ...]) -> int | None:
    """Returns about how many rows have the same values in the columns, where an index leads to them."""
    known = table.table
    if known.has_at_most_one(columns):
        return 1
    if 0 < known.estimated_rows <= _TINY_TABLE:
        return known.estimated_rows
    return known.rows_per_value(columns) if known.found_by.intersection(columns) else None


# --- a small limit ------------------------------------------------------------------------------------------------


def _small_limit(rows: Rows, permission_limit: int | None) -> int | None:
    """Returns how many rows are asked for, where they are few and an index has them in their order."""
    limits = [limit for limit in (rows.limit, permission_limit) if limit is not None]
    numbers = [limit for limit in limits if isinstance(limit, int)]
    if not limits or len(numbers) < len(limits) or not 0 < min(numbers) <= MAX_LIMIT:
        return None
    if rows.order_by and not is_sorted(rows.order_by, rows.table.table.sorted_within(())):
        return None
    return min(numbers)


def _is_of_order(rows: Rows, exp: BoolExp) -> bool:
    """Returns whether an index that has the rows in their order begins where the condition holds."""
    if not rows.order_by or not isinstance(exp, Comparison) or exp.operator not in _RANGES:
        return False
    first = rows.order_by[0].expression
    if not isinstance(first, ColumnExpression) or not isinstance(exp.left, ColumnExpression):
        return False
    return isinstance(exp.right, Operand) and first.column.name == exp.left.column.name

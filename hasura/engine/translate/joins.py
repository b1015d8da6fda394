"""To-one relationships as left joins.

An object relationship whose columns are a key of the other table finds at most one row, so a left join reads it
without making rows more or fewer, and PostgreSQL may choose how: a hash of the other table when many rows refer to
it, a look-up by key when few do. A scalar subquery it always runs once a row. The joined side is a lateral subquery
that PostgreSQL pulls up, so nothing is left of it in the plan; its whole row is null where no row was found.

What a join reads may be read of rows that nothing refers to (a whole table is hashed). So only what cannot fail and
costs little is joined: columns, and permissions that compare columns. All else remains a subquery of the row.
"""

from hasura.engine.ir.nodes import (
    And,
    BoolExp,
    ColumnExpression,
    ColumnOutput,
    Comparison,
    ConstantOutput,
    Expression,
    Not,
    ObjectOutput,
    Operand,
    Or,
    OrderThrough,
    RelatedColumnExpression,
    RelatedExists,
    Rooted,
    Rows,
    Selection,
    TableExists,
)
from hasura.engine.sql import MAX_IDENTIFIER_BYTES, Sql, concat, ident, join, sql

# PostgreSQL plans up to `join_collapse_limit` (8) relations of one FROM together, the rows' own among them.
MAX_JOINS = 7
# Their right side is a pattern or a path, which may be malformed where a column gives it.
_PATTERN_OPERATORS = frozenset(
    {
        "_similar",
        "_nsimilar",
        "_regex",
        "_iregex",
        "_nregex",
        "_niregex",
        "_matches",
        "_matches_any",
        "_matches_fulltext",
    }
)


class Joins:
    """The left joins of one FROM, in order, at most `MAX_JOINS` with those inside them."""

    def __init__(self) -> None:
        self._left = MAX_JOINS
        self._items: list[Sql] = []

    def reserve(self, count: int) -> bool:
        """Returns whether `count` more joins have a place, and takes it."""
        if count > self._left:
            return False
        self._left -= count
        return True

    def add_subquery(self, subquery: Sql, alias: str) -> None:
        """Adds `left join lateral (subquery) as alias`."""
        self._items.append(concat(sql(" left join lateral ("), subquery, sql(") as "), ident(alias), sql(" on true")))

    def add_table(self, table: Sql, alias: str, on: Sql) -> None:
        """Adds `left join table as alias on (condition)`."""
        self._items.append(concat(sql(" left join "), table, sql(" as "), ident(alias), sql(" on ("), on, sql(")")))

    def text(self) -> Sql:
        """Returns the joins as they follow the rows' own source."""
        return join("", self._items)


def joins_of(output: object) -> int:
    """Returns how many joins an output needs with all that is inside it, 0 when it cannot be joined."""
    if not isinstance(output, ObjectOutput) or not output.selection.outputs or not _is_to_one(output.rows):
        return 0
    count = 1
    for inner in output.selection.outputs:
        if len(inner.alias.encode()) > MAX_IDENTIFIER_BYTES:
            return 0
        if isinstance(inner, ObjectOutput):
            nested = joins_of(inner)
            if not nested:
                return 0
            count += nested
        elif isinstance(inner, ColumnOutput):
            if inner.condition is not None:
                return 0
        elif not isinstance(inner, ConstantOutput):
            return 0
    return count


def has_joins(selection: Selection) -> bool:
    """Returns whether some output can be joined."""
    return any(joins_of(output) for output in selection.outputs)


def order_joins_of(exp: Expression) -> int:
    """Returns how many joins lead to the column that an ordering goes by, 0 when it cannot be joined."""
    count = 0
    while isinstance(exp, OrderThrough):
        if not _is_to_one(exp.rows):
            return 0
        count += 1
        exp = exp.inner
    return count if isinstance(exp, ColumnExpression) else 0


def _is_to_one(rows: Rows) -> bool:
    is_whole = rows.source is None and not rows.distinct_on and rows.limit is None and rows.offset is None
    if not is_whole or not rows.join or rows.permission_limit is not None:
        return False
    return rows.table.table.has_at_most_one([there for _, there in rows.join]) and _cannot_fail(rows.where)


def _cannot_fail(exp: BoolExp) -> bool:
    """Returns whether the condition may be evaluated of any row of the table."""
    if isinstance(exp, And | Or):
        return all(_cannot_fail(item) for item in exp.items)
    if isinstance(exp, Not | Rooted):
        return _cannot_fail(exp.item)
    if isinstance(exp, Comparison):
        is_constant = isinstance(exp.right, bool | Operand)
        return _is_column(exp.left) and (
            is_constant or (_is_column(exp.right) and exp.operator not in _PATTERN_OPERATORS)
        )
    return isinstance(exp, RelatedExists | TableExists) and _cannot_fail(exp.condition)


def _is_column(exp: object) -> bool:
    return isinstance(exp, ColumnExpression | RelatedColumnExpression)

"""Joins to-one relationships by left joins.

An object relationship whose columns are a key of the other table finds at most one row, so a left join reads it
without making rows more or fewer, and PostgreSQL may choose how: a hash of the other table when many rows refer to
it, a look-up by key when few do. A scalar subquery it always runs once a row. All joins of a FROM stand side by side
and the JSON is made above them (FROM-less lateral subqueries, of which nothing is left in the plan): a join that held
the JSON of another would have to be made whole before it is joined, of rows that nothing refers to.

What a join reads may be read of rows that nothing refers to (a whole table is hashed). So a row is joined only where
its permission cannot fail and costs little: it compares columns. All else remains a subquery of the row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hasura.engine.catalog.types import Volatility
from hasura.engine.ir.nodes import (
    And,
    ArrayOutput,
    BoolExp,
    CallOutput,
    ColumnExpression,
    Comparison,
    Expression,
    Not,
    ObjectOutput,
    Operand,
    Or,
    OrderThrough,
    Output,
    RelatedColumnExpression,
    RelatedExists,
    Rooted,
    Rows,
    Selection,
    TableExists,
)
from hasura.engine.schema_cache import TableInfo
from hasura.engine.sql.composition import MAX_IDENTIFIER_BYTES, Sql, concat, ident, join, parenthesized, sql
from hasura.engine.sql.operators import may_fail
from hasura.engine.translate.fragments import RowReference

# PostgreSQL plans up to `join_collapse_limit` (8) relations of one FROM together, the rows' own among them. With
# more, it joins before it restricts rows by the WHERE's relations: whole tables, for a few rows.
MAX_JOINS = 7


@dataclass(frozen=True, slots=True)
class FoundRows:
    """Names rows of a common table expression found first; others are those whose `local` columns they have."""

    name: str
    query: Sql
    local: tuple[str, ...]
    remote: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Parents:
    """Names rows of a common table expression that others are nested in.

    There are about `count`, of which a limit leaves `max_rows`; None: unknown.
    """

    name: str
    table: TableInfo
    count: int
    max_rows: int | None


@dataclass(slots=True, eq=False)
class JoinedRow:
    """Describes a row that a join leads to from the row `here`.

    `keys` names the common table expression of the values that such rows have in `columns`, once something that is
    nested in them is read for all of them together.
    """

    row: RowReference
    here: RowReference
    rows: Rows
    keys: str | None = None
    columns: set[str] = field(default_factory=set)


class Joins:
    """Collects the left joins of one FROM, at most `MAX_JOINS`, and the objects made of what they lead to.

    `parents` names the common table expression that holds the rows `row` themselves, where what is nested in them
    or in what is joined to them may be read for all of them together; there are about `count`, and a limit leaves
    `max_rows` of them.
    `is_single`: there is one row, and nothing around it is read more than once. `shared` is what is nested in the
    rows and found before them; once translated, it is in `found_rows`. `known` are rows that objects show and that
    need no join of their own. `others` is how many relations the FROM's WHERE adds.
    """

    def __init__(
        self,
        parents: str | None = None,
        row: RowReference | None = None,
        *,
        is_single: bool = False,
        max_rows: int | None = None,
        count: int = 0,
        shared: ArrayOutput | None = None,
        known: Mapping[ObjectOutput, RowReference] | None = None,
        others: int = 0,
    ) -> None:
        self.parents = parents
        self.row = row
        self.is_single = is_single
        self.max_rows = max_rows
        self.count = count
        self.shared = shared
        self.known = dict(known or {})
        self.found_rows: FoundRows | None = None
        self.has_groups = False
        # The FROM reads all rows of a table.
        self.is_whole = False
        self._left = MAX_JOINS - others
        self.joined: list[JoinedRow] = []
        self._tables: list[Sql] = []
        self._objects: list[Sql] = []

    def reserve(self, count: int) -> bool:
        """Returns whether `count` more joins have a place, and takes it."""
        if count > self._left:
            return False
        self._left -= count
        return True

    def add_table(self, table: Sql, alias: str, on: Sql, *, is_inner: bool = False) -> None:
        """Adds `left join table as alias on (condition)`, or an inner join."""
        kind = sql(" join ") if is_inner else sql(" left join ")
        self._tables.append(concat(kind, table, sql(" as "), ident(alias), sql(" on ("), on, sql(")")))

    def add_row(self, row: RowReference, here: RowReference, rows: Rows) -> None:
        """Notes that a join leads to the row from the row `here`."""
        self.joined.append(JoinedRow(row, here, rows))

    def joined_row(self, row: RowReference) -> JoinedRow | None:
        """Returns how a join leads to the row; None: none does."""
        return next((joined for joined in self.joined if joined.row is row), None)

    def way_to(self, joined: JoinedRow) -> list[JoinedRow]:
        """Returns the joined rows on the way from the rows themselves to this one, which is the last."""
        before = self.joined_row(joined.here)
        return [*(self.way_to(before) if before is not None else ()), joined]

    def add_group(self, query: Sql, alias: str, on: Sql) -> None:
        """Adds `left join (query) as alias on (condition)`: rows nested in those of the FROM, by their key."""
        self.add_table(parenthesized(query), alias, on)
        self.has_groups = True

    def add_object(self, outputs: Sql, alias: str) -> None:
        """Adds `cross join lateral (select outputs) as alias`: values of rows joined before, under one name."""
        self._objects.append(
            concat(sql(" cross join lateral (select "), outputs, sql(") as "), ident(alias)),
        )

    def text(self) -> Sql:
        """Returns the joins as they follow the rows' own source."""
        return join("", [*self._tables, *self._objects])


def is_among(row: RowReference, columns: Sequence[str], name: str, others: Sequence[str]) -> Sql:
    """Returns `(columns of the row) in (select others from name)`."""
    here = join(", ", [row.column(column) for column in columns])
    there = join(", ", [ident(name, column) for column in others])
    return concat(sql("("), here, sql(") in (select "), there, sql(" from "), ident(name), sql(")"))


def relations_in(exp: BoolExp) -> int:
    """Returns how many tables besides the row's own a condition reads, which PostgreSQL plans as joins."""
    if isinstance(exp, And | Or):
        return sum(relations_in(item) for item in exp.items)
    if isinstance(exp, Not | Rooted):
        return relations_in(exp.item)
    return 1 + relations_in(exp.condition) if isinstance(exp, RelatedExists | TableExists) else 0


def relations_of(selection: Selection) -> int:
    """Returns how many tables the joined objects of a selection read, those of their permissions among them."""
    return sum(
        1 + relations_in(output.rows.where) + relations_of(output.selection)
        for output in selection.outputs
        if isinstance(output, ObjectOutput) and is_joined(output)
    )


def is_joined(output: Output) -> bool:
    """Returns whether an output is the object of a row that a join leads to.

    What is read of that row is evaluated above the joins, of rows that are shown. Only a volatile function would keep
    PostgreSQL from that.
    """
    if not isinstance(output, ObjectOutput) or not output.selection.outputs or not is_to_one(output.rows):
        return False
    return not any(
        len(inner.alias.encode()) > MAX_IDENTIFIER_BYTES
        or (isinstance(inner, CallOutput) and inner.call.function.volatility is Volatility.VOLATILE)
        for inner in output.selection.outputs
    )


def has_joins(selection: Selection) -> bool:
    """Returns whether some output is the object of a row that a join leads to."""
    return any(is_joined(output) for output in selection.outputs)


def order_joins_of(exp: Expression) -> int:
    """Returns how many joins lead to the column that an ordering goes by, 0 when it cannot be joined."""
    count = 0
    while isinstance(exp, OrderThrough):
        if not is_to_one(exp.rows):
            return 0
        count += 1
        exp = exp.inner
    return count if isinstance(exp, ColumnExpression) else 0


def is_to_one(rows: Rows) -> bool:
    """Returns whether a left join finds the row, if there is one."""
    is_whole = rows.source is None and not rows.distinct_on and rows.limit is None and rows.offset is None
    if not is_whole or not rows.join or rows.permission_limit is not None:
        return False
    return rows.table.table.has_at_most_one([there for _, there in rows.join]) and cannot_fail(rows.where)


def cannot_fail(exp: BoolExp) -> bool:
    """Returns whether the condition may be evaluated of any row of the table."""
    if isinstance(exp, And | Or):
        return all(cannot_fail(item) for item in exp.items)
    if isinstance(exp, Not | Rooted):
        return cannot_fail(exp.item)
    if isinstance(exp, Comparison):
        is_constant = isinstance(exp.right, bool | Operand)
        return _is_column(exp.left) and (is_constant or (_is_column(exp.right) and not may_fail(exp.operator)))
    return isinstance(exp, RelatedExists | TableExists) and cannot_fail(exp.condition)


def _is_column(exp: object) -> bool:
    return isinstance(exp, ColumnExpression | RelatedColumnExpression)

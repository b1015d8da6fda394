"""Translates boolean expressions and the expressions they compare.

A relationship filter is an EXISTS over the tables that relationships lead to, joined by their keys: under AND
PostgreSQL plans it as a semi-join and may start from either side, or from the middle of a chain of them.
"""

from collections.abc import Iterator, Sequence
from typing import LiteralString, Protocol

from hasura.engine.catalog.types import PgType
from hasura.engine.ir.nodes import (
    AggregateExpression,
    And,
    BoolExp,
    CallExists,
    CallExpression,
    CallOutput,
    CastExpression,
    ColumnExpression,
    ColumnOutput,
    Comparison,
    Expression,
    FunctionCall,
    FunctionRows,
    NamedRows,
    Not,
    Operand,
    Or,
    OrderThrough,
    RelatedColumnExpression,
    RelatedExists,
    Rooted,
    Rows,
    ShownExpression,
    TableExists,
)
from hasura.engine.schema.inputs.filters import TEXT
from hasura.engine.schema.scalars import is_array
from hasura.engine.schema_cache import TableInfo
from hasura.engine.sql.composition import Sql, concat, ident, join, param, sql
from hasura.engine.sql.operators import OPERATORS
from hasura.engine.translate.fragments import (
    Aliases,
    RowReference,
    array_members,
    call,
    cast,
    equals,
    has_own_operators,
    listed,
    operand,
    operator,
    table_name,
    whole_row,
)


class GroupJoin(Protocol):
    """Returns a join of an aggregate computed for all rows at once, and its value; None where it cannot be joined."""

    def __call__(self, scope: "Scope", exp: AggregateExpression, /) -> tuple[Sql, Sql] | None: ...


class Scope:
    """Tells where an expression is evaluated: the row at hand, and the row the whole expression is about."""

    def __init__(self, aliases: Aliases, row: RowReference, root: RowReference | None = None) -> None:
        self.aliases = aliases
        self.row = row
        self.root = root or row
        # What is shown of the row in some rows only; the same text each time, as `distinct on` and `order by` need.
        self.shown: dict[ShownExpression, Sql] = {}
        # Aggregates that joins compute for all rows at once.
        self.grouped: dict[AggregateExpression, Sql] = {}
        # How aggregates of related rows are computed, where the rows of a whole table ask for them.
        self.group_join: GroupJoin | None = None

    def inner(self, table: TableInfo) -> "Scope":
        """Returns the scope of a row of another table, entered from here."""
        inner = Scope(self.aliases, self.aliases.row(table), self.root)
        inner.group_join = self.group_join
        return inner


def condition(scope: Scope, exp: BoolExp) -> Sql:
    """Returns the expression as SQL, safe to stand beside AND and OR."""
    if isinstance(exp, And):
        return _joined(scope, exp.items, " and ", sql("true"))
    if isinstance(exp, Or):
        return _joined(scope, exp.items, " or ", sql("false"))
    if isinstance(exp, Not):
        return concat(sql("(not "), condition(scope, exp.item), sql(")"))
    if isinstance(exp, Comparison):
        return _comparison(scope, exp)
    if isinstance(exp, Rooted):
        return condition(Scope(scope.aliases, scope.row), exp.item)
    if isinstance(exp, RelatedExists):
        return _related_exists(scope, exp)
    if isinstance(exp, TableExists):
        inner = scope.inner(exp.table)
        return _exists(inner, table_name(exp.table.name), exp.condition)
    assert isinstance(exp, CallExists)
    inner = scope.inner(exp.table)
    return _exists(inner, call(exp.call, scope.row), exp.condition, _present(exp.call, inner.row))


def _joined(scope: Scope, items: tuple[BoolExp, ...], separator: LiteralString, empty: Sql) -> Sql:
    if not items:
        return empty
    if len(items) == 1:
        return condition(scope, items[0])
    return concat(sql("("), join(separator, [condition(scope, item) for item in items]), sql(")"))


def _related_exists(scope: Scope, exp: RelatedExists) -> Sql:
    """Returns one EXISTS over a chain of relationships: a related row exists whose related row exists ..."""
    sources: list[Sql] = []
    conditions: list[Sql] = []

    def enter(here: Scope, item: BoolExp) -> None:
        # Two relationships of one row would multiply their rows: only a chain is read together.
        if isinstance(item, And) and sum(isinstance(each, RelatedExists) for each in item.items) == 1:
            for each in item.items:
                enter(here, each)
        elif isinstance(item, RelatedExists):
            there = here.inner(item.table)
            related = concat(table_name(item.relationship.remote_table), sql(" as "), ident(there.row.alias))
            sources.append(concat(related, _group_joins(there, item.condition)))
            conditions.append(join_condition(here.row, there.row, item.relationship.column_mapping))
            enter(there, item.condition)
        else:
            conditions.append(condition(here, item))

    enter(scope, exp)
    return concat(
        sql("exists (select 1 from "), join(", ", sources), sql(" where "), join(" and ", conditions), sql(")")
    )


def _group_joins(scope: Scope, exp: BoolExp) -> Sql:
    """Returns joins of aggregates that the row's own condition compares, if computed for all rows at once."""
    joins: list[Sql] = []
    for aggregate in aggregates_in(exp) if scope.group_join is not None else ():
        joined = scope.group_join(scope, aggregate) if scope.group_join is not None else None
        if joined is not None:
            text, scope.grouped[aggregate] = joined
            joins.append(text)
    return join("", joins)


def aggregates_in(exp: BoolExp) -> Iterator[AggregateExpression]:
    """Yields the aggregates that the condition of a row compares, but not those of conditions of other rows."""
    if isinstance(exp, And | Or):
        for item in exp.items:
            yield from aggregates_in(item)
    elif isinstance(exp, Not):
        yield from aggregates_in(exp.item)
    elif isinstance(exp, Comparison) and isinstance(exp.left, AggregateExpression):
        yield exp.left


def _exists(inner: Scope, source: Sql, exp: BoolExp, others: Sequence[Sql] = ()) -> Sql:
    conditions = list(others)
    if not (isinstance(exp, And) and not exp.items):
        conditions.append(condition(inner, exp))
    where = sql(" where ") + join(" and ", conditions) if conditions else sql("")
    return concat(sql("exists (select 1 from "), source, sql(" as "), ident(inner.row.alias), where, sql(")"))


def join_condition(here: RowReference, there: RowReference, mapping: tuple[tuple[str, str], ...]) -> Sql:
    """Returns the condition that both sides' key columns are equal."""
    return join(" and ", [_equal_keys(here, local, there, remote) for local, remote in mapping])


def _equal_keys(here: RowReference, local: str, there: RowReference, remote: str) -> Sql:
    same = equals(there.table.columns_by_name[remote].type, here.table.columns_by_name[local].type)
    return concat(there.column(remote), same, here.column(local))


def _comparison(scope: Scope, exp: Comparison) -> Sql:
    left = expression(scope, exp.left)
    if exp.operator == "_is_null":
        return concat(sql("("), left, sql(" is null)") if exp.right is True else sql(" is not null)"))
    assert not isinstance(exp.right, bool)
    if isinstance(exp.right, Operand):
        right = listed(exp.right) if exp.operator in ("_in", "_nin") else operand(exp.right)
    else:
        right = expression(scope, exp.right)
    if isinstance(exp.right, Operand) and exp.right.is_list and is_array(exp.right.type):
        negation = sql(" not in ") if exp.operator == "_nin" else sql(" in ")
        return concat(sql("("), left, negation, array_members(exp.right), sql(")"))
    comparison = OPERATORS[exp.operator]
    if comparison.symbol is None:
        return _keyword(exp.operator, comparison.keyword, left, right, _compared_type(exp))
    compared = operator(comparison.symbol, _compared_type(exp))
    if exp.operator == "_in":
        right = concat(sql("any("), right, sql(")"))
    elif exp.operator == "_nin":
        right = concat(sql("all("), right, sql(")"))
    return concat(sql("("), left, compared, right, sql(")"))


def _keyword(name: str, keyword: LiteralString, left: Sql, right: Sql, pg_type: PgType) -> Sql:
    """Returns a comparison that PostgreSQL writes in words, which find operators by the search path only."""
    if not has_own_operators(pg_type):
        return concat(sql("("), left, sql(keyword), right, sql(")"))
    if name == "_neq_nullable":
        same = concat(left, operator("=", pg_type), right)
        both_null = concat(left, sql(" is null and "), right, sql(" is null"))
        return concat(sql("(("), same, sql(") is not true and not ("), both_null, sql("))"))
    matched = operator("~" if name == "_similar" else "!~", pg_type)
    return concat(sql("("), left, matched, sql("similar_to_escape(("), right, sql(")::text))"))


def _compared_type(exp: Comparison) -> PgType:
    """Returns the type whose operators compare: the left one's, nearly always a column's or cast's."""
    left = exp.left.inner if isinstance(exp.left, ShownExpression) else exp.left
    if isinstance(left, ColumnExpression | RelatedColumnExpression):
        return left.column.type
    if isinstance(left, CastExpression):
        return left.type
    if isinstance(left, CallExpression):
        return left.call.function.return_type
    return exp.right.type if isinstance(exp.right, Operand) else TEXT


def expression(scope: Scope, exp: Expression) -> Sql:
    """Returns a value of the row at hand."""
    if isinstance(exp, ColumnExpression):
        return (scope.root if exp.is_root else scope.row).column(exp.column.name)
    if isinstance(exp, CastExpression):
        return cast(expression(scope, exp.inner), exp.type)
    if isinstance(exp, CallExpression):
        return call(exp.call, scope.row)
    if isinstance(exp, RelatedColumnExpression):
        return _related_column(scope, exp)
    if isinstance(exp, AggregateExpression):
        return _aggregate(scope, exp)
    if isinstance(exp, ShownExpression):
        return _shown(scope, exp)
    assert isinstance(exp, OrderThrough)
    return _through(scope, exp)


def source(rows: Rows, here: RowReference | None, alias: str) -> Sql:
    """Returns what rows are read from, under an alias."""
    origin = rows.source
    if origin is None:
        item = table_name(rows.table.name)
    elif isinstance(origin, FunctionRows):
        item = call(origin.call, here)
    elif isinstance(origin, NamedRows):
        item = ident(origin.name)
    else:
        item = concat(
            sql("json_populate_recordset(null::"),
            table_name(rows.table.name),
            sql(", ("),
            param(origin.document),
            sql("::text)::json)"),
        )
    return concat(item, sql(" as "), ident(alias))


def restriction(scope: Scope, rows: Rows, here: RowReference | None) -> Sql:
    """Returns ` where ...` of rows reached from the row `here`, or nothing."""
    conditions: list[Sql] = []
    if rows.join and here is not None:
        conditions.append(join_condition(here, scope.row, rows.join))
    if isinstance(rows.source, FunctionRows):
        conditions += _present(rows.source.call, scope.row)
    if not (isinstance(rows.where, And) and not rows.where.items):
        conditions.append(condition(scope, rows.where))
    return sql(" where ") + join(" and ", conditions) if conditions else sql("")


def _present(function_call: FunctionCall, row: RowReference) -> list[Sql]:
    """Returns the condition that a function found its row.

    One that returns a single row gives a row of NULLs where it finds none: that one does not count.
    """
    if function_call.function.returns_set:
        return []
    return [concat(sql("not ("), whole_row(row.alias), sql(" is null)"))]


def _aggregate(scope: Scope, exp: AggregateExpression) -> Sql:
    """Returns a scalar subquery over related rows, or what a join computes."""
    if exp in scope.grouped:
        return scope.grouped[exp]
    inner = Scope(scope.aliases, scope.aliases.row(exp.rows.table))
    return concat(
        sql("(select "),
        aggregate_call(inner, exp.function, exp.arguments, is_distinct=exp.is_distinct),
        sql(" from "),
        source(exp.rows, scope.row, inner.row.alias),
        restriction(inner, exp.rows, scope.row),
        sql(")"),
    )


def aggregate_call(
    scope: Scope, function: str, arguments: tuple[Expression, ...], *, is_distinct: bool = False
) -> Sql:
    """Returns `count(distinct "t0"."a")`; several arguments are one row value for count, else a list."""
    if not arguments:
        return sql("count(*)")
    values = join(", ", [expression(scope, argument) for argument in arguments])
    argument = concat(sql("("), values, sql(")")) if len(arguments) > 1 and function == "count" else values
    return concat(ident(function), sql("("), sql("distinct ") if is_distinct else sql(""), argument, sql(")"))


def _through(scope: Scope, exp: OrderThrough) -> Sql:
    """Returns a scalar subquery for a value of the related row."""
    inner = Scope(scope.aliases, scope.aliases.row(exp.rows.table))
    return concat(
        sql("(select "),
        expression(inner, exp.inner),
        sql(" from "),
        source(exp.rows, scope.row, inner.row.alias),
        restriction(inner, exp.rows, scope.row),
        sql(" limit 1)"),
    )


def _related_column(scope: Scope, exp: RelatedColumnExpression) -> Sql:
    """Returns a scalar subquery along object relationships."""
    here = scope
    sources: list[Sql] = []
    conditions: list[Sql] = []
    for relationship in exp.relationships:
        there = here.inner(here.row.table)
        sources.append(concat(table_name(relationship.remote_table), sql(" as "), ident(there.row.alias)))
        conditions.append(join_condition(here.row, there.row, relationship.column_mapping))
        here = there
    return concat(
        sql("(select "),
        here.row.column(exp.column.name),
        sql(" from "),
        join(", ", sources),
        sql(" where "),
        join(" and ", conditions),
        sql(" limit 1)"),
    )


def _shown(scope: Scope, exp: ShownExpression) -> Sql:
    """Returns the value, NULL in rows that the role may not see it in."""
    shown = scope.shown.get(exp)
    if shown is None:
        shown = _where_true(condition(scope, exp.condition), expression(scope, exp.inner))
        scope.shown[exp] = shown
    return shown


def _where_true(shown: Sql, value: Sql) -> Sql:
    return concat(sql("case when "), shown, sql(" then "), value, sql(" end"))


def shown_if(scope: Scope, output: ColumnOutput | CallOutput, value: Sql) -> Sql:
    """Returns the value, NULL in rows that the role may not see it in."""
    if output.condition is None:
        return value
    return _where_true(condition(scope, output.condition), value)

"""Translates aggregates of rows, and the rows themselves beside them, into one JSON object."""

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from hasura.engine.ir.nodes import (
    AggregateItems,
    AggregateSelection,
    CallOutput,
    ColumnOutput,
    ConstantOutput,
    CountItem,
    FunctionItem,
    NodesItem,
    Rows,
)
from hasura.engine.sql.composition import Sql, concat, ident, join, parenthesized, small_int, sql, string_constant
from hasura.engine.translate.boolexp import Scope, aggregate_call, shown_if
from hasura.engine.translate.fragments import EMPTY_ARRAY, ROW_NUMBER, RowReference, call, used_columns
from hasura.engine.translate.groups.grouping import max_rows_of
from hasura.engine.translate.groups.joined import has_groups, rows_read
from hasura.engine.translate.joins import Joins, has_joins
from hasura.engine.translate.objects import object_of_row, select_list

if TYPE_CHECKING:
    from hasura.engine.translate.selects import SelectTranslator


class Computed(Protocol):
    """Takes what is computed of the rows, and what it is without rows unless null; returns its name."""

    def __call__(self, value: Sql, empty: Sql | None = None, /) -> Sql: ...


class AggregateTranslator:
    """Translates the aggregates of one statement."""

    def __init__(self, selects: "SelectTranslator") -> None:
        self._selects = selects

    def select(self, rows: Rows, aggregate: AggregateSelection, here: RowReference | None) -> Sql:
        """Returns `select` of one JSON object: aggregates in a flat inner select, put in shape around it."""
        base = self._selects.aliases.row(rows.table, is_typed=False)
        scope = Scope(self._selects.aliases, base)
        flat = self._selects.aliases.name()
        if _is_order_idle(rows, aggregate):
            rows = replace(rows, order_by=())
        joins = self._joins(rows, aggregate, base if here is None else None)
        # PostgreSQL sorts the input of all aggregates when one needs distinct values, and joins have their own order.
        is_ordered = joins is not None or (bool(rows.order_by) and aggregate.has_distinct())
        is_numbered = aggregate.has_nodes() and (rows.permission_limit is not None or is_ordered)
        inner: list[Sql] = []

        def computed(value: Sql, _empty: Sql | None = None) -> Sql:
            name = f"c{len(inner)}"
            inner.append(concat(value, sql(" as "), ident(name)))
            return ident(flat, name)

        outer = self._values(scope, aggregate, rows.permission_limit, computed, joins, is_numbered=is_numbered)
        if not inner:
            # Without any aggregate there would be a row for each of the rows.
            computed(sql("count(*)"))
        name = self._selects.aliases.name()
        joins = joins or Joins()
        columns = used_columns(base) if joins.has_groups else None
        origin = self._selects.base(rows, here, used_columns(base), is_numbered=is_numbered, columns=columns)
        return concat(
            sql("select "),
            object_of_row(name, [key for key, _ in outer]),
            sql(" from (select "),
            select_list(outer),
            sql(" from ("),
            self._selects.from_numbered(joins, origin, join(", ", inner), base),
            sql(") as "),
            ident(flat),
            sql(") as "),
            ident(name),
        )

    def _joins(self, rows: Rows, aggregate: AggregateSelection, parents: RowReference | None) -> Joins | None:
        """Returns what is joined to the rows for their nodes; None: their nodes are subqueries of each row.

        Rows nested in the nodes are read for all of them at once where `parents`, the rows, are those of the answer.
        """
        # A role may see only a few of many rows. Sums that depend on the order of rows must not change with joins.
        if rows.permission_limit is not None or _has_rounded(aggregate):
            return None
        selections = [item.selection for item in aggregate.items if isinstance(item, NodesItem)]
        max_rows, count = max_rows_of(rows), rows_read(rows)
        if parents is not None and any(has_groups(each, rows.table, count, max_rows) for each in selections):
            return Joins(self._selects.aliases.name(), parents, max_rows=max_rows, count=count)
        return Joins() if any(has_joins(each) for each in selections) else None

    def grouped(self, scope: Scope, aggregate: AggregateSelection, group: str, joins: Joins) -> tuple[list[Sql], Sql]:
        """Returns what a group of rows computes, under names of its own, and the JSON object of it.

        What its nodes need is joined to the rows. The object is made of the row that the group is joined to as
        `group`, or that of no rows where none is joined.
        """
        inner: list[Sql] = []

        def computed(value: Sql, empty: Sql | None = None) -> Sql:
            name = f"c{len(inner)}"
            inner.append(concat(value, sql(" as "), ident(name)))
            there = ident(group, name)
            return there if empty is None else concat(sql("coalesce("), there, sql(", "), empty, sql(")"))

        known = None if _has_rounded(aggregate) else joins
        outer = self._values(scope, aggregate, None, computed, known, is_numbered=True)
        name = self._selects.aliases.name()
        document = object_of_row(name, [key for key, _ in outer])
        of_values = concat(sql(" from (select "), select_list(outer), sql(") as "), ident(name))
        value = parenthesized(concat(sql("select "), document, of_values))
        return inner, value

    def _values(
        self,
        scope: Scope,
        aggregate: AggregateSelection,
        permission_limit: int | None,
        computed: Computed,
        joins: Joins | None,
        *,
        is_numbered: bool,
    ) -> list[tuple[str, Sql]]:
        """Returns the object's values by response key; what the rows give goes through `computed`."""
        outer: list[tuple[str, Sql]] = []
        for item in aggregate.items:
            if isinstance(item, ConstantOutput):
                value = concat(string_constant(item.text), sql("::text"))
            elif isinstance(item, NodesItem):
                nodes = self._nodes(scope, item, permission_limit, joins, is_numbered=is_numbered)
                value = computed(nodes, EMPTY_ARRAY)
            else:
                value = self._aggregate_items(scope, item, computed)
            outer.append((item.alias, value))
        return outer

    def _nodes(
        self, scope: Scope, item: NodesItem, permission_limit: int | None, joins: Joins | None, *, is_numbered: bool
    ) -> Sql:
        order = concat(sql(" order by "), scope.row.column(ROW_NUMBER)) if is_numbered else sql("")
        limited = sql("")
        if permission_limit is not None:
            number = scope.row.column(ROW_NUMBER)
            limited = concat(sql(" filter (where "), number, sql(" <= "), small_int(permission_limit), sql(")"))
        node = self._node(scope, item, joins)
        return concat(sql("coalesce(json_agg("), node, order, sql(")"), limited, sql(", "), EMPTY_ARRAY, sql(")"))

    def _node(self, scope: Scope, item: NodesItem, joins: Joins | None) -> Sql:
        name = self._selects.aliases.name()
        outputs = self._selects.outputs(scope, item.selection, joins)
        document = self._selects.to_json(name, item.selection)
        if joins is not None:
            joins.add_object(outputs, name)
            return document
        return concat(sql("(select "), document, sql(" from (select "), outputs, sql(") as "), ident(name), sql(")"))

    def _aggregate_items(self, scope: Scope, aggregate: AggregateItems, computed: Computed) -> Sql:
        values: list[tuple[str, Sql]] = []
        for item in aggregate.items:
            if isinstance(item, ConstantOutput):
                value = concat(string_constant(item.text), sql("::text"))
            elif isinstance(item, CountItem):
                is_distinct = item.is_distinct and bool(item.arguments)
                count = aggregate_call(scope, "count", item.arguments, is_distinct=is_distinct)
                value = computed(count, small_int(0))
            else:
                columns: list[tuple[str, Sql]] = []
                for entry in item.operands:
                    if isinstance(entry, ConstantOutput):
                        result = concat(string_constant(entry.text), sql("::text"))
                    else:
                        result = computed(self._aggregated(scope, item.function, entry))
                    columns.append((entry.alias, result))
                value = self._object_of(columns)
            values.append((item.alias, value))
        return self._object_of(values)

    def _aggregated(self, scope: Scope, function: str, operand: ColumnOutput | CallOutput) -> Sql:
        """Returns one function over a column or computed field, in rows where the role may see it."""
        if isinstance(operand, ColumnOutput):
            value, pg_type = scope.row.column(operand.column.name), operand.column.type
        else:
            value, pg_type = call(operand.call, scope.row), operand.call.function.return_type
        return self._selects.json_value(
            concat(ident(function), sql("("), shown_if(scope, operand, value), sql(")")), pg_type
        )

    def _object_of(self, columns: list[tuple[str, Sql]]) -> Sql:
        """Returns a JSON object of named values."""
        name = self._selects.aliases.name()
        return concat(
            sql("(select "),
            object_of_row(name, [key for key, _ in columns]),
            sql(" from (select "),
            select_list(columns),
            sql(") as "),
            ident(name),
            sql(")"),
        )


def _is_order_idle(rows: Rows, aggregate: AggregateSelection) -> bool:
    """Returns whether the order of the rows changes nothing: neither which they are nor what is computed of them."""
    if aggregate.has_nodes() or rows.distinct_on or rows.limit is not None or rows.offset is not None:
        return False
    return not _has_rounded(aggregate)


def _has_rounded(aggregate: AggregateSelection) -> bool:
    """Returns whether something that is computed depends on the order of the rows, in the last digits."""
    return any(
        _is_rounded(operand)
        for item in aggregate.items
        if isinstance(item, AggregateItems)
        for function in item.items
        if isinstance(function, FunctionItem)
        for operand in function.operands
    )


def _is_rounded(operand: ColumnOutput | CallOutput | ConstantOutput) -> bool:
    """Returns whether sums of the values depend on their order."""
    if isinstance(operand, ConstantOutput):
        return False
    value_type = operand.column.type if isinstance(operand, ColumnOutput) else operand.call.function.return_type
    return value_type.underlying.name in ("float4", "float8")

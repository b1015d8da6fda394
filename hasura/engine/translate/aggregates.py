"""Aggregates of rows, and the rows themselves beside them, as one JSON object."""

from typing import TYPE_CHECKING, Protocol

from hasura.engine.ir.nodes import (
    AggregateItems,
    AggregateSelection,
    CallOutput,
    ColumnOutput,
    ConstantOutput,
    CountItem,
    NodesItem,
    Rows,
)
from hasura.engine.sql import Sql, concat, ident, join, parenthesized, small_int, sql, string_constant
from hasura.engine.translate.boolexp import Scope, aggregate_call, shown_if
from hasura.engine.translate.fragments import EMPTY_ARRAY, ROW_NUMBER, RowReference, call
from hasura.engine.translate.objects import object_of_row, select_list

if TYPE_CHECKING:
    from hasura.engine.translate.selects import SelectTranslator


class Computed(Protocol):
    """Takes what is computed of the rows, and what it is of no rows where that is not null; returns its name."""

    def __call__(self, value: Sql, empty: Sql | None = None, /) -> Sql: ...


class AggregateTranslator:
    """Translates the aggregates of one statement."""

    def __init__(self, selects: "SelectTranslator") -> None:
        self._selects = selects

    def select(self, rows: Rows, aggregate: AggregateSelection, here: RowReference | None) -> Sql:
        """`select` of one JSON object: aggregates in a flat inner select, put in shape around it."""
        base = self._selects.aliases.row(rows.table, is_typed=False)
        scope = Scope(self._selects.aliases, base)
        flat = self._selects.aliases.name()
        # PostgreSQL sorts the input of all aggregates when one wants distinct values.
        is_numbered = rows.permission_limit is not None or (bool(rows.order_by) and aggregate.has_distinct())
        inner: list[Sql] = []

        def computed(value: Sql, _empty: Sql | None = None) -> Sql:
            name = f"c{len(inner)}"
            inner.append(concat(value, sql(" as "), ident(name)))
            return ident(flat, name)

        outer = self._values(scope, aggregate, rows.permission_limit, computed, is_numbered=is_numbered)
        if not inner:
            # Without any aggregate there would be a row for each of the rows.
            computed(sql("count(*)"))
        name = self._selects.aliases.name()
        return concat(
            sql("select "),
            object_of_row(name, [key for key, _ in outer]),
            sql(" from (select "),
            select_list(outer),
            sql(" from (select "),
            join(", ", inner),
            sql(" from ("),
            self._selects.base(rows, here, is_numbered=is_numbered),
            sql(") as "),
            ident(base.alias),
            sql(") as "),
            ident(flat),
            sql(") as "),
            ident(name),
        )

    def grouped(self, scope: Scope, aggregate: AggregateSelection, group: str) -> tuple[list[Sql], Sql]:
        """What a group of rows computes, under names of its own, and the JSON object made of it.

        The object is one of the row that the group is joined to as `group`, or that of no rows where none is joined.
        """
        inner: list[Sql] = []

        def computed(value: Sql, empty: Sql | None = None) -> Sql:
            name = f"c{len(inner)}"
            inner.append(concat(value, sql(" as "), ident(name)))
            there = ident(group, name)
            return there if empty is None else concat(sql("coalesce("), there, sql(", "), empty, sql(")"))

        outer = self._values(scope, aggregate, None, computed, is_numbered=True)
        name = self._selects.aliases.name()
        made = object_of_row(name, [key for key, _ in outer])
        of_values = concat(sql(" from (select "), select_list(outer), sql(") as "), ident(name))
        value = parenthesized(concat(sql("select "), made, of_values))
        return inner, value

    def _values(
        self,
        scope: Scope,
        aggregate: AggregateSelection,
        permission_limit: int | None,
        computed: Computed,
        *,
        is_numbered: bool,
    ) -> list[tuple[str, Sql]]:
        """The values of the object, each with its response key; what the rows give goes through `computed`."""
        outer: list[tuple[str, Sql]] = []
        for item in aggregate.items:
            if isinstance(item, ConstantOutput):
                value = concat(string_constant(item.text), sql("::text"))
            elif isinstance(item, NodesItem):
                nodes = self._nodes(scope, item, permission_limit, is_numbered=is_numbered)
                value = computed(nodes, EMPTY_ARRAY)
            else:
                value = self._aggregate_items(scope, item, computed)
            outer.append((item.alias, value))
        return outer

    def _nodes(self, scope: Scope, item: NodesItem, permission_limit: int | None, *, is_numbered: bool) -> Sql:
        name = self._selects.aliases.name()
        order = concat(sql(" order by "), scope.row.column(ROW_NUMBER)) if is_numbered else sql("")
        limited = sql("")
        if permission_limit is not None:
            number = scope.row.column(ROW_NUMBER)
            limited = concat(sql(" filter (where "), number, sql(" <= "), small_int(permission_limit), sql(")"))
        return concat(
            sql("coalesce(json_agg((select "),
            self._selects.to_json(name, item.selection),
            sql(" from (select "),
            self._selects.outputs(scope, item.selection),
            sql(") as "),
            ident(name),
            sql(")"),
            order,
            sql(")"),
            limited,
            sql(", "),
            EMPTY_ARRAY,
            sql(")"),
        )

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
        """One function over a column or computed field, in rows where the role may see it."""
        if isinstance(operand, ColumnOutput):
            value, pg_type = scope.row.column(operand.column.name), operand.column.type
        else:
            value, pg_type = call(operand.call, scope.row), operand.call.function.return_type
        return self._selects.json_value(
            concat(ident(function), sql("("), shown_if(scope, operand, value), sql(")")), pg_type
        )

    def _object_of(self, columns: list[tuple[str, Sql]]) -> Sql:
        """A JSON object of named values."""
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

"""Aggregates of rows, and the rows themselves beside them, as one JSON object."""

from collections.abc import Callable
from typing import TYPE_CHECKING

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
from hasura.engine.sql import Sql, concat, ident, join, small_int, sql, string_constant
from hasura.engine.translate.boolexp import Scope, aggregate_call, shown_if
from hasura.engine.translate.fragments import EMPTY_ARRAY, ROW_NUMBER, RowReference, call
from hasura.engine.translate.objects import object_of_row, select_list

if TYPE_CHECKING:
    from hasura.engine.translate.selects import SelectTranslator


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
        outer: list[tuple[str, Sql]] = []

        def computed(value: Sql) -> Sql:
            name = f"c{len(inner)}"
            inner.append(concat(value, sql(" as "), ident(name)))
            return ident(flat, name)

        for item in aggregate.items:
            if isinstance(item, ConstantOutput):
                value = concat(string_constant(item.text), sql("::text"))
            elif isinstance(item, NodesItem):
                value = computed(self._nodes(scope, item, rows.permission_limit, is_numbered=is_numbered))
            else:
                value = self._aggregate_items(scope, item, computed)
            outer.append((item.alias, value))
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

    def _aggregate_items(self, scope: Scope, aggregate: AggregateItems, computed: Callable[[Sql], Sql]) -> Sql:
        values: list[tuple[str, Sql]] = []
        for item in aggregate.items:
            if isinstance(item, ConstantOutput):
                value = concat(string_constant(item.text), sql("::text"))
            elif isinstance(item, CountItem):
                is_distinct = item.is_distinct and bool(item.columns)
                value = computed(aggregate_call(scope.row, "count", item.columns, is_distinct=is_distinct))
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

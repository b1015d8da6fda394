"""Builds orderings from `order_by` and `distinct_on`."""

from collections.abc import Iterator, Mapping

from hasura.engine.errors import ValidationFailed, json_path
from hasura.engine.ir.arguments.filters import column_names
from hasura.engine.ir.context import BuildContext
from hasura.engine.ir.documents.values import EnumLiteral, InputValue, Path
from hasura.engine.ir.nodes import (
    AggregateExpression,
    Expression,
    FunctionRows,
    OrderItem,
    OrderThrough,
    Rows,
)
from hasura.engine.ir.permission import computed_field_call
from hasura.engine.ir.shown import shown_column, shown_computed_field
from hasura.engine.schema.inputs.orders import aggregate_order_by, direction, order_by
from hasura.engine.schema.meanings import (
    AggregateOrder,
    ColumnInput,
    ComputedFieldInput,
    OrderDirection,
    RelationshipAggregateInput,
    RelationshipInput,
)
from hasura.engine.schema.types import InputObjectType, named_type
from hasura.engine.schema_cache import RelationshipInfo, TableInfo


def order_arguments(
    context: BuildContext, table: TableInfo, arguments: Mapping[str, InputValue], path: Path
) -> tuple[tuple[OrderItem, ...], tuple[Expression, ...]]:
    """Returns the ordering and the columns to be distinct on, which must lead the ordering."""
    items: tuple[OrderItem, ...] = ()
    value = arguments.get("order_by")
    if value is not None:
        kind = order_by(context.schema, table)
        items = tuple(item for entry in value.items(kind.name) for item in _items(context, table, entry, ()))
    distinct: tuple[Expression, ...] = ()
    distinct_value = arguments.get("distinct_on")
    if distinct_value is not None:
        columns = dict.fromkeys(column_names(context, table, distinct_value))
        distinct = tuple(shown_column(context, table, column) for column in columns)
    if distinct and items:
        leading = items[: len(distinct)]
        ordered = {item.expression for item in leading}
        if ordered != set(distinct[: len(leading)]) and ordered != set(distinct):
            raise ValidationFailed(
                '"distinct_on" columns must match initial "order_by" columns', path=json_path(*path, "args")
            )
    return items, distinct


def _items(
    context: BuildContext, table: TableInfo, value: InputValue, way: tuple[RelationshipInfo, ...]
) -> Iterator[OrderItem]:
    kind = order_by(context.schema, table)
    for name, item in value.members(kind.name).items():
        if item.is_null:
            continue
        definition = kind.fields[name]
        meaning = definition.meaning
        if isinstance(meaning, ColumnInput):
            column = shown_column(context, table, meaning.column)
            yield OrderItem(_reached(context, way, column), _direction(context, item))
        elif isinstance(meaning, RelationshipInput):
            remote = context.schema.table(meaning.relationship.remote_table)
            yield from _items(context, remote, item, (*way, meaning.relationship))
        elif isinstance(meaning, RelationshipAggregateInput):
            relationship = meaning.relationship
            remote = context.schema.table(relationship.remote_table)
            rows = Rows(remote, where=context.aggregated_filter(remote), join=relationship.column_mapping)
            yield from _aggregate_items(context, remote, item, rows, way)
        elif isinstance(meaning, ComputedFieldInput):
            context.calls_functions = True
            call = computed_field_call(meaning.computed)
            if meaning.computed.returned_table is None:
                shown = shown_computed_field(context, table, meaning.computed, call)
                yield OrderItem(_reached(context, way, shown), _direction(context, item))
            else:
                returned = context.schema.table(meaning.computed.returned_table)
                rows = Rows(returned, FunctionRows(call), where=context.aggregated_filter(returned))
                yield from _aggregate_items(context, returned, item, rows, way)


def _reached(context: BuildContext, way: tuple[RelationshipInfo, ...], expression: Expression) -> Expression:
    """Returns the expression in the row that object relationships lead to, as far as the role may read there."""
    for relationship in reversed(way):
        remote = context.schema.table(relationship.remote_table)
        expression = OrderThrough(
            Rows(remote, where=context.select_filter(remote), join=relationship.column_mapping), expression
        )
    return expression


def _aggregate_items(
    context: BuildContext, table: TableInfo, value: InputValue, rows: Rows, way: tuple[RelationshipInfo, ...]
) -> Iterator[OrderItem]:
    kind = aggregate_order_by(context.schema, table)
    for name, item in value.members(kind.name).items():
        if item.is_null:
            continue
        definition = kind.fields[name]
        meaning = definition.meaning
        assert isinstance(meaning, AggregateOrder)
        if meaning.function == "count":
            expression = AggregateExpression("count", (), False, rows)
            yield OrderItem(_reached(context, way, expression), _direction(context, item))
            continue
        columns = named_type(definition.type)
        assert isinstance(columns, InputObjectType)
        for column_name, order in item.members(columns.name).items():
            column = columns.fields[column_name].meaning
            assert isinstance(column, ColumnInput)
            argument = shown_column(context, table, column.column)
            aggregate = AggregateExpression(meaning.function, (argument,), False, rows)
            if not order.is_null:
                yield OrderItem(_reached(context, way, aggregate), _direction(context, order))


def _direction(context: BuildContext, value: InputValue) -> OrderDirection:
    assert isinstance(value.content, EnumLiteral)
    meaning = direction(context.schema).values[value.content.name].meaning
    assert isinstance(meaning, OrderDirection)
    return meaning

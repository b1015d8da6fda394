"""Builds what is read of rows from selection sets, and which rows are read from arguments."""

import re
from collections.abc import Mapping
from dataclasses import replace

from hasura.engine.errors import ParseFailed
from hasura.engine.ir.arguments.calls import named_arguments
from hasura.engine.ir.arguments.filters import column_names, where_argument
from hasura.engine.ir.arguments.orders import order_arguments
from hasura.engine.ir.context import BuildContext, refuse_too_many
from hasura.engine.ir.documents.document import FlatField
from hasura.engine.ir.documents.scalars import encode
from hasura.engine.ir.documents.values import InputValue, Path
from hasura.engine.ir.nodes import (
    AggregateItems,
    AggregateOutput,
    AggregateSelection,
    ArrayOutput,
    CallOutput,
    ColumnOutput,
    ConstantOutput,
    CountItem,
    FunctionItem,
    FunctionRows,
    NodesItem,
    ObjectOutput,
    Operand,
    Output,
    Rows,
    RowSource,
    Selection,
    conjunction,
)
from hasura.engine.ir.parameters import source_of
from hasura.engine.ir.permission import computed_field_call
from hasura.engine.ir.shapes import MAX_LITERAL_LIMIT, is_offset
from hasura.engine.ir.shown import column_condition, computed_field_condition, shown_column
from hasura.engine.metadata.types import RelationshipKind
from hasura.engine.schema.inputs.filters import INT4, INT8, TEXT
from hasura.engine.schema.meanings import (
    AggregateField,
    AggregateFunctionField,
    ColumnField,
    ComputedFieldField,
    CountField,
    NodesField,
    RelationshipAggregateField,
    RelationshipField,
)
from hasura.engine.schema.selects import aggregate_type, table_type
from hasura.engine.schema.types import Field, ObjectType, named_type
from hasura.engine.schema_cache import ComputedFieldInfo, TableInfo


def build_selection(context: BuildContext, table: TableInfo, flat: FlatField, path: Path) -> Selection:
    """Returns what is read of each row of a table."""
    parent = table_type(context.schema, table)
    outputs: list[Output] = []
    for child, definition, child_path in context.selected(flat, parent, path):
        if definition is None:
            outputs.append(ConstantOutput(child.response_key, parent.name))
            continue
        outputs.append(_output(context, table, child, definition, child_path))
    return Selection(tuple(outputs))


def _output(context: BuildContext, table: TableInfo, flat: FlatField, definition: Field, path: Path) -> Output:
    meaning = definition.meaning
    arguments = context.arguments(flat, definition, path)
    if isinstance(meaning, ColumnField):
        condition = column_condition(context, table, meaning.column)
        return ColumnOutput(flat.response_key, meaning.column, _json_path(arguments), condition)
    if isinstance(meaning, RelationshipField):
        relationship = meaning.relationship
        remote = context.schema.table(relationship.remote_table)
        selection = build_selection(context, remote, flat, path)
        if relationship.kind is RelationshipKind.OBJECT:
            rows = Rows(remote, where=context.select_filter(remote), join=relationship.column_mapping)
            return ObjectOutput(flat.response_key, rows, selection)
        rows = replace(build_rows(context, remote, arguments, path), join=relationship.column_mapping)
        return ArrayOutput(flat.response_key, rows, selection)
    if isinstance(meaning, RelationshipAggregateField):
        remote = context.schema.table(meaning.relationship.remote_table)
        rows = build_rows(context, remote, arguments, path, is_aggregated=True)
        rows = replace(rows, join=meaning.relationship.column_mapping)
        return AggregateOutput(flat.response_key, rows, build_aggregate(context, remote, flat, path))
    assert isinstance(meaning, ComputedFieldField)
    return _computed_output(context, table, meaning.computed, flat, arguments, path)


def _computed_output(
    context: BuildContext,
    table: TableInfo,
    computed: ComputedFieldInfo,
    flat: FlatField,
    arguments: Mapping[str, InputValue],
    path: Path,
) -> Output:
    call = computed_field_call(computed, named_arguments(arguments, computed.input_arguments))
    if computed.returned_table is None:
        condition = computed_field_condition(context, table, computed)
        return CallOutput(flat.response_key, call, _json_path(arguments), condition)
    returned = context.schema.table(computed.returned_table)
    selection = build_selection(context, returned, flat, path)
    rows = build_rows(context, returned, arguments, path, source=FunctionRows(call))
    return ArrayOutput(flat.response_key, rows, selection)


# --- rows --------------------------------------------------------------------------------------------------------


def build_rows(
    context: BuildContext,
    table: TableInfo,
    arguments: Mapping[str, InputValue],
    path: Path,
    source: RowSource = None,
    *,
    is_aggregated: bool = False,
) -> Rows:
    """Returns the readable rows that `where`, `order_by`, `distinct_on`, `limit` and `offset` choose.

    With `is_aggregated` among those that it may aggregate.
    """
    access = context.schema.access(table).select
    order_by, distinct_on = order_arguments(context, table, arguments, path)
    allowed = context.aggregated_filter(table) if is_aggregated else context.select_filter(table)
    return Rows(
        table,
        source,
        where=conjunction(allowed, where_argument(context, table, arguments)),
        order_by=order_by,
        distinct_on=distinct_on,
        limit=_limit(arguments.get("limit")),
        offset=_offset(arguments.get("offset")),
        permission_limit=access.limit if access is not None else None,
    )


def _limit(value: InputValue | None) -> int | Operand | None:
    if value is None:
        return None
    size = value.non_negative(32)
    if size <= MAX_LITERAL_LIMIT or value.place is None:
        return size
    return Operand(source_of(value, INT4), INT8)


def _offset(value: InputValue | None) -> Operand | None:
    if value is None:
        return None
    if not is_offset(value.content):
        value.non_negative(64)
    return Operand(source_of(value, INT8), INT8)


_PATH_STEP = re.compile(r"""\.?([^.\[\]"']+)|\[(\d+)\]|\["([^"\]]*)"\]|\['([^'\]]*)'\]""")


def _json_path(arguments: Mapping[str, InputValue]) -> tuple[str, ...] | None:
    """Returns `path: "$.a[0].b"` as the steps of PostgreSQL's `#>`."""
    value = arguments.get("path")
    if value is None:
        return None
    text = value.content
    if not isinstance(text, str):
        raise value.mismatch("a string", "String")
    encode(text, TEXT, value.path)
    rest = text.removeprefix("$")
    steps: list[str] = []
    position = 0
    while position < len(rest):
        match = _PATH_STEP.match(rest, position)
        if match is None:
            raise ParseFailed(f"parse json path error: invalid path at position {position}", path=value.location)
        steps.append(next(group for group in match.groups() if group is not None))
        position = match.end()
    return tuple(steps)


# --- aggregates --------------------------------------------------------------------------------------------------


def build_aggregate(context: BuildContext, table: TableInfo, flat: FlatField, path: Path) -> AggregateSelection:
    """Returns what is read of an aggregate of a table's rows."""
    parent = aggregate_type(context.schema, table)
    items: list[AggregateItems | NodesItem | ConstantOutput] = []
    for child, definition, child_path in context.selected(flat, parent, path):
        if definition is None:
            items.append(ConstantOutput(child.response_key, parent.name))
        elif isinstance(definition.meaning, NodesField):
            selection = build_selection(context, table, child, child_path)
            items.append(NodesItem(child.response_key, selection))
        else:
            assert isinstance(definition.meaning, AggregateField)
            inner = named_type(definition.type)
            assert isinstance(inner, ObjectType)
            functions = _aggregate_items(context, table, child, inner, child_path)
            items.append(AggregateItems(child.response_key, functions))
    aggregate = AggregateSelection(tuple(items))
    # All of them are computed side by side, however they are nested in the answer.
    refuse_too_many(aggregate.count(), path)
    return aggregate


def _aggregate_items(
    context: BuildContext, table: TableInfo, flat: FlatField, parent: ObjectType, path: Path
) -> tuple[CountItem | FunctionItem | ConstantOutput, ...]:
    items: list[CountItem | FunctionItem | ConstantOutput] = []
    for child, definition, child_path in context.selected(flat, parent, path):
        if definition is None:
            items.append(ConstantOutput(child.response_key, parent.name))
        elif isinstance(definition.meaning, CountField):
            arguments = context.arguments(child, definition, child_path)
            items.append(_count(context, table, child.response_key, arguments))
        else:
            assert isinstance(definition.meaning, AggregateFunctionField)
            inner = named_type(definition.type)
            assert isinstance(inner, ObjectType)
            operands: list[ColumnOutput | CallOutput | ConstantOutput] = []
            for leaf, leaf_definition, leaf_path in context.selected(child, inner, child_path):
                if leaf_definition is None:
                    operands.append(ConstantOutput(leaf.response_key, inner.name))
                    continue
                operand = _output(context, table, leaf, leaf_definition, leaf_path)
                assert isinstance(operand, ColumnOutput | CallOutput)
                operands.append(operand)
            items.append(FunctionItem(child.response_key, definition.meaning.function, tuple(operands)))
    return tuple(items)


def _count(context: BuildContext, table: TableInfo, alias: str, arguments: Mapping[str, InputValue]) -> CountItem:
    columns = arguments.get("columns")
    distinct = arguments.get("distinct")
    if distinct is not None and not isinstance(distinct.content, bool):
        raise distinct.mismatch("a boolean", "Boolean")
    names = column_names(context, table, columns) if columns is not None else []
    counted = tuple(shown_column(context, table, column) for column in names)
    return CountItem(alias, counted, distinct is not None and distinct.content is True)

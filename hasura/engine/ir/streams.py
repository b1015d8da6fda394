"""Builds the next rows after a cursor from `<table>_stream` fields."""

from hasura.engine.errors import ValidationFailed
from hasura.engine.ir.arguments.filters import where_argument
from hasura.engine.ir.context import BuildContext
from hasura.engine.ir.documents.document import FlatField
from hasura.engine.ir.documents.values import EnumLiteral, InputValue, Path
from hasura.engine.ir.nodes import Operand, Rows, Stream
from hasura.engine.ir.parameters import Constant, CursorValue, source_of
from hasura.engine.ir.selections import build_selection
from hasura.engine.ir.shown import shown_column
from hasura.engine.schema.meanings import OrderDirection, TableRoot
from hasura.engine.schema.types import EnumType, Field, InputObjectType, named_type


def build_stream(context: BuildContext, flat: FlatField, definition: Field, path: Path) -> Stream:
    """Returns the rows after the cursor, in its order, at most a batch."""
    root = definition.meaning
    assert isinstance(root, TableRoot)
    table = root.table
    context.targets.add(table.name)
    arguments = context.arguments(flat, definition, path)
    cursor = _single(arguments["cursor"], "multiple column cursors are not supported yet")
    kind = named_type(definition.arguments["cursor"].type)
    assert isinstance(kind, InputObjectType)
    members = cursor.members(kind.name)
    initial_field = context.schema.naming.field("initial_value")
    initial = members[initial_field]
    columns = initial.members(kind.fields[initial_field].name)
    if len(columns) != 1:
        raise ValidationFailed(
            "exactly one column is expected in the initial value of a cursor", path=initial.location
        )
    name, value = next(iter(columns.items()))
    column = table.columns_by_graphql_name[name]
    source = Constant(None) if value.is_null else source_of(value, column.type)
    access = context.schema.access(table).select
    return Stream(
        Rows(
            table,
            where=context.readable(table, where_argument(context, table, arguments)),
            limit=arguments["batch_size"].non_negative(32),
            permission_limit=access.limit if access is not None else None,
        ),
        shown_column(context, table, column),
        _is_descending(kind, members.get("ordering")),
        Operand(CursorValue(source), column.type),
        build_selection(context, table, flat, path),
    )


def _single(value: InputValue, message: str) -> InputValue:
    items = [item for item in value.items("cursor") if not item.is_null]
    if len(items) != 1:
        raise ValidationFailed(message if items else "one cursor is expected", path=value.location)
    return items[0]


def _is_descending(kind: InputObjectType, value: InputValue | None) -> bool:
    if value is None or not isinstance(value.content, EnumLiteral):
        return False
    enum = named_type(kind.fields["ordering"].type)
    assert isinstance(enum, EnumType)
    direction = enum.values[value.content.name].meaning
    assert isinstance(direction, OrderDirection)
    return direction.is_descending

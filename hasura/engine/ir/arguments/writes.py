"""Builds what is changed where from update and delete fields."""

from collections.abc import Mapping

from hasura.engine.catalog.types import PgType
from hasura.engine.errors import ValidationFailed, json_path
from hasura.engine.ir.arguments.filters import build_filter
from hasura.engine.ir.context import BuildContext, without_nulls
from hasura.engine.ir.documents.values import InputValue, Path
from hasura.engine.ir.nodes import (
    TRUE,
    Assignment,
    BoolExp,
    Comparison,
    Delete,
    Operand,
    Response,
    Update,
    UpdateMany,
    conjunction,
)
from hasura.engine.ir.parameters import Constant, source_of
from hasura.engine.ir.permission import preset_operand
from hasura.engine.ir.shown import shown_column
from hasura.engine.schema.inputs.filters import INT4, TEXT
from hasura.engine.schema.meanings import ColumnInput, UpdateOperator
from hasura.engine.schema.types import InputField, InputObjectType, named_type
from hasura.engine.schema_cache import TableInfo

_OPERAND_TYPES: dict[str, PgType] = {"_delete_key": TEXT, "_delete_elem": INT4}


def key_filter(context: BuildContext, table: TableInfo, keys: Mapping[str, InputValue]) -> BoolExp:
    """Returns the condition of the row with this primary key, keys by GraphQL name."""
    items: list[BoolExp] = []
    for name, value in keys.items():
        column = table.columns_by_graphql_name[name]
        operand = Operand(source_of(value, column.type), column.type)
        items.append(Comparison(shown_column(context, table, column), "_eq", operand))
    return conjunction(*items)


def build_update(
    context: BuildContext,
    table: TableInfo,
    fields: Mapping[str, InputField],
    arguments: Mapping[str, InputValue],
    response: Response,
    path: Path,
) -> Update:
    """Returns what `update_x(where:, _set: ...)`, `update_x_by_pk` or an element of `update_x_many` changes.

    `path` is the place of what holds the operators.
    """
    access = context.schema.access(table).update
    assert access is not None
    assignments = _assignments(fields, arguments)
    by_name = table.columns_by_name
    presets = [
        Assignment(by_name[name], "_set", preset_operand(value, by_name[name].type))
        for name, value in access.presets.items()
        if name in by_name
    ]
    _refuse_repeated_columns(assignments, path)
    is_given = any(name in arguments for name, item in fields.items() if isinstance(item.meaning, UpdateOperator))
    if not is_given and not presets:
        operators = ", ".join(
            f"'{name}'" for name, item in fields.items() if isinstance(item.meaning, UpdateOperator)
        )
        raise ValidationFailed(f"at least any one of {operators} is expected", path=json_path(*path))
    if "pk_columns" in arguments:
        target = key_filter(context, table, arguments["pk_columns"].members("pk_columns"))
    else:
        target = build_filter(context, table, arguments["where"])
    return Update(
        table,
        conjunction(context.resolved(table, (access.filter,)), target),
        tuple(assignments + presets),
        context.resolved(table, (access.check,)) if access.check else TRUE,
        response,
    )


def build_update_many(
    context: BuildContext,
    table: TableInfo,
    definition: InputField,
    value: InputValue,
    response: Response,
) -> UpdateMany:
    """Returns what `update_x_many(updates: [...])` changes."""
    kind = named_type(definition.type)
    assert isinstance(kind, InputObjectType)
    return UpdateMany(
        tuple(
            build_update(context, table, kind.fields, without_nulls(item.members(kind.name)), response, item.path)
            for item in value.items(kind.name)
        )
    )


def _assignments(fields: Mapping[str, InputField], arguments: Mapping[str, InputValue]) -> list[Assignment]:
    assignments: list[Assignment] = []
    for name, value in arguments.items():
        definition = fields.get(name)
        if definition is None or not isinstance(definition.meaning, UpdateOperator):
            continue
        operator, kind = definition.meaning.name, named_type(definition.type)
        assert isinstance(kind, InputObjectType)
        for member_name, member in value.members(kind.name).items():
            meaning = kind.fields[member_name].meaning
            assert isinstance(meaning, ColumnInput)
            operand = _operand(operator, meaning.column.type, member)
            assignments.append(Assignment(meaning.column, operator, operand))
    return assignments


def _operand(operator: str, column_type: PgType, value: InputValue) -> Operand:
    if operator == "_delete_at_path":
        return Operand(Constant(None) if value.is_null else source_of(value, TEXT, is_list=True), TEXT, True)
    operand_type = _OPERAND_TYPES.get(operator, column_type)
    return Operand(Constant(None) if value.is_null else source_of(value, operand_type), operand_type)


def _refuse_repeated_columns(assignments: list[Assignment], path: Path) -> None:
    seen: set[str] = set()
    doubles = []
    for item in assignments:
        if item.column.name in seen:
            doubles.append(item.column.graphql_name)
        seen.add(item.column.name)
    if doubles:
        listed = ", ".join(f"'{name}'" for name in doubles)
        raise ValidationFailed(f"Column found in multiple operators: {listed}.", path=json_path(*path))


def build_delete(
    context: BuildContext, table: TableInfo, arguments: Mapping[str, InputValue], response: Response
) -> Delete:
    """Returns what `delete_x(where:)` or `delete_x_by_pk(...)` deletes."""
    access = context.schema.access(table).delete
    assert access is not None
    target = (
        build_filter(context, table, arguments["where"])
        if "where" in arguments
        else key_filter(context, table, arguments)
    )
    return Delete(table, conjunction(context.resolved(table, (access.filter,)), target), response)

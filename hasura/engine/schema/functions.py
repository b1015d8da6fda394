"""Builds root fields of SQL functions."""

from typing import TYPE_CHECKING

from hasura.engine.metadata.types import FunctionExposure
from hasura.engine.schema.inputs.function_arguments import arguments_field
from hasura.engine.schema.meanings import FunctionRoot
from hasura.engine.schema.selects import aggregate_type, select_arguments, table_type
from hasura.engine.schema.types import Field, InputField, ListOf, NonNull, TypeRef
from hasura.engine.schema_cache import FunctionInfo

if TYPE_CHECKING:
    from hasura.engine.schema.role import RoleSchema


def root_field(schema: "RoleSchema", root: FunctionRoot, name: str, *, is_mutation: bool) -> Field | None:
    """Returns a function's field in queries (subscriptions) or mutations, if the role may call it there."""
    function = root.function
    if (function.exposed_as is FunctionExposure.MUTATION) is not is_mutation:
        return None
    if function.returned_table not in schema.cache.tables or not _may_call(schema, function):
        return None
    table = schema.table(function.returned_table)
    arguments: dict[str, InputField] = {}
    if function.input_arguments:
        shown = function.aggregate_root_field if root.is_aggregate else function.root_field
        arguments["args"] = arguments_field(
            schema,
            function.arguments_type,
            function.input_arguments,
            f'input parameters for function "{shown}"',
        )
    if root.is_aggregate:
        if not schema.can_aggregate(table.name):
            return None
        return Field(
            name,
            NonNull(aggregate_type(schema, table)),
            root,
            {**arguments, **select_arguments(schema, table)},
            f'execute function "{function.name}" and query aggregates on result of table type "{table.name}"',
        )
    row: TypeRef = table_type(schema, table)
    if function.returns_set:
        row = NonNull(ListOf(NonNull(row)))
    description = function.description
    if description is None:
        description = f'execute function "{function.name}" which returns "{table.name}"'
    if function.returns_set:
        arguments = {**arguments, **select_arguments(schema, table)}
    return Field(name, row, root, arguments, description or None)


def _may_call(schema: "RoleSchema", function: FunctionInfo) -> bool:
    """Returns whether the role has the function's permission, or a query function's inferred from its table's.

    Whatever lets it call, the role needs select permission on the returned table.
    """
    if not schema.can_select(function.returned_table):
        return False
    if schema.is_admin or _is_granted(schema, schema.role, function):
        return True
    is_query = function.exposed_as is FunctionExposure.QUERY
    return is_query and schema.cache.options.infer_function_permissions


def _is_granted(schema: "RoleSchema", role: str, function: FunctionInfo) -> bool:
    if role in function.permissions:
        return True
    inherited = schema.cache.inherited_roles.get(role)
    return inherited is not None and any(_is_granted(schema, parent, function) for parent in inherited.role_set)

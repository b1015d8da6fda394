"""Builds the `args` of SQL functions and computed fields."""

from typing import TYPE_CHECKING

from hasura.engine.catalog.types import FunctionArgument, PgType, TypeKind
from hasura.engine.schema.meanings import FunctionArgumentInput
from hasura.engine.schema.scalars import scalar_for
from hasura.engine.schema.types import InputField, InputObjectType, NonNull, ScalarType

if TYPE_CHECKING:
    from hasura.engine.schema.role import RoleSchema


def arguments_field(
    schema: "RoleSchema", type_name: str, arguments: tuple[FunctionArgument, ...], description: str
) -> InputField:
    """Returns `args: search_articles_args!`; may be left out when every argument has a default.

    As in Hasura every argument inside is nullable; what is missing takes its default or is an SQL NULL.
    """
    name = schema.naming.type(type_name)

    def fields() -> dict[str, InputField]:
        inputs: dict[str, InputField] = {}
        for position, argument in enumerate(arguments, start=1):
            graphql_name = argument.name or f"arg_{position}"
            inputs[graphql_name] = InputField(graphql_name, _scalar(argument.type), FunctionArgumentInput(argument))
        return inputs

    kind = schema.type(name, lambda: InputObjectType(name, fields))
    is_optional = all(argument.has_default for argument in arguments)
    return InputField("args", kind if is_optional else NonNull(kind), "args", description)


def _scalar(pg_type: PgType) -> ScalarType:
    """Returns the scalar of an argument. Other than those of columns, arrays and domains have PostgreSQL's names.

    `_uuid` takes a list, or PostgreSQL's notation of an array as text.
    """
    return ScalarType(pg_type.name) if pg_type.kind in (TypeKind.ARRAY, TypeKind.DOMAIN) else scalar_for(pg_type)

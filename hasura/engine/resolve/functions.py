"""Resolves tracked functions."""

from collections.abc import Mapping

from hasura.engine.catalog.types import Function, PgType, QualifiedName, Volatility
from hasura.engine.errors import because
from hasura.engine.metadata.types import FunctionExposure, FunctionMetadata
from hasura.engine.names import NamingConvention, camel_case, default_table_name, has_graphql_name, is_graphql_name
from hasura.engine.resolve.columns import Inconsistent
from hasura.engine.resolve.unserved import REASON, has_content
from hasura.engine.resolve.world import Fact
from hasura.engine.schema_cache import FunctionInfo, TableInfo


def resolve_function(
    metadata: FunctionMetadata,
    overloads: tuple[Function, ...],
    tables: Mapping[QualifiedName, TableInfo],
    consulted: set[Fact],
    convention: NamingConvention,
) -> FunctionInfo:
    """Returns the function. Raises `Inconsistent`. Adds to `consulted`."""
    name = metadata.name
    if not overloads:
        raise Inconsistent(f'no such function exists: "{name}"')
    if len(overloads) > 1:
        raise Inconsistent(f'function "{name}" is overloaded. Overloaded functions are not supported')
    function = overloads[0]
    exposed_as = metadata.exposed_as or (
        FunctionExposure.MUTATION if function.volatility is Volatility.VOLATILE else FunctionExposure.QUERY
    )
    reasons = list(_reasons_against(metadata, function, exposed_as))
    if function.returned_table is not None:
        consulted.add(Fact("table", function.returned_table))
    if reasons:
        raise Inconsistent(f'in function "{name}": the function "{name}" cannot be tracked {because(reasons)}')
    assert function.returned_table is not None
    if function.returned_table not in tables:
        raise Inconsistent(f'table "{function.returned_table}" is not tracked')
    base = metadata.custom_name or default_table_name(name)
    camel = convention is NamingConvention.GRAPHQL_DEFAULT
    shown = camel_case(base) if camel and metadata.custom_name is None else base
    root_field = metadata.custom_root_fields.get("function", shown)
    session_argument = _session_argument(metadata, function)
    return FunctionInfo(
        function=function,
        graphql_name=base,
        root_field=root_field,
        aggregate_root_field=metadata.custom_root_fields.get(
            "function_aggregate", f"{shown}Aggregate" if camel else f"{shown}_aggregate"
        ),
        arguments_type=f"{base}_args",
        exposed_as=exposed_as,
        returned_table=function.returned_table,
        session_argument=session_argument,
        input_arguments=tuple(
            argument for position, argument in enumerate(function.arguments) if position != session_argument
        ),
        permissions=metadata.permissions,
        description=metadata.comment if metadata.comment is not None else function.comment,
    )


def is_nameable_argument(pg_type: PgType) -> bool:
    """Returns whether GraphQL can name the type of an argument (arrays and domains have names of their own there)."""
    return is_graphql_name(pg_type.name) and has_graphql_name(pg_type)


def unnameable(pg_type: PgType) -> str:
    """Returns the reason that GraphQL cannot name a type."""
    return (
        f'SQL type "{pg_type.name}" cannot be used in the GraphQL schema '
        "because its name is not a valid GraphQL identifier"
    )


def _session_argument(metadata: FunctionMetadata, function: Function) -> int | None:
    if metadata.session_argument is None:
        return None
    names = [argument.name for argument in function.arguments]
    return names.index(metadata.session_argument) if metadata.session_argument in names else None


def _reasons_against(metadata: FunctionMetadata, function: Function, exposed_as: FunctionExposure) -> "list[str]":
    reasons: list[str] = []
    if not is_graphql_name(metadata.custom_name or default_table_name(metadata.name)):
        reasons.append("function name is not a legal GraphQL identifier")
    reasons += [
        f'"{name}" is not a valid GraphQL name'
        for name in metadata.custom_root_fields.values()
        if not is_graphql_name(name)
    ]
    if function.is_variadic:
        reasons.append('function with "VARIADIC" parameters are not supported')
    if function.is_aggregate:
        reasons.append("the function is an aggregate")
    if function.returned_table is None:
        kind = "a table" if function.return_type.kind == "composite" else 'a "COMPOSITE" type'
        reasons.append(f"the function does not return {kind}")
    if exposed_as is FunctionExposure.MUTATION and function.volatility is not Volatility.VOLATILE:
        reasons.append(
            "the function was requested to be exposed as a mutation, but is not marked VOLATILE. Maybe the function "
            "was given the wrong volatility when it was defined?"
        )
    if metadata.session_argument is not None:
        position = _session_argument(metadata, function)
        if position is None:
            reasons.append(f'given session argument "{metadata.session_argument}" is not the input argument')
        elif function.arguments[position].type.name != "json":
            reasons.append(f'given session argument "{metadata.session_argument}" is not of type json')
    configuration = metadata.verbatim.get("configuration")
    if isinstance(configuration, dict) and has_content(configuration.get("response")):
        reasons.append(f"response of its configuration is {REASON}")
    invalid = [item.name for item in function.arguments if item.name is not None and not is_graphql_name(item.name)]
    if invalid:
        listed = ", ".join(f'"{name}"' for name in invalid)
        reasons.append(f"the function arguments {listed} are not in compliance with GraphQL spec")
    reasons += [unnameable(item.type) for item in function.arguments if not is_nameable_argument(item.type)]
    return reasons

"""Resolves relationships and computed fields of a table whose own columns are resolved already."""

from collections.abc import Iterator, Mapping

from hasura.engine.catalog.types import Function, FunctionArgument, QualifiedName, TypeKind, Volatility
from hasura.engine.errors import because
from hasura.engine.exact_json import Json, JsonObject
from hasura.engine.metadata.reading import name_to_json
from hasura.engine.metadata.types import (
    ComputedField,
    ForeignKeyColumns,
    InsertionOrder,
    Relationship,
    RelationshipKind,
    RemoteForeignKey,
    TableMetadata,
)
from hasura.engine.names import has_graphql_name, is_graphql_name
from hasura.engine.resolve.columns import Inconsistent, refuse_invalid_name
from hasura.engine.resolve.functions import is_nameable_argument, unnameable
from hasura.engine.resolve.world import CatalogPart, Fact, inconsistency
from hasura.engine.schema_cache import ComputedFieldInfo, InconsistentObject, RelationshipInfo, TableInfo

Tables = Mapping[QualifiedName, TableInfo]


def resolve_relationships(
    metadata: TableMetadata, table: TableInfo, tables: Tables, consulted: set[Fact]
) -> tuple[dict[str, RelationshipInfo], list[InconsistentObject]]:
    """Returns the relationships that fit, and what is wrong with the others. Adds to `consulted`."""
    resolved: dict[str, RelationshipInfo] = {}
    problems: list[InconsistentObject] = []
    for relationship in metadata.relationships.values():
        try:
            refuse_invalid_name(relationship.name)
            _refuse_name_of_column(relationship.name, table)
            resolved[relationship.name] = _resolve(relationship, table, tables, consulted)
        except Inconsistent as exc:
            problems.append(
                inconsistency(
                    f"{relationship.kind}_relation",
                    f"{relationship.kind}_relation {relationship.name} in table {metadata.name} in source default",
                    str(exc),
                    relationship_definition(metadata.name, relationship),
                )
            )
    return resolved, problems


def relationship_definition(table: QualifiedName, relationship: Relationship) -> JsonObject:
    """Returns the relationship as an inconsistent object shows it."""
    return {
        "using": relationship.verbatim.get("using"),
        "name": relationship.name,
        "source": "default",
        "comment": relationship.comment,
        "table": name_to_json(table),
    }


def _refuse_name_of_column(name: str, table: TableInfo) -> None:
    column = table.columns_by_graphql_name.get(name)
    if column is not None and column.name != name:
        raise Inconsistent(f'field definition conflicts with custom field name for postgres column "{column.name}"')
    if name in table.columns_by_name:
        raise Inconsistent("field definition conflicts with postgres column")


def _resolve(relationship: Relationship, table: TableInfo, tables: Tables, consulted: set[Fact]) -> RelationshipInfo:
    using = relationship.using
    if isinstance(using, ForeignKeyColumns):
        remote, mapping = _own_foreign_key(relationship, using, table)
        is_nullable = any(table.columns_by_name[column].column.is_nullable for column, _ in mapping)
        order = InsertionOrder.BEFORE_PARENT
    elif isinstance(using, RemoteForeignKey):
        remote, mapping = _remote_foreign_key(relationship, using, table, tables, consulted)
        is_nullable, order = True, InsertionOrder.AFTER_PARENT
    else:
        remote, mapping = using.remote_table, using.column_mapping
        by_default = (
            InsertionOrder.BEFORE_PARENT
            if relationship.kind is RelationshipKind.OBJECT
            else InsertionOrder.AFTER_PARENT
        )
        is_nullable, order = True, using.insertion_order or by_default
    consulted.add(Fact("table", remote))
    consulted.update(Fact("column", remote, column) for _, column in mapping)
    remote_info = tables.get(remote)
    if remote_info is None:
        raise Inconsistent(f'table "{remote}" is not tracked')
    for own, other in mapping:
        if own not in table.columns_by_name:
            raise Inconsistent(f'no column named "{own}" in table "{table.name}"')
        if other not in remote_info.columns_by_name:
            raise Inconsistent(f'no column named "{other}" in table "{remote}"')
    return RelationshipInfo(
        name=relationship.name,
        kind=relationship.kind,
        remote_table=remote,
        column_mapping=mapping,
        is_nullable=is_nullable,
        insertion_order=order,
        comment=relationship.comment,
    )


def _within(table: TableInfo, relationship: Relationship, reason: str) -> Inconsistent:
    return Inconsistent(f'in table "{table.name}": in relationship "{relationship.name}": {reason}')


def _own_foreign_key(
    relationship: Relationship, using: ForeignKeyColumns, table: TableInfo
) -> tuple[QualifiedName, tuple[tuple[str, str], ...]]:
    keys = [key for key in table.table.foreign_keys if set(key.columns) == set(using.columns)]
    if not keys:
        raise _within(table, relationship, "no foreign constraint exists on the given column(s)")
    if len({key.referenced_table for key in keys}) > 1:
        raise _within(table, relationship, "more than one foreign key constraint exists on the given column(s)")
    key = keys[0]
    return key.referenced_table, tuple(zip(key.columns, key.referenced_columns, strict=True))


def _remote_foreign_key(
    relationship: Relationship, using: RemoteForeignKey, table: TableInfo, tables: Tables, consulted: set[Fact]
) -> tuple[QualifiedName, tuple[tuple[str, str], ...]]:
    consulted.add(Fact("table", using.table))
    consulted.add(Fact("foreign_keys", using.table))
    remote = tables.get(using.table)
    if remote is None:
        raise _within(table, relationship, f'table "{using.table}" does not exist in source: default')
    keys = [
        key
        for key in remote.table.foreign_keys
        if set(key.columns) == set(using.columns) and key.referenced_table == table.name
    ]
    if not keys:
        raise _within(table, relationship, "no foreign constraint exists on the given column(s)")
    key = keys[0]
    return using.table, tuple(zip(key.referenced_columns, key.columns, strict=True))


# --- computed fields ----------------------------------------------------------------------------------------------


def resolve_computed_fields(
    metadata: TableMetadata, table: TableInfo, tables: Tables, catalog: CatalogPart, consulted: set[Fact]
) -> tuple[dict[str, ComputedFieldInfo], list[InconsistentObject]]:
    """Returns the computed fields that fit, and what is wrong with the others. Adds to `consulted`."""
    resolved: dict[str, ComputedFieldInfo] = {}
    problems: list[InconsistentObject] = []
    for computed in metadata.computed_fields.values():
        try:
            refuse_invalid_name(computed.name)
            _refuse_name_of_column(computed.name, table)
            resolved[computed.name] = _resolve_computed(computed, table, tables, catalog, consulted)
        except Inconsistent as exc:
            definition: dict[str, Json] = {
                "source": "default",
                "table": name_to_json(metadata.name),
                "name": computed.name,
                "definition": computed.verbatim.get("definition"),
                "comment": computed.comment,
            }
            problems.append(
                inconsistency(
                    "computed_field",
                    f"computed_field {computed.name} in table {metadata.name} in source default",
                    f'in table "{metadata.name}": in computed field "{computed.name}": {exc}',
                    definition,
                )
            )
    return resolved, problems


def _resolve_computed(
    computed: ComputedField, table: TableInfo, tables: Tables, catalog: CatalogPart, consulted: set[Fact]
) -> ComputedFieldInfo:
    overloads = catalog.functions.get(computed.function, ())
    if not overloads:
        raise Inconsistent(f'no such function exists: "{computed.function}"')
    if len(overloads) > 1:
        raise Inconsistent(f'function "{computed.function}" is overloaded. Overloaded functions are not supported')
    function = overloads[0]
    if function.returned_table is not None:
        consulted.add(Fact("table", function.returned_table))
    reasons = [
        *_reasons_against_volatility(function),
        *_reasons_against_table_argument(computed, table, function),
        *_reasons_against_session_argument(computed, function),
        *_reasons_against_returned_type(function, tables),
        *_reasons_against_names(computed, function),
    ]
    if reasons:
        raise Inconsistent(
            f'the computed field "{computed.name}" cannot be added to table "{table.name}" {because(reasons)}'
        )
    table_argument = _argument_position(computed.table_argument, function)
    session_argument = (
        _argument_position(computed.session_argument, function) if computed.session_argument is not None else None
    )
    assert table_argument is not None
    return ComputedFieldInfo(
        name=computed.name,
        function=function,
        table_argument=table_argument,
        session_argument=session_argument,
        input_arguments=_input_arguments(computed, function),
        returned_table=function.returned_table,
        comment=computed.comment if computed.comment is not None else function.comment,
    )


def _reasons_against_volatility(function: Function) -> Iterator[str]:
    if function.volatility is Volatility.VOLATILE:
        yield f'the function "{function.name}" is of type VOLATILE; cannot be added as a computed field'


def _reasons_against_table_argument(computed: ComputedField, table: TableInfo, function: Function) -> Iterator[str]:
    if not function.arguments:
        yield f'the function "{function.name}" has no input arguments'
        return
    position = _argument_position(computed.table_argument, function)
    if position is None:
        yield f'"{computed.table_argument}" is not an input argument of the function "{function.name}"'
        return
    row_type = function.arguments[position].type
    if row_type.row_of == table.name:
        return
    what = "first argument" if computed.table_argument is None else f'"{computed.table_argument}" argument'
    problem = (
        "is not COMPOSITE type"
        if row_type.kind is not TypeKind.COMPOSITE
        else f'of type "{row_type.name}" is not the table to which the computed field is being added'
    )
    yield f'{what} of the function "{function.name}" {problem}'


def _reasons_against_session_argument(computed: ComputedField, function: Function) -> Iterator[str]:
    if computed.session_argument is None:
        return
    position = _argument_position(computed.session_argument, function)
    if position is None:
        yield f'"{computed.session_argument}" is not an input argument of the function "{function.name}"'
    elif function.arguments[position].type.name not in ("json", "jsonb"):
        yield f'"{computed.session_argument}" argument of the function "{function.name}" is not of type JSON'


def _reasons_against_returned_type(function: Function, tables: Tables) -> Iterator[str]:
    if function.returned_table is not None:
        if function.returned_table not in tables:
            yield (
                f'the function "{function.name}" returning set of table "{function.returned_table}" is not tracked '
                "or not found in database"
            )
    elif function.returns_set or function.return_type.kind in (TypeKind.COMPOSITE, TypeKind.PSEUDO):
        yield f'the function "{function.name}" returning type {function.return_type.name} is not a BASE type'


def _input_arguments(computed: ComputedField, function: Function) -> tuple[FunctionArgument, ...]:
    """Returns the arguments that a query gives: neither the row nor the session."""
    own = {_argument_position(computed.table_argument, function)}
    if computed.session_argument is not None:
        own.add(_argument_position(computed.session_argument, function))
    return tuple(argument for position, argument in enumerate(function.arguments) if position not in own)


def _reasons_against_names(computed: ComputedField, function: Function) -> Iterator[str]:
    """Yields the names of arguments and types that GraphQL cannot write."""
    for argument in _input_arguments(computed, function):
        if argument.name is not None and not is_graphql_name(argument.name):
            yield f'the function argument "{argument.name}" is not in compliance with GraphQL spec'
        if not is_nameable_argument(argument.type):
            yield unnameable(argument.type)
    if function.returned_table is None and not has_graphql_name(function.return_type):
        yield unnameable(function.return_type)


def _argument_position(name: str | None, function: Function) -> int | None:
    if name is None:
        return 0
    return next((index for index, argument in enumerate(function.arguments) if argument.name == name), None)

"""Builds GraphQL types of columns: output, input, enums of column names."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hasura.engine.catalog.types import PgType, QualifiedName
from hasura.engine.schema.permissions import SelectAccess
from hasura.engine.schema.scalars import is_array, scalar_for
from hasura.engine.schema.types import EnumMember, EnumType, ListOf, NonNull, TypeRef
from hasura.engine.schema_cache import ColumnInfo, ComputedFieldInfo, TableInfo

if TYPE_CHECKING:
    from hasura.engine.schema.role import RoleSchema


def value_type(pg_type: PgType) -> TypeRef:
    """Returns the GraphQL type of a database type, nullable."""
    base = pg_type.underlying
    if is_array(base) and base.element is not None:
        inner = value_type(base.element)
        return ListOf(NonNull(inner))
    return scalar_for(base)


def column_type(schema: "RoleSchema", column: ColumnInfo) -> TypeRef:
    """Returns the GraphQL type of a column, nullable; an enum when its values live in an enum table."""
    if column.enum_table is not None:
        values = enum_table_type(schema, column.enum_table)
        if values is not None:
            return values
    return value_type(column.type)


def enum_table_type(schema: "RoleSchema", name: QualifiedName) -> EnumType | None:
    """Returns `colors_enum`, of a table tracked as enum."""
    table = schema.cache.tables.get(name)
    if table is None or not table.enum_values or not table.is_exposed:
        return None
    values = table.enum_values
    type_name = schema.naming.type(table.graphql_name, "enum")
    return schema.type(
        type_name,
        lambda: EnumType(
            type_name,
            {item.value: EnumMember(item.value, item.comment) for item in values},
        ),
    )


def visible_columns(table: TableInfo, access: SelectAccess) -> list[ColumnInfo]:
    """Returns the columns a role may read, in the table's order."""
    return [column for column in table.exposed_columns if column.name in access.columns]


def is_visible(schema: "RoleSchema", access: SelectAccess, computed: ComputedFieldInfo) -> bool:
    """Returns whether a computed field is seen: a scalar if listed, one of rows if the role may select those."""
    if computed.returned_table is not None:
        return schema.can_select(computed.returned_table)
    return computed.name in access.computed_fields


def select_column_enum(schema: "RoleSchema", table: TableInfo) -> EnumType | None:
    """Returns `article_select_column`; None when the role may read no column."""
    access = schema.access(table).select
    columns = visible_columns(table, access) if access is not None else []
    if not columns:
        return None
    name = schema.naming.type(table.graphql_name, "select_column")
    return schema.type(name, lambda: column_enum(name, columns, f'select columns of table "{table.name}"'))


def column_enum(name: str, columns: Iterable[ColumnInfo], description: str) -> EnumType:
    """Returns an enum of column names."""
    return EnumType(
        name,
        {column.graphql_name: EnumMember(column.graphql_name, "column name", column) for column in columns},
        description,
    )

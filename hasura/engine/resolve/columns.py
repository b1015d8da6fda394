"""Resolves a table's own part: columns and names, root fields, enum values. Needs no other tables but enums."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace

from hasura.engine.catalog.connection import Connection
from hasura.engine.catalog.types import Column, QualifiedName, Table
from hasura.engine.errors import because
from hasura.engine.metadata.types import TableConfiguration, TableMetadata
from hasura.engine.names import (
    NamingConvention,
    RootFieldNames,
    camel_case,
    default_root_field_names,
    default_table_name,
    is_enum_value_name,
    is_graphql_name,
)
from hasura.engine.resolve.world import CatalogPart
from hasura.engine.schema_cache import ColumnInfo, EnumValue, TableInfo
from hasura.engine.sql.composition import concat, ident, render, sql


class Inconsistent(Exception):
    """Says that the object does not fit; the message is Hasura's reason without its `Inconsistent object: `."""


def resolve_columns(
    metadata: TableMetadata,
    catalog: CatalogPart,
    enum_tables: Mapping[QualifiedName, TableMetadata],
    convention: NamingConvention,
) -> TableInfo:
    """Returns the table without relationships, computed fields and permissions. Raises `Inconsistent`."""
    table = catalog.tables.get(metadata.name)
    if table is None:
        raise Inconsistent(f'no such table/view exists in source: "{metadata.name}"')
    enum_values = None
    if metadata.is_enum:
        values = catalog.enums.get(metadata.name, ())
        if isinstance(values, str):
            raise Inconsistent(f'the table "{metadata.name}" cannot be used as an enum {values}')
        enum_values = values
    configuration = metadata.configuration
    for name in _custom_names(configuration):
        refuse_invalid_name(name)
    base = configuration.custom_name or default_table_name(metadata.name)
    return TableInfo(
        table=table,
        graphql_name=base,
        root_fields=_root_fields(base, configuration, convention),
        columns=_columns(table, configuration, _enum_columns(table, catalog, enum_tables), convention),
        enum_values=enum_values,
        description=_described(configuration.comment, table.comment),
        root_field_comments={
            kind: field.comment
            for kind, field in configuration.custom_root_fields.items()
            if field.comment is not None
        },
    )


def _custom_names(configuration: TableConfiguration) -> Iterator[str]:
    """Yields the names that metadata gives to the table, its root fields and its columns."""
    named = [*configuration.custom_root_fields.values()]
    names = [configuration.custom_name, *(field.name for field in named)]
    names += [column.custom_name for column in configuration.column_config.values()]
    yield from (name for name in names if name is not None)


def refuse_invalid_name(name: str) -> None:
    """Raises `Inconsistent` for a name of metadata's that GraphQL cannot write."""
    if not is_graphql_name(name):
        raise Inconsistent(f'"{name}" is not a valid GraphQL name')


def _described(configured: str | None, in_database: str | None) -> str | None:
    # An empty comment in the metadata hides the one of the database, and the generated one.
    return in_database if configured is None else configured


def _root_fields(base: str, configuration: TableConfiguration, convention: NamingConvention) -> RootFieldNames:
    names = default_root_field_names(base, convention)
    known = {field.name for field in fields(RootFieldNames)}
    custom = {
        kind: field.name
        for kind, field in configuration.custom_root_fields.items()
        if field.name is not None and kind in known
    }
    return replace(names, **custom) if custom else names


def _columns(
    table: Table,
    configuration: TableConfiguration,
    enum_columns: Mapping[str, QualifiedName],
    convention: NamingConvention,
) -> tuple[ColumnInfo, ...]:
    columns: list[ColumnInfo] = []
    taken: dict[str, str] = {}
    for column in table.columns:
        config = configuration.column_config.get(column.name)
        name = config.custom_name if config is not None else None
        if name is None:
            name = camel_case(column.name) if convention is NamingConvention.GRAPHQL_DEFAULT else column.name
        if name in taken:
            raise Inconsistent(
                f'the following columns cannot be mapped to the same GraphQL field name "{name}": '
                f'"{taken[name]}" and "{column.name}"'
            )
        taken[name] = column.name
        comment = config.comment if config is not None else None
        columns.append(ColumnInfo(column, name, _described(comment, column.comment), enum_columns.get(column.name)))
    return tuple(columns)


def _enum_columns(
    table: Table, catalog: CatalogPart, enum_tables: Mapping[QualifiedName, TableMetadata]
) -> dict[str, QualifiedName]:
    """Returns the columns that refer to a usable enum table."""
    columns: dict[str, QualifiedName] = {}
    for key in table.foreign_keys:
        if len(key.columns) != 1:
            continue
        target = enum_tables.get(key.referenced_table)
        if target is not None and target.is_enum and isinstance(catalog.enums.get(key.referenced_table), tuple):
            columns[key.columns[0]] = key.referenced_table
    return columns


async def load_enum(connection: Connection, table: Table) -> tuple[EnumValue, ...] | str:
    """Returns an enum table's values, or why it cannot be an enum."""
    problems = _enum_shape_problems(table)
    if problems:
        return because(problems)
    assert table.primary_key is not None
    value_column = table.primary_key.columns[0]
    comment_column = next((column.name for column in table.columns if column.name != value_column), None)
    statement = concat(
        sql("select "),
        ident(value_column),
        sql("::text as value, "),
        concat(ident(comment_column), sql("::text")) if comment_column else sql("null::text"),
        sql(" as comment from "),
        ident(table.name.schema, table.name.name),
        sql(" order by 1"),
    )
    rows = await connection.fetch(render(statement)[0])
    if not rows:
        return because(["the table must have at least one row"])
    invalid = [row["value"] for row in rows if not is_enum_value_name(row["value"])]
    if len(invalid) == 1:
        return because([f'the value "{invalid[0]}" is not a valid GraphQL enum value name'])
    if invalid:
        listed = ", ".join(f'"{value}"' for value in invalid)
        return because([f"the values {listed} are not valid GraphQL enum value names"])
    return tuple(EnumValue(row["value"], row["comment"]) for row in rows)


def _enum_shape_problems(table: Table) -> list[str]:
    key = table.primary_key
    problems = []
    value_column = None
    if key is None:
        problems.append("the table must have a primary key")
    elif len(key.columns) != 1:
        listed = ", ".join(f'"{column}"' for column in key.columns)
        problems.append(f"the table’s primary key must not span multiple columns ({listed})")
    else:
        value_column = table.columns_by_name[key.columns[0]]
        if not _holds_text(value_column):
            problems.append(
                f'the table’s primary key ("{value_column.name}") must have type "text", not type '
                f'"{value_column.type.name}"'
            )
    others = [column for column in table.columns if column is not value_column]
    if len(others) > 1:
        listed = ", ".join(f'"{column.name}"' for column in table.columns)
        problems.append(
            "the table must have exactly one primary key and optionally one comment column, "
            f"not {len(table.columns)} columns ({listed})"
        )
    elif others and not _holds_text(others[0]):
        problems.append(
            f'the table’s comment column ("{others[0].name}") must have type "text", not type "{others[0].type.name}"'
        )
    return problems


def _holds_text(column: Column) -> bool:
    return column.type.name in ("text", "varchar", "citext")

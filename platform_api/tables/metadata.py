"""Derives the Hasura metadata of an app's tables from their definitions."""

from collections.abc import Collection, Mapping

from hasura.metadata import QualifiedTable, Relationship, RelationshipKind, TableMetadata
from hasura.permissions import Permission, limited_permissions, table_permissions
from platform_api.tables.ddl.statements import SCHEMA
from platform_api.tables.definition import TableDefinition
from platform_api.tables.permissions.rights import Limits, rights_of
from platform_api.tables.relationships import incoming_references


def qualified(definition: TableDefinition) -> QualifiedTable:
    """Returns the table of a definition, as Hasura names it."""
    return QualifiedTable(definition.physical.table, SCHEMA)


def app_metadata(
    definitions: Mapping[int, TableDefinition], *, limits: Limits, table_ids: Collection[int] | None = None
) -> dict[QualifiedTable, TableMetadata]:
    """Returns the metadata of an app's tables, or of those in `table_ids`; `definitions` holds all of them.

    A role that is limited on any table of the app has permissions of its own on all of them.
    """
    return {
        qualified(definition): TableMetadata(
            qualified(definition),
            tuple(_relationships(table_id, definitions)),
            tuple(_permissions(table_id, definition, limits)),
        )
        for table_id, definition in definitions.items()
        if table_ids is None or table_id in table_ids
    }


def _permissions(table_id: int, definition: TableDefinition, limits: Limits) -> list[Permission]:
    permissions = table_permissions(definition.app_id, columns=definition.column_names)
    for role, by_table in limits.items():
        content = by_table.get(table_id)
        rights = None if content is None else rights_of(content, definition)
        permissions += limited_permissions(definition.app_id, role, columns=definition.column_names, rights=rights)
    return permissions


def _relationships(table_id: int, definitions: Mapping[int, TableDefinition]) -> list[Relationship]:
    # By columns, not by foreign key: the organization is part of every reference, and both roles must follow it.
    to_rows = [
        Relationship(
            RelationshipKind.OBJECT,
            reference.object_relationship,
            qualified(definitions[reference.table_id]),
            ((reference.column, "id"), ("organization_id", "organization_id")),
        )
        for reference in definitions[table_id].references
    ]
    from_rows = [
        Relationship(
            RelationshipKind.ARRAY,
            reference.array_relationship,
            qualified(definition),
            (("id", reference.column), ("organization_id", "organization_id")),
        )
        for definition, reference in incoming_references(table_id, definitions)
    ]
    ordered = [*to_rows, *from_rows]
    return [
        Relationship(item.kind, item.name, item.remote_table, tuple(sorted(item.column_mapping))) for item in ordered
    ]

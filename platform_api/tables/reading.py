"""Converts stored tables to their JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.apps.access_summary import describes_access
from platform_api.apps.models import App
from platform_api.core.types import AppId, TableId
from platform_api.tables.models import AppTable
from platform_api.tables.repository import list_tables
from platform_api.tables.schemas import (
    ColumnRead,
    ForeignKeyRead,
    IndexRead,
    TableList,
    TableRead,
    UniqueRead,
)

_SYSTEM_COLUMNS: Sequence[ColumnRead] = (
    ColumnRead(name="id", type="uuid", required=True, default="gen_random_uuid()", choices=[], is_system=True),
    ColumnRead(name="organization_id", type="integer", required=True, default=None, choices=[], is_system=True),
    ColumnRead(name="connection_id", type="bigint", required=False, default=None, choices=[], is_system=True),
    ColumnRead(name="created_at", type="timestamptz", required=True, default="now()", choices=[], is_system=True),
    ColumnRead(name="updated_at", type="timestamptz", required=True, default="now()", choices=[], is_system=True),
)


async def read_app_tables(session: AsyncSession, app: App) -> TableList:
    """Returns all tables of an app."""
    tables = await list_tables(session, AppId(app.id))
    names = {table.id: table.name for table in tables}
    return TableList(name=app.name, id=app.id, tables=[_read(table, names) for table in tables])


async def read_app_table(session: AsyncSession, table: AppTable) -> TableRead:
    """Returns one table."""
    names = {other.id: other.name for other in await list_tables(session, table.app_id)}
    return _read(table, names)


def _read(table: AppTable, names: Mapping[TableId, str]) -> TableRead:
    definition = table.definition
    columns = [
        ColumnRead(
            name=column.name,
            type=column.type,
            required=column.required,
            default=column.default,
            choices=list(column.choices),
            is_system=False,
        )
        for column in definition.columns
    ]
    return TableRead(
        name=table.name,
        id=table.id,
        app_id=table.app_id,
        description=table.description,
        graphql_name=definition.physical.table,
        columns=[*_SYSTEM_COLUMNS, *columns],
        unique=[
            UniqueRead(name=definition.physical.unique_key(key.columns, name=key.name), columns=list(key.columns))
            for key in definition.unique
        ],
        foreign_keys=[
            ForeignKeyRead(
                column=reference.column,
                table=names[TableId(reference.table_id)],
                references="id",
                on_delete=reference.on_delete,
                object_relationship=reference.object_relationship,
                array_relationship=reference.array_relationship,
            )
            for reference in definition.references
        ],
        indexes=[IndexRead(columns=list(index.columns)) for index in definition.indexes],
        created_at=table.created_at,
        updated_at=table.updated_at,
    )


@describes_access("tables")
async def _describe_for_install(session: AsyncSession, app: App) -> list[Any]:
    """Returns the tables that will hold rows of an organization that installs the app."""
    return [
        {"name": table.name, "columns": sorted(column.name for column in table.definition.columns)}
        for table in sorted(await list_tables(session, AppId(app.id)), key=lambda table: table.name)
    ]

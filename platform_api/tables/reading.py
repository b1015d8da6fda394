"""Converts stored tables to their JSON."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.apps.access_summary import describes_access
from platform_api.apps.models import App
from platform_api.core.paging import Window
from platform_api.core.types import AppId, TableId
from platform_api.tables.models import AppTable
from platform_api.tables.permissions.own_schemas import OwnPermission
from platform_api.tables.permissions.repository import own_limits
from platform_api.tables.repository import get_table, list_tables, names_of_tables, read_tables
from platform_api.tables.schemas import (
    ColumnRead,
    ForeignKeyRead,
    IndexRead,
    TableList,
    TableRead,
    UniqueRead,
)
from platform_api.tables.service import StaleTable

_SYSTEM_COLUMNS: Sequence[ColumnRead] = (
    ColumnRead(name="id", type="uuid", required=True, default="gen_random_uuid()", choices=[], is_system=True),
    ColumnRead(name="organization_id", type="integer", required=True, default=None, choices=[], is_system=True),
    ColumnRead(name="connection_id", type="bigint", required=False, default=None, choices=[], is_system=True),
    ColumnRead(name="created_at", type="timestamptz", required=True, default="now()", choices=[], is_system=True),
    ColumnRead(name="updated_at", type="timestamptz", required=True, default="now()", choices=[], is_system=True),
)


async def read_app_tables(
    session: AsyncSession, actor: Actor, app: App, *, search: str | None, order: str, window: Window | None
) -> TableList:
    """Returns a part of an app's tables, all of them without `window`; `search` looks in names."""
    part = await read_tables(session, AppId(app.id), search=search, order=order, window=window)
    names = await _names_of_references(session, part.items)
    limits = await _read_limits(session, actor, part.items)
    return TableList(
        name=app.name,
        id=app.id,
        tables=[_read(table, names, limits.get(table.id)) for table in part.items],
        next_cursor=part.next_cursor,
    )


async def read_app_table(session: AsyncSession, actor: Actor, table: AppTable) -> TableRead:
    """Returns one table."""
    await session.flush()  # a table that was just made or changed has its dates only then
    limits = await _read_limits(session, actor, [table])
    return _read(table, await _names_of_references(session, [table]), limits.get(table.id))


async def _read_limits(
    session: AsyncSession, actor: Actor, tables: Sequence[AppTable]
) -> Mapping[TableId, OwnPermission]:
    limits = await own_limits(session, actor, tables)
    return {table_id: OwnPermission.of(actor.role, own) for table_id, own in limits.items()}


@asynccontextmanager
async def with_present_state(session: AsyncSession, actor: Actor, app_id: AppId, name: str) -> AsyncIterator[None]:
    """Adds the table as it is now to the refusal of a change that was of an earlier revision."""
    try:
        yield
    except StaleTable as error:
        table = await read_app_table(session, actor, await get_table(session, app_id, name))
        error.extra["table"] = table.model_dump(mode="json")
        raise


async def _names_of_references(session: AsyncSession, tables: Sequence[AppTable]) -> Mapping[TableId, str]:
    """Returns the names of the tables that `tables` refer to."""
    names = {table.id: table.name for table in tables}
    referenced = {TableId(reference.table_id) for table in tables for reference in table.definition.references}
    return {**names, **await names_of_tables(session, referenced - names.keys())}


def _read(table: AppTable, names: Mapping[TableId, str], limits: OwnPermission | None) -> TableRead:
    definition = table.definition
    columns = [
        ColumnRead(
            name=column.name,
            type=column.type,
            required=column.required,
            default=column.default,
            choices=list(column.choices),
            is_system=False,
            position=position,
            description=column.description,
            format=column.format,
        )
        for position, column in enumerate(definition.columns)
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
        limits=limits,
        revision=definition.digest,
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

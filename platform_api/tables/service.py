"""Creates, edits and deletes the tables of an app.

A change is one transaction: the stored definition, the PostgreSQL table and, with the embedded engine, the metadata.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from hasura.metadata import MetadataError
from platform_api.core.database import as_engine_role
from platform_api.core.errors import Conflict, LimitReached, NameTaken
from platform_api.core.types import AppId, TableId
from platform_api.tables.ddl import statements as ddl
from platform_api.tables.ddl.changes import Definitions, change_table, define_table
from platform_api.tables.ddl.errors import translate
from platform_api.tables.definition import TableDefinition
from platform_api.tables.follow_up import MetadataChange, MetadataFollowUp
from platform_api.tables.metadata import app_metadata, qualified
from platform_api.tables.models import AppTable
from platform_api.tables.names import check_table_name
from platform_api.tables.relationships import incoming_references, related_table_ids
from platform_api.tables.repository import get_table, limit_lock_wait, list_tables, lock_tables_of_app
from platform_api.tables.schemas import TableCreate, TableEdit

MAX_TABLES = 1000


class TableExists(NameTaken):
    """Reports that the app has a table of this name."""

    code = "table_exists"


class TableReferenced(Conflict):
    """Reports that other tables refer to the one to delete."""

    code = "table_referenced"


class EngineRefused(Conflict):
    """Reports that the GraphQL engine cannot serve the table as it would be."""

    code = "engine_refused"


async def create_table(
    session: AsyncSession, app_id: AppId, data: TableCreate, *, follow_up: MetadataFollowUp
) -> AppTable:
    """Creates a table. Raises `InvalidName`, `InvalidDefinition`, `Conflict`."""
    check_table_name(data.name)
    await lock_tables_of_app(session, app_id)
    before = await _definitions(session, app_id)
    if any(definition.name == data.name for definition in before.values()):
        raise TableExists(f"the app already has a table {data.name!r}; choose another name", field="name")
    if len(before) >= MAX_TABLES:
        raise LimitReached(f"the app has {len(before)} tables; at most {MAX_TABLES} are allowed")
    table = AppTable(app_id=app_id, name=data.name, description=data.description, stored_definition={})
    session.add(table)
    await session.flush()
    definition = define_table(table.id, app_id, data, others=before)
    table.definition = definition
    await session.flush()
    after = {**before, table.id: definition}
    async with _building(session, definition.name):
        await ddl.run_ddl(
            await session.connection(),
            lambda operations: ddl.create_table(operations, definition, table_names=_physical_names(after)),
        )
    await _follow(session, app_id, before, after, changed=table.id, follow_up=follow_up)
    return table


async def edit_table(
    session: AsyncSession, app_id: AppId, data: TableEdit, *, follow_up: MetadataFollowUp
) -> AppTable:
    """Changes a table and keeps its rows. Raises `NotFound`, `InvalidName`, `InvalidDefinition`, `Conflict`."""
    await lock_tables_of_app(session, app_id)
    table = await get_table(session, app_id, data.name)
    before = await _definitions(session, app_id)
    change = change_table(table.id, data, definitions=before)
    if data.description is not None:
        table.description = data.description
    if change.before == change.after:
        await session.flush()
        return table
    table.definition = change.after
    await session.flush()
    after = {**before, table.id: change.after}
    async with _building(session, change.before.name):
        await ddl.run_ddl(
            await session.connection(),
            lambda operations: ddl.alter_table(
                operations,
                change.before,
                change.after,
                renamed_columns=change.renamed_columns,
                table_names=_physical_names(after),
            ),
        )
    await _follow(session, app_id, before, after, changed=table.id, follow_up=follow_up)
    return table


async def delete_table(session: AsyncSession, app_id: AppId, name: str, *, follow_up: MetadataFollowUp) -> None:
    """Drops a table with its rows. Raises `NotFound`, and `Conflict` while another table refers to it."""
    await lock_tables_of_app(session, app_id)
    table = await get_table(session, app_id, name)
    before = await _definitions(session, app_id)
    definition = before[table.id]
    referring = sorted({other.name for other, _ in incoming_references(table.id, before)} - {definition.name})
    if referring:
        raise TableReferenced(
            f"table {definition.name!r} cannot be deleted: it is referred to by {', '.join(referring)}; "
            "remove these references first"
        )
    after = {table_id: other for table_id, other in before.items() if table_id != table.id}
    await session.delete(table)
    await session.flush()
    async with _building(session, definition.name):
        await ddl.run_ddl(
            await session.connection(), lambda operations: ddl.drop_table(operations, definition.physical)
        )
    await _follow(session, app_id, before, after, changed=table.id, follow_up=follow_up)


async def _definitions(session: AsyncSession, app_id: AppId) -> dict[int, TableDefinition]:
    tables: Sequence[AppTable] = await list_tables(session, app_id)
    return {table.id: table.definition for table in tables}


def _physical_names(definitions: Definitions) -> Mapping[int, str]:
    return {table_id: definition.physical.table for table_id, definition in definitions.items()}


@asynccontextmanager
async def _building(session: AsyncSession, table_name: str) -> AsyncIterator[None]:
    """Runs DDL as the owner of the app tables, and translates PostgreSQL's errors for the builder."""
    await limit_lock_wait(session)
    try:
        async with as_engine_role(session):
            yield
    except DBAPIError as error:
        translated = translate(error, table_name)
        if translated is None:
            raise
        raise translated from error


async def _follow(
    session: AsyncSession,
    app_id: AppId,
    before: Definitions,
    after: Definitions,
    *,
    changed: TableId,
    follow_up: MetadataFollowUp,
) -> None:
    """Updates the metadata of the changed table and of those whose relationships lead to it."""
    affected = {changed} | related_table_ids(changed, before) | related_table_ids(changed, after)
    altered = []
    if changed in before and changed in after and before[changed].name == after[changed].name:
        altered.append(qualified(after[changed]))
    change = MetadataChange(
        app_id, app_metadata(before, table_ids=affected), app_metadata(after, table_ids=affected), altered
    )
    try:
        await follow_up.follow(session, change)
    except MetadataError as error:
        raise EngineRefused(f"the GraphQL engine refuses the table: {error}") from error

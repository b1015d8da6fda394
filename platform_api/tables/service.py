"""Creates, edits and deletes the tables of an app.

A change is one transaction: the stored definition, the PostgreSQL table and, with the embedded engine, the metadata.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from hasura.metadata import MetadataError
from platform_api.core.database import as_engine_role
from platform_api.core.errors import Conflict, LimitReached, NameTaken, StaleVersion
from platform_api.core.types import AppId, TableId
from platform_api.tables.ddl import statements as ddl
from platform_api.tables.ddl.changes import Change, Definitions, change_table, define_table
from platform_api.tables.ddl.errors import TableBusy, translate
from platform_api.tables.ddl.rendering import Statement, execute, render
from platform_api.tables.definition import TableDefinition
from platform_api.tables.follow_up import MetadataChange, MetadataFollowUp
from platform_api.tables.metadata import app_metadata, qualified
from platform_api.tables.models import AppTable
from platform_api.tables.names import check_table_name
from platform_api.tables.permissions.following import Following, follow
from platform_api.tables.permissions.repository import limits_of, permissions_of_apps
from platform_api.tables.permissions.rights import Limits
from platform_api.tables.relationships import incoming_references, related_table_ids
from platform_api.tables.repository import (
    announce_tables,
    find_lock_holder,
    get_table,
    limit_lock_wait,
    list_tables,
    lock_tables_of_app,
)
from platform_api.tables.schemas import TableCreate, TableEdit

MAX_TABLES = 1000
MAX_ATTEMPTS = 4
"""How often a change tries to lock a table in use, each time for `MAX_LOCK_WAIT`."""


class TableExists(NameTaken):
    """Reports that the app has a table of this name."""

    code = "table_exists"


class StaleTable(StaleVersion):
    """Reports that somebody changed the table since the revision that a change is of."""


class TableReferenced(Conflict):
    """Reports that other tables refer to the one to delete."""

    code = "table_referenced"


class EngineRefused(Conflict):
    """Reports that the GraphQL engine cannot serve the table as it would be."""

    code = "engine_refused"


@dataclass(frozen=True, slots=True)
class PreparedEdit:
    """Holds a checked change of a table before it is made: `statements` are all that PostgreSQL will be told."""

    table: AppTable
    change: Change
    before: Definitions
    after: Definitions
    statements: Sequence[Statement]
    limits_before: Limits
    permissions: Following


async def create_table(
    session: AsyncSession, app_id: AppId, data: TableCreate, *, follow_up: MetadataFollowUp
) -> AppTable:
    """Creates a table. Raises `InvalidName`, `InvalidDefinition`, `Conflict`."""
    check_table_name(data.name)
    await lock_tables_of_app(session, app_id)
    before = await read_definitions(session, app_id)
    check_is_possible(before, data)
    table = AppTable(app_id=app_id, name=data.name, description=data.description, stored_definition={})
    session.add(table)
    await session.flush()
    definition = define_table(table.id, app_id, data, others=before)
    table.definition = definition
    await session.flush()
    after = {**before, table.id: definition}
    limits = limits_of(await permissions_of_apps(session, [app_id]))
    await _build(session, definition, statements_of_new(table.id, definition, before))
    await _follow(session, app_id, before, after, limits, changed=table.id, follow_up=follow_up)
    return table


def check_is_possible(present: Definitions, data: TableCreate) -> None:
    """Raises `TableExists` or `LimitReached` when the app cannot have the table beside its present ones."""
    if any(definition.name == data.name for definition in present.values()):
        raise TableExists(f"the app already has a table {data.name!r}; choose another name", field="name")
    if len(present) >= MAX_TABLES:
        raise LimitReached(f"the app has {len(present)} tables; at most {MAX_TABLES} are allowed")


def statements_of_new(table_id: int, definition: TableDefinition, present: Definitions) -> list[Statement]:
    """Returns the statements that create the table beside those that the app has."""
    names = _physical_names({**present, table_id: definition})
    return render(lambda operations: ddl.create_table(operations, definition, table_names=names))


async def edit_table(
    session: AsyncSession, app_id: AppId, data: TableEdit, *, follow_up: MetadataFollowUp
) -> AppTable:
    """Changes a table and keeps its rows.

    Raises `NotFound`, `InvalidName`, `InvalidDefinition`, `Conflict`, and `StaleTable` when `base_revision` is not
    the table's.
    """
    await lock_tables_of_app(session, app_id)
    edit = await prepare_edit(session, app_id, data)
    table, change = edit.table, edit.change
    if data.description is not None:
        table.description = data.description
    if change.before == change.after:
        await session.flush()
        return table
    edit.permissions.apply()
    table.definition = change.after
    await session.flush()
    if edit.statements:
        await _build(session, change.before, edit.statements)
        limits = edit.limits_before
        await _follow(session, app_id, edit.before, edit.after, limits, changed=table.id, follow_up=follow_up)
    else:
        await announce_tables(session, app_id)
    return table


async def prepare_edit(session: AsyncSession, app_id: AppId, data: TableEdit) -> PreparedEdit:
    """Checks a change and returns what it would do; changes nothing. Raises as `edit_table` does."""
    table = await get_table(session, app_id, data.name)
    before = await read_definitions(session, app_id)
    revision = before[table.id].digest
    if data.base_revision not in (None, revision):
        raise StaleTable(
            f"table {table.name!r} was changed since revision {data.base_revision}; look at what it is now",
            field="base_revision",
            extra={"revision": revision},
        )
    change = change_table(table.id, data, definitions=before)
    after = {**before, table.id: change.after}
    statements = render(
        lambda operations: ddl.alter_table(
            operations,
            change.before,
            change.after,
            renamed_columns=change.renamed_columns,
            table_names=_physical_names(after),
        )
    )
    stored = await permissions_of_apps(session, [app_id])
    following = follow(stored, before, after, {table.id: change.renamed_columns})
    return PreparedEdit(table, change, before, after, statements, limits_of(stored), following)


async def delete_table(session: AsyncSession, app_id: AppId, name: str, *, follow_up: MetadataFollowUp) -> None:
    """Drops a table with its rows. Raises `NotFound`, and `Conflict` while another table refers to it."""
    await lock_tables_of_app(session, app_id)
    table = await get_table(session, app_id, name)
    before = await read_definitions(session, app_id)
    definition = before[table.id]
    referring = sorted({other.name for other, _ in incoming_references(table.id, before)} - {definition.name})
    if referring:
        raise TableReferenced(
            f"table {definition.name!r} cannot be deleted: it is referred to by {', '.join(referring)}; "
            "remove these references first"
        )
    after = {table_id: other for table_id, other in before.items() if table_id != table.id}
    stored = await permissions_of_apps(session, [app_id])
    limits = limits_of(stored)
    follow(stored, before, after, {}).apply()
    for permission in stored:
        if permission.table_id == table.id:
            await session.delete(permission)
    await session.flush()
    await session.delete(table)
    await session.flush()
    await _build(session, definition, render(lambda operations: ddl.drop_table(operations, definition.physical)))
    await _follow(session, app_id, before, after, limits, changed=table.id, follow_up=follow_up)


async def delete_tables(session: AsyncSession, app_id: AppId, *, follow_up: MetadataFollowUp) -> None:
    """Drops all tables of an app with their rows, for the app's own deletion. Raises `Conflict` for one in use."""
    await lock_tables_of_app(session, app_id)
    before = await read_definitions(session, app_id)
    if not before:
        return
    stored = await permissions_of_apps(session, [app_id])
    limits = limits_of(stored)
    for permission in stored:
        await session.delete(permission)
    await session.flush()
    for table in await list_tables(session, app_id):
        await session.delete(table)
    await session.flush()
    definitions = list(before.values())
    await _build(session, definitions[0], render(lambda operations: ddl.drop_tables(operations, definitions)))
    metadata = app_metadata(before, limits=limits)
    await _change_metadata(session, MetadataChange(app_id, metadata, {}), follow_up)


async def read_definitions(session: AsyncSession, app_id: AppId) -> dict[int, TableDefinition]:
    """Returns the definitions of the app's tables by their ids."""
    tables: Sequence[AppTable] = await list_tables(session, app_id)
    return {table.id: table.definition for table in tables}


def _physical_names(definitions: Definitions) -> Mapping[int, str]:
    return {table_id: definition.physical.table for table_id, definition in definitions.items()}


async def _build(session: AsyncSession, before: TableDefinition, statements: Sequence[Statement]) -> None:
    """Executes DDL as the owner of the app tables, and translates PostgreSQL's errors for the builder.

    It waits for a table in use only briefly, because everybody else waits behind it, and tries again.
    """
    await limit_lock_wait(session)
    for attempt in range(MAX_ATTEMPTS):
        try:
            async with session.begin_nested(), as_engine_role(session):
                await execute(await session.connection(), statements)
            return
        except DBAPIError as error:
            translated = translate(error, before.name)
            if translated is None:
                raise
            if not isinstance(translated, TableBusy):
                raise translated from error
        holder = await find_lock_holder(session, before.physical.table)
        await asyncio.sleep(0.1 * 2**attempt)
    raise TableBusy(
        f"table {before.name!r} is in use by {holder}; nothing was changed, try again when that has ended"
    )


async def _follow(
    session: AsyncSession,
    app_id: AppId,
    before: Definitions,
    after: Definitions,
    limits_before: Limits,
    *,
    changed: TableId,
    follow_up: MetadataFollowUp,
) -> None:
    """Updates the metadata of the changed table and of those whose relationships or permissions lead to it."""
    limits = limits_of(await permissions_of_apps(session, [app_id]))
    if limits or limits_before:
        affected = {*before, *after}
    else:
        affected = {changed} | related_table_ids(changed, before) | related_table_ids(changed, after)
    altered = []
    if changed in before and changed in after and before[changed].name == after[changed].name:
        altered.append(qualified(after[changed]))
    change = MetadataChange(
        app_id,
        app_metadata(before, limits=limits_before, table_ids=affected),
        app_metadata(after, limits=limits, table_ids=affected),
        altered,
    )
    await _change_metadata(session, change, follow_up)


async def _change_metadata(session: AsyncSession, change: MetadataChange, follow_up: MetadataFollowUp) -> None:
    try:
        await follow_up.follow(session, change)
    except MetadataError as error:
        raise EngineRefused(f"the GraphQL engine refuses the table: {error}") from error
    await announce_tables(session, change.app_id)

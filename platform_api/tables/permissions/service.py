"""Stores permissions, and has the engine enforce them.

A change is one transaction: the stored permission and, with the embedded engine, the metadata. Triggers of the
database tell every process to forget the sessions that it remembers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from hasura import permissions as hasura
from hasura.metadata import MetadataError
from platform_api.accounts.models import Role
from platform_api.core.errors import NotFound, StaleVersion
from platform_api.core.types import AppId
from platform_api.tables.follow_up import MetadataChange, MetadataFollowUp
from platform_api.tables.metadata import app_metadata
from platform_api.tables.models import AppTable
from platform_api.tables.permissions.checking import check_permission, rules_in_words
from platform_api.tables.permissions.definition import Permission
from platform_api.tables.permissions.models import TablePermission
from platform_api.tables.permissions.repository import find_permission, limits_of, permissions_of_apps
from platform_api.tables.permissions.rights import Limits, rights_of
from platform_api.tables.permissions.rules import Definitions
from platform_api.tables.repository import announce_tables, get_table, lock_tables_of_app
from platform_api.tables.service import EngineRefused, read_definitions


@dataclass(frozen=True, slots=True)
class Described:
    """Holds a permission, its rules in words, and the metadata that enforces it."""

    permission: TablePermission
    words: Mapping[str, str]
    metadata: Sequence[hasura.Permission]


async def list_permissions(session: AsyncSession, table: AppTable) -> list[Described]:
    """Returns the permissions of a table."""
    definitions = await read_definitions(session, table.app_id)
    stored = await permissions_of_apps(session, [table.app_id])
    return [_described(item, definitions) for item in stored if item.table_id == table.id]


async def save_permission(
    session: AsyncSession,
    app_id: AppId,
    table_name: str,
    role: Role,
    content: Permission,
    *,
    base_revision: int,
    follow_up: MetadataFollowUp,
) -> Described:
    """Replaces the permission of a role on a table. Raises `NotFound`, `InvalidRule`, `StaleVersion`."""
    await lock_tables_of_app(session, app_id)
    table = await get_table(session, app_id, table_name)
    definitions = await read_definitions(session, app_id)
    check_permission(content, table.id, definitions)
    limits_before = limits_of(await permissions_of_apps(session, [app_id]))
    stored = await find_permission(session, table, role)
    _require_base(stored, base_revision)
    if stored is None:
        stored = TablePermission(table_id=table.id, role=role, app_id=app_id, revision=0)
        session.add(stored)
    stored.content = content
    stored.revision += 1
    await session.flush()
    await _follow(session, app_id, definitions, limits_before, follow_up)
    return _described(stored, definitions)


async def delete_permission(
    session: AsyncSession,
    app_id: AppId,
    table_name: str,
    role: Role,
    *,
    base_revision: int | None,
    follow_up: MetadataFollowUp,
) -> None:
    """Lifts the limits of a role on a table. Raises `NotFound`, `StaleVersion`."""
    await lock_tables_of_app(session, app_id)
    table = await get_table(session, app_id, table_name)
    stored = await find_permission(session, table, role)
    if stored is None:
        raise NotFound(f"the role {role} has no permission on table {table.name!r}: it may do everything there")
    if base_revision is not None:
        _require_base(stored, base_revision)
    limits_before = limits_of(await permissions_of_apps(session, [app_id]))
    await session.delete(stored)
    await session.flush()
    await _follow(session, app_id, await read_definitions(session, app_id), limits_before, follow_up)


def _require_base(stored: TablePermission | None, base_revision: int) -> None:
    revision = 0 if stored is None else stored.revision
    if base_revision == revision:
        return
    now = None if stored is None else stored.content.model_dump(mode="json")
    raise StaleVersion(
        f"base_revision: the permission is at revision {revision}, not {base_revision};"
        " load it and merge your change",
        field="base_revision",
        extra={"current_revision": revision, "current_content": now},
    )


async def _follow(
    session: AsyncSession, app_id: AppId, definitions: Definitions, limits_before: Limits, follow_up: MetadataFollowUp
) -> None:
    limits = limits_of(await permissions_of_apps(session, [app_id]))
    before, after = app_metadata(definitions, limits=limits_before), app_metadata(definitions, limits=limits)
    try:
        await follow_up.follow(session, MetadataChange(app_id, before, after))
    except MetadataError as error:
        raise EngineRefused(f"the GraphQL engine refuses the permission: {error}") from error
    await announce_tables(session, app_id)


def _described(stored: TablePermission, definitions: Definitions) -> Described:
    definition = definitions[stored.table_id]
    content = stored.content
    metadata = hasura.limited_permissions(
        definition.app_id, stored.role, columns=definition.column_names, rights=rights_of(content, definition)
    )
    return Described(stored, rules_in_words(content, stored.table_id, definitions), metadata)

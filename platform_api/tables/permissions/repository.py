"""Reads the stored permissions of tables."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, false, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Role
from platform_api.core.types import AppId, TableId
from platform_api.tables.models import AppTable
from platform_api.tables.permissions.limits import Own
from platform_api.tables.permissions.models import TablePermission
from platform_api.tables.permissions.rights import Limits


async def permissions_of_apps(session: AsyncSession, app_ids: Collection[int] | None) -> Sequence[TablePermission]:
    """Returns the permissions of apps, or of all."""
    statement = select(TablePermission).order_by(TablePermission.table_id, TablePermission.role)
    if app_ids is not None:
        statement = statement.where(TablePermission.app_id.in_(list(app_ids)))
    return (await session.scalars(statement)).all()


def limits_of(permissions: Collection[TablePermission]) -> Limits:
    """Returns the permissions of one app by role and table."""
    roles = {permission.role for permission in permissions}
    return {
        role: {item.table_id: item.content for item in permissions if item.role is role} for role in sorted(roles)
    }


async def limits_revision(session: AsyncSession, actor: Actor, app_id: AppId) -> str | None:
    """Returns what differs whenever the limits of the caller's role in an app do; None when it has none there.

    A run is the app's own program, which a builder wrote: it has no limits, whoever started it.
    """
    if actor.is_run:
        return None
    statement = select(func.count(), func.max(TablePermission.updated_at), func.sum(TablePermission.revision)).where(
        TablePermission.app_id == app_id, TablePermission.role == actor.role
    )
    count, changed, revisions = (await session.execute(statement)).one()
    return f"{count}-{revisions}-{int(changed.timestamp() * 1_000_000)}" if count else None


async def find_permission(session: AsyncSession, table: AppTable, role: Role) -> TablePermission | None:
    """Returns the permission of a role on a table; None when it is not limited."""
    return await session.get(TablePermission, (table.id, role))


def is_limited_on(actor: Actor, table_id: InstrumentedAttribute[TableId]) -> ColumnElement[bool]:
    """Returns the condition that the caller's role is limited on a table."""
    if actor.is_run:
        return false()
    return table_id.in_(select(TablePermission.table_id).where(TablePermission.role == actor.role))


async def own_rights(session: AsyncSession, actor: Actor, table: AppTable) -> Own:
    """Returns what the caller may do with the rows of a table."""
    limits = await own_limits(session, actor, [table])
    return limits.get(table.id, Own.of(None, table.definition))


async def own_limits(session: AsyncSession, actor: Actor, tables: Sequence[AppTable]) -> dict[TableId, Own]:
    """Returns what the caller may do with the rows of those tables where their role is limited."""
    if actor.is_run:
        return {}
    definitions = {table.id: table.definition for table in tables}
    statement = select(TablePermission).where(
        TablePermission.table_id.in_(definitions), TablePermission.role == actor.role
    )
    return {
        stored.table_id: Own.of(stored.content, definitions[stored.table_id])
        for stored in await session.scalars(statement)
    }

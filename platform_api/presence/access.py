"""Decides who may be present where, and so see who else is."""

import re
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Role, Scope
from platform_api.apps.access import get_buildable_app, get_usable_app
from platform_api.core.errors import NotFound
from platform_api.core.types import AppId
from platform_api.presence.models import Place
from platform_api.tables.models import AppTable
from platform_api.tables.names import SYSTEM_COLUMNS
from platform_api.tables.permissions.repository import own_rights

_DOCUMENT = re.compile(r"(table|schema|source)/[^\x00-\x1f\x7f]{1,250}")


async def find_place(session: AsyncSession, actor: Actor, app: str, document: str) -> Place:
    """Returns the place of a document that `actor` may open. Raises NotFound and Forbidden.

    `table/<name>` is for who may use the app; `schema/<name>` and `source/<path>` are for who may change it.
    """
    named = _DOCUMENT.fullmatch(document)
    if named is None:
        raise NotFound("document: must be table/<name>, schema/<name> or source/<path>")
    if named[1] == "table":
        actor.require_scope(Scope.DATA)
        actor.require_role(Role.MEMBER)
        found = await get_usable_app(session, actor, app)
    else:
        found = await get_buildable_app(session, actor, app)
    return Place(actor.organization_id, AppId(found.id), document)


async def visible_columns(session: AsyncSession, actor: Actor, place: Place) -> Collection[str]:
    """Returns the columns that `actor` may see in every row of the place's table; none where a rule hides rows.

    Whether a rule hides the one row that is edited, only the engine could tell: where there is one, nothing is told.
    """
    kind, _, name = place.document.partition("/")
    if kind != "table":
        return ()
    named = select(AppTable).where(AppTable.app_id == place.app_id, AppTable.name == name)
    table = await session.scalar(named)
    if table is None:
        return ()
    reading = (await own_rights(session, actor, table)).read
    return {*SYSTEM_COLUMNS, *reading.columns} if reading.allowed and not reading.is_by_row else ()

"""Decides which files of an app a caller reaches: those of their own organization, as with its rows.

A script of the app's owner that works for every install reaches the files of all of them, as it does their rows.
"""

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.apps.access import (
    installed_organization_ids,
    is_owners_script,
    reached_organization_ids,
    require_delegation,
)
from platform_api.apps.models import App
from platform_api.core.errors import Forbidden
from platform_api.core.types import AppId, OrganizationId
from platform_api.files.models import File


async def reached_files(session: AsyncSession, actor: Actor, app: App) -> ColumnElement[bool]:
    """Returns the condition on the files of `app`, which the caller may use, that `actor` may read and change."""
    require_delegation(actor, app)
    if not is_owners_script(actor, app):
        return (File.app_id == app.id) & visible_to(actor, File.organization_id)
    reached = await reached_organization_ids(session, actor, app)
    # tenancy: the organizations whose rows this script reaches too
    return (File.app_id == app.id) & File.organization_id.in_(reached)


async def organization_to_store_for(
    session: AsyncSession, actor: Actor, app: App, *, requested: OrganizationId | None
) -> OrganizationId:
    """Returns the organization to store a new file for, by default the one acted in. Raises Forbidden."""
    require_delegation(actor, app)
    if actor.works_for is not None and is_owners_script(actor, app):
        [requested] = await reached_organization_ids(session, actor, app)
    if requested is None or requested == actor.organization_id:
        return actor.organization_id
    if is_owners_script(actor, app) and requested in await installed_organization_ids(session, AppId(app.id)):
        return requested
    raise Forbidden(
        f"for_organization: this token cannot store files for organization {requested}", field="for_organization"
    )

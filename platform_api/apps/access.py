"""Decides which apps a caller may see, use and change, and whose rows an app's own scripts reach.

own         the app belongs to the organization acted in: members use it, builders change it
installed   the organization installed it: members use it on their own rows while it is not suspended
public      anybody may read its description and install it
"""

from sqlalchemy import ColumnElement, or_, select, true, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Role, Scope
from platform_api.accounts.tenancy import visible_to
from platform_api.apps.models import App, Install, InstallStatus
from platform_api.apps.references import names_app
from platform_api.core.errors import Forbidden, NotFound
from platform_api.core.types import AppId, OrganizationId


class AppSwitchedOff(Forbidden):
    """Reports that the app's owner has switched it off."""

    code = "app_switched_off"


class InstallSuspended(Forbidden):
    """Reports that the organization has suspended the app."""

    code = "install_suspended"


def is_own(actor: Actor) -> ColumnElement[bool]:
    """Returns the condition that the app belongs to the organization that `actor` acts in."""
    return visible_to(actor, App.organization_id)


def is_installed(actor: Actor, *, active_only: bool = False) -> ColumnElement[bool]:
    """Returns the condition that the organization that `actor` acts in has installed the app."""
    installed = select(Install.app_id).where(visible_to(actor, Install.organization_id))
    if active_only:
        installed = installed.where(Install.status == InstallStatus.ACTIVE)
    return App.id.in_(installed)


def is_readable(actor: Actor) -> ColumnElement[bool]:
    """Returns the condition that `actor` may read the app's description: own, installed or public."""
    return or_(is_own(actor), is_installed(actor), App.is_public & App.is_active)


def is_within_token(actor: Actor) -> ColumnElement[bool]:
    """Returns the condition that the actor's token is bound to this app or to none."""
    return true() if actor.app_id is None else App.id == actor.app_id


async def get_readable_app(session: AsyncSession, actor: Actor, reference: int | str) -> App:
    """Returns an app whose description `actor` may read. Raises NotFound."""
    return await _get(session, actor, reference, is_readable(actor))


async def get_usable_app(session: AsyncSession, actor: Actor, reference: int | str) -> App:
    """Returns an app that `actor` may use on their own organization's rows. Raises NotFound, Forbidden."""
    app = await _get(session, actor, reference, or_(is_own(actor), is_installed(actor)))
    if not app.is_active:
        raise AppSwitchedOff(f"the app {app.slug} is switched off by its owner")
    usable = select(App.id).where(App.id == app.id, or_(is_own(actor), is_installed(actor, active_only=True)))
    if await session.scalar(usable) is None:
        raise InstallSuspended(f"the app {app.slug} is suspended in your organization; an owner can resume it")
    return app


async def get_own_app(session: AsyncSession, actor: Actor, reference: int | str) -> App:
    """Returns an app of the organization acted in, for any role, to read what only its organization sees."""
    return await _get(session, actor, reference, is_own(actor))


async def get_source_readable_app(session: AsyncSession, actor: Actor, reference: int | str) -> App:
    """Returns an app whose source `actor` may read: builders of its organization, or all for open source."""
    app = await get_readable_app(session, actor, reference)
    if app.is_open_source:
        return app
    if await session.scalar(select(App.id).where(App.id == app.id, is_own(actor))) is None:
        raise NotFound(f"the source of {app.slug} is not open")
    actor.require_role(Role.BUILDER)
    return app


async def get_buildable_app(session: AsyncSession, actor: Actor, reference: int | str) -> App:
    """Returns an app that `actor` may change: own, with the role builder and the scope `build`."""
    app = await get_own_app(session, actor, reference)
    actor.require_scope(Scope.BUILD)
    actor.require_role(Role.BUILDER)
    return app


def is_owners_script(actor: Actor, app: App) -> bool:
    """Returns whether the caller is a script of the app's owner that works for every install of the app."""
    # The token says so; that it belongs to the owner and to this app is checked again, as it widens access to rows.
    return actor.reaches_installs and actor.app_id == app.id and actor.organization_id == app.organization_id


def require_delegation(actor: Actor, app: App) -> None:
    """Raises Forbidden for a caller who names an organization to work for, but does not work for others."""
    if actor.works_for not in (None, actor.organization_id) and not is_owners_script(actor, app):
        raise Forbidden(f"this token cannot work for organization {actor.works_for} in the app {app.slug}")


async def installed_organization_ids(session: AsyncSession, app_id: AppId) -> list[OrganizationId]:
    """Returns the organizations whose rows the app's own scripts reach: its owner's, and those of active installs."""
    owner = select(App.organization_id).where(App.id == app_id)
    installed = select(Install.organization_id).where(
        Install.app_id == app_id, Install.status == InstallStatus.ACTIVE
    )
    return sorted(set(await session.scalars(union_all(owner, installed))))


async def reached_organization_ids(session: AsyncSession, actor: Actor, app: App) -> list[OrganizationId]:
    """Returns the organizations whose rows and files an owner's script reaches in this request. Raises Forbidden."""
    reached = await installed_organization_ids(session, AppId(app.id))
    if actor.works_for is None:
        return reached
    if actor.works_for not in reached:
        raise Forbidden(f"organization {actor.works_for} has not installed the app {app.slug}, or has suspended it")
    return [actor.works_for]


async def _get(session: AsyncSession, actor: Actor, reference: int | str, allowed: ColumnElement[bool]) -> App:
    # tenancy: every caller above makes `allowed` from the actor
    app: App | None = await session.scalar(select(App).where(names_app(reference), allowed))
    if app is None:
        raise NotFound(f"there is no app {reference}")
    actor.require_app(app.id)
    return app

"""Installs, suspends and uninstalls other organizations' apps."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Organization
from platform_api.accounts.tenancy import visible_to
from platform_api.apps.access import get_readable_app, is_own
from platform_api.apps.access_summary import access_digest, summarize_access
from platform_api.apps.models import App, Install, InstallStatus
from platform_api.core.errors import Conflict, NotFound


class OwnApp(Conflict):
    """Reports that the app is the organization's own, which needs no install."""

    code = "own_app"


class AppWithdrawn(Conflict):
    """Reports that the app's owner offers it no longer."""

    code = "app_withdrawn"


class AccessChanged(Conflict):
    """Reports that the app asks for other access than was accepted."""

    code = "access_changed"


class AlreadyInstalled(Conflict):
    """Reports that the organization has installed the app."""

    code = "already_installed"


async def install_app(session: AsyncSession, actor: Actor, reference: int | str, *, accepted_digest: str) -> Install:
    """Installs a public app for the organization acted in, with consent to the access summary of that digest.

    Raises NotFound, and Conflict when the app is own, withdrawn or installed, or its access differs.
    """
    app = await get_readable_app(session, actor, reference)
    if await session.scalar(select(App.id).where(App.id == app.id, is_own(actor))) is not None:
        raise OwnApp(f"{app.slug} belongs to your organization, so you can use it without installing it")
    if not (app.is_public and app.is_active):
        raise AppWithdrawn(f"{app.slug} cannot be installed: its owner has withdrawn it")
    if accepted_digest != access_digest(await summarize_access(session, app)):
        raise AccessChanged(
            f"the access of {app.slug} has changed since you were shown it; read its access summary again"
        )
    statement = (
        insert(Install)
        .values(
            app_id=app.id,
            organization_id=actor.organization_id,
            status=InstallStatus.ACTIVE,
            installed_by=actor.user_id,
            accepted_access=accepted_digest,
        )
        .on_conflict_do_nothing()
        .returning(Install)
    )
    install: Install | None = await session.scalar(statement)
    if install is None:
        raise AlreadyInstalled(f"{app.slug} is already installed in your organization")
    return install


async def get_install(session: AsyncSession, actor: Actor, reference: int | str) -> Install:
    """Returns the install of an app in the organization acted in. Raises NotFound."""
    app = await get_readable_app(session, actor, reference)
    install: Install | None = await session.scalar(
        select(Install).where(Install.app_id == app.id, visible_to(actor, Install.organization_id))
    )
    if install is None:
        raise NotFound(f"{app.slug} is not installed in your organization")
    return install


async def set_install_status(
    session: AsyncSession, actor: Actor, reference: int | str, status: InstallStatus
) -> Install:
    """Suspends or resumes an install."""
    install = await get_install(session, actor, reference)
    install.status = status
    await session.flush()
    return install


async def uninstall_app(session: AsyncSession, actor: Actor, reference: int | str) -> None:
    """Uninstalls an app. The organization keeps its rows, which the app's owner no longer reaches."""
    await session.delete(await get_install(session, actor, reference))
    await session.flush()


async def list_installers(session: AsyncSession, app: App) -> list[tuple[Install, Organization]]:
    """Returns the installs of an app that the caller owns, with their organizations, oldest first."""
    statement = (
        select(Install, Organization)
        .join(Organization, Organization.id == Install.organization_id)  # tenancy: shown to the app's owner
        .where(Install.app_id == app.id)
        .order_by(Install.created_at, Organization.id)
    )
    return [(install, organization) for install, organization in await session.execute(statement)]

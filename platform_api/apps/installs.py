"""Installing another organization's app: seeing what it accesses, consenting, suspending, ending."""

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


async def install_app(session: AsyncSession, actor: Actor, reference: int | str, *, accepted_digest: str) -> Install:
    """Installs a public app for the organization acted in, whose consent is to what `accepted_digest` stands for."""
    app = await get_readable_app(session, actor, reference)
    if await session.scalar(select(App.id).where(App.id == app.id, is_own(actor))) is not None:
        raise Conflict(f"{app.slug} belongs to your organization; it needs no install")
    if not (app.is_public and app.is_active):
        raise Conflict(f"{app.slug} cannot be installed anew: its owner withdrew it")
    if accepted_digest != access_digest(await summarize_access(session, app)):
        raise Conflict(f"what {app.slug} accesses is not what you were shown; read its access summary again")
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
        raise Conflict(f"{app.slug} is installed already")
    return install


async def get_install(session: AsyncSession, actor: Actor, reference: int | str) -> Install:
    """The install of an app in the organization acted in."""
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
    """Ends an install. The organization's rows stay, out of the owner's reach; installing again finds them."""
    await session.delete(await get_install(session, actor, reference))
    await session.flush()


async def list_installers(session: AsyncSession, app: App) -> list[tuple[Install, Organization]]:
    """Who installed an app that the caller was found to own."""
    statement = (
        select(Install, Organization)
        .join(Organization, Organization.id == Install.organization_id)  # tenancy: shown to the app's owner
        .where(Install.app_id == app.id)
        .order_by(Install.created_at, Organization.id)
    )
    return [(install, organization) for install, organization in await session.execute(statement)]

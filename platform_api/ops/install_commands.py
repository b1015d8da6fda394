"""Defines the command `automio install`, for apps of other organizations."""

from pathlib import Path
from typing import Any

import click
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.apps import installs
from platform_api.apps.access import get_readable_app
from platform_api.apps.access_summary import access_digest, summarize_access
from platform_api.apps.models import Install, InstallStatus
from platform_api.ops import accounts
from platform_api.ops.command import database_options, in_transaction, resolve_database, show

_organization = click.option("--organization", required=True, metavar="SLUG", help="Slug or id.")
_app = click.argument("app", metavar="APP")


@click.group()
def install() -> None:
    """Manage apps of other organizations that an organization installed."""


@install.command()
@database_options
@_app
@_organization
def access(database_url: str | None, data_dir: Path, app: str, organization: str) -> None:
    """Show what an app can access, and the digest that `install add` requires."""

    async def work(session: AsyncSession) -> dict[str, Any]:
        actor = await accounts.acting_for(session, await accounts.get_organization(session, organization))
        summary = await summarize_access(session, await get_readable_app(session, actor, app))
        return {"access": summary, "digest": access_digest(summary)}

    show(in_transaction(resolve_database(database_url, data_dir), work))


@install.command()
@database_options
@_app
@_organization
@click.option("--digest", required=True, help="As shown by `install access`.")
def add(database_url: str | None, data_dir: Path, app: str, organization: str, digest: str) -> None:
    """Install an app."""

    async def work(session: AsyncSession) -> dict[str, Any]:
        actor = await accounts.acting_for(session, await accounts.get_organization(session, organization))
        return _fields(await installs.install_app(session, actor, app, accepted_digest=digest))

    show(in_transaction(resolve_database(database_url, data_dir), work))


def _set_status(database: str, app: str, organization: str, status: InstallStatus) -> None:
    async def work(session: AsyncSession) -> dict[str, Any]:
        actor = await accounts.acting_for(session, await accounts.get_organization(session, organization))
        return _fields(await installs.set_install_status(session, actor, app, status))

    show(in_transaction(database, work))


@install.command()
@database_options
@_app
@_organization
def suspend(database_url: str | None, data_dir: Path, app: str, organization: str) -> None:
    """Suspend an app: its scripts cannot reach the organization's rows until it is resumed."""
    _set_status(resolve_database(database_url, data_dir), app, organization, InstallStatus.SUSPENDED)


@install.command()
@database_options
@_app
@_organization
def resume(database_url: str | None, data_dir: Path, app: str, organization: str) -> None:
    """Resume a suspended app."""
    _set_status(resolve_database(database_url, data_dir), app, organization, InstallStatus.ACTIVE)


@install.command()
@database_options
@_app
@_organization
def remove(database_url: str | None, data_dir: Path, app: str, organization: str) -> None:
    """Uninstall an app; the organization's rows stay."""

    async def work(session: AsyncSession) -> None:
        actor = await accounts.acting_for(session, await accounts.get_organization(session, organization))
        await installs.uninstall_app(session, actor, app)

    in_transaction(resolve_database(database_url, data_dir), work)


def _fields(row: Install) -> dict[str, Any]:
    return {"app_id": row.app_id, "organization_id": row.organization_id, "status": str(row.status)}

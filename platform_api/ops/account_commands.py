"""Defines the commands `automio organization`, `user`, `member` and `token`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts import service
from platform_api.accounts.models import Membership, Organization, Role, Scope, Token, User
from platform_api.accounts.schemas import (
    MemberAdd,
    OrganizationCreate,
    TokenCreate,
    TokenRead,
    UserRead,
    UserUpdate,
)
from platform_api.accounts.tokens import issue_runner_token
from platform_api.core.errors import NotFound
from platform_api.core.types import TokenId
from platform_api.ops import accounts
from platform_api.ops.command import database_options, in_transaction, resolve_database, show
from platform_api.tokens import service as token_service

_role = click.option(
    "--role", type=click.Choice([str(role) for role in Role]), default=str(Role.MEMBER), show_default=True
)
_email = click.option("--email", required=True)
_organization = click.option("--organization", required=True, metavar="SLUG", help="Slug or id.")
_password = click.password_option(envvar="AUTOMIO_NEW_PASSWORD", help="Prompted for when absent.")


@click.group()
def organization() -> None:
    """Manage organizations of the platform."""


@organization.command("create")
@database_options
@click.option("--name", required=True)
@click.option("--slug", help="Derived from the name when absent.")
@click.option("--owner", "email", required=True, help="E-mail of the user who owns it.")
def create_organization(database_url: str | None, data_dir: Path, email: str, **fields: Any) -> None:
    """Create an organization."""

    async def work(session: AsyncSession) -> dict[str, Any]:
        data = accounts.checked(OrganizationCreate, **fields)
        owner = await accounts.get_user(session, email)
        created = await service.create_organization(session, name=data.name, slug=data.slug, owner_id=owner.id)
        return _organization_fields(created)

    show(in_transaction(resolve_database(database_url, data_dir), work))


@organization.command("list")
@database_options
def list_organizations(database_url: str | None, data_dir: Path) -> None:
    """Show every organization."""

    async def work(session: AsyncSession) -> list[dict[str, Any]]:
        return [
            _organization_fields(row) for row in await session.scalars(select(Organization).order_by(Organization.id))
        ]

    show(in_transaction(resolve_database(database_url, data_dir), work))


@click.group()
def user() -> None:
    """Manage users of the platform."""


@user.command("create")
@database_options
@_email
@click.option("--name", default="")
@click.option(
    "--organization", metavar="SLUG", help="Makes the user a member of it; it is created when it does not exist."
)
@_role
@click.option(
    "--operator",
    "is_operator",
    is_flag=True,
    help="Lets the user run the installation: create users and runner tokens.",
)
@_password
def create_user(database_url: str | None, data_dir: Path, role: str, **fields: Any) -> None:
    """Create a user."""

    async def work(session: AsyncSession) -> dict[str, Any]:
        return await accounts.create_user(session, role=Role(role), **fields)

    show(in_transaction(resolve_database(database_url, data_dir), work))


@user.command("list")
@database_options
def list_users(database_url: str | None, data_dir: Path) -> None:
    """Show every user."""

    async def work(session: AsyncSession) -> list[dict[str, Any]]:
        return [_read(UserRead, row) for row in (await service.list_users(session)).items]

    show(in_transaction(resolve_database(database_url, data_dir), work))


@user.command("update")
@database_options
@_email
@click.option("--name")
@click.option(
    "--active/--inactive",
    "is_active",
    default=None,
    help="An inactive user cannot sign in, and their tokens do not work.",
)
@click.option("--operator/--no-operator", "is_operator", default=None)
@click.option("--password", help="A new password; ends all sessions of the user.")
def update_user(database_url: str | None, data_dir: Path, email: str, **fields: Any) -> None:
    """Change a user; options that are not given stay as they are."""

    async def work(session: AsyncSession) -> dict[str, Any]:
        target = await accounts.get_user(session, email)
        return _read(UserRead, await service.update_user(session, target.id, accounts.checked(UserUpdate, **fields)))

    show(in_transaction(resolve_database(database_url, data_dir), work))


@user.command("set-password")
@database_options
@_email
@_password
def set_password(database_url: str | None, data_dir: Path, email: str, password: str) -> None:
    """Give a user a new password; ends all sessions of the user."""

    async def work(session: AsyncSession) -> dict[str, Any]:
        target = await accounts.get_user(session, email)
        changes = accounts.checked(UserUpdate, password=password)
        return _read(UserRead, await service.update_user(session, target.id, changes))

    show(in_transaction(resolve_database(database_url, data_dir), work))


@click.group()
def member() -> None:
    """Manage who belongs to an organization, and in which role."""


@member.command("list")
@database_options
@_organization
def list_members(database_url: str | None, data_dir: Path, organization: str) -> None:
    """Show the members of an organization."""

    async def work(session: AsyncSession) -> list[dict[str, Any]]:
        org = await accounts.get_organization(session, organization)
        return [_member_fields(*row) for row in (await service.list_members(session, org)).items]

    show(in_transaction(resolve_database(database_url, data_dir), work))


@member.command("add")
@database_options
@_organization
@_email
@_role
def add_member(database_url: str | None, data_dir: Path, organization: str, email: str, role: str) -> None:
    """Make a user a member."""

    async def work(session: AsyncSession) -> dict[str, Any]:
        org = await accounts.get_organization(session, organization)
        data = accounts.checked(MemberAdd, email=email, role=role)
        return _member_fields(*await service.add_member(session, org, email=data.email, role=data.role))

    show(in_transaction(resolve_database(database_url, data_dir), work))


@member.command("set-role")
@database_options
@_organization
@_email
@_role
def set_role(database_url: str | None, data_dir: Path, organization: str, email: str, role: str) -> None:
    """Give a member another role."""

    async def work(session: AsyncSession) -> dict[str, Any]:
        org = await accounts.get_organization(session, organization)
        target = await accounts.get_user(session, email)
        return _member_fields(*await service.change_role(session, org, user_id=target.id, role=Role(role)))

    show(in_transaction(resolve_database(database_url, data_dir), work))


@member.command("remove")
@database_options
@_organization
@_email
def remove_member(database_url: str | None, data_dir: Path, organization: str, email: str) -> None:
    """End a membership, and with it the user's tokens for the organization."""

    async def work(session: AsyncSession) -> None:
        org = await accounts.get_organization(session, organization)
        target = await accounts.get_user(session, email)
        await service.remove_member(session, org, user_id=target.id)

    in_transaction(resolve_database(database_url, data_dir), work)


@click.group()
def token() -> None:
    """Manage tokens for programs and runners."""


@token.command("create")
@database_options
@click.option("--runner", is_flag=True, help="A token for `automio runner` instead of a user's.")
@click.option("--email", help="The user the token acts for.")
@click.option("--organization", metavar="SLUG", help="Needed when the user is a member of several.")
@click.option("--app", metavar="APP", help="Binds the token to one app (id or slug).")
@click.option("--scope", "scopes", multiple=True, type=click.Choice([str(scope) for scope in Scope]))
@click.option("--name", default="")
@click.option("--expires-days", type=click.IntRange(min=1))
def create_token(
    database_url: str | None,
    data_dir: Path,
    runner: bool,
    email: str | None,
    organization: str | None,
    expires_days: int | None,
    scopes: tuple[str, ...],
    name: str,
    app: str | None,
) -> None:
    """Create a token and print its secret, which is shown only this once, alone on a line."""
    if email is None and not runner:
        raise click.UsageError("give --email of the user the token acts for, or --runner")
    expires_at = None if expires_days is None else datetime.now(UTC) + timedelta(days=expires_days)

    async def work(session: AsyncSession) -> str:
        if email is None:
            return (await issue_runner_token(session, name=name, expires_at=expires_at)).secret
        fields = {"scopes": list(scopes)} if scopes else {}
        data = accounts.checked(TokenCreate, name=name, app=app, expires_at=expires_at, **fields)
        bearer = await accounts.acting_as(session, await accounts.get_user(session, email), organization)
        return (await token_service.create_token(session, bearer, data)).secret

    click.echo(in_transaction(resolve_database(database_url, data_dir), work))


@token.command("list")
@database_options
def list_tokens(database_url: str | None, data_dir: Path) -> None:
    """Show every token that can be revoked; secrets are not stored."""

    async def work(session: AsyncSession) -> list[dict[str, Any]]:
        return [_read(TokenRead, row) for row in await token_service.list_every_token(session)]

    show(in_transaction(resolve_database(database_url, data_dir), work))


@token.command("revoke")
@database_options
@click.argument("token_id", type=int)
def revoke_token(database_url: str | None, data_dir: Path, token_id: int) -> None:
    """Revoke a token for good."""

    async def work(session: AsyncSession) -> dict[str, Any]:
        row = await session.get(Token, TokenId(token_id))  # tenancy: an operator at the database
        if row is None:
            raise NotFound(f"there is no token {token_id}")
        return _read(TokenRead, await token_service.end_token(session, row))

    show(in_transaction(resolve_database(database_url, data_dir), work))


def _read(schema: Any, row: Any) -> dict[str, Any]:
    fields: dict[str, Any] = schema.model_validate(row).model_dump(mode="json")
    return fields


def _organization_fields(org: Organization) -> dict[str, Any]:
    return {"id": org.id, "slug": org.slug, "name": org.name}


def _member_fields(user: User, membership: Membership) -> dict[str, Any]:
    return {"user_id": user.id, "email": user.email, "role": str(membership.role)}

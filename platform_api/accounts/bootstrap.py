"""Prepares a new installation: organization 1 with an owner, and a token with all of the owner's rights."""

import secrets
from typing import TypedDict

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.models import Organization, Scope
from platform_api.accounts.service import create_organization, create_user
from platform_api.accounts.set_up.default_owner import DEFAULT_EMAIL
from platform_api.accounts.set_up.service import lock_first_start
from platform_api.accounts.tokens import issue_app_token
from platform_api.core.database import Database


class FirstAdmin(TypedDict):
    """Holds the content of `<data-dir>/admin.json` (mode 0600)."""

    base_url: str
    organization_id: int
    email: str
    password: str
    token: str


async def bootstrap(database_url: str, *, base_url: str, email: str = DEFAULT_EMAIL) -> FirstAdmin | None:
    """Creates the first organization, owner and token in a migrated database; returns None when it has one."""
    database = Database(database_url, pool_size=1, application_name="automio bootstrap")
    try:
        async with database.transaction() as session:
            return await create_first_admin(session, base_url=base_url, email=email)
    finally:
        await database.close()


async def create_first_admin(
    session: AsyncSession, *, base_url: str, email: str = DEFAULT_EMAIL
) -> FirstAdmin | None:
    """Does what `bootstrap` does, in the caller's transaction."""
    await lock_first_start(session)
    if await session.scalar(select(func.count()).select_from(Organization)):
        return None
    password = secrets.token_urlsafe(15)
    user = await create_user(session, email=email, password=password, name="Owner", is_operator=True)
    organization = await create_organization(session, name="First organization", slug="first", owner_id=user.id)
    issued = await issue_app_token(
        session,
        organization_id=organization.id,
        user_id=user.id,
        scopes=list(Scope),
        name="first token of the installation",
    )
    return FirstAdmin(
        base_url=base_url,
        organization_id=organization.id,
        email=user.email,
        password=password,
        token=issued.secret,
    )

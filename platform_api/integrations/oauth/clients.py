"""Stores OAuth clients of an organization: what a provider gave out when it registered its application there."""

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.core.crypto import Vault
from platform_api.core.errors import NotFound
from platform_api.integrations.access import get_definition
from platform_api.integrations.models import OAuthClient
from platform_api.integrations.oauth.oauth2 import check_client


async def find_client_id(session: AsyncSession, actor: Actor, integration_id: str) -> str | None:
    """Returns the id of the organization's client for an integration, if it has one. Raises NotFound."""
    definition = await get_definition(session, actor, integration_id)
    client_id: str | None = await session.scalar(
        select(OAuthClient.client_id).where(
            OAuthClient.integration_id == definition.id, visible_to(actor, OAuthClient.organization_id)
        )
    )
    return client_id


async def set_client(
    session: AsyncSession, actor: Actor, vault: Vault, integration_id: str, *, client_id: str, client_secret: str
) -> None:
    """Stores the organization's client, in place of the one it had. Raises NotFound, Unprocessable."""
    definition = await get_definition(session, actor, integration_id)
    check_client(definition, client_id, client_secret)
    kept = {"client_id": client_id, "sealed_secret": vault.encrypt({"client_secret": client_secret})}
    statement = insert(OAuthClient).values(
        organization_id=actor.organization_id, integration_id=definition.id, **kept
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[OAuthClient.organization_id, OAuthClient.integration_id], set_=kept
        )
    )


async def forget_client(session: AsyncSession, actor: Actor, integration_id: str) -> None:
    """Removes the organization's client. Raises NotFound."""
    removed = await session.scalar(
        delete(OAuthClient)
        .where(OAuthClient.integration_id == integration_id, visible_to(actor, OAuthClient.organization_id))
        .returning(OAuthClient.id)
    )
    if removed is None:
        raise NotFound(f"your organization has no OAuth client for {integration_id!r}")

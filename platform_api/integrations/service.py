"""Stores the integration definitions of an organization."""

from dataclasses import dataclass

from sqlalchemy import column, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Text

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.core.errors import Conflict, NameTaken, NotFound, Unprocessable
from platform_api.core.paging import Orders, Part, Window, read_sorted
from platform_api.integrations.access import get_definition
from platform_api.integrations.definitions.catalogue import built_in
from platform_api.integrations.definitions.definition import (
    IntegrationDefinition,
    OAuth2Auth,
)
from platform_api.integrations.models import Connection, OAuthClient, OwnIntegration

_ORDERS = Orders("integrations", column("id", Text), name=column("name", Text))


class CredentialsInUse(Conflict):
    """Reports that stored credentials would go to another address than they were given for."""

    code = "credentials_in_use"


class OAuthClientMissing(Conflict):
    """Reports that the organization has to enter its OAuth client of the provider first."""

    code = "oauth_client_missing"


@dataclass(frozen=True, slots=True)
class ListedIntegration:
    """Holds a definition, and whether it is built in."""

    definition: IntegrationDefinition
    is_built_in: bool


async def list_integrations(
    session: AsyncSession, actor: Actor, *, search: str | None, order: str, window: Window
) -> Part[ListedIntegration]:
    """Returns a part of the organization's own definitions and the built-in ones that they do not replace.

    `search` looks in ids, names and categories.
    """
    own = await session.scalars(select(OwnIntegration).where(visible_to(actor, OwnIntegration.organization_id)))
    listed = {row.integration_id: ListedIntegration(row.definition, is_built_in=False) for row in own}
    for integration_id, definition in built_in().items():
        listed.setdefault(integration_id, ListedIntegration(definition, is_built_in=True))
    found = [item for item in listed.values() if _contains(item.definition, search or "")]
    return read_sorted(found, _ORDERS.of(order), window, values_of=lambda item: _sort_values(item.definition))


def _contains(definition: IntegrationDefinition, search: str) -> bool:
    words = [definition.id, definition.name, *(category.name for category in definition.categories)]
    return any(search.lower() in word.lower() for word in words)


def _sort_values(definition: IntegrationDefinition) -> list[str]:
    return [definition.name.lower(), definition.id]


async def create_integration(
    session: AsyncSession, actor: Actor, definition: IntegrationDefinition
) -> IntegrationDefinition:
    """Stores a definition for the caller's organization.

    Raises Conflict when the id is taken, or when connections to a built-in definition of that id would change.
    """
    if (replaced := built_in().get(definition.id)) is not None:
        await _keep_credentials_in_place(session, actor, replaced, definition)
    row = OwnIntegration(
        organization_id=actor.organization_id,
        integration_id=definition.id,
        stored_definition=definition.model_dump(mode="json"),
    )
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError as exc:
        raise NameTaken(f"the integration {definition.id!r} exists already; change it with PUT", field="id") from exc
    return definition


async def replace_integration(
    session: AsyncSession, actor: Actor, integration_id: str, definition: IntegrationDefinition
) -> IntegrationDefinition:
    """Replaces a definition of the organization.

    Raises NotFound, Unprocessable when the id would change, Conflict when credentials would go to another address.
    """
    if definition.id != integration_id:
        raise Unprocessable(f"the id of an integration cannot change: it must stay {integration_id!r}", field="id")
    await _keep_credentials_in_place(session, actor, await get_definition(session, actor, integration_id), definition)
    changed = await session.scalar(
        update(OwnIntegration)
        .where(OwnIntegration.integration_id == integration_id, visible_to(actor, OwnIntegration.organization_id))
        .values(stored_definition=definition.model_dump(mode="json"))
        .returning(OwnIntegration.id)
    )
    if changed is None:
        raise NotFound(f"your organization has no integration {integration_id!r} of its own")
    return definition


async def _keep_credentials_in_place(
    session: AsyncSession, actor: Actor, old: IntegrationDefinition, new: IntegrationDefinition
) -> None:
    """Raises Conflict when existing connections' credentials would be sent to another address or in another way.

    Connecting an account is consent to where its credentials go; a colleague's edit must not change that.
    """
    has_same_address = old.base_url == new.base_url and set(new.other_base_urls) <= set(old.other_base_urls)
    if has_same_address and (old.auth, _after_connect_host(old)) == (new.auth, _after_connect_host(new)):
        return
    if _token_url(old) not in (None, _token_url(new)) and await _has_oauth_client(session, actor, new.id):
        raise CredentialsInUse(
            f"your organization's OAuth client for {new.id!r} is for {_token_url(old)}, and its secret would be"
            " sent to another address. Delete the client first, or define an integration with another id"
        )
    connections = await session.scalar(
        select(func.count())
        .select_from(Connection)
        .where(Connection.integration_id == new.id, visible_to(actor, Connection.organization_id))
    )
    if connections:
        raise CredentialsInUse(
            f"{connections} connections to {new.id!r} were made for {old.base_url}, and their credentials would"
            " be sent to another address. Disconnect them first, or define an integration with another id"
        )


def _after_connect_host(definition: IntegrationDefinition) -> str | None:
    """Returns the URL that `after_connect` sends credentials to, when that is not the base URL."""
    declared = definition.after_connect
    return None if declared is None or declared.url.startswith("/") else declared.url


def _token_url(definition: IntegrationDefinition) -> str | None:
    return definition.auth.token_url if isinstance(definition.auth, OAuth2Auth) else None


async def _has_oauth_client(session: AsyncSession, actor: Actor, integration_id: str) -> bool:
    return integration_id in await oauth_clients(session, actor, integration_id)


async def oauth_clients(session: AsyncSession, actor: Actor, integration_id: str | None = None) -> set[str]:
    """Returns the integrations (all, or only this one) that the organization has an OAuth client for."""
    statement = select(OAuthClient.integration_id).where(visible_to(actor, OAuthClient.organization_id))
    if integration_id is not None:
        statement = statement.where(OAuthClient.integration_id == integration_id)
    return set(await session.scalars(statement))

"""What integrations do: definitions of an organization, connections, one call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import get_visible, visible_to
from platform_api.core.crypto import Vault
from platform_api.core.errors import Conflict, NotFound, Unprocessable
from platform_api.core.types import ConnectionId
from platform_api.integrations.access import get_definition, may_use
from platform_api.integrations.connections.trying import Tried
from platform_api.integrations.definitions.catalogue import built_in
from platform_api.integrations.definitions.definition import (
    HmacAuth,
    IntegrationDefinition,
    OAuth2Auth,
    check_placeholders,
    missing_answers,
)
from platform_api.integrations.definitions.inputs import completed
from platform_api.integrations.models import Connection, ConnectionStatus, OAuthClient, OwnIntegration
from platform_api.integrations.requests.signing import secret_bytes
from platform_api.integrations.schemas import ConnectionWrite


@dataclass(frozen=True, slots=True)
class ListedIntegration:
    """A definition and where it comes from."""

    definition: IntegrationDefinition
    is_built_in: bool


async def list_integrations(session: AsyncSession, actor: Actor) -> list[ListedIntegration]:
    """The organization's own definitions and the built-in ones that they do not replace, by name."""
    own = await session.scalars(select(OwnIntegration).where(visible_to(actor, OwnIntegration.organization_id)))
    listed = {row.integration_id: ListedIntegration(row.definition, is_built_in=False) for row in own}
    for integration_id, definition in built_in().items():
        listed.setdefault(integration_id, ListedIntegration(definition, is_built_in=True))
    return sorted(listed.values(), key=lambda one: (one.definition.name.lower(), one.definition.id))


async def create_integration(
    session: AsyncSession, actor: Actor, definition: IntegrationDefinition
) -> IntegrationDefinition:
    """Stores a definition for the caller's organization.

    Raises Conflict when the id is taken there, or when it would take over the connections of a built-in definition.
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
        raise Conflict(f"the integration {definition.id!r} exists already; change it with PUT") from exc
    return definition


async def replace_integration(
    session: AsyncSession, actor: Actor, integration_id: str, definition: IntegrationDefinition
) -> IntegrationDefinition:
    """Changes an own definition.

    Raises NotFound, Unprocessable when the id would change, Conflict when credentials would go elsewhere.
    """
    if definition.id != integration_id:
        raise Unprocessable(f"the id of an integration does not change: it is {integration_id!r}")
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

    Whoever connected an account consented to where its credentials go; a colleague's edit must not change that.
    """
    if (old.base_url, old.auth, _asked_host(old)) == (new.base_url, new.auth, _asked_host(new)):
        return
    if _token_url(old) not in (None, _token_url(new)) and await _has_oauth_client(session, actor, new.id):
        raise Conflict(
            f"your organization's OAuth client for {new.id!r} is for {_token_url(old)}; its secret would go"
            " elsewhere. Forget the client first, or define an integration with another id"
        )
    connections = await session.scalar(
        select(func.count())
        .select_from(Connection)
        .where(Connection.integration_id == new.id, visible_to(actor, Connection.organization_id))
    )
    if connections:
        raise Conflict(
            f"{connections} connections to {new.id!r} were made for {old.base_url}; their credentials would go"
            " elsewhere. Disconnect them first, or define an integration with another id"
        )


def _asked_host(definition: IntegrationDefinition) -> str | None:
    """An address of its own that connections' credentials are sent to when their service is asked what they have."""
    asked = definition.after_connect
    return None if asked is None or asked.url.startswith("/") else asked.url


def _token_url(definition: IntegrationDefinition) -> str | None:
    return definition.auth.token_url if isinstance(definition.auth, OAuth2Auth) else None


async def _has_oauth_client(session: AsyncSession, actor: Actor, integration_id: str) -> bool:
    return integration_id in await oauth_clients(session, actor, integration_id)


async def oauth_clients(session: AsyncSession, actor: Actor, integration_id: str | None = None) -> set[str]:
    """The integrations (of all, or this one) that the organization has an OAuth client for."""
    statement = select(OAuthClient.integration_id).where(visible_to(actor, OAuthClient.organization_id))
    if integration_id is not None:
        statement = statement.where(OAuthClient.integration_id == integration_id)
    return set(await session.scalars(statement))


async def check_connection(
    session: AsyncSession, actor: Actor, integration_id: str, body: ConnectionWrite
) -> IntegrationDefinition:
    """The definition that a new connection fits. Raises Unprocessable; Conflict without the OAuth client it needs."""
    definition = await get_definition(session, actor, integration_id)
    if isinstance(definition.auth, OAuth2Auth) and definition.auth.grant == "authorization_code":
        raise Unprocessable(f"{definition.name} is connected through its own sign-in page (OAuth), not by a form")
    if isinstance(definition.auth, OAuth2Auth) and not await _has_oauth_client(session, actor, definition.id):
        raise Conflict(
            f"your organization has no OAuth client for {definition.id}: PUT what {definition.name} gave you to"
            f" /api/integrations/{definition.id}/oauth/client/ first"
        )
    check_fields("credentials", body.credentials, definition.credential_fields)
    if isinstance(definition.auth, HmacAuth):
        secret_bytes(definition.auth, body.credentials["secret"])
    placeholders = completed(definition.inputs, body.placeholders)
    check_fields("placeholders", placeholders, definition.placeholders, optional=definition.asked_values)
    try:
        check_placeholders(definition, placeholders)
    except ValueError as exc:
        raise Unprocessable(f"placeholders: {exc}") from exc
    return definition


async def create_connection(
    session: AsyncSession,
    actor: Actor,
    vault: Vault,
    integration_id: str,
    body: ConnectionWrite,
    tried: Tried,
) -> Connection:
    """Stores a connection as it was tried, its credentials encrypted.

    Raises what `check_connection` raises, and Conflict.
    """
    definition = await check_connection(session, actor, integration_id, body)
    is_broken = bool(missing_answers(definition, tried.placeholders))
    connection = Connection(
        organization_id=actor.organization_id,
        integration_id=definition.id,
        name=body.name,
        placeholders=dict(tried.placeholders),
        sealed_credentials=vault.encrypt(dict(tried.credentials)),
        created_by=actor.user_id,
        status=ConnectionStatus.BROKEN if is_broken else ConnectionStatus.ACTIVE,
        status_reason=tried.fault if is_broken else "",
    )
    await _store(session, connection)
    return connection


async def rename_connection(
    session: AsyncSession, actor: Actor, connection_id: ConnectionId, name: str
) -> Connection:
    connection = await get_visible(session, Connection, connection_id, actor=actor, name="connection")
    connection.name = name
    await _store(session, connection)
    return connection


async def delete_connection(session: AsyncSession, actor: Actor, connection_id: ConnectionId) -> None:
    await session.delete(await get_visible(session, Connection, connection_id, actor=actor, name="connection"))


async def _store(session: AsyncSession, connection: Connection) -> None:
    try:
        async with session.begin_nested():
            session.add(connection)
    except IntegrityError as exc:
        raise Conflict(
            f"there is a connection named {connection.name!r} to {connection.integration_id} already"
        ) from exc


def check_fields(what: str, given: Mapping[str, str], wanted: Sequence[str], *, optional: Sequence[str] = ()) -> None:
    """Raises Unprocessable, naming each value that is missing or unknown."""
    missing = [name for name in wanted if not given.get(name)]
    unknown = sorted(set(given) - {*wanted, *optional})
    if missing or unknown:
        problems = [f"{name!r} is missing" for name in missing] + [f"{name!r} is unknown" for name in unknown]
        needed = ", ".join(wanted) or "nothing"
        raise Unprocessable(f"{what}: {'; '.join(problems)} (this integration needs {needed})")


async def count_connections(session: AsyncSession, actor: Actor) -> dict[str, list[int]]:
    """Usable connection ids by integration."""
    statement = select(Connection.integration_id, func.array_agg(Connection.id)).where(may_use(actor))
    return {name: sorted(ids) for name, ids in await session.execute(statement.group_by(Connection.integration_id))}

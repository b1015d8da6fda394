"""Stores connections: new ones, their names, and which choice of their account they use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import get_visible, visible_to
from platform_api.core.crypto import Vault
from platform_api.core.errors import Conflict, FieldError, NameTaken, NotFound, Unprocessable
from platform_api.core.types import ConnectionId
from platform_api.integrations.access import get_definition, may_use
from platform_api.integrations.connections.account_choices import ChoicesUnavailable, account_name, choose
from platform_api.integrations.definitions.after_connect import Choice
from platform_api.integrations.definitions.definition import (
    HmacAuth,
    IntegrationDefinition,
    OAuth2Auth,
    check_placeholders,
    missing_answers,
)
from platform_api.integrations.definitions.inputs import completed
from platform_api.integrations.models import Connection, ConnectionStatus
from platform_api.integrations.requests.signing import secret_bytes
from platform_api.integrations.schemas import ConnectionTest, ConnectionWrite
from platform_api.integrations.service import OAuthClientMissing, oauth_clients


@dataclass(frozen=True, slots=True)
class VerifiedCredentials:
    """Holds credentials that the service did not reject."""

    credentials: Mapping[str, Any] = field(repr=False)
    """What the connection stores: the given credentials, or the tokens that the OAuth client got."""
    test: ConnectionTest | None
    """The result of the test call; None when the integration has none."""
    placeholders: Mapping[str, str]
    """The given values, defaults, and what the service gave (`after_connect`)."""
    choices: Sequence[Choice] = ()
    """What the account can be used with; one of them is among the placeholders."""
    fault: str = ""
    """Why the service could not be asked."""


async def usable_connection_ids(session: AsyncSession, actor: Actor) -> dict[str, list[int]]:
    """Returns the ids of the connections that the caller may use, by integration."""
    statement = select(Connection.integration_id, func.array_agg(Connection.id)).where(may_use(actor))
    return {name: sorted(ids) for name, ids in await session.execute(statement.group_by(Connection.integration_id))}


async def check_connection(
    session: AsyncSession, actor: Actor, integration_id: str, body: ConnectionWrite
) -> IntegrationDefinition:
    """Returns the definition of a valid new connection. Raises Unprocessable, Conflict without its OAuth client."""
    definition = await get_definition(session, actor, integration_id)
    if isinstance(definition.auth, OAuth2Auth) and definition.auth.grant == "authorization_code":
        raise Unprocessable(f"{definition.name} is connected through its own sign-in page (OAuth), not by a form")
    if isinstance(definition.auth, OAuth2Auth) and not await oauth_clients(session, actor, definition.id):
        raise OAuthClientMissing(
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
        raise Unprocessable(f"placeholders: {exc}", field="placeholders") from exc
    return definition


async def create_connection(
    session: AsyncSession,
    actor: Actor,
    vault: Vault,
    integration_id: str,
    body: ConnectionWrite,
    verified: VerifiedCredentials,
) -> Connection:
    """Stores a verified connection with encrypted credentials.

    Raises what `check_connection` raises, and Conflict.
    """
    definition = await check_connection(session, actor, integration_id, body)
    is_broken = bool(missing_answers(definition, verified.placeholders))
    connection = Connection(
        organization_id=actor.organization_id,
        integration_id=definition.id,
        name=body.name,
        placeholders=dict(verified.placeholders),
        sealed_credentials=vault.encrypt(dict(verified.credentials)),
        created_by=actor.user_id,
        status=ConnectionStatus.BROKEN if is_broken else ConnectionStatus.ACTIVE,
        status_reason=verified.fault if is_broken else "",
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
        raise NameTaken(
            f"there is a connection named {connection.name!r} to {connection.integration_id} already", field="name"
        ) from exc


def require_choices(definition: IntegrationDefinition) -> None:
    """Raises Conflict for an integration without `after_connect`, whose accounts have no choices."""
    if definition.after_connect is None:
        raise Conflict(f"accounts of {definition.name} have no choices: its definition has no `after_connect`")


async def store_choice(
    session: AsyncSession,
    actor: Actor,
    vault: Vault,
    definition: IntegrationDefinition,
    connection_id: ConnectionId,
    *,
    choices: Sequence[Choice],
    requested: Mapping[str, str],
) -> Connection:
    """Changes a connection to the choice with the values `requested`; without them it keeps its own.

    A connection that is named after its account is renamed. Raises NotFound, Unprocessable, Conflict.
    """
    statement = select(Connection).where(
        Connection.id == connection_id,
        Connection.integration_id == definition.id,
        visible_to(actor, Connection.organization_id),
    )
    connection: Connection | None = await session.scalar(
        statement.with_for_update().execution_options(populate_existing=True)
    )
    if connection is None:
        raise NotFound(f"there is no connection {connection_id} to {definition.id}")
    if not requested and not missing_answers(definition, connection.placeholders):
        return connection
    credentials = vault.decrypt(connection.sealed_credentials)
    account = credentials.get("account")
    try:
        chosen = choose(choices, requested=requested, former={}, account=account)
    except ChoicesUnavailable as error:
        raise Unprocessable(f"choose: {error.message}", field="choose") from error
    if missing_answers(definition, connection.placeholders) and connection.status is ConnectionStatus.BROKEN:
        connection.status, connection.status_reason = ConnectionStatus.ACTIVE, ""
    connection.placeholders = {**connection.placeholders, **chosen.values}
    renamed = account_name(definition, chosen, credentials.get("person"))
    if renamed is not None and "account" in credentials:
        connection.sealed_credentials = vault.encrypt({**credentials, "account": renamed})
        if connection.name == account:
            connection.name = renamed
    try:
        async with session.begin_nested():
            await session.flush()
    except IntegrityError as error:
        message = f"there is a connection named {renamed!r} to {definition.id} already; use that one"
        raise NameTaken(message) from error
    return connection


def check_fields(
    group: str, values: Mapping[str, str], required: Sequence[str], *, optional: Sequence[str] = ()
) -> None:
    """Raises Unprocessable, naming each value that is missing or unknown."""
    missing = [name for name in required if not values.get(name)]
    unknown = sorted(set(values) - {*required, *optional})
    if missing or unknown:
        problems = [f"{name!r} is missing" for name in missing] + [f"{name!r} is unknown" for name in unknown]
        needed = ", ".join(required) or "nothing"
        fields = [FieldError(f"{group}.{name}", "is missing") for name in missing]
        fields += [FieldError(f"{group}.{name}", f"is unknown; this integration needs {needed}") for name in unknown]
        message = f"{group}: {'; '.join(problems)} (this integration needs {needed})"
        raise Unprocessable(message, fields=fields)

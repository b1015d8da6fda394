"""Changing what a stored connection uses of its account: another tenant, another site."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.core.crypto import Vault
from platform_api.core.errors import Conflict, NotFound, Unprocessable
from platform_api.core.types import ConnectionId
from platform_api.integrations.connections.account_choices import Choice, ChoicesUnavailable, account_name, choose
from platform_api.integrations.definitions.definition import IntegrationDefinition, missing_answers
from platform_api.integrations.models import Connection, ConnectionStatus


def require_choices(definition: IntegrationDefinition) -> None:
    """Raises Conflict for an integration whose accounts are not asked for anything."""
    if definition.after_connect is None:
        raise Conflict(f"{definition.name} is asked for nothing once an account is connected: there is no choice")


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
    """Makes a connection use the choice with the values `requested`; without any, it keeps or first gets one.

    A connection that was named by its account is named by the new choice. Raises NotFound, Unprocessable, Conflict.
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
        raise Unprocessable(f"choose: {error.message}") from error
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
        raise Conflict(f"there is a connection named {renamed!r} to {definition.id} already: use that one") from error
    return connection

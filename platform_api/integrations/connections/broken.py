"""Marks connections that their provider no longer accepts, and notifies their owner."""

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.service import role_in
from platform_api.integrations.models import Connection, ConnectionStatus
from platform_api.notifications.mail.bodies import html_from_text
from platform_api.notifications.mail.service import write_mail_to

log = structlog.stdlib.get_logger()


async def mark_broken(session: AsyncSession, connection: Connection, *, reason: str, sends_mail: bool) -> None:
    """Stops calls through a connection until it is connected again, and mails its owner once."""
    if connection.status is ConnectionStatus.BROKEN:
        return
    connection.status, connection.status_reason = ConnectionStatus.BROKEN, reason
    log.warning("integrations.connection_broken", connection_id=connection.id, reason=reason)
    owner = connection.created_by
    if owner is None or await role_in(session, user_id=owner, organization_id=connection.organization_id) is None:
        return
    text = (
        f"The connection {connection.name!r} to {connection.integration_id} no longer works: {reason}.\n\n"
        f"Calls through it fail until it is connected again: start a sign-in for connection {connection.id}"
        f" (POST /api/integrations/{connection.integration_id}/oauth/start/)."
    )
    await write_mail_to(
        session,
        organization_id=connection.organization_id,
        user_id=owner,
        subject=f"Connect {connection.name} to {connection.integration_id} again",
        text=text,
        html=html_from_text(text),
        is_sent=sends_mail,
    )


def describe_broken(connection_name: str, reason: str) -> str:
    """Returns the answer to a call through a broken connection."""
    return f"reconnect {connection_name!r}: {reason or 'its provider rejects it'}"

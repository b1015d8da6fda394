"""Signals between processes that a user was sent a notification. The signal comes with the commit."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.core.listener import Listener
from platform_api.core.types import UserId
from platform_api.core.watchers import Watchers

_CHANNEL = "automio_notification"


async def announce(session: AsyncSession, user_id: UserId) -> None:
    """Wakes the user's streams, in every process, when `session` commits."""
    await session.execute(select(func.pg_notify(_CHANNEL, str(user_id))))


class InboxSignals(Watchers):
    """Knows the users whose streams this process serves, and wakes these."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener, _CHANNEL)

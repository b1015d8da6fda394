"""Signals between processes that a user was sent a notification. The signal comes with the commit."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.core.listener import Listener
from platform_api.core.types import UserId

_CHANNEL = "automio_notification"


async def announce(session: AsyncSession, user_id: UserId) -> None:
    """Wakes the user's streams, in every process, when `session` commits."""
    await session.execute(select(func.pg_notify(_CHANNEL, str(user_id))))


class InboxSignals:
    """Knows the users whose streams this process serves, and wakes these."""

    def __init__(self, listener: Listener) -> None:
        self._watching: dict[int, set[asyncio.Event]] = {}
        listener.subscribe(_CHANNEL, self._on_signal)

    @contextmanager
    def watching(self, user_id: UserId) -> Iterator[asyncio.Event]:
        """Yields an event that is set whenever the user may have been sent a notification."""
        event = asyncio.Event()
        watchers = self._watching.setdefault(user_id, set())
        watchers.add(event)
        try:
            yield event
        finally:
            watchers.discard(event)
            if not watchers and self._watching.get(user_id) is watchers:
                del self._watching[user_id]

    def count(self, user_id: UserId) -> int:
        """Counts the streams of the user that this process serves."""
        return len(self._watching.get(user_id, ()))

    def _on_signal(self, payload: str | None) -> None:
        affected = self._watching.values() if payload is None else [self._watching.get(int(payload), set())]
        for watchers in affected:
            for event in watchers:
                event.set()

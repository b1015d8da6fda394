"""Hints between processes that somebody was told something. Sent with the commit."""

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
    """Whose streams this process serves."""

    def __init__(self, listener: Listener) -> None:
        self._watching: dict[int, set[asyncio.Event]] = {}
        listener.subscribe(_CHANNEL, self._hear)

    @contextmanager
    def watching(self, user_id: UserId) -> Iterator[asyncio.Event]:
        """An event that is set whenever the user may have been told something."""
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
        """How many streams of the user this process serves."""
        return len(self._watching.get(user_id, ()))

    def _hear(self, payload: str | None) -> None:
        concerned = self._watching.values() if payload is None else [self._watching.get(int(payload), set())]
        for watchers in concerned:
            for event in watchers:
                event.set()

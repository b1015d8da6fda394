"""Streams a user's notifications as server-sent events, as they come: one event each, its id the notification's."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeAlias

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette import EventSourceResponse, ServerSentEvent

from hasura.engine.sql.database_errors import CONNECTION_LOST
from platform_api.accounts.actor import Actor
from platform_api.core.database import Database
from platform_api.core.errors import Unavailable
from platform_api.core.http.event_stream import event_stream
from platform_api.notifications.inbox.models import Notification
from platform_api.notifications.inbox.schemas import NotificationRead
from platform_api.notifications.inbox.service import read_after
from platform_api.notifications.inbox.signals import InboxSignals

log = structlog.stdlib.get_logger()

_POLL_SECONDS = 20.0
_PAUSE_SECONDS = 1.0
_BATCH = 100

MayRead: TypeAlias = Callable[[AsyncSession], Awaitable[bool]]
"""Returns true while the reader's credential is valid for the actor."""


def stream_inbox(
    database: Database, signals: InboxSignals, actor: Actor, *, after: int, may_read: MayRead
) -> EventSourceResponse:
    """Returns the response that streams later notifications, until the reader leaves or may no longer read."""
    return event_stream(InboxStream(database, signals, actor, may_read=may_read).events(after))


class InboxStream:
    """Serves one reader of an inbox."""

    def __init__(self, database: Database, signals: InboxSignals, actor: Actor, *, may_read: MayRead) -> None:
        self._database = database
        self._signals = signals
        self._actor = actor
        self._may_read = may_read
        self._checked = time.monotonic()

    async def events(self, position: int) -> AsyncIterator[ServerSentEvent]:
        """Yields the notifications after `position`."""
        with self._signals.watching(self._actor.user_id) as changed:
            # Sent at once, so that a client sees the stream open. Its id lets a client resume that has received no
            # event yet.
            yield ServerSentEvent(comment="notifications", id=str(position), sep="\n")
            while True:
                changed.clear()
                batch = await self._read(position)
                if batch is None:
                    await asyncio.sleep(_PAUSE_SECONDS)
                    continue
                notifications, may_continue = batch
                for notification in notifications:
                    yield _event(notification)
                    position = notification.id
                if not may_continue:
                    return
                if len(notifications) < _BATCH:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_POLL_SECONDS):
                            await changed.wait()

    async def _read(self, position: int) -> tuple[Sequence[Notification], bool] | None:
        """Returns what came, and whether the reader may continue; None while the database cannot be reached."""
        try:
            async with self._database.transaction() as session:
                if time.monotonic() - self._checked >= _POLL_SECONDS:
                    if not await self._may_read(session):
                        return [], False
                    self._checked = time.monotonic()
                return await read_after(session, self._actor, position, limit=_BATCH), True
        except (SQLAlchemyError, asyncpg.PostgresError, *CONNECTION_LOST, Unavailable) as error:
            log.info("inbox_stream.database_unavailable", user_id=self._actor.user_id, error=str(error))
            return None


def _event(notification: Notification) -> ServerSentEvent:
    body = NotificationRead.model_validate(notification).model_dump(mode="json")
    # In ASCII: some clients also split lines at U+2028 and similar characters.
    return ServerSentEvent(json.dumps(body), event="notification", id=str(notification.id), sep="\n")

"""Streams a user's notifications as server-sent events, as they come: one event each, its id the notification's."""

import json

from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette import EventSourceResponse, ServerSentEvent

from platform_api.accounts.actor import Actor
from platform_api.core.database import Database
from platform_api.core.http.event_stream import event_stream
from platform_api.core.http.live_events import Batch, MayRead, live_events
from platform_api.notifications.inbox.models import Notification
from platform_api.notifications.inbox.schemas import NotificationRead
from platform_api.notifications.inbox.service import read_after
from platform_api.notifications.inbox.signals import InboxSignals

_BATCH = 100


def stream_inbox(
    database: Database, signals: InboxSignals, actor: Actor, *, after: int, may_read: MayRead
) -> EventSourceResponse:
    """Returns the response that streams later notifications, until the reader leaves or may no longer read."""

    async def read(session: AsyncSession, position: int) -> Batch[int]:
        notifications = await read_after(session, actor, position, limit=_BATCH)
        events = [(int(notification.id), _event(notification)) for notification in notifications]
        return Batch(events, has_more=len(notifications) == _BATCH)

    # Its id lets a client resume that has received no event yet.
    opening = ServerSentEvent(comment="notifications", id=str(after), sep="\n")
    watching = signals.watching(actor.user_id)
    return event_stream(live_events(database, read, after, opening=opening, watching=watching, may_read=may_read))


def _event(notification: Notification) -> ServerSentEvent:
    body = NotificationRead.model_validate(notification).model_dump(mode="json")
    # In ASCII: some clients also split lines at U+2028 and similar characters.
    return ServerSentEvent(json.dumps(body), event="notification", id=str(notification.id), sep="\n")

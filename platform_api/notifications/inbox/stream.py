"""Streams what concerns a user as server-sent events, as it comes.

One event for each notification, its id the notification's; and one without a content whenever their imports and
exports have changed, for which a reader then asks.
"""

import json

from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette import EventSourceResponse, ServerSentEvent

from platform_api.accounts.actor import Actor
from platform_api.core.database import Database
from platform_api.core.http.event_stream import event_stream
from platform_api.core.http.live_events import Batch, Reader, live_events
from platform_api.notifications.inbox.models import Notification
from platform_api.notifications.inbox.schemas import NotificationRead
from platform_api.notifications.inbox.service import read_after
from platform_api.notifications.inbox.signals import InboxSignals, News

_BATCH = 100
_PAUSE_SECONDS = 0.5
"""However quickly a job comes further, its user is told no more often."""


def stream_inbox(
    database: Database, signals: InboxSignals, actor: Actor, *, after: int, reader: Reader
) -> EventSourceResponse:
    """Returns the response that streams later notifications, until the reader leaves or may no longer read."""
    news = News()

    async def read(session: AsyncSession, position: int) -> Batch[int]:
        notifications = await read_after(session, actor, position, limit=_BATCH)
        events = [(int(notification.id), _event(notification)) for notification in notifications]
        if news.of_jobs.is_set():
            news.of_jobs.clear()
            last = events[-1][0] if events else position
            events.append((last, ServerSentEvent("{}", event="jobs", id=str(last), sep="\n")))
        return Batch(events, has_more=len(notifications) == _BATCH)

    # Its id lets a client resume that has received no event yet.
    opening = ServerSentEvent(comment="notifications", id=str(after), sep="\n")
    return event_stream(
        live_events(
            database,
            read,
            after,
            opening=opening,
            watching=signals.watching_news(actor.user_id, news),
            reader=reader,
            pause_seconds=_PAUSE_SECONDS,
        )
    )


def _event(notification: Notification) -> ServerSentEvent:
    body = NotificationRead.model_validate(notification).model_dump(mode="json")
    # In ASCII: some clients also split lines at U+2028 and similar characters.
    return ServerSentEvent(json.dumps(body), event="notification", id=str(notification.id), sep="\n")

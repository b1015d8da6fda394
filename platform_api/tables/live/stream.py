"""Streams the revision of an app's tables as server-sent events: one event for the present state, one per change."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from pydantic import BaseModel, Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette import EventSourceResponse, ServerSentEvent

from platform_api.core.database import Database
from platform_api.core.http.event_stream import event_stream
from platform_api.core.http.live_events import Batch, Reader, live_events
from platform_api.core.listener import Listener
from platform_api.core.services import Services
from platform_api.core.types import AppId, UserId
from platform_api.core.watchers import Watchers
from platform_api.tables.models import AppTable
from platform_api.tables.permissions.models import TablePermission
from platform_api.tables.repository import CHANNEL

_PAUSE_SECONDS = 0.2
"""Many changes within this time, such as a script's, are one event."""


class TablesEvent(BaseModel):
    """Tells the state of the app's tables."""

    revision: str = Field(description="Differs from that of another state; read the tables again")


class TableSignals(Watchers):
    """Wakes the streams of this process when the tables of their app change; counts them by user."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener, CHANNEL)
        self._streams: Counter[UserId] = Counter()

    def count_of(self, user_id: UserId) -> int:
        """Returns how many streams the user has open."""
        return self._streams[user_id]

    @contextmanager
    def watching_as(self, user_id: UserId, app_id: AppId) -> Iterator[asyncio.Event]:
        """Yields an event that is set whenever the app's tables may have changed."""
        self._streams[user_id] += 1
        try:
            with self.watching(app_id) as event:
                yield event
        finally:
            self._streams[user_id] -= 1
            if not self._streams[user_id]:
                del self._streams[user_id]


@asynccontextmanager
async def tables_lifespan(services: Services) -> AsyncIterator[None]:
    """Provides TableSignals."""
    services.provide(TableSignals(services[Listener]))
    yield


def stream_tables(
    database: Database, signals: TableSignals, user_id: UserId, app_id: AppId, *, after: str, reader: Reader
) -> EventSourceResponse:
    """Returns the response that streams revisions other than `after`, until the reader leaves or may read no more."""

    async def read(session: AsyncSession, position: str) -> Batch[str]:
        revision = await _revision(session, app_id)
        return Batch([] if revision == position else [(revision, _event(revision))])

    opening = ServerSentEvent(comment="tables", sep="\n")
    watching = signals.watching_as(user_id, app_id)
    return event_stream(
        live_events(
            database,
            read,
            after,
            opening=opening,
            watching=watching,
            reader=reader,
            pause_seconds=_PAUSE_SECONDS,
        )
    )


async def _revision(session: AsyncSession, app_id: AppId) -> str:
    """Returns what differs whenever a table of the app, or what roles may do with it, has changed."""
    states = [
        (await session.execute(select(func.count(), func.max(kind.updated_at)).where(kind.app_id == app_id))).one()
        for kind in (AppTable, TablePermission)
    ]
    return "-".join(
        f"{count}-{0 if changed is None else int(changed.timestamp() * 1_000_000)}" for count, changed in states
    )


def _event(revision: str) -> ServerSentEvent:
    body = TablesEvent(revision=revision).model_dump(mode="json")
    return ServerSentEvent(json.dumps(body), event="tables", id=revision, sep="\n")

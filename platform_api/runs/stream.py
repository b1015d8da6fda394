"""Streams a run's log as server-sent events, live until the run ends.

The published clients split lines before they look at `data:`, also at U+2028 and similar characters, and lose what
follows. Such a line is therefore sent as several `data:` lines of one event, which other clients join again. The
response names its charset, because clients read `text/*` without one as Latin-1.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import asyncpg
import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette import EventSourceResponse, ServerSentEvent

from hasura.engine.sql.database_errors import CONNECTION_LOST
from platform_api.core.database import Database
from platform_api.core.errors import Unavailable
from platform_api.core.http.event_stream import event_stream
from platform_api.core.types import RunId
from platform_api.runs.logs import LogLine, LogPosition, read_lines
from platform_api.runs.models import Run
from platform_api.runs.signals import RunSignals

log = structlog.stdlib.get_logger()

CHECK_AGAIN_SECONDS = 20.0
"""Seconds after which a reader's right to read is checked again."""
_BATCH_LINES = 500
_POLL_SECONDS = 20.0
_PAUSE_SECONDS = 1.0

MayRead: TypeAlias = Callable[[AsyncSession], Awaitable[bool]]
"""Returns true while the reader's credential is valid for the run."""


def stream_log(
    database: Database, signals: RunSignals, run_id: RunId, *, after: LogPosition, may_read: MayRead
) -> EventSourceResponse:
    """Returns the response that streams the lines after `after`, one chunk per event, and ends with the run."""
    return event_stream(LogStream(database, signals, run_id, may_read=may_read).events(after))


async def read_batch(
    session: AsyncSession, run_id: RunId, *, after: LogPosition, limit: int = _BATCH_LINES
) -> tuple[list[LogLine], bool]:
    """Returns lines after a position, and whether no more will follow."""
    # The state is read before the lines: a run that has ended by then writes no more.
    state = await session.scalar(select(Run.state).where(Run.id == run_id))
    lines = await read_lines(session, run_id, after=after, limit=limit)
    return lines, len(lines) < limit and (state is None or state.has_ended)


class LogStream:
    """Serves one reader of a run's log."""

    def __init__(self, database: Database, signals: RunSignals, run_id: RunId, *, may_read: MayRead) -> None:
        self._database = database
        self._signals = signals
        self._run_id = run_id
        self._may_read = may_read
        self._checked = time.monotonic()

    async def events(self, position: LogPosition) -> AsyncIterator[ServerSentEvent]:
        """Yields the lines after `position`, until the run has ended or the reader may no longer read."""
        with self._signals.watching(self._run_id) as changed:
            # Sent at once, so that a client sees the stream open while the run is silent.
            yield ServerSentEvent(comment="log", sep="\n")
            while True:
                changed.clear()
                batch = await self._read(position)
                if batch is None:
                    await asyncio.sleep(_PAUSE_SECONDS)
                    continue
                lines, is_complete = batch
                for line in lines:
                    yield _event(line)
                    position = line.position
                if is_complete:
                    return
                if len(lines) < _BATCH_LINES:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(min(_POLL_SECONDS, CHECK_AGAIN_SECONDS)):
                            await changed.wait()

    async def _read(self, position: LogPosition) -> tuple[list[LogLine], bool] | None:
        """Returns the next lines, and whether they are the last; None while the database cannot be reached."""
        try:
            async with self._database.transaction() as session:
                if time.monotonic() - self._checked >= CHECK_AGAIN_SECONDS:
                    if not await self._may_read(session):
                        return [], True
                    self._checked = time.monotonic()
                return await read_batch(session, self._run_id, after=position)
        except (SQLAlchemyError, asyncpg.PostgresError, *CONNECTION_LOST, Unavailable) as error:
            log.info("log_stream.database_unavailable", run_id=self._run_id, error=str(error))
            return None


def _event(line: LogLine) -> ServerSentEvent:
    return ServerSentEvent("\n".join(line.text.splitlines()), id=str(line.position), sep="\n")

"""Streams a run's log as server-sent events, live until the run ends.

The published clients split lines before they look at `data:`, also at U+2028 and similar characters, and lose what
follows. Such a line is therefore sent as several `data:` lines of one event, which other clients join again.
"""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette import EventSourceResponse, ServerSentEvent

from platform_api.core.database import Database
from platform_api.core.http.event_stream import event_stream
from platform_api.core.http.live_events import Batch, MayRead, live_events
from platform_api.core.types import RunId
from platform_api.runs.logs import LogLine, LogPosition, read_lines
from platform_api.runs.models import Run
from platform_api.runs.signals import RunSignals

_BATCH_LINES = 500


def stream_log(
    database: Database, signals: RunSignals, run_id: RunId, *, after: LogPosition, may_read: MayRead
) -> EventSourceResponse:
    """Returns the response that streams the lines after `after`, one chunk per event, and ends with the run."""

    async def read(session: AsyncSession, position: LogPosition) -> Batch[LogPosition]:
        lines, is_complete = await read_batch(session, run_id, after=position)
        events = [(line.position, _event(line)) for line in lines]
        return Batch(events, has_more=len(lines) == _BATCH_LINES, is_last=is_complete)

    opening = ServerSentEvent(comment="log", sep="\n")
    watching = signals.watching(run_id)
    return event_stream(live_events(database, read, after, opening=opening, watching=watching, may_read=may_read))


async def read_batch(
    session: AsyncSession, run_id: RunId, *, after: LogPosition, limit: int = _BATCH_LINES
) -> tuple[list[LogLine], bool]:
    """Returns lines after a position, and whether no more will follow."""
    # The state is read before the lines: a run that has ended by then writes no more.
    state = await session.scalar(select(Run.state).where(Run.id == run_id))
    lines = await read_lines(session, run_id, after=after, limit=limit)
    return lines, len(lines) < limit and (state is None or state.has_ended)


def _event(line: LogLine) -> ServerSentEvent:
    return ServerSentEvent("\n".join(line.text.splitlines()), id=str(line.position), sep="\n")

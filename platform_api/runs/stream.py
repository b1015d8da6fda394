"""Streams a run's log as server-sent events, live until the run ends.

The published clients split lines before they look at `data:`, also at U+2028 and similar characters, and lose what
follows. Such a line is therefore sent as several `data:` lines of one event, which other clients join again. These
clients also take every `data:` for a line of the log, whatever its event is named: other events are sent on request.
"""

import json

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette import EventSourceResponse, ServerSentEvent

from platform_api.core.database import Database
from platform_api.core.http.event_stream import event_stream
from platform_api.core.http.live_events import Batch, Reader, live_events
from platform_api.core.types import RunId
from platform_api.runs.logs import LogLine, LogPosition, read_lines
from platform_api.runs.models import Run
from platform_api.runs.schemas import EndEvent, ProgressEvent
from platform_api.runs.service import UNLISTED
from platform_api.runs.signals import RunSignals

_BATCH_LINES = 500
_NO_PROGRESS = ProgressEvent(progress=None, info=None, has_started=False)


def stream_log(
    database: Database,
    signals: RunSignals,
    run_id: RunId,
    *,
    after: LogPosition,
    with_events: bool,
    reader: Reader,
) -> EventSourceResponse:
    """Returns the response that streams the lines after `after`, one chunk per event, and ends with the run.

    `with_events` adds an event `progress` when that is another than the stream has told, and at last an event `end`.
    """
    told: ProgressEvent | None = None

    async def read(session: AsyncSession, position: LogPosition) -> Batch[LogPosition]:
        nonlocal told
        # As in `read_batch`, the run is read before its lines.
        run = await _load(session, run_id) if with_events else None
        lines, is_complete = await read_batch(session, run_id, after=position)
        events = [(line.position, _event(line)) for line in lines]
        last = lines[-1].position if lines else position
        if run is not None:
            progress = ProgressEvent.of(run)
            if progress != (told or _NO_PROGRESS):
                told = progress
                events.append((last, _named_event("progress", progress)))
            # A run that has ended since is read again, at once.
            if is_complete and not run.state.has_ended:
                return Batch(events, has_more=True)
            if is_complete:
                events.append((last, _named_event("end", EndEvent.of(run))))
        return Batch(events, has_more=len(lines) == _BATCH_LINES, is_last=is_complete)

    opening = ServerSentEvent(comment="log", sep="\n")
    watching = signals.watching(run_id)
    return event_stream(live_events(database, read, after, opening=opening, watching=watching, reader=reader))


async def read_batch(
    session: AsyncSession, run_id: RunId, *, after: LogPosition, limit: int = _BATCH_LINES
) -> tuple[list[LogLine], bool]:
    """Returns lines after a position, and whether no more will follow."""
    # The state is read before the lines: a run that has ended by then writes no more.
    state = await session.scalar(select(Run.state).where(Run.id == run_id))
    lines = await read_lines(session, run_id, after=after, limit=limit)
    return lines, len(lines) < limit and (state is None or state.has_ended)


async def _load(session: AsyncSession, run_id: RunId) -> Run | None:
    run: Run | None = await session.scalar(select(Run).where(Run.id == run_id).options(*UNLISTED))
    return run


def _named_event(name: str, data: BaseModel) -> ServerSentEvent:
    # Without an id: `Last-Event-ID` goes on naming a line. In ASCII: some clients split lines at U+2028, too.
    return ServerSentEvent(json.dumps(data.model_dump(mode="json")), event=name, sep="\n")


def _event(line: LogLine) -> ServerSentEvent:
    return ServerSentEvent("\n".join(line.text.splitlines()), id=str(line.position), sep="\n")

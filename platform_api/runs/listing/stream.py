"""Streams changes of an organization's runs as server-sent events, so that a list stays as it would be loaded.

An event holds the run as it is, not what changed: several changes that come quickly are one event. Which changes a
reader has had is told by a snapshot of the database (`positions.py`), since transactions do not end in the order in
which they begin. It is the event's id, so that a reader goes on where it was, with any process.
"""

import json
from collections.abc import Sequence

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette import EventSourceResponse, ServerSentEvent

from platform_api.accounts.actor import Actor
from platform_api.core.database import Database
from platform_api.core.http.event_stream import event_stream
from platform_api.core.http.live_events import Batch, Reader, live_events
from platform_api.core.types import RunId
from platform_api.runs.about.names import about_runs
from platform_api.runs.listing.filters import RunFilters, admits_for_good, admits_now
from platform_api.runs.listing.positions import ChangePosition, Snapshot
from platform_api.runs.listing.schemas import LeftRun
from platform_api.runs.listing.signals import RunListSignals
from platform_api.runs.models import Run
from platform_api.runs.queries import QUERIES
from platform_api.runs.schemas import RunRead
from platform_api.runs.service import UNLISTED, visible_runs

_BATCH = 200
_PAUSE_SECONDS = 0.25
"""However often runs change, a stream looks no more often: what it costs does not grow with what they do."""


async def position_after(session: AsyncSession, last_event_id: str) -> ChangePosition:
    """Returns the position that an event's id names; that of now for what is no id of ours, and for the empty text.

    Neither is a position that this database has not come to: it was restored, or somebody made it up.
    """
    now = await _snapshot(session)
    position = ChangePosition.parse(last_event_id)
    if position is None or max(position.seen.end, position.reading.end if position.reading else 0) > now.end:
        return ChangePosition(now)
    return position


def stream_runs(
    database: Database,
    signals: RunListSignals,
    actor: Actor,
    filters: RunFilters,
    *,
    after: ChangePosition,
    reader: Reader,
) -> EventSourceResponse:
    """Returns the response that streams changes after a position, until the reader leaves or may no longer read."""

    async def read(session: AsyncSession, position: ChangePosition) -> Batch[ChangePosition]:
        return await _read(session, actor, filters, position)

    # Its id lets a client resume that has received no event yet.
    opening = ServerSentEvent(comment="runs", id=str(after), sep="\n")
    watching = signals.streaming(actor)
    events = live_events(
        database,
        read,
        after,
        opening=opening,
        watching=watching,
        reader=reader,
        pause_seconds=_PAUSE_SECONDS,
    )
    return event_stream(events)


async def _read(
    session: AsyncSession, actor: Actor, filters: RunFilters, position: ChangePosition
) -> Batch[ChangePosition]:
    reading = position.reading or await _snapshot(session)
    parameters = {
        "organization_id": actor.organization_id,
        "seen_end": position.seen.end,
        "seen_running": list(position.seen.running),
        "reading_end": reading.end,
        "reading_running": list(reading.running),
        "change": position.change,
        "run_id": position.row_id,
        "runs": _BATCH,
    }
    changed = (await session.execute(QUERIES["changed_runs"], parameters)).all()
    has_more = len(changed) == _BATCH
    if not changed and position.reading is None:
        return Batch()
    contents = await _contents(session, actor, filters, [row.id for row in changed])
    places = [ChangePosition(position.seen, reading, row.changed_in, row.id) for row in changed]
    events = [
        (place, _event(contents[row.id], place))
        for row, place in zip(changed, places, strict=True)
        if row.id in contents
    ]
    # What the reader does not get to see is passed over, too: their next request must not begin with it again.
    end = places[-1] if has_more else ChangePosition(reading)
    if not events or events[-1][0] != end:
        events.append((end, ServerSentEvent(comment="runs", id=str(end), sep="\n")))
    # An earlier reading that has come to its end says nothing of what has changed since.
    return Batch(events, has_more=has_more or position.reading is not None)


async def _contents(
    session: AsyncSession, actor: Actor, filters: RunFilters, ids: Sequence[RunId]
) -> dict[RunId, tuple[str, BaseModel]]:
    """Returns for each of `ids` that the filters admit for good the name of its event, and its data."""
    if not ids:
        return {}
    columns = Run.__table__.c
    statement = select(Run, admits_now(actor, columns, filters)).where(
        Run.id.in_(ids), visible_runs(actor), admits_for_good(columns, filters)
    )
    rows = (await session.execute(statement.options(*UNLISTED))).all()
    about = await about_runs(session, actor, [run for run, is_shown in rows if is_shown])
    return {
        run.id: ("run", RunRead.from_run(run, about.get(run.id))) if is_shown else ("left", LeftRun(id=run.id))
        for run, is_shown in rows
    }


def _event(content: tuple[str, BaseModel], place: ChangePosition) -> ServerSentEvent:
    name, data = content
    # In ASCII: some clients also split lines at U+2028 and similar characters.
    return ServerSentEvent(json.dumps(data.model_dump(mode="json")), event=name, id=str(place), sep="\n")


async def _snapshot(session: AsyncSession) -> Snapshot:
    snapshot = Snapshot.parse(await session.scalar(QUERIES["current_snapshot"]) or "")
    assert snapshot is not None
    return snapshot

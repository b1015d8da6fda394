"""Streams an import or an export as server-sent events until it ends.

An event holds the job as it is, not what changed: several changes that come quickly are one event. Its id tells the
state, so that a reader who comes back with it gets the next state, from any process.
"""

import json
from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette import EventSourceResponse, ServerSentEvent

from platform_api.core.database import Database
from platform_api.core.errors import TooManyRequests
from platform_api.core.http.event_stream import event_stream
from platform_api.core.http.live_events import Batch, Reader, live_events
from platform_api.core.watchers import Watchers
from platform_api.csv.models import CsvImport, Job

MAX_STREAMS = 20
"""Of one job, from one process."""
_PAUSE_SECONDS = 0.2
"""However quickly batches are written, a stream looks no more often."""

J = TypeVar("J", bound=Job)


def stream_job(
    database: Database,
    watchers: Watchers,
    job: J,
    *,
    read_as: Callable[[J], BaseModel],
    after: str,
    reader: Reader,
) -> EventSourceResponse:
    """Returns the response that streams a job that the caller may see. Raises TooManyRequests."""
    kind, job_id = type(job), job.id
    if watchers.count(job_id) >= MAX_STREAMS:
        raise TooManyRequests(f"{MAX_STREAMS} streams of this job are open; close some", retry_after=30)

    async def read(session: AsyncSession, position: str) -> Batch[str]:
        current = await session.get(kind, job_id)  # tenancy: the endpoint has checked the job
        if current is None:
            return Batch(is_last=True)
        state = state_of(current)
        content = json.dumps(read_as(current).model_dump(mode="json"))
        if current.status.has_ended:
            return Batch([(state, ServerSentEvent(content, event="end", id=state, sep="\n"))], is_last=True)
        if state == position:
            return Batch()
        return Batch([(state, ServerSentEvent(content, event="progress", id=state, sep="\n"))])

    opening = ServerSentEvent(comment="job", sep="\n")
    events = live_events(
        database,
        read,
        after,
        opening=opening,
        watching=watchers.watching(job_id),
        reader=reader,
        pause_seconds=_PAUSE_SECONDS,
    )
    return event_stream(events)


def state_of(job: Job) -> str:
    """Returns what differs when the job is shown differently."""
    asked = "cancelling" if job.cancel_requested_at is not None else "going"
    repaired = job.repaired if isinstance(job, CsvImport) else 0
    return f"{job.status}-{job.processed}-{job.progress}-{repaired}-{asked}"

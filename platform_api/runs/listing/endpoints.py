"""Serves lists of runs over HTTP: in parts, over time, and live; cancels many at once."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette import EventSourceResponse

from platform_api.accounts.actor import Actor
from platform_api.accounts.dependencies import RunActorDep, RunStreamActorDep, still_allowed
from platform_api.accounts.models import Scope
from platform_api.core.database import SessionDep
from platform_api.core.http.dependencies import DatabaseDep
from platform_api.core.http.openapi import event_stream_schema
from platform_api.core.http.pagination import ListingDep
from platform_api.core.services import provided
from platform_api.core.types import RunId
from platform_api.runs import queue
from platform_api.runs.about.names import about_runs
from platform_api.runs.about.waiting import report_queue
from platform_api.runs.listing import service
from platform_api.runs.listing.histogram import MAX_BUCKETS, count_over_time
from platform_api.runs.listing.parameters import FilterQueryDep, RunFiltersDep
from platform_api.runs.listing.positions import MAX_CHARACTERS
from platform_api.runs.listing.schemas import (
    HistogramRead,
    LeftEvent,
    RunEvent,
    RunPage,
    RunQueueRead,
    RunsCancel,
    RunsCancelled,
    read_runs,
)
from platform_api.runs.listing.signals import RunListSignals
from platform_api.runs.listing.stream import position_after, stream_runs

router = APIRouter(prefix="/actions/runs", tags=["runs"])
"""Comes before the router of single runs, whose `{run}` would match `stream`, `queue` and `histogram`."""

RunListSignalsDep = Annotated[RunListSignals, Depends(provided(RunListSignals))]


@router.get("/", summary="List the runs of the caller's organization, newest first")
async def list_runs(actor: RunActorDep, session: SessionDep, listing: ListingDep, filters: RunFiltersDep) -> RunPage:
    # Before the list: what changes in between is read twice rather than never.
    now = await position_after(session, "")
    part = await service.list_runs(session, actor, filters, listing.window)
    about = await about_runs(session, actor, part.items)
    return RunPage(**listing.links(part), results=read_runs(part.items, about), stream_after=str(now))


@router.get("/histogram/", summary="Count runs over time, by how they ended; by default those of the last 24 hours")
async def get_histogram(
    actor: RunActorDep,
    session: SessionDep,
    filters: RunFiltersDep,
    buckets: Annotated[int, Query(ge=1, le=MAX_BUCKETS)] = MAX_BUCKETS,
) -> HistogramRead:
    return HistogramRead.of(await count_over_time(session, actor, filters, buckets=buckets))


@router.get("/queue/", summary="Report why runs of the caller's organization wait, and how long")
async def get_queue(actor: RunActorDep, session: SessionDep) -> RunQueueRead:
    return RunQueueRead.of(await report_queue(session, actor))


@router.get(
    "/stream/",
    summary="Stream the runs of a list as they begin and change",
    response_class=EventSourceResponse,
    responses={200: {"content": event_stream_schema(RunEvent, LeftEvent)}},
)
async def stream_list(
    request: Request,
    actor: RunStreamActorDep,
    session: SessionDep,
    database: DatabaseDep,
    signals: RunListSignalsDep,
    query: FilterQueryDep,
    last_event_id: Annotated[
        str | None, Header(description="Go on after this event; absent: from now on", max_length=MAX_CHARACTERS)
    ] = None,
) -> EventSourceResponse:
    filters = await query.filters(session, actor)
    signals.require_place(actor)

    async def check(session: AsyncSession, caller: Actor) -> None:
        await query.filters(session, caller)

    after = await position_after(session, last_event_id or "")
    reader = still_allowed(request, actor, Scope.RUN, check=check)
    return stream_runs(database, signals, actor, filters, after=after, reader=reader)


@router.post("/cancel/", summary="Cancel up to 100 runs; each is answered by itself")
async def cancel_runs(actor: RunActorDep, session: SessionDep, body: RunsCancel) -> RunsCancelled:
    return RunsCancelled.of(await queue.cancel_runs(session, actor, [RunId(run_id) for run_id in body.runs]))

"""Serves runs over HTTP, as organizations see them (contract §10)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from sse_starlette import EventSourceResponse

from platform_api.accounts.dependencies import RunActorDep, RunStreamActorDep, still_allowed
from platform_api.accounts.models import Scope
from platform_api.apps.parameters import AppQuery
from platform_api.core.database import SessionDep
from platform_api.core.http.dependencies import DatabaseDep
from platform_api.core.http.openapi import event_stream_schema
from platform_api.core.services import provided
from platform_api.runs import queue, service
from platform_api.runs.about.names import about_runs
from platform_api.runs.logs import LogPosition, position_before_last, read_tail
from platform_api.runs.schemas import (
    LogEndEvent,
    LogLineEvent,
    LogLineRead,
    LogPage,
    LogProgressEvent,
    RunDetail,
    RunRead,
    RunStatus,
    RunStopped,
)
from platform_api.runs.signals import RunSignals
from platform_api.runs.stream import read_batch, stream_log

router = APIRouter(prefix="/actions", tags=["runs"])
"""Comes before the router of the actions, whose `{action}` would match `runs` and `run-code-stream`."""

RunSignalsDep = Annotated[RunSignals, Depends(provided(RunSignals))]
RunReference = Annotated[str, Path(description="Id or task id of the run", max_length=100)]


@router.get(
    "/run-code-stream/",
    summary="Stream a run's log, line by line, until the run ends",
    response_class=EventSourceResponse,
    responses={200: {"content": event_stream_schema(LogLineEvent, LogProgressEvent, LogEndEvent)}},
)
async def stream_run_log(
    request: Request,
    actor: RunStreamActorDep,
    session: SessionDep,
    database: DatabaseDep,
    signals: RunSignalsDep,
    task_id: Annotated[str, Query(max_length=100)],
    app: AppQuery = None,
    skip_existing: Annotated[bool, Query(description="Only lines written from now on")] = False,
    last: Annotated[
        int | None, Query(ge=1, le=1_000_000, description="Begin with at most so many of the lines that are there")
    ] = None,
    events: Annotated[
        bool,
        Query(description="Also events `progress` and `end`, with JSON; without it every event is a line of the log"),
    ] = False,
    last_event_id: Annotated[str | None, Header(description="Go on after this event", max_length=50)] = None,
) -> EventSourceResponse:
    run = await service.get_run(session, actor, task_id)
    if app:
        await service.require_app(session, run, app)
    position = LogPosition.parse(last_event_id) if last_event_id else None
    if position is None:
        lines = 0 if skip_existing else last
        position = LogPosition() if lines is None else await position_before_last(session, run.id, lines=lines)
    run_id = run.id
    reader = still_allowed(
        request, actor, Scope.RUN, check=lambda session, caller: service.get_run(session, caller, str(run_id))
    )
    return stream_log(database, signals, run_id, after=position, with_events=events, reader=reader)


@router.get("/runs/{run}/", summary="Return a run with its event and result")
async def get_run(actor: RunActorDep, session: SessionDep, run: RunReference) -> RunDetail:
    stored_run = await service.get_run(session, actor, run)
    about = await about_runs(session, actor, [stored_run])
    return RunDetail.from_run(stored_run, about.get(stored_run.id))


@router.get("/runs/{run}/status/", summary="Return a run's status, with the end of its log")
async def get_run_status(actor: RunActorDep, session: SessionDep, run: RunReference) -> RunStatus:
    stored_run = await service.get_run(session, actor, run)
    return RunStatus.from_run(stored_run, logs=await read_tail(session, stored_run.id))


@router.get("/runs/{run}/logs/", summary="List lines of a run's log")
async def get_run_logs(
    actor: RunActorDep,
    session: SessionDep,
    run: RunReference,
    after: Annotated[str, Query(max_length=50, description="A line's position; from the beginning when absent")] = "",
    limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
) -> LogPage:
    stored_run = await service.get_run(session, actor, run)
    position = LogPosition.parse(after) or LogPosition()
    lines, is_complete = await read_batch(session, stored_run.id, after=position, limit=limit)
    return LogPage(lines=[LogLineRead.from_line(line) for line in lines], has_ended=is_complete)


@router.post("/runs/{run}/cancel/", summary="Cancel a run; one that has ended stays as it is")
async def cancel_run(actor: RunActorDep, session: SessionDep, run: RunReference) -> RunRead:
    stored_run = await service.get_run(session, actor, run)
    return RunRead.from_run(await queue.cancel_run(session, stored_run))


@router.post(
    "/runs/{run}/stop/",
    summary="Stop a run; 202 while it has not ended yet",
    responses={202: {"model": RunStopped, "description": "The run was told to stop and has not ended yet"}},
)
async def stop_run(actor: RunActorDep, session: SessionDep, response: Response, run: RunReference) -> RunStopped:
    stopped = RunStopped.of(await queue.cancel_run(session, await service.get_run(session, actor, run)))
    response.status_code = 200 if stopped.confirmed else 202
    return stopped

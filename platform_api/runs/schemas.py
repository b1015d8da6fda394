"""Defines runs on the wire, as tenants see them (contract §10)."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from platform_api.core.http.openapi import JsonText
from platform_api.runs.about.names import AboutRun
from platform_api.runs.logs import LogLine
from platform_api.runs.models import BegunBy, Cause, LogStream, Run, RunState, StartedRun

WireStatus = Literal["pending", "running", "completed", "failed", "stopped"]

_WIRE_STATUS: dict[RunState, WireStatus] = {
    RunState.PENDING: "pending",
    RunState.CLAIMED: "pending",
    RunState.RUNNING: "running",
    RunState.COMPLETED: "completed",
    RunState.FAILED: "failed",
    RunState.STOPPED: "stopped",
}


RunIds = Annotated[
    list[Annotated[int, Field(ge=1, le=2**63 - 1)]],
    Field(min_length=1, max_length=100, description="Ids; one that is named twice counts once"),
]


class RunStarted(BaseModel):
    """Identifies a run that was queued."""

    run_id: int
    task_id: str
    run_number: int

    @classmethod
    def of(cls, run: Run | StartedRun) -> "RunStarted":
        return cls(run_id=run.id, task_id=run.task_id, run_number=run.number)


class RunStatus(BaseModel):
    """Shows the status of a run as the published clients know it, with some more fields."""

    run_id: int
    status: WireStatus
    cause: Cause | None = Field(description="What ended it")
    error: str | None
    logs: str = Field(description="The end of its log")
    progress: int | None = Field(description="0 to 100")
    info: str | None = Field(description="The last message about its progress")
    result: dict[str, Any] | None = Field(description="Its value; a value that is no object is put under `value`")

    @classmethod
    def from_run(cls, run: Run, *, logs: str) -> "RunStatus":
        """Returns the status of `run`."""
        return cls(
            run_id=run.id,
            status=_WIRE_STATUS[run.state],
            cause=run.cause,
            error=run.error,
            logs=logs,
            progress=run.progress,
            info=run.progress_info,
            result=_as_object(run.result),
        )


class RunStopped(BaseModel):
    """Answers a request to stop a run; `confirmed` is true once it has ended, in whatever way."""

    run_id: int
    status: WireStatus
    confirmed: bool

    @classmethod
    def of(cls, run: Run) -> "RunStopped":
        return cls(run_id=run.id, status=_WIRE_STATUS[run.state], confirmed=run.state.has_ended)


class RunNamesRead(BaseModel):
    """Names what a run belongs to, for people; null is what no longer exists."""

    model_config = ConfigDict(from_attributes=True)

    app: str | None
    app_slug: str | None
    action: str | None
    action_slug: str | None
    user: str | None = Field(description="Name of who started it, or their e-mail")
    schedule: str | None = Field(description="Name of the schedule that started it")


class RunRead(BaseModel):
    """Shows a run in a list."""

    id: int
    task_id: str
    number: int
    app: int
    action: int | None
    action_type: str
    organization: int
    user: int
    names: RunNamesRead | None = Field(description="Null in the answer to a cancellation")
    begun_by: BegunBy | None = Field(description="Null for a run from before this was recorded")
    started_by_run: int | None = Field(description="The run whose script started this one")
    rerun_of: int | None = Field(description="The run that this one repeats")
    schedule: int | None = Field(description="The schedule that started it")
    is_draft: bool = Field(description="Whether it runs source that was not saved")
    status: WireStatus
    state: RunState
    waiting_reason: str | None = Field(description="Why it has not started, in one sentence")
    cause: Cause | None
    error: str | None
    progress: int | None
    info: str | None
    starts: int = Field(description="How often user code was started")
    cancel_requested_at: datetime | None
    runner: str | None
    isolation: str | None
    usage: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def from_run(cls, run: Run, about: AboutRun | None = None) -> "RunRead":
        """Returns what a list shows of `run`."""
        return cls(**_fields(run), **_beside(about))


class RunDetail(RunRead):
    """Shows a run with its input and its result."""

    entry: str
    source: str = Field(description="Digest of the source it runs")
    limits: dict[str, Any]
    event: dict[str, Any]
    result: dict[str, Any] | None
    log_removed_at: datetime | None = Field(description="When its log was removed, as the app keeps no more of them")

    @classmethod
    def from_run(cls, run: Run, about: AboutRun | None = None) -> "RunDetail":
        """Returns everything of `run` but its log."""
        return cls(
            **_fields(run),
            **_beside(about),
            entry=run.entry,
            source=run.bundle,
            limits=run.limits,
            event=run.event,
            result=_as_object(run.result),
            log_removed_at=run.log_removed_at,
        )


class ProgressEvent(BaseModel):
    """Tells, in the stream of a run's log, how far the run is."""

    progress: int | None = Field(description="0 to 100")
    info: str | None
    has_started: bool = Field(description="Whether its code may have begun")

    @classmethod
    def of(cls, run: Run) -> "ProgressEvent":
        return cls(progress=run.progress, info=run.progress_info, has_started=run.started_at is not None)


class EndEvent(BaseModel):
    """Tells, in the stream of a run's log, how the run ended."""

    run_id: int
    status: WireStatus
    cause: Cause | None
    error: str | None
    finished_at: datetime | None

    @classmethod
    def of(cls, run: Run) -> "EndEvent":
        return cls(
            run_id=run.id,
            status=_WIRE_STATUS[run.state],
            cause=run.cause,
            error=run.error,
            finished_at=run.finished_at,
        )


class LogLineRead(BaseModel):
    """Shows a line of a log."""

    position: str = Field(description="Pass it as `after` to continue from here")
    stream: LogStream
    text: str
    at: datetime

    @classmethod
    def from_line(cls, line: LogLine) -> "LogLineRead":
        """Returns the line as it is sent."""
        return cls(position=str(line.position), stream=LogStream(line.stream), text=line.text, at=line.at)


class LogLineEvent(BaseModel):
    """Describes an event of a log's stream, which has no name: one line; its id is the position, to go on after."""

    id: str
    data: str = Field(description="The line; what some clients take for line ends in it are line ends here")


class LogProgressEvent(BaseModel):
    """Describes an event of a log's stream that tells how far the run is; without an id."""

    event: Literal["progress"]
    data: Annotated[str, JsonText(ProgressEvent)]


class LogEndEvent(BaseModel):
    """Describes the last event of a log's stream; without an id."""

    event: Literal["end"]
    data: Annotated[str, JsonText(EndEvent)]


class LogPage(BaseModel):
    """Holds lines of a log, in order."""

    lines: list[LogLineRead]
    has_ended: bool = Field(description="Whether the run has ended and these are its last lines")


def _beside(about: AboutRun | None) -> dict[str, Any]:
    about = about or AboutRun()
    names = None if about.names is None else RunNamesRead.model_validate(about.names)
    return {"names": names, "waiting_reason": about.waiting_reason}


def _fields(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "task_id": run.task_id,
        "number": run.number,
        "app": run.app_id,
        "action": run.action_id,
        "action_type": run.action_type,
        "organization": run.organization_id,
        "user": run.user_id,
        "begun_by": run.begun_by,
        "started_by_run": run.started_by_run_id,
        "rerun_of": run.rerun_of_run_id,
        "schedule": run.trigger_id,
        "is_draft": run.is_draft,
        "status": _WIRE_STATUS[run.state],
        "state": run.state,
        "cause": run.cause,
        "error": run.error,
        "progress": run.progress,
        "info": run.progress_info,
        "starts": run.starts,
        "cancel_requested_at": run.cancel_requested_at,
        "runner": run.runner_id,
        "isolation": run.isolation,
        "usage": run.usage,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }


def _as_object(result: str | None) -> dict[str, Any] | None:
    """Returns the result as an object, since the published clients accept nothing else."""
    if result is None:
        return None
    value = json.loads(result)
    return value if isinstance(value, dict) else {"value": value}

"""Defines lists of runs on the wire."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from platform_api.core.http.openapi import JsonText
from platform_api.core.http.pagination import Envelope
from platform_api.core.types import RunId
from platform_api.runs.about.names import AboutRun
from platform_api.runs.about.waiting import MAX_COUNTED_AHEAD, QueueReport, Standstill
from platform_api.runs.listing.histogram import MAX_BUCKETS, Histogram
from platform_api.runs.models import Run
from platform_api.runs.schemas import RunIds, RunRead


class RunPage(Envelope):
    """Holds a part of a list of runs; read by a cursor it may be short, or empty, before the last one."""

    results: list[RunRead]
    stream_after: str = Field(
        description="`Last-Event-ID` with which the stream of the same filters goes on from this list, without a gap"
    )


class BucketRead(BaseModel):
    """Shows how many runs were created from `start` on, by how they ended."""

    start: datetime
    completed: int
    failed: int
    stopped: int
    open: int = Field(description="Those that wait or go on")


class HistogramRead(BaseModel):
    """Shows runs over time, in buckets of equal length without a gap."""

    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")
    bucket_seconds: float
    counted_from: datetime = Field(
        description="Later than `from` if there are too many runs: older ones are not counted"
    )
    buckets: list[BucketRead] = Field(max_length=MAX_BUCKETS)

    @classmethod
    def of(cls, histogram: Histogram) -> "HistogramRead":
        return cls(
            since=histogram.since,
            until=histogram.until,
            bucket_seconds=histogram.width.total_seconds(),
            counted_from=histogram.counted_from,
            buckets=[BucketRead.model_validate(bucket, from_attributes=True) for bucket in histogram.buckets],
        )


class RunQueueRead(BaseModel):
    """Shows the queue as one organization sees it; of other organizations only how many slots their runs take."""

    waiting: int = Field(description=f"Runs of the organization that wait; {MAX_COUNTED_AHEAD} stands for more, too")
    oldest_waiting_seconds: float | None = Field(description="How long the oldest of them waits; null: none waits")
    standstill: Standstill | None = Field(
        description="Why none of them is taken; null when none waits, or a runner is about to take one"
    )
    runners: int = Field(description="Runners that were active within the last minute")
    last_runner_at: datetime | None = Field(description="When any runner was active last; null: it is not known")
    slots: int | None = Field(description="How many runs they execute at once; null while one has not shown how many")
    busy: int = Field(description="Slots that have a run")
    busy_with_own: int = Field(description="Those of them that have one of the organization")

    @classmethod
    def of(cls, report: QueueReport) -> "RunQueueRead":
        """Returns the report as it is sent."""
        view = report.view
        return cls(
            waiting=min(len(view.oldest_waiting), MAX_COUNTED_AHEAD),
            oldest_waiting_seconds=report.oldest_waiting_seconds,
            standstill=view.standstill,
            runners=view.runners,
            last_runner_at=report.last_runner_at,
            slots=view.slots,
            busy=view.busy if view.slots is None else min(view.busy, view.slots),
            busy_with_own=view.busy_with_own,
        )


class LeftRun(BaseModel):
    """Names, in the stream of a list, a run that does not (or no longer) pass the filters `state` and `text`."""

    id: int


class RunEvent(BaseModel):
    """Describes an event of the stream of a list: a run that began or changed; its id is the place to go on after."""

    event: Literal["run"]
    id: str
    data: Annotated[str, JsonText(RunRead)]


class LeftEvent(BaseModel):
    """Describes an event of the stream of a list: a run that passes its filters no longer."""

    event: Literal["left"]
    id: str
    data: Annotated[str, JsonText(LeftRun)]


class RunsCancel(BaseModel):
    """Names the runs that are to be cancelled."""

    model_config = ConfigDict(extra="forbid")

    runs: RunIds


class RunCancelled(BaseModel):
    """Tells what became of the request to cancel one run."""

    run: int
    is_done: bool
    error: str | None = Field(description="Why not")


class RunsCancelled(BaseModel):
    """Answers for each run by itself, in the order of the request."""

    results: list[RunCancelled]

    @classmethod
    def of(cls, errors: Mapping[RunId, str | None]) -> "RunsCancelled":
        return cls(
            results=[RunCancelled(run=run_id, is_done=error is None, error=error) for run_id, error in errors.items()]
        )


def read_runs(runs: list[Run], about: Mapping[RunId, AboutRun]) -> list[RunRead]:
    """Returns runs as a list shows them."""
    return [RunRead.from_run(run, about.get(run.id)) for run in runs]

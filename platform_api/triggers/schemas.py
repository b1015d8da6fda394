"""Defines schedules of actions on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from platform_api.core.http.pagination import Envelope
from platform_api.runs.models import RunState
from platform_api.schedules.schemas import Schedule
from platform_api.triggers.models import DescribedTrigger, Trigger, TriggerKind
from platform_api.triggers.times import Forecast

MAX_NAME_CHARS = 100

ScheduleName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME_CHARS)]
Input = Annotated[dict[str, Any], Field(description="Becomes `user_input`; must fit the action's input schema")]


class ActionScheduleCreate(BaseModel):
    """Describes a new schedule of an action."""

    model_config = ConfigDict(extra="forbid")

    name: ScheduleName
    schedule: Schedule
    input: Input = {}
    is_enabled: bool = True


class ActionScheduleUpdate(BaseModel):
    """Changes a schedule; what is left out, or null, stays. From then on its runs have the caller's rights."""

    model_config = ConfigDict(extra="forbid")

    base_revision: int = Field(ge=1, le=2**31 - 1, description="The `revision` that the change begins with")
    name: ScheduleName | None = None
    schedule: Schedule | None = None
    input: Input | None = None
    is_enabled: bool | None = Field(default=None, description="False pauses it")


class ActionSchedulePreview(BaseModel):
    """Holds a schedule that is not stored."""

    model_config = ConfigDict(extra="forbid")

    schedule: Schedule


class ScheduledTime(BaseModel):
    """Shows one moment, in UTC and by the schedule's clock."""

    at: datetime
    local: datetime = Field(description="The same moment with the offset of the schedule's zone")

    @classmethod
    def of(cls, at: datetime, zone: str) -> Self:
        return cls(at=at, local=at.astimezone(ZoneInfo(zone)))


class ScheduleForecast(BaseModel):
    """Shows when a schedule comes."""

    words: str = Field(description="When it comes, in English, by the clock of its zone")
    timezone: str
    next_times: list[ScheduledTime] = Field(description="At most five")
    warnings: list[str] = Field(description="What changes of the clock do to its times within a year")

    @classmethod
    def of(cls, forecast: Forecast) -> Self:
        return cls(
            words=forecast.words,
            timezone=forecast.timezone,
            next_times=[ScheduledTime.of(at, forecast.timezone) for at in forecast.times],
            warnings=list(forecast.warnings),
        )


class ScheduledRun(BaseModel):
    """Names the last run of a schedule."""

    id: int
    state: RunState | None = Field(description="Null for a run that is no longer kept")


class ActionScheduleRead(BaseModel):
    """Shows a schedule of an action."""

    id: int
    app: int
    action: int
    kind: Literal[TriggerKind.SCHEDULE]
    name: str
    schedule: dict[str, Any]
    words: str | None = Field(description="When it comes, in English; null for what can no longer be read here")
    timezone: str | None
    input: dict[str, Any]
    is_enabled: bool
    paused_reason: str | None = Field(description="Why the platform paused it")
    revision: int
    created_by: str | None = Field(description="Name of who created it, or their e-mail")
    changed_by: str | None = Field(description="Who last changed it: its runs have their rights")
    created_at: datetime
    updated_at: datetime
    next_at: datetime | None
    next_times: list[ScheduledTime]
    waiting_since: datetime | None = Field(description="The time whose run waits for an open one to end")
    last_run: ScheduledRun | None
    last_skip_at: datetime | None
    last_skip_reason: str | None = Field(description="Why the last time that passed without a run did")
    last_error: str | None = Field(description="Why no run could be started at the last time")

    @classmethod
    def of(cls, described: DescribedTrigger, forecast: Forecast | None) -> Self:
        trigger: Trigger = described.trigger
        last_run = None
        if trigger.last_run_id is not None:
            last_run = ScheduledRun(id=trigger.last_run_id, state=described.last_run_state)
        times = [] if forecast is None else [ScheduledTime.of(at, forecast.timezone) for at in forecast.times]
        return cls(
            id=trigger.id,
            app=trigger.app_id,
            action=trigger.action_id,
            kind=TriggerKind.SCHEDULE,
            name=trigger.name,
            schedule=trigger.schedule,
            words=None if forecast is None else forecast.words,
            timezone=None if forecast is None else forecast.timezone,
            input=trigger.input,
            is_enabled=trigger.is_enabled,
            paused_reason=trigger.paused_reason,
            revision=trigger.revision,
            created_by=described.created_by,
            changed_by=described.changed_by,
            created_at=trigger.created_at,
            updated_at=trigger.updated_at,
            next_at=trigger.next_at,
            next_times=times,
            waiting_since=trigger.waiting_since,
            last_run=last_run,
            last_skip_at=trigger.last_skip_at,
            last_skip_reason=trigger.last_skip_reason,
            last_error=trigger.last_error,
        )


class ActionSchedulePage(Envelope):
    """Holds a part of an action's schedules."""

    results: list[ActionScheduleRead]

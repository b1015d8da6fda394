"""Defines schedules as they are written."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from platform_api.schedules.cron import Cron, check_expression, find_zone
from platform_api.schedules.shorthand import SHORTHANDS, is_shorthand, read_period

STORED = {"is_stored": True}
"""Context of validation for stored schedules: rules that were added later do not make them unreadable."""
DEFAULT_ZONE = "UTC"
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


class Overlap(StrEnum):
    """Lists what happens at a time that comes while the run of an earlier one is open."""

    SKIP = "skip"
    """No run is started for it."""
    ALLOW = "allow"
    """A run is started beside the open one."""
    QUEUE_ONE = "queue_one"
    """One run waits for the open one to end; it counts for all times that come until it begins."""


class Schedule(BaseModel):
    """Says when something runs by itself: every so many minutes, or at the times of a cron expression."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_minutes: Annotated[int, Field(ge=1, le=60 * 24 * 366)] | None = None
    cron: Annotated[str, Field(max_length=100)] | None = Field(
        default=None,
        description="Five fields; or @hourly, @daily, @weekly, @monthly, @yearly, `@every 15m`, at times of its own",
    )
    timezone: Annotated[str, Field(max_length=100)] = Field(
        default=DEFAULT_ZONE, description="IANA's name of the zone whose clock the cron expression means"
    )
    overlap: Overlap = Field(
        default=Overlap.SKIP, description="What happens at a time that comes while a run is open"
    )

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None or info.context == STORED:
            return value
        value = value.strip()
        if not value.startswith("@"):
            return check_expression(value)
        if not is_shorthand(value):
            raise ValueError(
                f"{value!r} is not known; use one of {', '.join(SHORTHANDS)}, or a period such as `@every 15m`"
            )
        return value

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, value: str, info: ValidationInfo) -> str:
        if info.context != STORED:
            find_zone(value)
        return value

    @model_validator(mode="after")
    def _has_one_kind(self, info: ValidationInfo) -> "Schedule":
        if info.context == STORED:
            return self
        if (self.every_minutes is None) == (self.cron is None):
            raise ValueError("give either every_minutes or cron")
        # The default is no contradiction: what is read of a schedule may be sent again.
        if self.timezone != DEFAULT_ZONE and (self.cron is None or read_period(self.cron) is not None):
            raise ValueError(
                "timezone is only for times of the clock; leave it out, since a period is the same in every zone"
            )
        if self.cron is None or self.cron.startswith("@"):
            return self
        if Cron(self.cron, find_zone(self.timezone)).after(_SOME_DAY) is None:
            raise ValueError(f"{self.cron!r} never comes in {self.timezone}: its clock skips these times")
        return self

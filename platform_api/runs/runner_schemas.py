"""Defines the runner protocol on the wire (docs/reference/runner-protocol.md)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from platform_api.runs.limits import RunLimits
from platform_api.runs.models import Cause, LogStream

MAX_WAIT_SECONDS = 30
_MAX_LINES = 5000
_MAX_LINE_LENGTH = 64 * 1024
_MAX_HELD = 1000
_MAX_ERROR_LENGTH = 64 * 1024

RunnerId = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Isolation(StrEnum):
    """Lists how a runner can isolate user code."""

    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    NONE = "none"


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore")


class ClaimRequest(_Message):
    runner_id: RunnerId
    slots: int = Field(ge=1, le=256)
    isolation: Isolation
    runs_as_root: bool = False
    wait_seconds: float = Field(default=0, ge=0, le=MAX_WAIT_SECONDS, allow_inf_nan=False)


class Claim(_Message):
    """Describes a run with everything that is needed to execute it."""

    run_id: int
    task_id: str
    fence: int
    lease_seconds: int
    organization_id: int
    app_id: int
    action_id: int | None
    action_type: str
    entry: str
    bundle: str
    environment: dict[str, str]
    run_token: str
    event: dict[str, Any]
    limits: RunLimits


class ClaimReply(_Message):
    runs: list[Claim]


class BundleReply(_Message):
    files: dict[str, str]


class Fenced(_Message):
    fence: Number


class HeldRun(Fenced):
    run_id: int = Field(ge=1, le=2**63 - 1)


class StartReply(_Message):
    started_at: datetime


class HeldRuns(_Message):
    """Lists runs that a runner holds: the body of `heartbeat` and `release`."""

    runner_id: RunnerId
    runs: list[HeldRun] = Field(max_length=_MAX_HELD)


class HeartbeatRun(_Message):
    run_id: int
    held: bool
    cancel: bool


class HeartbeatReply(_Message):
    runs: list[HeartbeatRun]


class ReleaseReply(_Message):
    released: int


class LogLineWrite(_Message):
    seq: Number
    stream: LogStream
    text: str = Field(max_length=_MAX_LINE_LENGTH)
    at: AwareDatetime

    @field_validator("text")
    @classmethod
    def _storable(cls, text: str) -> str:
        return text.replace("\x00", "\ufffd")


class LogLines(Fenced):
    lines: list[LogLineWrite] = Field(max_length=_MAX_LINES)


class LogReply(_Message):
    accepted: int


class Usage(_Message):
    """Counts what the run used."""

    wall_ms: int = Field(default=0, ge=0)
    cpu_ms: int = Field(default=0, ge=0)
    max_rss_kb: int = Field(default=0, ge=0)


class Finish(Fenced):
    """Reports how a run ended."""

    status: Literal["completed", "failed", "stopped"]
    cause: Cause
    result: Any = None
    error: str | None = None
    usage: Usage = Usage()

    @field_validator("error")
    @classmethod
    def _bounded(cls, error: str | None) -> str | None:
        if error is None:
            return None
        error = error.replace("\x00", "\ufffd")
        return error if len(error) <= _MAX_ERROR_LENGTH else f"{error[:_MAX_ERROR_LENGTH]} …"

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.status == "completed") != (self.cause in (Cause.RETURNED, Cause.EXIT)) and not (
            self.status == "failed" and self.cause is Cause.EXIT
        ):
            raise ValueError(f"a run with status {self.status} cannot have the cause {self.cause}")
        return self


class FinishReply(_Message):
    recorded: Literal[True] = True

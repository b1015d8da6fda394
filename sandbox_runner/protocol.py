"""Defines the messages of the runner protocol (docs/reference/runner-protocol.md), validated on arrival."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr


class Cause(StrEnum):
    """Names the reason why a run ended."""

    RETURNED = "returned"
    EXCEPTION = "exception"
    EXIT = "exit"
    SYNTAX_ERROR = "syntax_error"
    TIMEOUT = "timeout"
    CPU_LIMIT = "cpu_limit"
    MEMORY_LIMIT = "memory_limit"
    PROCESS_LIMIT = "process_limit"
    OUTPUT_LIMIT = "output_limit"
    RESULT_TOO_LARGE = "result_too_large"
    KILLED = "killed"
    CANCELLED = "cancelled"
    RUNNER_LOST = "runner_lost"
    RUNNER_ERROR = "runner_error"


Status = Literal["completed", "failed", "stopped"]
Stream = Literal["stdout", "stderr", "system"]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Limits(_Message):
    """Describes the limits of a run."""

    wall_seconds: float = Field(default=300, gt=0)
    cpu_seconds: float = Field(default=120, gt=0)
    memory_mb: int = Field(default=512, ge=64)
    processes: int = Field(default=64, ge=1)
    file_size_mb: int = Field(default=64, ge=1)
    output_kb: int = Field(default=4096, ge=1)
    result_kb: int = Field(default=1024, ge=1)


class Claim(_Message):
    """Describes a run that this runner has claimed."""

    run_id: int
    task_id: str
    fence: int
    lease_seconds: float = Field(gt=0)
    organization_id: int
    app_id: int
    action_id: int | None = None
    action_type: str | None = None
    entry: str
    bundle: str
    environment: dict[str, str] = {}
    run_token: SecretStr
    event: dict[str, JsonValue] = {}
    limits: Limits = Limits()


class ClaimReply(_Message):
    """Describes the reply to `claim`."""

    runs: list[Claim]


class BundleReply(_Message):
    """Describes the reply to `bundles`: a source tree as path to text."""

    files: dict[str, str]


class HeldRun(_Message):
    """Describes a run in the reply to `heartbeat`."""

    run_id: int
    held: bool
    cancel: bool = False


class HeartbeatReply(_Message):
    """Describes the reply to `heartbeat`."""

    runs: list[HeldRun]


class LanguageServersReply(_Message):
    """Describes the reply to a claim of language servers: their ids."""

    servers: list[int]


class Usage(_Message):
    """Describes the resources that a run used; `cpu_ms` does not include the jail's start-up."""

    wall_ms: int = 0
    cpu_ms: int = 0
    max_rss_kb: int = 0


@dataclass(frozen=True, slots=True)
class LogLine:
    """Describes a line of a run's log; `at` is ISO 8601 in UTC. Not a pydantic model, to be fast."""

    seq: int
    stream: Stream
    text: str
    at: str


class Outcome(_Message):
    """Describes the outcome of a run."""

    status: Status
    cause: Cause
    result: Any = None
    error: str | None = None
    usage: Usage = Usage()

"""Describes the tables of runs, of the lines they write, and of runners."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.accounts.models import EnumText
from platform_api.core.database import Base, identity
from platform_api.core.types import ActionId, AppId, OrganizationId, RunId, UserId


class RunState(StrEnum):
    """Lists the states of a run."""

    PENDING = "pending"
    """Waits for a runner."""
    CLAIMED = "claimed"
    """A runner holds it; user code has not started."""
    RUNNING = "running"
    """User code may have started."""
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"
    """Ended because somebody cancelled it."""

    @property
    def has_ended(self) -> bool:
        """Tells whether the run has ended, so that nothing about it changes any more."""
        return self in (RunState.COMPLETED, RunState.FAILED, RunState.STOPPED)


class Cause(StrEnum):
    """Lists what can end a run."""

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
    """Nobody knows how far the run came: its runner stopped reporting."""
    RUNNER_ERROR = "runner_error"


class BegunBy(StrEnum):
    """Lists how a run can be begun."""

    MANUAL = "manual"
    """By a person who is signed in."""
    API = "api"
    """With a person's token, by a program outside."""
    SCRIPT = "script"
    """By the script of another run."""
    WEBHOOK = "webhook"
    SCHEDULE = "schedule"


class LogStream(StrEnum):
    """Lists where a log line comes from; `system` is the platform itself."""

    STDOUT = "stdout"
    STDERR = "stderr"
    SYSTEM = "system"


_STATES = ", ".join(f"'{state}'" for state in RunState)
_FILTERED = ["state", "app_id", "action_id", "user_id", "begun_by"]
CURRENT_TRANSACTION = text("cast(cast(pg_current_xact_id() as text) as bigint)")
"""Goes into `changed_in` with every change that a list shows."""


class Run(Base):
    """Describes one execution of an action. Its source version, event and limits are fixed when it is created."""

    __tablename__ = "runs"
    __table_args__ = (
        CheckConstraint(f"state in ({_STATES})", name="state_known"),
        CheckConstraint(
            "(state in ('claimed', 'running')) = (lease_expires_at is not null)", name="lease_while_held"
        ),
        CheckConstraint(
            "(state in ('completed', 'failed', 'stopped')) = (finished_at is not null)", name="end_is_dated"
        ),
        UniqueConstraint("action_id", "number"),
        Index("ix_runs_organization_id_app_id", "organization_id", "app_id", "id"),
        # Answer every filter of a list without a look at the rows, which are wide.
        Index("ix_runs_organization_id_id", "organization_id", "id", postgresql_include=["created_at", *_FILTERED]),
        Index(
            "ix_runs_organization_id_created_at",
            *("organization_id", "created_at", "id"),
            postgresql_include=_FILTERED,
        ),
        Index(
            "ix_runs_changed",
            *("organization_id", "changed_in", "id"),
            postgresql_where=text("changed_in is not null"),
        ),
        Index("ix_runs_app_id_organization_id", "app_id", "organization_id"),
        Index("ix_runs_unfinished", "app_id", postgresql_where=text("state in ('pending', 'claimed', 'running')")),
        Index("ix_runs_pending", "organization_id", "id", postgresql_where=text("state = 'pending'")),
        Index(
            "ix_runs_trigger_id",
            "trigger_id",
            postgresql_where=text("trigger_id is not null and state in ('pending', 'claimed', 'running')"),
        ),
        Index("ix_runs_lease", "lease_expires_at", postgresql_where=text("state in ('claimed', 'running')")),
    )

    id: Mapped[RunId] = mapped_column(BigInteger, identity(), primary_key=True)
    task_id: Mapped[str] = mapped_column(unique=True)
    """A random UUID, by which clients and scripts name the run."""
    number: Mapped[int] = mapped_column(Integer)
    """1 for the action's first run."""
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    """The organization whose rows, cache and connections the run uses."""
    app_id: Mapped[AppId] = mapped_column(ForeignKey("platform.apps.id", ondelete="CASCADE"))
    action_id: Mapped[ActionId | None] = mapped_column(ForeignKey("platform.actions.id", ondelete="SET NULL"))
    user_id: Mapped[UserId] = mapped_column(ForeignKey("platform.users.id", ondelete="CASCADE"))
    """The user who started the run, and whose rights it has."""
    started_by_run_id: Mapped[RunId | None] = mapped_column(BigInteger)
    """The run whose script started this one."""
    begun_by: Mapped[BegunBy | None] = mapped_column(EnumText(BegunBy))
    """Unknown of runs from before it was recorded."""
    rerun_of_run_id: Mapped[RunId | None] = mapped_column(BigInteger)
    """The run that this one repeats."""
    trigger_id: Mapped[int | None] = mapped_column(BigInteger)
    """The schedule that started it."""
    is_draft: Mapped[bool] = mapped_column(server_default="false")
    """Runs source that was not saved (`RunDraft`)."""
    action_type: Mapped[str]
    reaches_installs: Mapped[bool]
    """True for a script of the app's owner that works for every organization that installed the app."""
    entry: Mapped[str]
    bundle: Mapped[str]
    """Digest of the source version."""
    event: Mapped[dict[str, Any]]
    environment: Mapped[dict[str, str]]
    limits: Mapped[dict[str, Any]]
    allows_retries: Mapped[bool]
    """Whether the run may start again from the beginning when its runner is lost."""

    state: Mapped[RunState] = mapped_column(EnumText(RunState), server_default="pending")
    fence: Mapped[int] = mapped_column(Integer, server_default="0")
    """Grows with every claim; reports of an earlier holder no longer count."""
    starts: Mapped[int] = mapped_column(Integer, server_default="0")
    """How often user code was started."""
    runner_id: Mapped[str | None]
    isolation: Mapped[str | None]
    lease_expires_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]

    progress: Mapped[int | None] = mapped_column(Integer)
    progress_info: Mapped[str | None]
    progress_status: Mapped[str | None]
    log_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    log_removed_at: Mapped[datetime | None]
    """When its log was removed, because the app keeps no more."""

    cause: Mapped[Cause | None] = mapped_column(EnumText(Cause))
    result: Mapped[str | None]
    """The run's value as JSON text, digit for digit as the script gave it."""
    error: Mapped[str | None]
    usage: Mapped[dict[str, Any] | None]
    finish_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Tells a repeated report of the end from a different one."""

    changed_in: Mapped[int | None] = mapped_column(BigInteger, server_default=CURRENT_TRANSACTION)
    """The transaction of the last change that a list shows: of its state, its progress or a request to cancel it."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    claimed_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class RunDraft(Base):
    """Holds the unsaved source of a run, as what differs from the bundle below it."""

    __tablename__ = "run_drafts"
    __table_args__ = (Index("ix_run_drafts_digest", "digest"), Index("ix_run_drafts_app_id", "app_id", "run_id"))

    run_id: Mapped[RunId] = mapped_column(
        BigInteger, ForeignKey("platform.runs.id", ondelete="CASCADE"), primary_key=True
    )
    app_id: Mapped[AppId] = mapped_column(ForeignKey("platform.apps.id", ondelete="CASCADE"))
    digest: Mapped[str]
    """Of the whole, as the runner requests it."""
    base: Mapped[str]
    """Digest of the bundle of a saved version."""
    files: Mapped[dict[str, Any]]
    """Maps paths to text; null: the file is not there."""


class RunLogLine(Base):
    """Describes a line that a run wrote. `fence` tells attempts apart: each numbers its lines from 1."""

    __tablename__ = "run_log_lines"

    run_id: Mapped[RunId] = mapped_column(
        BigInteger, ForeignKey("platform.runs.id", ondelete="CASCADE"), primary_key=True
    )
    fence: Mapped[int] = mapped_column(Integer, primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    stream: Mapped[str]
    text: Mapped[str]
    at: Mapped[datetime]


class RunnerPresence(Base):
    """Describes a runner that was active lately."""

    __tablename__ = "runners"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012

    id: Mapped[str] = mapped_column(primary_key=True)
    isolation: Mapped[str]
    slots: Mapped[int | None] = mapped_column(Integer)
    """How many runs it executes at once, as far as it has shown."""
    language_servers: Mapped[int | None] = mapped_column(Integer)
    """How many language servers it runs at once; null: none."""
    runs_as_root: Mapped[bool] = mapped_column(server_default="false")
    """Scripts have the user id 0 there: no other user can reach what they need."""
    seen_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class StartedRun:
    """Identifies a run that was queued."""

    id: RunId
    task_id: str
    number: int

"""Defines syncs and their runs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from automio._decode import WireModel


@dataclass(frozen=True, kw_only=True)
class SyncRejection(WireModel):
    """Describes an item that was not stored: its page, its position there (both from 1), and the reason."""

    page: int
    item: int
    key: str | None = None
    column: str | None = None
    reason: str


@dataclass(frozen=True, kw_only=True)
class SyncRun(WireModel):
    """Describes a sync's run for a connection. `state` is pending, running, completed, partial, failed or cancelled.

    A `partial` run ended at a limit, and the next run continues; `error` says why a run ended early. `seen` counts
    the items that were read, `rejections` holds the first rejected ones. `ticks` is the number of scheduled times
    that the run covers, from `planned_at` on (0: it was started manually), `missed` those without their own run.
    """

    id: int
    connection_id: int
    state: str
    kind: str | None = None
    pages: int
    seen: int
    inserted: int
    updated: int
    deleted: int
    rejected: int
    rejections: tuple[SyncRejection, ...] = ()
    error: str | None = None
    planned_at: datetime | None = None
    ticks: int = 0
    missed: int = 0
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class SyncCheckpoint(WireModel):
    """Describes a connection's progress: where the next incremental run starts, the kind of an unfinished run."""

    connection_id: int
    cursor: Any = None
    unfinished: str | None = None


@dataclass(frozen=True, kw_only=True)
class Sync(WireModel):
    """Describes a sync: its declaration, its next times, its progress, and the latest run of each connection."""

    id: int
    name: str
    app: int
    organization: int
    enabled: bool
    declaration: dict[str, Any]
    next_run_at: datetime | None = None
    next_runs: tuple[datetime, ...] = ()
    problem: str | None = None
    checkpoints: tuple[SyncCheckpoint, ...] = ()
    runs: tuple[SyncRun, ...] = ()

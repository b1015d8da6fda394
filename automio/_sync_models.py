"""Syncs of third-party lists into tables, and their runs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from automio._decode import WireModel


@dataclass(frozen=True, kw_only=True)
class SyncRejection(WireModel):
    """An item that was not stored: its page and its place there, both from 1, and why."""

    page: int
    item: int
    key: str | None = None
    column: str | None = None
    reason: str


@dataclass(frozen=True, kw_only=True)
class SyncRun(WireModel):
    """One run for one connection. `state` is pending, running, completed, partial, failed or cancelled.

    `partial` ended at a limit, and the next run goes on; `error` says why a run ended early. `seen` counts items,
    `rejections` are the first of those that were rejected. `ticks` are the times of the schedule that it stands for,
    from `planned_at` on, `missed` those without a run of their own; 0 ticks: it was started by hand.
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
    """How far a connection is: what the next incremental run begins after, and the kind of an unfinished walk."""

    connection_id: int
    cursor: Any = None
    unfinished: str | None = None


@dataclass(frozen=True, kw_only=True)
class Sync(WireModel):
    """A sync: its declaration, its next times, how far it is, and the latest run for each connection."""

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

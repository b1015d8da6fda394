"""Describes the tables of syncs: how far each is with each connection, and their runs."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.accounts.models import EnumText
from platform_api.core.database import Base, Timestamps, identity
from platform_api.core.types import AppId, ConnectionId, OrganizationId, TableId, UserId
from platform_api.work.models import Dated, Leased, lease_indexes


class SyncRunState(StrEnum):
    """Lists the states of a run. A `partial` one ended at a limit; the next run goes on from there."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


_STATES = ", ".join(f"'{state}'" for state in SyncRunState)
OPEN_STATES = (SyncRunState.PENDING, SyncRunState.RUNNING)
_IS_PENDING = text("state = 'pending'")
_IS_RUNNING_ALONE = text("state = 'running' and not beside")
_IS_OPEN = "state in ('pending', 'running')"


class Sync(Timestamps, Base):
    """Describes a sync that an organization declared."""

    __tablename__ = "syncs"
    __table_args__ = (
        UniqueConstraint("organization_id", "app_id", "name"),
        Index("ix_syncs_app_id", "app_id"),
        Index("ix_syncs_table_id", "table_id"),
        Index("ix_syncs_next_run_at", "next_run_at", postgresql_where=text("next_run_at is not null")),
    )

    id: Mapped[int] = mapped_column(BigInteger, identity(), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    """Whose connections it reads and whose rows it writes."""
    app_id: Mapped[AppId] = mapped_column(ForeignKey("platform.apps.id", ondelete="CASCADE"))
    table_id: Mapped[TableId | None] = mapped_column(ForeignKey("platform.app_tables.id", ondelete="SET NULL"))
    """Null when the table was dropped."""
    user_id: Mapped[UserId] = mapped_column(ForeignKey("platform.users.id", ondelete="CASCADE"))
    """Who made or last changed it: its runs have this user's rights."""
    name: Mapped[str] = mapped_column(String(63))
    declaration: Mapped[dict[str, Any]]
    is_enabled: Mapped[bool] = mapped_column(server_default="true")
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    """Grows when what is read, or where it goes, changes: a walk begun before is not continued."""
    next_run_at: Mapped[datetime | None]
    problem: Mapped[str | None]
    """Why it could not be started when it was due."""


class SyncCheckpoint(Base):
    """Records how far a sync is with one connection. It changes only together with the rows that it covers."""

    __tablename__ = "sync_checkpoints"
    __table_args__ = (Index("ix_sync_checkpoints_connection_id", "connection_id"),)

    sync_id: Mapped[int] = mapped_column(ForeignKey("platform.syncs.id", ondelete="CASCADE"), primary_key=True)
    connection_id: Mapped[ConnectionId] = mapped_column(
        ForeignKey("platform.connections.id", ondelete="CASCADE"), primary_key=True
    )
    cursor: Mapped[Any] = mapped_column(JSONB(none_as_null=True), nullable=True)
    """What the next incremental run begins after; null: at the beginning."""
    walk: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """A walk that the next run goes on with: its kind and where it stands. A run takes it, and may leave it again."""


class SyncRun(Leased, Dated, Base):
    """Describes a run of a sync for one connection."""

    __tablename__ = "sync_runs"
    __table_args__ = (
        CheckConstraint(f"state in ({_STATES})", name="state_known"),
        Index("ix_sync_runs_sync_id_id", "sync_id", "id"),
        Index("ix_sync_runs_connection_id", "connection_id"),
        Index("ix_sync_runs_organization_id", "organization_id"),
        Index("uq_sync_runs_pending", "sync_id", "connection_id", unique=True, postgresql_where=_IS_PENDING),
        Index("uq_sync_runs_running", "sync_id", "connection_id", unique=True, postgresql_where=_IS_RUNNING_ALONE),
        Index("ix_sync_runs_open", "id", postgresql_where=text(_IS_OPEN)),
        *lease_indexes("sync_runs", is_open=_IS_OPEN),
    )

    sync_id: Mapped[int] = mapped_column(ForeignKey("platform.syncs.id", ondelete="CASCADE"))
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    connection_id: Mapped[ConnectionId] = mapped_column(ForeignKey("platform.connections.id", ondelete="CASCADE"))
    state: Mapped[SyncRunState] = mapped_column(EnumText(SyncRunState), server_default="pending")
    kind: Mapped[str | None]
    """full, incremental or backfill; known once it has begun."""
    pages: Mapped[int] = mapped_column(Integer, server_default="0")
    seen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    inserted: Mapped[int] = mapped_column(BigInteger, server_default="0")
    updated: Mapped[int] = mapped_column(BigInteger, server_default="0")
    deleted: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rejected: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rejections: Mapped[list[Any]] = mapped_column(server_default="[]")
    """The first rejected items: page, place in it, key, column, reason."""
    error: Mapped[str | None]
    """Why it failed or ended early."""
    planned_at: Mapped[datetime | None]
    """The first time of the schedule that it stands for."""
    ticks: Mapped[int] = mapped_column(Integer, server_default="0")
    """Times of the schedule that it stands for; 0: it was started by hand."""
    beside: Mapped[bool] = mapped_column(server_default="false")
    """It does not wait for another run of the connection to end."""
    walk: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Where it stands in the list, while it runs."""

    @property
    def missed(self) -> int:
        """Times that had no run of their own."""
        return max(0, self.ticks - 1)


class SyncedRow(Base):
    """Records a row that a full sync wrote, and the walk that saw it last: what a later walk does not see is gone."""

    __tablename__ = "synced_rows"

    sync_id: Mapped[int] = mapped_column(ForeignKey("platform.syncs.id", ondelete="CASCADE"), primary_key=True)
    connection_id: Mapped[ConnectionId] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    row_id: Mapped[UUID] = mapped_column(PG_UUID(as_uuid=True), primary_key=True)
    walk: Mapped[int] = mapped_column(BigInteger)
    """The run that saw it last, or one that began later and was running then."""


class SyncedPage(Base):
    """Records what a run wrote while another one of the same connection was running, which may hold an older page."""

    __tablename__ = "synced_pages"
    __table_args__ = (
        Index("ix_synced_pages_sync_id_connection_id_id", "sync_id", "connection_id", "id"),
        Index("ix_synced_pages_run_id", "run_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, identity(), primary_key=True)
    sync_id: Mapped[int] = mapped_column(BigInteger)
    connection_id: Mapped[ConnectionId] = mapped_column(BigInteger)
    run_id: Mapped[int] = mapped_column(ForeignKey("platform.sync_runs.id", ondelete="CASCADE"))
    keys: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    """Digests of the keys of its items; null: any row may have changed."""

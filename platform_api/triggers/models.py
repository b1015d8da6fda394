"""Describes the table of triggers."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.accounts.models import EnumText
from platform_api.core.database import Base, Timestamps, identity
from platform_api.core.types import ActionId, AppId, OrganizationId, RunId, UserId
from platform_api.runs.models import RunState


class TriggerKind(StrEnum):
    """Lists what can start an action by itself."""

    SCHEDULE = "schedule"


_KINDS = ", ".join(f"'{kind}'" for kind in TriggerKind)


class Trigger(Timestamps, Base):
    """Describes what starts an action for an organization by itself."""

    __tablename__ = "triggers"
    __table_args__ = (
        CheckConstraint(f"kind in ({_KINDS})", name="kind_known"),
        CheckConstraint(
            "installed_organization_id is null or installed_organization_id = organization_id",
            name="one_organization",
        ),
        # An uninstalled app starts nothing any more.
        ForeignKeyConstraint(
            ["app_id", "installed_organization_id"],
            ["platform.installs.app_id", "platform.installs.organization_id"],
            ondelete="CASCADE",
            name="fk_triggers_install",
        ),
        Index("ix_triggers_organization_id_app_id_action_id_id", "organization_id", "app_id", "action_id", "id"),
        Index("ix_triggers_app_id_installed_organization_id", "app_id", "installed_organization_id"),
        Index("ix_triggers_action_id", "action_id"),
        Index("ix_triggers_user_id", "user_id"),
        Index("ix_triggers_created_by", "created_by"),
        Index("ix_triggers_next_at", "next_at", postgresql_where=text("next_at is not null")),
        Index("ix_triggers_waiting_since", "waiting_since", postgresql_where=text("waiting_since is not null")),
    )

    id: Mapped[int] = mapped_column(BigInteger, identity(), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    """For whom the runs work."""
    installed_organization_id: Mapped[OrganizationId | None] = mapped_column(Integer)
    """The same, where it is not the app's owner."""
    app_id: Mapped[AppId] = mapped_column(ForeignKey("platform.apps.id", ondelete="CASCADE"))
    action_id: Mapped[ActionId] = mapped_column(ForeignKey("platform.actions.id", ondelete="CASCADE"))
    kind: Mapped[TriggerKind] = mapped_column(EnumText(TriggerKind))
    name: Mapped[str] = mapped_column(String(100))
    schedule: Mapped[dict[str, Any]]
    """The document of a schedule (`platform_api/schedules`)."""
    input: Mapped[dict[str, Any]]
    """Becomes `user_input` of the runs."""
    is_enabled: Mapped[bool] = mapped_column(server_default="true")
    revision: Mapped[int] = mapped_column(Integer, server_default="1")
    created_by: Mapped[UserId | None] = mapped_column(ForeignKey("platform.users.id", ondelete="SET NULL"))
    user_id: Mapped[UserId | None] = mapped_column(ForeignKey("platform.users.id", ondelete="SET NULL"))
    """Who created or last changed it: its runs have this user's rights."""
    next_at: Mapped[datetime | None]
    waiting_since: Mapped[datetime | None]
    """The first time whose run waits for an open one to end."""
    waiting_ticks: Mapped[int] = mapped_column(Integer, server_default="0")
    """How many times that run stands for."""
    last_run_id: Mapped[RunId | None] = mapped_column(BigInteger)
    last_skip_at: Mapped[datetime | None]
    last_skip_reason: Mapped[str | None]
    last_error: Mapped[str | None]
    """Why no run could be started at the last time."""
    paused_reason: Mapped[str | None]
    """Why the platform itself switched it off."""


@dataclass(frozen=True, slots=True)
class DescribedTrigger:
    """Holds a trigger with what is shown beside it."""

    trigger: Trigger
    last_run_state: RunState | None
    created_by: str | None
    changed_by: str | None

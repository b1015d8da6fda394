"""Stores actions of apps."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.accounts.models import EnumText
from platform_api.apps.models import App
from platform_api.core.database import Base, Timestamps, identity
from platform_api.core.types import ActionId, AppId, RunId, TableId, UserId
from platform_api.runs.models import StartedRun


class ActionType(StrEnum):
    """Lists what can start an action, and for whom it then works."""

    APP = "app_action"
    """Started for the app as a whole."""
    USER = "user_action"
    """Started by a person for their own organization."""
    TABLE = "table_action"
    """Started on rows of a table, for the organization they belong to."""
    TRIGGER = "trigger_action"
    """Started by a schedule or an event."""
    WEBHOOK = "webhook_action"
    """Started by a call from outside."""

    @property
    def works_for_installs(self) -> bool:
        """Returns true if the owning organization's runs reach every organization that installed the app."""
        return self in (ActionType.APP, ActionType.TRIGGER, ActionType.WEBHOOK)


_TYPES = ", ".join(f"'{kind}'" for kind in ActionType)


class Action(Timestamps, Base):
    """Stores something of an app that can be run."""

    __tablename__ = "actions"
    __table_args__ = (
        CheckConstraint(f"action_type in ({_TYPES})", name="action_type_known"),
        UniqueConstraint("app_id", "slug"),
        Index("ix_actions_table_id", "table_id"),
    )

    id: Mapped[ActionId] = mapped_column(Integer, identity(), primary_key=True)
    app_id: Mapped[AppId] = mapped_column(ForeignKey("platform.apps.id", ondelete="CASCADE"))
    slug: Mapped[str]
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str] = mapped_column(server_default="")
    action_type: Mapped[ActionType] = mapped_column(EnumText(ActionType))
    entry: Mapped[str]
    """`file.py`, or `file.py:function`, in the app's source tree."""
    table_id: Mapped[TableId | None] = mapped_column(ForeignKey("platform.app_tables.id", ondelete="SET NULL"))
    input_schema: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    limits: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """Holds only what differs from the platform's defaults."""
    allows_retries: Mapped[bool] = mapped_column(server_default="false")
    """A run whose runner is lost may be run again from the beginning."""
    is_public: Mapped[bool] = mapped_column(server_default="false")
    """Members of organizations that installed the app see and start it."""
    required_confirmation: Mapped[bool] = mapped_column(server_default="false")
    created_by: Mapped[UserId | None] = mapped_column(ForeignKey("platform.users.id", ondelete="SET NULL"))
    last_run_number: Mapped[int] = mapped_column(Integer, server_default="0")


@dataclass(frozen=True, slots=True)
class DescribedAction:
    """Holds an action as its caller sees it."""

    action: Action
    app: App
    table_name: str | None
    is_mine: bool
    """Whether the caller's organization owns the app."""
    can_view_code: bool
    code: str | None = None
    """The entry's file, where it was asked for and may be read."""


@dataclass(frozen=True, slots=True)
class Rerun:
    """Holds what became of the request to repeat one run: the ids of the new run, or why there is none."""

    run_id: RunId
    new_run: StartedRun | None = None
    error: str | None = None

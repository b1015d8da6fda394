"""Stores in-app notifications."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.accounts.models import EnumText
from platform_api.core.database import Base, identity
from platform_api.core.types import AppId, NotificationId, OrganizationId, RunId, UserId


class NotificationKind(StrEnum):
    """Lists how a notification can be shown."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    ERROR = "error"


_KINDS = ", ".join(f"'{kind}'" for kind in NotificationKind)


class Notification(Base):
    """Stores a message to a member of an organization. Ids of one inbox grow in the order of commits."""

    __tablename__ = "notifications"
    __table_args__ = (
        CheckConstraint(f"kind in ({_KINDS})", name="kind_known"),
        Index("ix_notifications_organization_id_user_id_id", "organization_id", "user_id", "id"),
    )

    id: Mapped[NotificationId] = mapped_column(BigInteger, identity(), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    user_id: Mapped[UserId] = mapped_column(ForeignKey("platform.users.id", ondelete="CASCADE"))
    """The recipient."""
    app_id: Mapped[AppId | None] = mapped_column(ForeignKey("platform.apps.id", ondelete="CASCADE"))
    """The app whose token sent it."""
    run_id: Mapped[RunId | None] = mapped_column(BigInteger)
    """The run whose script sent it."""
    kind: Mapped[NotificationKind] = mapped_column(EnumText(NotificationKind))
    title: Mapped[str]
    description: Mapped[str | None]
    data: Mapped[dict[str, Any] | None]
    actions: Mapped[list[Any]] = mapped_column(server_default="[]")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    read_at: Mapped[datetime | None]

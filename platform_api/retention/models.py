"""Maps what apps say of their history, and when it was looked through last."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.core.database import Base
from platform_api.core.types import AppId


class AppRetention(Base):
    """Stores the limits of one app. `due_at` is when its history is looked through next."""

    __tablename__ = "app_retention"
    __table_args__ = (Index("ix_app_retention_due_at", "due_at"),)

    app_id: Mapped[AppId] = mapped_column(ForeignKey("platform.apps.id", ondelete="CASCADE"), primary_key=True)
    limits: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    measured_at: Mapped[datetime | None]
    """When the sizes of its runs and logs were read last; null: with the next look."""

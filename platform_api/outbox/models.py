"""Describes the table of work that follows a commit."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.core.database import Base
from platform_api.work.models import Leased, lease_indexes


class OutboxItem(Leased, Base):
    """Describes one piece of work that follows a commit. It is deleted when done; until then it is retried."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("topic", "key"),
        Index("ix_outbox_topic_available_at", "topic", "available_at"),
        *lease_indexes("outbox", "topic", is_open="state in ('pending', 'running')"),
    )

    topic: Mapped[str]
    """The name under which the handler is registered."""
    key: Mapped[str | None]
    """A topic has one item for each key: a new one replaces the one that waits."""
    payload: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    version: Mapped[int] = mapped_column(BigInteger, server_default="1")
    """Grows when the item is written again, so that a change during its handling is not lost."""
    state: Mapped[str] = mapped_column(server_default="pending")
    """`pending`, or `running` once the item was claimed."""
    last_error: Mapped[str | None]
    """Why the last attempt failed."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

"""Work that follows a commit."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.core.database import Base
from platform_api.work.models import Leased, lease_indexes


class OutboxItem(Leased, Base):
    """One thing to do after a commit. It is deleted when done; until then it is offered again and again."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("topic", "key"),
        Index("ix_outbox_topic_available_at", "topic", "available_at"),
        *lease_indexes("outbox", "topic", is_open="state in ('pending', 'running')"),
    )

    topic: Mapped[str]
    """Names the handler."""
    key: Mapped[str | None]
    """Items of one topic with the same key are one: only the latest matters."""
    payload: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    version: Mapped[int] = mapped_column(BigInteger, server_default="1")
    """Grows when the item is written again, so that what was written during its handling is not lost."""
    state: Mapped[str] = mapped_column(server_default="pending")
    """`running` once it was claimed."""
    last_error: Mapped[str | None]
    """Why the last attempt failed."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

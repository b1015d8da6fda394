"""Work that follows a commit."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.core.database import Base, identity


class OutboxItem(Base):
    """One thing to do after a commit. It is deleted when done; until then it is offered again and again."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("topic", "key"),
        Index("ix_outbox_topic_available_at", "topic", "available_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, identity(), primary_key=True)
    topic: Mapped[str]
    """Names the handler."""
    key: Mapped[str | None]
    """Items of one topic with the same key are one: only the latest matters."""
    payload: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    version: Mapped[int] = mapped_column(BigInteger, server_default="1")
    """Grows when the item is written again, so that what was written during its handling is not lost."""
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    last_error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    available_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """Not before this time; in the future while an item is being handled or waits for its next attempt."""

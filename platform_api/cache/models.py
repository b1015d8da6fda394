"""Maps the cache entries in PostgreSQL."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, func, text
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.core.database import Base
from platform_api.core.types import OrganizationId


class CacheEntry(Base):
    """Stores one value. The table is not UNLOGGED: what was acknowledged survives a crash."""

    __tablename__ = "cache_entries"
    __table_args__ = (
        Index("ix_cache_entries_expires_at", "expires_at", postgresql_where=text("expires_at is not null")),
    )

    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE"), primary_key=True
    )
    app_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """The app; 0 for the organization's own entries, which its apps share."""
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    """JSON text, as it was sent."""
    expires_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

"""Maps the keys of requests that must have one effect, and what they did."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.core.database import Base
from platform_api.core.types import OrganizationId, UserId


class IdempotencyKey(Base):
    """Describes the first request with a key: what it asked for, and once it has ended, what it answered.

    While something outside the database is done, the process that does it holds a lease. When that has expired
    without an outcome, nobody knows whether it was done.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        UniqueConstraint("organization_id", "app_id", "user_id", "subject", "key"),
        CheckConstraint("outcome is null or lease_expires_at is null", name="lease_until_outcome"),
        Index("ix_idempotency_keys_created_at", "created_at"),
        # Whether a run may be removed.
        Index("ix_idempotency_keys_run", "outcome", postgresql_where=text("subject like 'run:%'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    app_id: Mapped[int] = mapped_column(Integer)
    """The app; 0 for none."""
    user_id: Mapped[UserId] = mapped_column(Integer)
    subject: Mapped[str]
    """What is guarded, such as `run:5` for the runs of an action: another subject may have the same key."""
    key: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    """Of the request: the same key with another request is a mistake."""
    fence: Mapped[int] = mapped_column(Integer, server_default="0")
    """Grows when somebody else takes over; an outcome under an earlier one no longer counts."""
    lease_expires_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    """What the request did, as JSON text."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]

"""Stores webhooks of apps, and which of their deliveries were accepted already."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.core.crypto import Sealed
from platform_api.core.database import Base, Timestamps, identity
from platform_api.core.types import ActionId, AppId, OrganizationId, RunId, UserId


class Webhook(Timestamps, Base):
    """Stores an address that starts an action. Its slug cannot be guessed: whoever knows it may call it."""

    __tablename__ = "webhooks"
    __table_args__ = (
        Index("ix_webhooks_organization_id_app_id", "organization_id", "app_id"),
        Index("ix_webhooks_app_id", "app_id"),
        Index("ix_webhooks_action_id", "action_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, identity(), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    """The organization that owns the webhook and for which its runs work."""
    app_id: Mapped[AppId] = mapped_column(ForeignKey("platform.apps.id", ondelete="CASCADE"))
    action_id: Mapped[ActionId] = mapped_column(ForeignKey("platform.actions.id", ondelete="CASCADE"))
    user_id: Mapped[UserId] = mapped_column(ForeignKey("platform.users.id", ondelete="CASCADE"))
    """The user who created it or changed it last: its runs have this user's rights."""
    slug: Mapped[str] = mapped_column(String(100), unique=True)
    name: Mapped[str] = mapped_column(String(150))
    is_enabled: Mapped[bool] = mapped_column(server_default="true")
    methods: Mapped[list[str]]
    verification: Mapped[dict[str, Any]]
    """How a sender proves their identity; the secret is not part of it."""
    sealed_secret: Mapped[bytes | None] = mapped_column(Sealed)
    challenge: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The answer to a call that started a run; null: the run's ids as JSON."""
    idempotency_header: Mapped[str | None]
    """Where the sender puts their id of a delivery: in this header, or at one of the next two places."""
    idempotency_path: Mapped[str | None]
    idempotency_field: Mapped[str | None]
    idempotency_hours: Mapped[int] = mapped_column(server_default="24")
    calls: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Number of runs it started."""
    last_called_at: Mapped[datetime | None]


class WebhookDelivery(Base):
    """Stores a delivery that was accepted, by the sender's own id of it."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index("ix_webhook_deliveries_webhook_id_created_at", "webhook_id", "created_at"),
        Index("ix_webhook_deliveries_run_id", "run_id"),
    )

    webhook_id: Mapped[int] = mapped_column(ForeignKey("platform.webhooks.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """SHA-256 of the sender's id."""
    run_id: Mapped[RunId] = mapped_column(BigInteger)
    task_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

"""Stores mail to users."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, func
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.accounts.models import EnumText
from platform_api.core.database import Base, identity
from platform_api.core.types import OrganizationId, RunId, UserId


class MailState(StrEnum):
    """Lists the states of a mail."""

    STORED = "stored"
    """No mail server is configured: the mail is read on the platform."""
    PENDING = "pending"
    """Waits to be handed to the mail server."""
    SENT = "sent"
    """The mail server accepted it."""
    FAILED = "failed"
    """The mail server refused it for good, or was unreachable for too long."""


_STATES = ", ".join(f"'{state}'" for state in MailState)


class Mail(Base):
    """Stores a mail to one user."""

    __tablename__ = "mails"
    __table_args__ = (
        CheckConstraint(f"state in ({_STATES})", name="state_known"),
        Index("ix_mails_organization_id_user_id", "organization_id", "user_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, identity(), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    user_id: Mapped[UserId] = mapped_column(ForeignKey("platform.users.id", ondelete="CASCADE"))
    run_id: Mapped[RunId | None] = mapped_column(BigInteger)
    """The run whose script sent it."""
    recipient: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    html: Mapped[str]
    state: Mapped[MailState] = mapped_column(EnumText(MailState))
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    last_error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]

"""Stores invitations and the secrets of their links."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    case,
    func,
    literal,
    type_coerce,
)
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.accounts.models import EnumText, Role, known_values
from platform_api.core.database import Base, identity
from platform_api.core.types import OrganizationId, UserId


class InvitationState(StrEnum):
    """Lists the states of an invitation; all but the first are ends."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    EXPIRED = "expired"
    REVOKED = "revoked"


_STATE: Any = EnumText(InvitationState)


class Invitation(Base):
    """Stores that somebody may become a member of an organization, once, until a time."""

    __tablename__ = "invitations"
    __table_args__ = (
        known_values("role", Role),
        CheckConstraint("email = lower(email)", name="email_lower"),
        Index("ix_invitations_organization_id_id", "organization_id", "id"),
        Index("ix_invitations_invited_by", "invited_by"),
        Index("ix_invitations_accepted_by", "accepted_by"),
    )

    id: Mapped[int] = mapped_column(BigInteger, identity(), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    role: Mapped[Role] = mapped_column(EnumText(Role))
    email: Mapped[str | None]
    """The only user who may accept it; null: whoever has the link."""
    invited_by: Mapped[UserId | None] = mapped_column(ForeignKey("platform.users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    accepted_by: Mapped[UserId | None] = mapped_column(ForeignKey("platform.users.id", ondelete="SET NULL"))
    revoked_at: Mapped[datetime | None]


class InvitationLink(Base):
    """Stores the secret of a link to an invitation, as its SHA-256: that of the reply, and one for each mail."""

    __tablename__ = "invitation_links"
    __table_args__ = (Index("ix_invitation_links_invitation_id", "invitation_id"),)

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    invitation_id: Mapped[int] = mapped_column(ForeignKey("platform.invitations.id", ondelete="CASCADE"))


def state_of_invitation() -> ColumnElement[InvitationState]:
    """Returns an invitation's state, judged by the database's clock."""
    state = case(
        (Invitation.accepted_at.is_not(None), literal(str(InvitationState.ACCEPTED))),
        (Invitation.revoked_at.is_not(None), literal(str(InvitationState.REVOKED))),
        (Invitation.expires_at <= func.now(), literal(str(InvitationState.EXPIRED))),
        else_=literal(str(InvitationState.PENDING)),
    )
    return type_coerce(state, _STATE)

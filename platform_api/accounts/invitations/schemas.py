"""Defines the JSON of invitations."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from platform_api.accounts.invitations.accepting import OpenInvitation
from platform_api.accounts.invitations.models import InvitationState
from platform_api.accounts.invitations.service import NewInvitation, SeenInvitation
from platform_api.accounts.models import Role, User
from platform_api.accounts.schemas import Email, Name, OrganizationRead, Password, UserRead

Days = Annotated[int, Field(ge=1, le=30)]


class _Write(BaseModel):
    model_config = ConfigDict(extra="forbid")


class InvitationCreate(_Write):
    """Describes an invitation to an organization."""

    role: Role
    email: Email | None = Field(
        default=None, description="Only the user with this e-mail may accept; when absent, whoever has the link"
    )
    expires_in_days: Days = 7


class InvitationRead(BaseModel):
    """Shows an invitation to the owners of its organization."""

    id: int
    role: Role
    email: str | None
    state: InvitationState
    invited_by: int | None = Field(description="Id of the user who created it")
    accepted_by: int | None = Field(description="Id of the user who accepted it")
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, seen: SeenInvitation) -> Self:
        row = seen.invitation
        return cls(
            id=row.id,
            role=row.role,
            email=row.email,
            state=seen.state,
            invited_by=row.invited_by,
            accepted_by=row.accepted_by,
            created_at=row.created_at,
            expires_at=row.expires_at,
            accepted_at=row.accepted_at,
            revoked_at=row.revoked_at,
        )


class InvitationCreated(InvitationRead):
    """Shows a new invitation with its link."""

    url: str = Field(description="The link, which is shown only this once")
    is_mailed: bool = Field(description="Whether a mail with a link of its own is on its way to `email`")

    @classmethod
    def of_new(cls, new: NewInvitation, *, url: str, is_mailed: bool) -> Self:
        shown = InvitationRead.of(SeenInvitation(new.invitation, InvitationState.PENDING))
        return cls(**shown.model_dump(), url=url, is_mailed=is_mailed)


class InvitationPage(BaseModel):
    """Holds the contract's pagination envelope."""

    count: int
    next: str | None
    previous: str | None
    results: list[InvitationRead]


class InvitationOpened(BaseModel):
    """Tells whoever has the link what it is for."""

    organization: str = Field(description="Name of the organization")
    role: Role
    email: str | None = Field(description="The only e-mail that may accept; null: any")
    has_account: bool | None = Field(
        description="Whether that e-mail has an account, which then must sign in; null when no e-mail is named"
    )
    invited_by: str | None = Field(description="Name of the owner who invites; null when they are gone or have none")
    expires_at: datetime

    @classmethod
    def of(cls, opened: OpenInvitation, *, has_account: bool | None, invited_by: str | None) -> Self:
        return cls(
            organization=opened.organization.name,
            role=opened.invitation.role,
            email=opened.invitation.email,
            has_account=has_account,
            invited_by=invited_by,
            expires_at=opened.invitation.expires_at,
        )


class InvitationAccept(_Write):
    """Describes the account to be made, by somebody who is not signed in."""

    name: Name
    email: Email
    password: Password


class InvitationAccepted(BaseModel):
    """Shows what somebody has joined, and as whom."""

    organization: OrganizationRead
    user: UserRead

    @classmethod
    def of(cls, opened: OpenInvitation, user: User) -> Self:
        organization = OrganizationRead.of(opened.organization, opened.invitation.role)
        return cls(organization=organization, user=UserRead.model_validate(user))

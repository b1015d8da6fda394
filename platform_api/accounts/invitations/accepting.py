"""Opens an invitation by its link, and makes whoever has it a member."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.invitations.errors import (
    AlreadyMember,
    EmailHasAccount,
    InvitationForAnother,
    UnknownInvitation,
    ended,
)
from platform_api.accounts.invitations.models import (
    Invitation,
    InvitationLink,
    InvitationState,
    state_of_invitation,
)
from platform_api.accounts.models import Organization, User
from platform_api.accounts.service import (
    find_user,
    join_organization,
    load_user,
    normalize_email,
    role_in,
    store_user,
)
from platform_api.accounts.tokens import digest_of
from platform_api.core.errors import Conflict
from platform_api.core.types import UserId


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """Holds a pending invitation and its organization."""

    invitation: Invitation
    organization: Organization


@dataclass(frozen=True, slots=True)
class NewUser:
    """Holds what somebody without an account says of themselves; the password was hashed without a connection."""

    email: str
    name: str
    password_hash: str


async def open_invitation(session: AsyncSession, token: str, *, lock: bool = False) -> OpenInvitation:
    """Returns the pending invitation of a link. Raises UnknownInvitation, InvitationEnded.

    `lock` makes others who want to accept or revoke it wait until the transaction ends.
    """
    statement = (
        select(Invitation, state_of_invitation(), Organization)
        .join(InvitationLink, InvitationLink.invitation_id == Invitation.id)
        .join(Organization, Organization.id == Invitation.organization_id)
        .where(InvitationLink.digest == digest_of(token))
        .execution_options(populate_existing=True)
    )
    if lock:
        statement = statement.with_for_update(of=Invitation)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise UnknownInvitation("this invitation is unknown; check that the link was copied whole")
    invitation, state, organization = row
    if state is not InvitationState.PENDING:
        raise ended(state)
    return OpenInvitation(invitation, organization)


async def find_pending(session: AsyncSession, invitation_id: int) -> OpenInvitation | None:
    """Returns an invitation by its id, for a mail about it; None when it is not pending any more."""
    statement = (
        select(Invitation, Organization)
        .join(Organization, Organization.id == Invitation.organization_id)
        .where(Invitation.id == invitation_id, state_of_invitation() == InvitationState.PENDING)
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else OpenInvitation(row[0], row[1])


async def has_account(session: AsyncSession, invitation: Invitation) -> bool | None:
    """Returns whether the e-mail that an invitation names has an account; None when it names none."""
    return None if invitation.email is None else await find_user(session, invitation.email) is not None


async def name_of_inviter(session: AsyncSession, invitation: Invitation) -> str | None:
    """Returns the name of the user who made an invitation; None when they are gone or have no name."""
    name: str | None = await session.scalar(select(User.name).where(User.id == invitation.invited_by))
    return name or None


async def require_new_email(session: AsyncSession, invitation: Invitation, email: str) -> None:
    """Raises InvitationForAnother and EmailHasAccount unless the invitation can make an account with `email`."""
    _require_email(invitation, normalize_email(email))
    if await find_user(session, email) is not None:
        raise _has_account(email)


async def accept_as_user(session: AsyncSession, token: str, user_id: UserId) -> OpenInvitation:
    """Makes a user a member. Raises what `open_invitation` raises, InvitationForAnother, AlreadyMember."""
    opened = await open_invitation(session, token, lock=True)
    user = await load_user(session, user_id)
    _require_email(opened.invitation, user.email)
    await _join(session, opened, user)
    return opened


async def accept_as_new_user(session: AsyncSession, token: str, data: NewUser) -> tuple[OpenInvitation, User]:
    """Creates a user and makes them a member. Raises what `open_invitation` and `require_new_email` raise."""
    opened = await open_invitation(session, token, lock=True)
    _require_email(opened.invitation, normalize_email(data.email))
    try:
        user = await store_user(session, email=data.email, name=data.name, password_hash=data.password_hash)
    except Conflict as error:
        raise _has_account(data.email) from error
    await _join(session, opened, user)
    return opened, user


async def _join(session: AsyncSession, opened: OpenInvitation, user: User) -> None:
    invitation, organization = opened.invitation, opened.organization
    if await role_in(session, user_id=user.id, organization_id=organization.id) is not None:
        raise AlreadyMember(f"{user.email} is already a member of {organization.slug}")
    await join_organization(session, user_id=user.id, organization_id=organization.id, role=invitation.role)
    invitation.accepted_at = await session.scalar(select(func.now()))
    invitation.accepted_by = user.id
    await session.flush()


def _require_email(invitation: Invitation, email: str) -> None:
    if invitation.email is not None and invitation.email != email:
        raise InvitationForAnother(f"this invitation is for {invitation.email} only, not for {email}")


def _has_account(email: str) -> EmailHasAccount:
    return EmailHasAccount(f"{normalize_email(email)} has an account already; sign in, then accept the invitation")

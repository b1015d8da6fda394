"""Creates, lists and revokes an organization's invitations, for its owners."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.invitations.errors import AlreadyMember, TooManyInvitations, ended
from platform_api.accounts.invitations.models import (
    Invitation,
    InvitationLink,
    InvitationState,
    state_of_invitation,
)
from platform_api.accounts.links.secret import LinkKind, new_secret
from platform_api.accounts.models import Organization, Role
from platform_api.accounts.service import find_user, normalize_email, role_in
from platform_api.accounts.tokens import digest_of
from platform_api.core.errors import Forbidden, NotFound
from platform_api.core.paging import count_rows
from platform_api.core.types import UserId

MAX_PENDING = 200
MAX_ENDED = 500
"""Ended invitations that an organization keeps to look at; the oldest go first."""


@dataclass(frozen=True, slots=True)
class SeenInvitation:
    """Holds an invitation and its state, as the database's clock judges it."""

    invitation: Invitation
    state: InvitationState


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """Holds a new invitation with the secret of its link, which is not stored."""

    invitation: Invitation
    token: str


async def create_invitation(
    session: AsyncSession,
    organization: Organization,
    *,
    invited_by: UserId,
    role: Role,
    email: str | None,
    lifetime: timedelta,
) -> NewInvitation:
    """Creates an invitation to `organization`. Raises Forbidden, AlreadyMember, TooManyInvitations."""
    # Locked, so that two requests cannot exceed the limit together, and who is removed at the moment invites nobody.
    await session.execute(select(Organization.id).where(Organization.id == organization.id).with_for_update())
    if await role_in(session, user_id=invited_by, organization_id=organization.id) is not Role.OWNER:
        raise Forbidden(f"only an owner of {organization.slug} may invite people")
    if email is not None:
        email = normalize_email(email)
        user = await find_user(session, email)
        if user is not None and await role_in(session, user_id=user.id, organization_id=organization.id) is not None:
            raise AlreadyMember(f"{email} is already a member of {organization.slug}")
    pending = select(Invitation.id).where(_in(organization), state_of_invitation() == InvitationState.PENDING)
    if await count_rows(session, pending) >= MAX_PENDING:
        raise TooManyInvitations(f"{organization.slug} has {MAX_PENDING} pending invitations; revoke some of them")
    await _delete_oldest(session, organization)
    values = {
        "organization_id": organization.id,
        "role": role,
        "email": email,
        "invited_by": invited_by,
        "expires_at": func.now() + lifetime,
    }
    invitation = await session.scalar(insert(Invitation).values(values).returning(Invitation))
    assert invitation is not None
    return NewInvitation(invitation, await add_link(session, invitation.id))


async def add_link(session: AsyncSession, invitation_id: int) -> str:
    """Makes another link to an invitation; returns its secret."""
    token = new_secret(LinkKind.INVITATION)
    session.add(InvitationLink(digest=digest_of(token), invitation_id=invitation_id))
    await session.flush()
    return token


async def list_invitations(
    session: AsyncSession, organization: Organization, *, state: InvitationState | None, limit: int, offset: int
) -> tuple[int, Sequence[SeenInvitation]]:
    """Returns how many invitations there are (in `state`, if one is given), and some of them, newest first."""
    chosen = select(Invitation, state_of_invitation()).where(_in(organization))
    if state is not None:
        chosen = chosen.where(state_of_invitation() == state)
    rows = await session.execute(chosen.order_by(Invitation.id.desc()).limit(limit).offset(offset))
    return await count_rows(session, chosen), [SeenInvitation(row, seen) for row, seen in rows]


async def revoke_invitation(session: AsyncSession, organization: Organization, invitation_id: int) -> SeenInvitation:
    """Revokes a pending invitation; one that has expired or was revoked stays. Raises NotFound, InvitationUsed."""
    statement = (
        select(Invitation, state_of_invitation())
        .where(_in(organization), Invitation.id == invitation_id)
        .with_for_update()
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound(f"there is no invitation {invitation_id} to {organization.slug}")
    invitation, state = row
    if state is InvitationState.ACCEPTED:
        raise ended(state)
    if state is InvitationState.PENDING:
        invitation.revoked_at = await session.scalar(select(func.now()))
        await session.flush()
        state = InvitationState.REVOKED
    return SeenInvitation(invitation, state)


async def _delete_oldest(session: AsyncSession, organization: Organization) -> None:
    kept = (
        select(Invitation.id)
        .where(_in(organization), state_of_invitation() != InvitationState.PENDING)
        .order_by(Invitation.id.desc())
        .limit(MAX_ENDED)
    )
    is_ended = state_of_invitation() != InvitationState.PENDING
    statement = delete(Invitation).where(_in(organization), is_ended, Invitation.id.not_in(kept))
    await session.execute(statement.execution_options(synchronize_session=False))


def _in(organization: Organization) -> ColumnElement[bool]:
    # tenancy: callers have the organization from get_managed_organization
    return Invitation.organization_id == organization.id

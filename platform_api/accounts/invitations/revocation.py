"""Revokes the invitations of somebody who may invite no more. Below the services of accounts, which call it."""

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.invitations.models import Invitation, InvitationState, state_of_invitation
from platform_api.accounts.models import Organization
from platform_api.core.types import UserId


async def revoke_invitations_by(
    session: AsyncSession, user_id: UserId, *, organization: Organization | None = None
) -> None:
    """Revokes the pending invitations that a user created, in one organization or in all.

    They know the secrets, and would come back with them as what they were.
    """
    is_pending = state_of_invitation() == InvitationState.PENDING
    statement = update(Invitation).where(Invitation.invited_by == user_id, is_pending).values(revoked_at=func.now())
    if organization is not None:
        # tenancy: the organization that the user leaves, or in which they are no owner any more
        statement = statement.where(Invitation.organization_id == organization.id)
    await session.execute(statement.execution_options(synchronize_session=False))

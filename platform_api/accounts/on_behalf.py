"""Authenticates work done for a user who is not making a request: a job or a webhook they set up."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor, ActorKind
from platform_api.accounts.models import Membership, Scope, User
from platform_api.core.errors import Forbidden
from platform_api.core.types import AppId, OrganizationId, UserId


async def act_for(
    session: AsyncSession,
    *,
    user_id: UserId,
    organization_id: OrganizationId,
    app_id: AppId,
    scopes: frozenset[Scope],
) -> Actor:
    """Returns the user as an actor in that organization, bound to one app, with their current rights.

    Raises Forbidden when they are no longer an active member.
    """
    statement = (
        select(Membership.role)
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.user_id == user_id,
            # tenancy: looks up whether the user is still a member of the stored organization
            Membership.organization_id == organization_id,
            User.is_active,
        )
    )
    role = await session.scalar(statement)
    if role is None:
        raise Forbidden("the user who set this up is no longer a member of the organization")
    return Actor(
        kind=ActorKind.APP_TOKEN,
        user_id=user_id,
        organization_id=organization_id,
        role=role,
        scopes=scopes,
        app_id=app_id,
    )

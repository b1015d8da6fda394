"""Finds and creates accounts for an operator, who works at the database and acts for any organization."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts import service
from platform_api.accounts.actor import Actor, ActorKind
from platform_api.accounts.models import Organization, Role, Scope, User
from platform_api.accounts.schemas import UserCreate
from platform_api.core.errors import Conflict, NotFound, Unprocessable
from platform_api.core.http.validation import describe_validation_errors
from platform_api.core.types import OrganizationId

Body = TypeVar("Body", bound=BaseModel)


def checked(schema: type[Body], **fields: Any) -> Body:
    """Checks fields as a request's body is checked; raises Unprocessable."""
    try:
        return schema(**fields)
    except ValidationError as error:
        raise Unprocessable(describe_validation_errors(error.errors())) from error


async def get_user(session: AsyncSession, email: str) -> User:
    """Returns the user with this address; raises NotFound."""
    user = await service.find_user(session, email)
    if user is None:
        raise NotFound(f"there is no user {email}")
    return user


async def get_organization(session: AsyncSession, reference: str) -> Organization:
    """Returns an organization by slug or id; raises NotFound."""
    matches = Organization.slug == reference
    if reference.isdecimal() and len(reference) < 10:
        matches = Organization.id == int(reference)
    organization: Organization | None = await session.scalar(select(Organization).where(matches))
    if organization is None:
        raise NotFound(f"there is no organization {reference}")
    return organization


async def acting_for(session: AsyncSession, organization: Organization) -> Actor:
    """Returns an owner of `organization`, as whom the operator does what only its owners may."""
    members = (await service.list_members(session, organization)).items
    owner = next(user for user, membership in members if membership.role is Role.OWNER)
    return _actor(owner, organization.id, Role.OWNER)


async def acting_as(session: AsyncSession, user: User, organization: str | None) -> Actor:
    """Returns `user` acting in one of their organizations, which must be named when there are several."""
    own = await service.organizations_of(session, user)
    matching = [org for org in own if organization in (None, org.slug, str(org.id))]
    if not matching:
        raise NotFound(f"{user.email} is not a member of {organization or 'any organization'}")
    if len(matching) > 1:
        slugs = ", ".join(org.slug for org in matching)
        raise Conflict(f"{user.email} is a member of several organizations: give one of {slugs} with --organization")
    [chosen] = matching
    role = await service.role_in(session, user_id=user.id, organization_id=chosen.id)
    assert role is not None
    return _actor(user, chosen.id, role)


async def create_user(
    session: AsyncSession, *, organization: str | None, role: Role, **fields: Any
) -> dict[str, Any]:
    """Creates a user, optionally member of an organization, which is created when there is none of this slug."""
    data = checked(UserCreate, **fields)
    user = await service.create_user(session, **data.model_dump())
    result: dict[str, Any] = {"user_id": user.id, "email": user.email}
    if organization is not None:
        org = await session.scalar(select(Organization).where(Organization.slug == organization))
        if org is None:
            org = await service.create_organization(session, name=organization, slug=organization, owner_id=user.id)
            role = Role.OWNER
        else:
            await service.join_organization(session, user_id=user.id, organization_id=org.id, role=role)
        result |= {"organization_id": org.id, "organization": org.slug, "role": str(role)}
    return result


def _actor(user: User, organization_id: OrganizationId, role: Role) -> Actor:
    return Actor(
        kind=ActorKind.APP_TOKEN,
        user_id=user.id,
        organization_id=organization_id,
        role=role,
        scopes=frozenset(Scope),
        is_operator=user.is_operator,
    )

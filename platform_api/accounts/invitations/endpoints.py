"""Serves an organization's invitations over HTTP, for its owners."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path

from platform_api.accounts import service as accounts
from platform_api.accounts.dependencies import AccountActorDep
from platform_api.accounts.invitations import service
from platform_api.accounts.invitations.models import InvitationState
from platform_api.accounts.invitations.schemas import (
    InvitationCreate,
    InvitationCreated,
    InvitationPage,
    InvitationRead,
)
from platform_api.accounts.links.mail import mail_invitation
from platform_api.accounts.links.secret import invitation_url
from platform_api.accounts.sessions.throttle import Limit, count_use
from platform_api.core.database import SessionDep, release_connection
from platform_api.core.http.dependencies import DatabaseDep, SettingsDep
from platform_api.core.http.pagination import PageDep

router = APIRouter(prefix="/organizations/{organization}/invitations", tags=["accounts"])

MAX_CREATED = 50
"""By one organization in a window: each may write to an address that did not ask for it."""
MAX_TO_ONE_EMAIL = 3
"""From one organization in a window."""

OrganizationReference = Annotated[str, Path(description="Id or slug of the organization", max_length=63)]
InvitationId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.post("/", status_code=201, summary="Create an invitation (owners); the reply shows its link once")
async def create_invitation(
    actor: AccountActorDep,
    session: SessionDep,
    database: DatabaseDep,
    settings: SettingsDep,
    organization: OrganizationReference,
    body: InvitationCreate,
) -> InvitationCreated:
    found = await accounts.get_managed_organization(session, actor, organization)
    limits = [Limit(("invitations", str(found.id)), MAX_CREATED)]
    if body.email is not None:
        key = ("invitations to", str(found.id), accounts.normalize_email(body.email))
        limits.append(Limit(key, MAX_TO_ONE_EMAIL))
    # It counts on a connection of its own.
    await release_connection(session)
    await count_use(database, *limits, what="invitations from this organization, or to this e-mail")
    new = await service.create_invitation(
        session,
        found,
        invited_by=actor.user_id,
        role=body.role,
        email=body.email,
        lifetime=timedelta(days=body.expires_in_days),
    )
    is_mailed = body.email is not None and settings.smtp_url is not None
    if is_mailed:
        await mail_invitation(session, new.invitation.id)
    url = invitation_url(settings.public_url, new.token)
    return InvitationCreated.of_new(new, url=url, is_mailed=is_mailed)


@router.get("/", summary="List the invitations to an organization (owners), newest first")
async def list_invitations(
    actor: AccountActorDep,
    session: SessionDep,
    page: PageDep,
    organization: OrganizationReference,
    state: InvitationState | None = None,
) -> InvitationPage:
    found = await accounts.get_managed_organization(session, actor, organization)
    count, invitations = await service.list_invitations(
        session, found, state=state, limit=page.per_page, offset=page.offset
    )
    return InvitationPage(
        count=count,
        next=page.next_url(count),
        previous=page.previous_url(),
        results=[InvitationRead.of(item) for item in invitations],
    )


@router.delete("/{invitation_id}/", summary="Revoke an invitation (owners)")
async def revoke_invitation(
    actor: AccountActorDep, session: SessionDep, organization: OrganizationReference, invitation_id: InvitationId
) -> InvitationRead:
    found = await accounts.get_managed_organization(session, actor, organization)
    return InvitationRead.of(await service.revoke_invitation(session, found, invitation_id))

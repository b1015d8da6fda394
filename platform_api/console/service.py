"""Collects the first screen of the web console in few statements."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Organization, Role, User
from platform_api.accounts.service import get_organization, list_organizations, load_user
from platform_api.apps.models import DescribedApp
from platform_api.apps.schemas import AppListing
from platform_api.apps.service import list_apps
from platform_api.core.errors import NotFound
from platform_api.core.paging import AfterCursor, Part
from platform_api.notifications.inbox.service import unread_up_to
from platform_api.runs.presence import present_levels
from platform_api.runs.service import under_way_up_to

MAX_ORGANIZATIONS = 100
MAX_COUNTED = 100
"""Counts end here: the console shows `99+`, and no list of any length is counted for a badge."""
_SHOWN_APPS = 50


@dataclass(frozen=True, slots=True)
class FirstScreen:
    """Holds the caller in the chosen organization, and what they see there first."""

    actor: Actor
    user: User
    organization: Organization
    organizations: Sequence[tuple[Organization, Role]]
    has_more_organizations: bool
    apps: Part[DescribedApp]
    unread: int
    under_way: int
    isolation_levels: Sequence[str]
    """How the runners that are present isolate code."""


async def read_first_screen(session: AsyncSession, actor: Actor, reference: str | None) -> FirstScreen:
    """Returns the first screen in the organization `reference` (id or slug), by default the one acted in.

    Raises NotFound when the caller is no member of that organization.
    """
    organizations = await list_organizations(session, actor, limit=MAX_ORGANIZATIONS + 1)
    organization, role = await _choose(session, actor, organizations, reference)
    acting = replace(actor, organization_id=organization.id, role=role)
    apps = await list_apps(
        session, acting, show=AppListing.USABLE, search=None, order="name", window=AfterCursor(_SHOWN_APPS)
    )
    counts = select(unread_up_to(acting, MAX_COUNTED), under_way_up_to(acting, MAX_COUNTED), present_levels())
    unread, under_way, levels = (await session.execute(counts)).one()
    return FirstScreen(
        actor=acting,
        user=await load_user(session, actor.user_id),
        organization=organization,
        organizations=organizations[:MAX_ORGANIZATIONS],
        has_more_organizations=len(organizations) > MAX_ORGANIZATIONS,
        apps=apps,
        unread=unread,
        under_way=under_way,
        isolation_levels=sorted(levels or []),
    )


async def _choose(
    session: AsyncSession, actor: Actor, organizations: Sequence[tuple[Organization, Role]], reference: str | None
) -> tuple[Organization, Role]:
    chosen = str(actor.organization_id) if reference is None else reference
    for organization, role in organizations:
        if chosen in (str(organization.id), organization.slug):
            return organization, role
    if len(organizations) <= MAX_ORGANIZATIONS:
        raise NotFound(f"there is no organization {chosen}")
    return await get_organization(session, actor, chosen)

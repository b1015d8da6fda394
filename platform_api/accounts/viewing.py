"""Narrows a builder who has signed in to what a member of the organization sees, for reading only.

The header `X-Automio-View-As` names a role or a member. The caller stays who they are: what belongs to a person alone
(notifications, sign-ins, tokens) is not shown to anybody else by it.
"""

import re
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from platform_api.accounts.actor import Actor, MissingRole
from platform_api.accounts.models import Membership, Role
from platform_api.accounts.tenancy import visible_to
from platform_api.core.errors import Forbidden, NotFound
from platform_api.core.types import UserId

VIEW_AS_HEADER = "X-Automio-View-As"
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
# They read, and have a body because their filter may be long.
_READING_POSTS = re.compile(r".*/(count|estimate|group)-rows/*")


class ViewingAs(Forbidden):
    """Reports a change by somebody who only looks at what another sees."""

    code = "viewing_as"


def refuse_changes_of_viewer(request: Request) -> None:
    """Raises `ViewingAs` for a change that is requested while viewing as somebody else."""
    if VIEW_AS_HEADER not in request.headers or request.method in _SAFE_METHODS:
        return
    if not _READING_POSTS.fullmatch(request.url.path):
        raise no_changes()


def no_changes() -> ViewingAs:
    """Returns the refusal of a change."""
    return ViewingAs("you are viewing as a member, which changes nothing; end it to make changes")


async def view_as(session: AsyncSession, actor: Actor, target: str) -> Actor:
    """Returns `actor` with the rights that a role, or a member by their user id, has in the organization.

    Raises `MissingRole` unless the caller builds and has all of these rights, `NotFound` for whoever is no member.
    """
    actor.require_role(Role.BUILDER)
    role, user_id = await _rights_of(session, actor, target)
    if not actor.role.includes(role):
        raise MissingRole(f"your role {actor.role!s} does not include that of {target}, which is {role!s}")
    return replace(actor, role=role, viewed_user_id=user_id, is_viewing=True, is_operator=False)


async def _rights_of(session: AsyncSession, actor: Actor, target: str) -> tuple[Role, UserId | None]:
    if target in set(Role):
        return Role(target), None
    if target.isascii() and target.isdecimal() and len(target) < 10:
        statement = select(Membership.role).where(
            Membership.user_id == int(target), visible_to(actor, Membership.organization_id)
        )
        role = await session.scalar(statement)
        if role is not None:
            return role, UserId(int(target))
    raise NotFound(f"{VIEW_AS_HEADER}: the organization has no member {target}")

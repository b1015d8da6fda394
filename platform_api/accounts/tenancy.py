"""Decides which organizations a caller may see; nothing else does.

Everything that belongs to a tenant is selected through `visible_organization_ids`, mostly in the form of
`visible_to`. A lint rule (`scripts/lint_tenancy.py`) finds code that compares organization ids by hand instead.
"""

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Membership, Scope
from platform_api.core.errors import NotFound
from platform_api.core.types import OrganizationId, UserId

Row = TypeVar("Row")


def visible_organization_ids(actor: Actor, *, across: bool = False) -> Select[OrganizationId]:
    """Selects the organizations whose data `actor` may see: the one acted in, while the user is a member of it.

    `across` includes every organization of the user, for managing organizations, members and tokens; it has no effect
    for a credential without the scope `account`, nor for who views as somebody else.
    """
    # tenancy: this is the decision itself
    own = select(Membership.organization_id).where(Membership.user_id == actor.user_id)
    if across and actor.has_scope(Scope.ACCOUNT) and not actor.is_viewing:
        return own
    return own.where(Membership.organization_id == actor.organization_id)  # tenancy: this is the decision itself


def visible_to(
    actor: Actor, column: InstrumentedAttribute[OrganizationId] | InstrumentedAttribute[OrganizationId | None]
) -> ColumnElement[bool]:
    """Returns the condition that a row, whose organization is in `column`, is visible to `actor`."""
    return column.in_(visible_organization_ids(actor))


async def get_visible(session: AsyncSession, model: type[Row], key: Any, *, actor: Actor, name: str) -> Row:
    """Returns the row of `model` (with `id` and `organization_id`) by id. Raises NotFound unless `actor` sees it."""
    table: Any = model
    statement = select(table).where(table.id == key, visible_to(actor, table.organization_id))
    row: Row | None = await session.scalar(statement)
    if row is None:
        raise NotFound(f"there is no {name} {key}")
    return row


async def lock_member(session: AsyncSession, actor: Actor, user_id: UserId) -> None:
    """Makes other callers of this, for the same member, wait until the transaction of `session` ends.

    Raises NotFound when there is no such member of the organization acted in.
    """
    member = select(Membership.user_id).where(
        Membership.user_id == user_id, visible_to(actor, Membership.organization_id)
    )
    if await session.scalar(member.with_for_update(key_share=True)) is None:
        raise NotFound(f"there is no member {user_id} in your organization")

"""Finds the actions that belong to a table."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.actions.models import Action
from platform_api.tables.plans.uses import MAX_USES, Departure, Use


async def find_actions(session: AsyncSession, actor: Actor, departure: Departure) -> Sequence[Use]:
    """Returns the actions of the app that belong to a table that is deleted."""
    if not departure.is_deletion:
        return []
    statement = select(Action).where(Action.table_id == departure.table.id).order_by(Action.name).limit(MAX_USES)
    return [Use(None, "action", action.slug, id=action.id) for action in await session.scalars(statement)]

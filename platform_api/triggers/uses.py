"""Finds the schedules whose input mentions a column or a table."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.actions.models import Action
from platform_api.tables.plans.uses import MAX_USES, Departure, Use
from platform_api.triggers.models import Trigger


async def find_schedules(session: AsyncSession, actor: Actor, departure: Departure) -> Sequence[Use]:
    """Returns the organization's schedules of the app's actions whose input mentions what goes."""
    statement = (
        select(Trigger, Action.slug)
        .join(Action, Action.id == Trigger.action_id)
        .where(
            Trigger.app_id == departure.table.app_id,
            visible_to(actor, Trigger.organization_id),
            departure.is_mentioned_in(Trigger.input),
        )
        .order_by(Trigger.id)
        .limit(MAX_USES)
    )
    return [
        Use(column, "schedule", trigger.name, id=trigger.id, parent=action)
        for trigger, action in await session.execute(statement)
        for column in departure.columns_in(trigger.input)
    ]

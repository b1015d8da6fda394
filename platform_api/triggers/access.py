"""Decides which schedules of an action a caller sees: those of the organization acted in."""

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.actions.models import Action
from platform_api.core.errors import NotFound
from platform_api.triggers.models import Trigger, TriggerKind

MAX_ID = 2**63 - 1


def is_schedule_of(actor: Actor, action: Action) -> ColumnElement[bool]:
    """Returns the condition that a trigger is a schedule of an action which `actor` sees."""
    return (
        visible_to(actor, Trigger.organization_id)
        & (Trigger.app_id == action.app_id)
        & (Trigger.action_id == action.id)
        & (Trigger.kind == TriggerKind.SCHEDULE)
    )


async def get_schedule(
    session: AsyncSession, actor: Actor, action: Action, schedule_id: int, *, for_change: bool = False
) -> Trigger:
    """Returns a schedule of an action which `actor` sees; locks it `for_change`. Raises NotFound."""
    statement = select(Trigger).where(Trigger.id == schedule_id, is_schedule_of(actor, action))
    if for_change:
        statement = statement.with_for_update(of=Trigger)
    trigger = await session.scalar(statement)
    if trigger is None:
        raise NotFound(f"the action {action.slug} has no schedule {schedule_id}")
    return trigger

"""Creates, changes, lists and previews the schedules of actions."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import User
from platform_api.accounts.tenancy import visible_to
from platform_api.actions.access import get_action
from platform_api.actions.input_check import check_input
from platform_api.actions.models import Action
from platform_api.apps.access import get_usable_app
from platform_api.apps.models import App
from platform_api.core.errors import LimitReached, StaleVersion, TooLarge, Unprocessable
from platform_api.core.paging import Orders, Part, Window, read_items
from platform_api.core.types import UserId
from platform_api.runs.models import Run, RunState
from platform_api.schedules.due import database_time
from platform_api.schedules.schemas import Schedule
from platform_api.triggers.access import get_schedule, is_schedule_of
from platform_api.triggers.models import DescribedTrigger, Trigger, TriggerKind
from platform_api.triggers.schemas import ActionScheduleCreate, ActionScheduleUpdate
from platform_api.triggers.times import Forecast, forecast_of, identity_of, stored_schedule, timetable_for

log = structlog.stdlib.get_logger()

MAX_PER_ACTION = 20
MAX_PER_ORGANIZATION = 500
MAX_INPUT_BYTES = 64 * 1024
_ORDERS = Orders("schedules", Trigger.id, created_at=Trigger.id)


async def list_schedules(
    session: AsyncSession, actor: Actor, app: str, action: str, window: Window
) -> Part[DescribedTrigger]:
    """Returns a part of the organization's schedules of an action, oldest first."""
    found, _ = await _get_startable(session, actor, app, action)
    statement = select(Trigger).where(is_schedule_of(actor, found))
    part = await read_items(session, statement, _ORDERS.of("created_at", within=found.id), window)
    described = await _describe(session, actor, part.items)
    return Part(described, part.count, part.next_cursor)


async def read_schedule(
    session: AsyncSession, actor: Actor, app: str, action: str, schedule_id: int
) -> DescribedTrigger:
    """Returns a schedule of an action. Raises NotFound."""
    found, _ = await _get_startable(session, actor, app, action)
    return (await _describe(session, actor, [await get_schedule(session, actor, found, schedule_id)]))[0]


async def create_schedule(
    session: AsyncSession, actor: Actor, app: str, action: str, data: ActionScheduleCreate
) -> DescribedTrigger:
    """Creates a schedule, whose runs have the caller's rights. Raises LimitReached, Unprocessable."""
    found, owner = await _get_startable(session, actor, app, action)
    await _require_place(session, actor, found)
    _check_input(found, data.input)
    trigger = Trigger(
        organization_id=actor.organization_id,
        installed_organization_id=None if owner.organization_id == actor.organization_id else actor.organization_id,
        app_id=found.app_id,
        action_id=found.id,
        kind=TriggerKind.SCHEDULE,
        name=data.name,
        schedule=data.schedule.model_dump(mode="json", exclude_unset=True),
        input=data.input,
        is_enabled=data.is_enabled,
        created_by=actor.user_id,
        user_id=actor.user_id,
    )
    if data.is_enabled:
        trigger.next_at = timetable_for(trigger, data.schedule).after(await database_time(session))
    session.add(trigger)
    await session.flush()
    log.info("schedule.created", schedule_id=trigger.id, user_id=actor.user_id)
    return (await _describe(session, actor, [trigger]))[0]


async def update_schedule(
    session: AsyncSession, actor: Actor, app: str, action: str, schedule_id: int, data: ActionScheduleUpdate
) -> DescribedTrigger:
    """Changes a schedule; from then on its runs have the caller's rights. Raises NotFound, StaleVersion."""
    found, _ = await _get_startable(session, actor, app, action)
    trigger = await get_schedule(session, actor, found, schedule_id, for_change=True)
    if trigger.revision != data.base_revision:
        raise StaleVersion(
            f"base_revision: the schedule is at revision {trigger.revision}, not {data.base_revision};"
            " load it and repeat the change",
            field="base_revision",
            extra={"current_revision": trigger.revision},
        )
    if data.input is not None or data.is_enabled:
        _check_input(found, trigger.input if data.input is None else data.input)
    if data.name is not None:
        trigger.name = data.name
    if data.input is not None:
        trigger.input = data.input
    await _plan(session, trigger, data)
    trigger.user_id = actor.user_id
    trigger.revision += 1
    trigger.paused_reason = None
    trigger.last_error = None
    await session.flush()
    log.info("schedule.changed", schedule_id=trigger.id, user_id=actor.user_id, revision=trigger.revision)
    return (await _describe(session, actor, [trigger]))[0]


async def delete_schedule(session: AsyncSession, actor: Actor, app: str, action: str, schedule_id: int) -> None:
    """Deletes a schedule; its runs stay, and go on."""
    found, _ = await _get_startable(session, actor, app, action)
    await session.delete(await get_schedule(session, actor, found, schedule_id, for_change=True))
    await session.flush()
    log.info("schedule.deleted", schedule_id=schedule_id, user_id=actor.user_id)


async def preview(session: AsyncSession, actor: Actor, app: str, action: str, schedule: Schedule) -> Forecast:
    """Returns when a schedule of an action would come, from now on."""
    found, _ = await _get_startable(session, actor, app, action)
    identity = identity_of(actor.organization_id, found.id)
    return forecast_of(schedule, identity, planned=None, now=await database_time(session))


async def _get_startable(session: AsyncSession, actor: Actor, app: str, reference: str) -> tuple[Action, App]:
    action, owner = await get_action(session, actor, reference, app=app)
    await get_usable_app(session, actor, owner.id)
    return action, owner


async def _plan(session: AsyncSession, trigger: Trigger, data: ActionScheduleUpdate) -> None:
    """Plans the next time anew where the times have changed, or the schedule was paused; else it stays."""
    was_on, is_on = trigger.is_enabled, trigger.is_enabled if data.is_enabled is None else data.is_enabled
    before, after = trigger.schedule, trigger.schedule
    if data.schedule is not None:
        after = data.schedule.model_dump(mode="json", exclude_unset=True)
        trigger.schedule = after
    trigger.is_enabled = is_on
    if not is_on:
        trigger.next_at = trigger.waiting_since = None
        trigger.waiting_ticks = 0
    elif not was_on or trigger.next_at is None or _times(before) != _times(after):
        schedule = stored_schedule(trigger) if data.schedule is None else data.schedule
        trigger.next_at = timetable_for(trigger, schedule).after(await database_time(session))


def _times(schedule: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schedule.items() if name != "overlap"}


def _check_input(action: Action, value: Mapping[str, Any]) -> None:
    try:
        text = json.dumps(value, allow_nan=False)
    except ValueError as error:
        raise Unprocessable("input: must be JSON, without NaN and Infinity", field="input") from error
    if "\\u0000" in text:
        raise Unprocessable("input: contains a NUL character, which cannot be stored", field="input")
    size = len(text)
    if size > MAX_INPUT_BYTES:
        raise TooLarge(f"input: has {size} bytes; it may have at most {MAX_INPUT_BYTES}", field="input")
    check_input(action.input_schema, value, field="input")


async def _require_place(session: AsyncSession, actor: Actor, action: Action) -> None:
    """Raises LimitReached when there are as many schedules as may be."""
    mine = visible_to(actor, Trigger.organization_id)
    statement = select(func.count(), func.count().filter(Trigger.action_id == action.id)).where(mine)
    in_all, of_action = (await session.execute(statement)).one()
    if of_action >= MAX_PER_ACTION:
        raise LimitReached(f"the action has {MAX_PER_ACTION} schedules already; delete one first")
    if in_all >= MAX_PER_ORGANIZATION:
        raise LimitReached(f"your organization has {MAX_PER_ORGANIZATION} schedules already; delete one first")


async def _describe(session: AsyncSession, actor: Actor, triggers: Sequence[Trigger]) -> list[DescribedTrigger]:
    run_ids = [trigger.last_run_id for trigger in triggers if trigger.last_run_id is not None]
    states: dict[int, RunState] = {}
    if run_ids:
        runs = select(Run.id, Run.state).where(Run.id.in_(run_ids), visible_to(actor, Run.organization_id))
        states = {row.id: row.state for row in await session.execute(runs)}
    names = await _names(session, [user for trigger in triggers for user in (trigger.created_by, trigger.user_id)])
    return [
        DescribedTrigger(
            trigger,
            states.get(trigger.last_run_id or 0),
            names.get(trigger.created_by),
            names.get(trigger.user_id),
        )
        for trigger in triggers
    ]


async def _names(session: AsyncSession, user_ids: Sequence[UserId | None]) -> dict[UserId | None, str]:
    known = {user_id for user_id in user_ids if user_id is not None}
    if not known:
        return {}
    statement = select(User.id, func.coalesce(func.nullif(User.name, ""), User.email)).where(User.id.in_(known))
    return {row[0]: row[1] for row in await session.execute(statement)}

"""Starts the actions whose schedules are due, exactly once in any number of processes."""

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Scope
from platform_api.accounts.on_behalf import act_for
from platform_api.actions.access import get_action
from platform_api.actions.input_check import check_input
from platform_api.actions.service import start_action
from platform_api.apps.access import get_usable_app
from platform_api.core.database import Database
from platform_api.core.errors import Forbidden, PlatformError
from platform_api.core.types import RunId
from platform_api.runs.models import BegunBy, Run
from platform_api.runs.service import has_open_runs_of, open_run_ids
from platform_api.schedules.due import AT_ONCE, DueRows, database_time
from platform_api.schedules.schemas import Overlap
from platform_api.triggers.models import Trigger
from platform_api.triggers.times import stored_schedule, timetable_for

log = structlog.stdlib.get_logger()

MAX_BESIDE = 10
"""Open runs of one schedule whose runs may overlap: a queue that stands still must not fill up."""
_SCOPES = frozenset({Scope.RUN})
_DUE = DueRows(
    Trigger,
    key=Trigger.id,
    next_at=Trigger.next_at,
    share=Trigger.organization_id,
    is_on=Trigger.is_enabled.is_(True),
)
_NOT_READABLE = "its schedule can no longer be read here; change it"


class _Orphaned(Exception):
    """Reports that nobody is left with whose rights the runs could work."""


async def start_due(database: Database) -> bool:
    """Starts what is due, and what waited for runs that have ended; whether there may be more."""
    async with database.transaction() as session:
        due = await _DUE.lock(session)
        now = await database_time(session)
        # Each run takes a number of its action: two processes take them in the same order.
        for trigger in sorted(due, key=lambda trigger: (trigger.action_id, trigger.id)):
            await _come(session, trigger, now)
    async with database.transaction() as session:
        waiting = await _lock_waiting(session)
        for trigger in sorted(waiting, key=lambda trigger: (trigger.action_id, trigger.id)):
            await _start_waiting(session, trigger)
    return len(due) == AT_ONCE or len(waiting) == AT_ONCE


def next_due() -> ScalarSelect[Any]:
    """Returns the part of a statement that gives the next time at which something is to be started."""
    planned = select(func.min(Trigger.next_at)).where(Trigger.is_enabled, Trigger.next_at.is_not(None))
    waiting = select(func.min(Trigger.waiting_since)).where(
        Trigger.waiting_since.is_not(None), ~has_open_runs_of(Trigger.id)
    )
    return select(func.least(planned.scalar_subquery(), waiting.scalar_subquery())).scalar_subquery()


async def _lock_waiting(session: AsyncSession) -> list[Trigger]:
    statement = (
        select(Trigger)
        .where(Trigger.is_enabled, Trigger.waiting_since.is_not(None), ~has_open_runs_of(Trigger.id))
        .order_by(Trigger.waiting_since)
        .limit(AT_ONCE)
        .with_for_update(of=Trigger, skip_locked=True)
    )
    return list(await session.scalars(statement))


async def _come(session: AsyncSession, trigger: Trigger, now: datetime) -> None:
    """Plans the next time of a schedule that is due; starts its action, has the run wait, or lets the time pass."""
    assert trigger.next_at is not None
    try:
        schedule = stored_schedule(trigger)
        due = timetable_for(trigger, schedule).due(trigger.next_at, now)
    except ValueError as error:
        log.error("schedule.unreadable", schedule_id=trigger.id, error=str(error))
        trigger.last_error, trigger.next_at = _NOT_READABLE, None
        return
    trigger.next_at = due.following
    if trigger.waiting_since is not None:
        trigger.waiting_ticks += due.ticks
        return
    open_runs = await open_run_ids(session, trigger.id, limit=MAX_BESIDE)
    if open_runs and schedule.overlap is Overlap.QUEUE_ONE:
        trigger.waiting_since, trigger.waiting_ticks = due.first, due.ticks
    elif open_runs and schedule.overlap is Overlap.SKIP:
        _skip(trigger, now, f"run {open_runs[0]} had not ended")
    elif len(open_runs) >= MAX_BESIDE:
        _skip(trigger, now, f"{MAX_BESIDE} of its runs had not ended; no more may be open at once")
    else:
        await _start(session, trigger, due.first, due.ticks)


async def _start_waiting(session: AsyncSession, trigger: Trigger) -> None:
    planned, ticks = trigger.waiting_since, trigger.waiting_ticks
    assert planned is not None
    trigger.waiting_since, trigger.waiting_ticks = None, 0
    await _start(session, trigger, planned, ticks)


def _skip(trigger: Trigger, now: datetime, reason: str) -> None:
    trigger.last_skip_at, trigger.last_skip_reason = now, reason


async def _start(session: AsyncSession, trigger: Trigger, planned: datetime, ticks: int) -> None:
    """Queues a run for a time of the schedule; what is in the way is shown with the schedule."""
    try:
        async with session.begin_nested():
            run = await _queue(session, trigger, planned, ticks)
    except _Orphaned as error:
        log.warning("schedule.paused", schedule_id=trigger.id, error=str(error))
        trigger.is_enabled, trigger.paused_reason = False, str(error)
        trigger.next_at = trigger.waiting_since = None
    except PlatformError as error:
        log.warning("schedule.not_started", schedule_id=trigger.id, error=error.message)
        trigger.last_error = error.message
    else:
        trigger.last_run_id, trigger.last_error = RunId(run.id), None
        # Inputs may have megabytes: no more than one is kept.
        session.expunge(run)


async def _queue(session: AsyncSession, trigger: Trigger, planned: datetime, ticks: int) -> Run:
    actor = await _acting_for(session, trigger)
    action, owner = await get_action(session, actor, str(trigger.action_id))
    await get_usable_app(session, actor, owner.id)
    check_input(action.input_schema, trigger.input, field="input")
    event = {
        "user_input": trigger.input,
        "selected_rows": [],
        "selected_all": False,
        "filter_params": {},
        "schedule": {
            "id": trigger.id,
            "name": trigger.name,
            "planned_at": planned.isoformat(),
            "missed": max(0, ticks - 1),
        },
    }
    return await start_action(
        session, actor, action, owner, event=event, begun_by=BegunBy.SCHEDULE, trigger_id=trigger.id
    )


async def _acting_for(session: AsyncSession, trigger: Trigger) -> Actor:
    if trigger.user_id is None:
        raise _Orphaned("the user who set this up no longer exists; who switches it on again lends it their rights")
    try:
        return await act_for(
            session,
            user_id=trigger.user_id,
            organization_id=trigger.organization_id,
            app_id=trigger.app_id,
            scopes=_SCOPES,
        )
    except Forbidden as error:
        raise _Orphaned(f"{error.message}; who switches it on again lends it their rights") from error

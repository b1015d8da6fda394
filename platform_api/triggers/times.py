"""Computes the times of triggers from their stored schedules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from platform_api.core.types import ActionId, OrganizationId
from platform_api.schedules.schemas import STORED, Schedule
from platform_api.schedules.timetable import Timetable, timetable_of, upcoming
from platform_api.schedules.words import clock_warnings, words_of
from platform_api.triggers.models import Trigger

_MAX_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Forecast:
    """Says in words when a schedule comes, with its next times."""

    words: str
    timezone: str
    times: Sequence[datetime]
    warnings: Sequence[str]


def identity_of(organization_id: OrganizationId, action_id: ActionId) -> str:
    """Returns what spreads `@daily` and its like: the same for a preview as for what is stored afterwards."""
    return f"action {organization_id} {action_id}"


def stored_schedule(trigger: Trigger) -> Schedule:
    """Returns the schedule of a trigger. Raises ValueError for what can no longer be read."""
    return Schedule.model_validate(trigger.schedule, context=STORED)


def timetable_for(trigger: Trigger, schedule: Schedule) -> Timetable:
    """Returns the times of a trigger's schedule. Raises ValueError when its zone is not known here."""
    return timetable_of(schedule, identity_of(trigger.organization_id, trigger.action_id))


def forecast_of(schedule: Schedule, identity: str, *, planned: datetime | None, now: datetime) -> Forecast:
    """Returns when a schedule comes, beginning with the time `planned`; None: with the first after `now`.

    Raises ValueError when its zone or expression is not known here.
    """
    timetable = timetable_of(schedule, identity)
    first = timetable.after(now) if planned is None else planned
    times = [] if first is None else upcoming(timetable, first, _MAX_SHOWN)
    return Forecast(words_of(schedule, identity), schedule.timezone, times, clock_warnings(schedule, identity, now))


def forecast_for(trigger: Trigger, now: datetime) -> Forecast | None:
    """Returns when a trigger comes, without times while it is paused; None if it can no longer be read."""
    try:
        schedule = stored_schedule(trigger)
        identity = identity_of(trigger.organization_id, trigger.action_id)
        forecast = forecast_of(schedule, identity, planned=trigger.next_at, now=now)
    except ValueError:
        return None
    if trigger.next_at is not None:
        return forecast
    return Forecast(forecast.words, forecast.timezone, [], forecast.warnings)

"""Computes each time of a schedule from the one before it, so that late checks and restarts lose and double none."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from platform_api.schedules.cron import Cron, find_zone
from platform_api.schedules.schemas import Schedule
from platform_api.schedules.shorthand import SHORTHANDS, expression_of, read_period, spread

MAX_COUNTED = 1000
"""Maximum to which missed times of a cron expression are counted."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Due:
    """Says how many times have come, of which `first` is the earliest, and when the next one comes."""

    first: datetime
    ticks: int
    following: datetime | None


class Timetable(Protocol):
    """Computes the times of one schedule."""

    def after(self, moment: datetime) -> datetime | None:
        """Returns the first time after `moment`; None when it never comes again."""

    def due(self, planned: datetime, now: datetime) -> Due:
        """Returns what has come up to `now`, beginning with the time `planned`, which is not later."""


@dataclass(frozen=True, slots=True)
class Periods:
    """Comes at a fixed period, from whenever it began."""

    period: timedelta

    def after(self, moment: datetime) -> datetime:
        return moment + self.period

    def due(self, planned: datetime, now: datetime) -> Due:
        ticks = (now - planned) // self.period + 1
        return Due(planned, ticks, planned + ticks * self.period)


@dataclass(frozen=True, slots=True)
class AnchoredPeriods:
    """Comes at a fixed period, independent of when it began: `offset` after each multiple of the period."""

    period: timedelta
    offset: timedelta

    def after(self, moment: datetime) -> datetime:
        start = _EPOCH + self.offset
        return start + ((moment - start) // self.period + 1) * self.period

    def due(self, planned: datetime, now: datetime) -> Due:
        following = self.after(now)
        # After a change of the schedule, the planned time is one of the earlier schedule.
        return Due(planned, max(1, (following - self.after(planned)) // self.period + 1), following)


@dataclass(frozen=True, slots=True)
class ClockTimes:
    """Comes at the times of a cron expression."""

    cron: Cron

    def after(self, moment: datetime) -> datetime | None:
        return self.cron.after(moment)

    def due(self, planned: datetime, now: datetime) -> Due:
        ticks, following = 1, self.after(planned)
        while following is not None and following <= now:
            if ticks >= MAX_COUNTED:
                following = self.after(now)
                break
            ticks, following = ticks + 1, self.after(following)
        return Due(planned, ticks, following)


def timetable_of(schedule: Schedule, identity: str) -> Timetable:
    """Returns the times of a schedule. `identity` tells it from all others and never changes.

    Raises ValueError when the zone is no longer known here.
    """
    if schedule.every_minutes is not None:
        return Periods(timedelta(minutes=schedule.every_minutes))
    expression = schedule.cron or ""
    if (period := read_period(expression)) is not None:
        return AnchoredPeriods(period, timedelta(seconds=spread(identity, int(period.total_seconds()))))
    if expression in SHORTHANDS:
        expression = expression_of(expression, identity)
    return ClockTimes(Cron(expression, find_zone(schedule.timezone)))


def upcoming(timetable: Timetable, planned: datetime, count: int) -> list[datetime]:
    """Returns the next times, of which `planned` is the first."""
    times = [planned]
    while len(times) < count and (following := timetable.after(times[-1])) is not None:
        times.append(following)
    return times

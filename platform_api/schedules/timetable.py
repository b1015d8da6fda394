"""The times of a schedule, each computed from the one before it: late looks and restarts lose and double none."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from platform_api.schedules.cron import Cron, find_zone
from platform_api.schedules.schemas import Schedule
from platform_api.schedules.shorthand import SHORTHANDS, expression_of, read_period, spread

MAX_COUNTED = 1000
"""Times that a cron expression missed are counted up to this number."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Due:
    """What has come: how many times, of which `first` is the earliest, and when it comes next."""

    first: datetime
    ticks: int
    following: datetime | None


class Timetable(Protocol):
    """The times of one schedule."""

    def after(self, moment: datetime) -> datetime | None:
        """The first time after `moment`; None when it never comes again."""

    def due(self, planned: datetime, now: datetime) -> Due:
        """What has come up to `now`, beginning with the time `planned`, which is not later."""


@dataclass(frozen=True, slots=True)
class Periods:
    """Every so long, from wherever it began."""

    period: timedelta

    def after(self, moment: datetime) -> datetime:
        return moment + self.period

    def due(self, planned: datetime, now: datetime) -> Due:
        ticks = (now - planned) // self.period + 1
        return Due(planned, ticks, planned + ticks * self.period)


@dataclass(frozen=True, slots=True)
class AnchoredPeriods:
    """Every so long, at moments that do not depend on when it began: `offset` after each multiple of the period."""

    period: timedelta
    offset: timedelta

    def after(self, moment: datetime) -> datetime:
        start = _EPOCH + self.offset
        return start + ((moment - start) // self.period + 1) * self.period

    def due(self, planned: datetime, now: datetime) -> Due:
        following = self.after(now)
        # Before a change of the schedule, the planned time was another one's.
        return Due(planned, max(1, (following - self.after(planned)) // self.period + 1), following)


@dataclass(frozen=True, slots=True)
class ClockTimes:
    """At the times of a cron expression."""

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
    """The times of a schedule. `identity` tells it from all others and never changes.

    Raises ValueError when the zone is not known here any more.
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
    """The next times, of which `planned` is the first."""
    times = [planned]
    while len(times) < count and (following := timetable.after(times[-1])) is not None:
        times.append(following)
    return times

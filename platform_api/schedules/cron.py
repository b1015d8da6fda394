"""Cron expressions on the clock of a time zone, also where that clock is put forward or back.

An expression whose minute and hour begin with no star names times of day, as `30 2 * * *`: each comes once a day. One
that the clock skips comes at the first moment after the gap, one that comes twice is taken the first time. The others
(`*/15 * * * *`) are intervals: they come at every moment whose clock time fits, so every quarter of an hour is one.
This is how Debian's cron reads them.

CronSim gives the clock times. It is asked without a zone and mapped here: with one, it loses times where clocks
change by half an hour (Lord Howe), and begun in the second of two equal hours it gives times that have passed.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

# Clocks are put back by an hour, or two, or half of one; never twice within this time.
_MAX_SHIFT = timedelta(hours=3)
_FIELDS = 5
# The 29th of February is a Monday every 28 years, or 40 at the turn of a century.
_MAX_YEARS = 50


class Cron:
    """A cron expression of five fields in a time zone."""

    def __init__(self, expression: str, zone: ZoneInfo) -> None:
        """Both have been checked, see `check_expression` and `find_zone`."""
        self._expression = expression
        self._zone = zone
        minute, hour = expression.split()[:2]
        self._is_interval = minute.startswith("*") or hour.startswith("*")

    def after(self, moment: datetime) -> datetime | None:
        """The first time after `moment`, in UTC; None when it never comes again."""
        moment = moment.astimezone(UTC)
        if self._is_interval:
            return self._interval_after(moment)
        following = (self._first_moment(clock) for clock in self._clock_times(self._clock(moment)))
        return next((found for found in following if found > moment), None)

    def _interval_after(self, moment: datetime) -> datetime | None:
        """The earliest of all moments whose clock time fits; where an hour comes again, its times come twice."""
        start = self._clock(moment) - max(self._change(moment, -_MAX_SHIFT), self._change(moment, _MAX_SHIFT))
        earliest: datetime | None = None
        for clock in self._clock_times(start):
            for found in self._moments(clock):
                if found > moment and (earliest is None or found < earliest):
                    earliest = found
            if earliest is not None and clock >= self._clock(earliest) + self._change(earliest, -_MAX_SHIFT):
                break
            if clock.year > start.year + _MAX_YEARS:
                break  # every time of it is one that the clock skips
        return earliest

    def _change(self, moment: datetime, within: timedelta) -> timedelta:
        """By how much the clock is changed between `moment` and `moment + within`, either way."""
        return abs(self._offset(moment + within) - self._offset(moment))

    def _clock_times(self, start: datetime) -> Iterator[datetime]:
        return CronSim(self._expression, start)

    def _clock(self, moment: datetime) -> datetime:
        return moment.astimezone(self._zone).replace(tzinfo=None)

    def _offset(self, moment: datetime) -> timedelta:
        return moment.astimezone(self._zone).utcoffset() or timedelta()

    def _moments(self, clock: datetime) -> list[datetime]:
        """When the clock shows this: once, twice, or never."""
        both = [clock.replace(tzinfo=self._zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
        return [moment for moment in dict.fromkeys(both) if self._clock(moment) == clock]

    def _first_moment(self, clock: datetime) -> datetime:
        """When the clock shows this for the first time, or else has just passed it."""
        before, after = (clock.replace(tzinfo=self._zone, fold=fold).astimezone(UTC) for fold in (1, 0))
        if after <= before:
            return after
        # The clock skips this time: the two readings lie on both sides of its change.
        offset = self._offset(before)
        while after - before > timedelta(seconds=1):
            middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
            if self._offset(middle) == offset:
                before = middle
            else:
                after = middle
        return after


def check_expression(expression: str) -> str:
    """The expression itself. Raises ValueError with what is wrong."""
    if len(expression.split()) != _FIELDS:
        raise ValueError("a cron expression has five fields, as `*/15 * * * *`")
    try:
        next(CronSim(expression, datetime(2026, 1, 1)))
    except CronSimError as error:
        raise ValueError(f"{expression!r} is not a cron expression: {error}") from error
    except StopIteration as error:
        raise ValueError(f"{expression!r} never comes") from error
    return expression


@cache
def zone_names() -> frozenset[str]:
    """The names of IANA's time zones."""
    return frozenset(available_timezones())


def find_zone(name: str) -> ZoneInfo:
    """The zone of a name. Raises ValueError when there is none."""
    if name not in zone_names():
        alike = [known for known in sorted(zone_names()) if name and name.lower() in known.lower()][:3]
        hint = ", ".join(alike) or "Europe/Warsaw"
        raise ValueError(f"{name!r} is not the name of a time zone of IANA's, as {hint}")
    return ZoneInfo(name)

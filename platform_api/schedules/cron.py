"""Computes the times of cron expressions on the clock of a time zone, also where that clock is put forward or back.

An expression whose minute and hour begin with no star names times of day, as `30 2 * * *`: each comes once a day. A
time that the clock skips comes at the first moment after the gap, one that comes twice counts the first time. The
others (`*/15 * * * *`) are intervals: they come at every moment whose clock time matches, so every quarter of an hour
is one. This is how Debian's cron reads them.

CronSim gives the clock times. It is called without a zone and mapped here: with one, it loses times where clocks
change by half an hour (Lord Howe), and started in the second of two equal hours it gives times that have passed.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

# Clocks are put back by an hour, or two, or half of one; never twice within this time.
_MAX_SHIFT = timedelta(hours=3)
_FIELDS = {
    "minute": ("0 to 59, a list, a range upwards or a step", 60),
    "hour": ("0 to 23, a list, a range upwards or a step", 24),
    "day of month": ("1 to 31, L (the last), LW, a list, a range upwards or a step", 31),
    "month": ("1 to 12 or JAN to DEC, a list, a range upwards or a step", 12),
    "day of week": ("0 to 7 or SUN to SAT, 5L (the last Friday), 1#2, a list, a range upwards or a step", 7),
}
"""The fields, each with what it may contain and how many values it has."""
_MAY_BE_OPEN = frozenset({"day of month", "day of week"})
_STEP = re.compile(r"/([0-9]{1,9})(?![0-9])")
_NO_ZONES = frozenset({"Factory", "localtime", "posixrules"})
"""Files of IANA's that are no zones: their meaning differs from machine to machine."""
# The 29th of February is a Monday every 28 years, or 40 at the turn of a century.
_MAX_YEARS = 50


class Cron:
    """Computes the times of a cron expression of five fields in a time zone."""

    def __init__(self, expression: str, zone: ZoneInfo) -> None:
        """Takes an expression and a zone that have been checked, see `check_expression` and `find_zone`."""
        self._expression = expression
        self._zone = zone
        minute, hour = expression.split()[:2]
        self._is_interval = minute.startswith("*") or hour.startswith("*")

    def after(self, moment: datetime) -> datetime | None:
        """Returns the first time after `moment`, in UTC; None when it never comes again."""
        moment = moment.astimezone(UTC)
        if self._is_interval:
            return self._interval_after(moment)
        following = (self._first_moment(clock) for clock in self._clock_times(self._clock(moment)))
        return next((time for time in following if time > moment), None)

    def _interval_after(self, moment: datetime) -> datetime | None:
        """Returns the earliest moment whose clock time matches; where an hour comes again, its times come twice."""
        start = self._clock(moment) - max(self._change(moment, -_MAX_SHIFT), self._change(moment, _MAX_SHIFT))
        earliest: datetime | None = None
        for clock in self._clock_times(start):
            for time in self._moments(clock):
                if time > moment and (earliest is None or time < earliest):
                    earliest = time
            if earliest is not None and clock >= self._clock(earliest) + self._change(earliest, -_MAX_SHIFT):
                break
            if clock.year > start.year + _MAX_YEARS:
                break  # every time of it is one that the clock skips
        return earliest

    def _change(self, moment: datetime, within: timedelta) -> timedelta:
        """Returns by how much the clock is changed between `moment` and `moment + within`, in either direction."""
        return abs(self._offset(moment + within) - self._offset(moment))

    def _clock_times(self, start: datetime) -> Iterator[datetime]:
        return CronSim(self._expression, start)

    def _clock(self, moment: datetime) -> datetime:
        return moment.astimezone(self._zone).replace(tzinfo=None)

    def _offset(self, moment: datetime) -> timedelta:
        return moment.astimezone(self._zone).utcoffset() or timedelta()

    def _moments(self, clock: datetime) -> list[datetime]:
        """Returns the moments at which the clock shows this: one, two, or none."""
        both = [clock.replace(tzinfo=self._zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
        return [moment for moment in dict.fromkeys(both) if self._clock(moment) == clock]

    def _first_moment(self, clock: datetime) -> datetime:
        """Returns when the clock shows this for the first time, or else has just passed it."""
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
    """Returns the expression itself, with `*` for the `?` of other programs. Raises ValueError with what is wrong."""
    fields = expression.split()
    if fields and "=" in fields[0]:
        raise ValueError(f"{fields[0]!r} is not a field of a cron expression; give the zone in timezone")
    if len(fields) != len(_FIELDS):
        hint = "; there are no seconds and no years" if len(fields) > len(_FIELDS) else ""
        raise ValueError(
            f"a cron expression has five fields ({', '.join(_FIELDS)}), as `*/15 * * * *`;"
            f" this has {len(fields)}{hint}"
        )
    expression = " ".join(
        "*" if text == "?" and name in _MAY_BE_OPEN else text for name, text in zip(_FIELDS, fields, strict=True)
    )
    for name, text in zip(_FIELDS, fields, strict=True):
        _check_steps(name, text)
    try:
        next(CronSim(expression, datetime(2026, 1, 1)))
    except CronSimError as error:
        raise ValueError(_explained(expression, str(error))) from error
    except StopIteration as error:
        raise ValueError(f"{expression!r} never comes") from error
    return expression


def _check_steps(name: str, text: str) -> None:
    """Refuses `*/90`, which comes as often as `*`: steps begin again with each hour (day, month)."""
    step, length = _STEP.search(text), _FIELDS[name][1]
    if step is not None and int(step[1]) > length:
        raise ValueError(
            f"{text!r}: a step of the field {name} is {length} at most; for longer periods write `@every 90m`"
        )


def _explained(expression: str, message: str) -> str:
    name = message.removeprefix("Bad ").replace("-", " ")
    if name not in _FIELDS:
        return f"{expression!r} is not a cron expression: {message}"
    text = dict(zip(_FIELDS, expression.split(), strict=True))[name]
    if name == "day of month" and all(part.isdecimal() and 1 <= int(part) <= 31 for part in text.split(",")):
        return f"{expression!r} never comes: none of its months has these days"
    return f"{expression!r} is not a cron expression: its field {name} is {text!r}, which is not {_FIELDS[name][0]}"


@cache
def zone_names() -> frozenset[str]:
    """Returns the names of IANA's time zones."""
    return frozenset(available_timezones()) - _NO_ZONES


def find_zone(name: str) -> ZoneInfo:
    """Returns the zone of a name. Raises ValueError when there is none."""
    if name not in zone_names():
        similar = [known for known in sorted(zone_names()) if name and name.lower() in known.lower()][:3]
        hint = ", ".join(similar) or "Europe/Warsaw"
        raise ValueError(f"{name!r} is not the name of an IANA time zone, such as {hint}")
    return ZoneInfo(name)

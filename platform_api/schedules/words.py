"""Says in words when a schedule comes, and what its zone's clock changes do to it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from cronsim import CronSim

from platform_api.schedules.cron import find_zone
from platform_api.schedules.schemas import Schedule
from platform_api.schedules.shorthand import SHORTHANDS, expression_of, read_period

_LOOKS_AHEAD = timedelta(days=370)
_EVEN_MINUTES = re.compile(r"\*/([1-9][0-9]?) \* \* \* \*")
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def words_of(schedule: Schedule, identity: str) -> str:
    """Returns when a schedule comes, in English, without its zone. Raises ValueError for an expression of old."""
    if schedule.every_minutes is not None:
        return _period(timedelta(minutes=schedule.every_minutes))
    expression = schedule.cron or ""
    if (period := read_period(expression)) is not None:
        return _period(period)
    if (step := _EVEN_MINUTES.fullmatch(expression)) is not None and 60 % int(step[1]) == 0:
        return _period(timedelta(minutes=int(step[1])))
    try:
        words = CronSim(expression_of_schedule(schedule, identity), datetime(2026, 1, 1)).explain()
    except Exception as error:  # it parses what was stored, and raises errors of several kinds
        raise ValueError(f"{expression!r} is no longer understood") from error
    return f"{words}, a time of its own for {expression}" if expression in SHORTHANDS else words


def expression_of_schedule(schedule: Schedule, identity: str) -> str:
    """Returns the five fields by which a schedule comes at times of the clock."""
    expression = schedule.cron or ""
    return expression_of(expression, identity) if expression in SHORTHANDS else expression


def clock_warnings(schedule: Schedule, identity: str, now: datetime) -> list[str]:
    """Returns what happens to the schedule's times when the clock of its zone is changed within the next year."""
    if schedule.cron is None or read_period(schedule.cron) is not None:
        return []
    expression = expression_of_schedule(schedule, identity)
    is_interval = any(field.startswith("*") for field in expression.split()[:2])
    zone = find_zone(schedule.timezone)
    warnings: list[str] = []
    for before, after in _clock_changes(zone, now):
        first, last = sorted((before, after))
        time = next(CronSim(expression, first - timedelta(minutes=1)), None)
        if time is None or time >= last:
            continue
        hours, clock = f"{first:%H:%M} to {last:%H:%M}", f"{time:%H:%M}"
        if after > before:
            what = (
                f"the clock skips {hours}: the times in between do not come"
                if is_interval
                else f"the clock skips {clock}: it comes at {last:%H:%M}, right after the change"
            )
        else:
            what = (
                f"{hours} comes twice: so do the times in between"
                if is_interval
                else f"{clock} comes twice: only the first counts"
            )
        warnings.append(f"on {time:%Y-%m-%d} {what}")
    return warnings


def _clock_changes(zone: ZoneInfo, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yields what the clock shows at each change, before it and after."""
    start = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    days = [start + timedelta(days=day) for day in range(_LOOKS_AHEAD.days)]
    for early, late in pairwise(days):
        begin, end, offset = early, late, early.astimezone(zone).utcoffset()
        if late.astimezone(zone).utcoffset() == offset:
            continue
        while end - begin > timedelta(seconds=1):
            middle = begin + timedelta(seconds=(end - begin) // timedelta(seconds=2))
            if middle.astimezone(zone).utcoffset() == offset:
                begin = middle
            else:
                end = middle
        clock = end.astimezone(zone).replace(tzinfo=None)
        yield clock - ((end.astimezone(zone).utcoffset() or timedelta()) - (offset or timedelta())), clock


def _period(period: timedelta) -> str:
    seconds = int(period.total_seconds())
    parts = []
    for name, size in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name}{'s' if count > 1 else ''}")
    if len(parts) == 1 and parts[0].startswith("1 "):
        return f"Every {parts[0].removeprefix('1 ')}"
    return f"Every {' '.join(parts)}"

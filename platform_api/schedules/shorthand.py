"""Spreads `@daily` and its like to times that differ by schedule: otherwise all would start at minute 0."""

import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta

SHORTHANDS: Mapping[str, str] = {
    "@hourly": "{minute} * * * *",
    "@daily": "{minute} {hour} * * *",
    "@midnight": "{minute} 0 * * *",
    "@weekly": "{minute} {hour} * * {weekday}",
    "@monthly": "{minute} {hour} {day} * *",
    "@yearly": "{minute} {hour} {day} {month} *",
    "@annually": "{minute} {hour} {day} {month} *",
}
_RANGES = {"minute": (0, 60), "hour": (0, 24), "weekday": (0, 7), "day": (1, 28), "month": (1, 12)}
_EVERY = re.compile(r"@every\s+((?:\d{1,9}[smhd])+)")
_PART = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
MIN_PERIOD = timedelta(minutes=1)
MAX_PERIOD = timedelta(days=366)


def is_shorthand(text: str) -> bool:
    """Returns true if `text` is a known shorthand. Raises ValueError for a period that is too short or too long."""
    return text in SHORTHANDS or read_period(text) is not None


def read_period(text: str) -> timedelta | None:
    """Returns the period of `@every 1h30m`; None when `text` is something else. Raises ValueError."""
    match = _EVERY.fullmatch(text)
    if match is None:
        return None
    # Timedeltas of days that long overflow: in seconds they cannot.
    seconds = sum(
        int(number) * int(timedelta(**{_UNITS[unit]: 1}).total_seconds()) for number, unit in _PART.findall(match[1])
    )
    if not MIN_PERIOD.total_seconds() <= seconds <= MAX_PERIOD.total_seconds():
        raise ValueError(f"{text!r}: a period must be between 1 minute and {MAX_PERIOD.days} days long")
    return timedelta(seconds=seconds)


def expression_of(shorthand: str, identity: str) -> str:
    """Returns the cron expression of a shorthand in the schedule of this identity: always the same one."""
    return SHORTHANDS[shorthand].format_map(
        {name: start + spread(f"{identity} {name}", count) for name, (start, count) in _RANGES.items()}
    )


def spread(identity: str, count: int) -> int:
    """Returns a number below `count` that is always the same for the identity."""
    return int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8]) % count

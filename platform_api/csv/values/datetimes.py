"""Parses dates and times as people write them. Ambiguous ones (order, century, zone) are refused, not guessed."""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from platform_api.csv.errors import LineRejected

DATE_ORDERS = {"ymd": (0, 1, 2), "dmy": (2, 1, 0), "mdy": (2, 0, 1)}
"""Are the positions of year, month and day."""

_MAX_LENGTH = 100
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}|[0-9]{4}-?W[0-9]{2}-?[1-7]")
_ORDERED = re.compile(
    r"(?P<first>[0-9]{1,4})(?P<separator>[./ -]) ?(?P<second>[0-9]{1,2})(?P=separator) ?(?P<third>[0-9]{1,4})"
)
_ZONE = (
    r"(?P<zone>[Zz]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2})?)?|[A-Za-z]+(?:/[A-Za-z0-9_+-]+)+)?"
    r"(?:\[(?P<place>[A-Za-z0-9_/+-]+)\])?"
)
_HALF = r" ?(?P<half>[AaPp])\.?[Mm]\.?"
_MOMENT = re.compile(
    r"(?P<date>.*?[0-9])(?:,? |(?P<t>[Tt]))(?P<hour>[0-9]{1,2})"
    r"(?:(?P<colon>:?)(?P<minute>[0-9]{2})(?:(?P=colon)(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?)?"
    rf"(?:{_HALF})? ?{_ZONE}"
)
_PLAIN_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?"
)
"""The format of most programs, which the standard library parses several times faster."""
# XML's date with a zone. After a minus it may be a time of day.
_DATE_IN_ZONE = re.compile(r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})(?P<zone>[Zz]|\+[0-9]{2}:[0-9]{2})")
_ABBREVIATED_ZONE = re.compile(r".*[0-9]:[0-9]{2}\S* ?(?P<letters>[A-Z]{2,5})")
_NO_LETTERS_OF_ZONES = frozenset({"AM", "PM", "UTC", "GMT"})
_MIDNIGHT = re.compile(r"(?P<date>.*?[0-9])[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:00)?")
_INFINITE = frozenset({"infinity", "-infinity"})
_FAR = re.compile(
    r"(?P<year>[0-9]{4,7})(?P<day>-[0-9]{2}-[0-9]{2})"
    r"(?P<time>[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?))?(?P<era> BC)?"
)
_GREGORIAN_YEARS = 400
_DIRECTIVE = re.compile(r"%(.?)")
_DIRECTIVES = frozenset("YymdHIMSfpbBaAz%")
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>[0-9]{2})(?::?(?P<minutes>[0-9]{2})(?::?(?P<seconds>[0-9]{2}))?)?")


@dataclass(frozen=True, slots=True)
class DateTimeReading:
    """Parses dates and times of a file. ISO 8601 is always accepted, unless a format is given."""

    order: str | None = None
    date_format: str | None = None
    time_format: str | None = None
    zone: tzinfo | None = None

    def read_date(self, text: str) -> date | None:
        """Returns the date; None when the text is not a date. Midnight counts as a date."""
        text = text.strip()
        if len(text) > _MAX_LENGTH:
            return None
        if self.date_format is not None:
            parsed = _parsed(text, self.date_format)
            return None if parsed is None else parsed.date()
        if (midnight := _MIDNIGHT.fullmatch(text)) is not None:
            text = midnight["date"]
        return self._date(text)

    def read_time(self, text: str) -> datetime | None:
        """Returns the datetime, without a zone if the text has none; None when the text is not a time.

        Raises LineRejected for an ambiguous zone.
        """
        text = text.strip()
        if len(text) > _MAX_LENGTH:
            return None
        if self.time_format is not None:
            return _parsed(text, self.time_format)
        if _PLAIN_TIME.fullmatch(text):
            with suppress(ValueError):
                return datetime.fromisoformat(text)
        if (match := _MOMENT.fullmatch(text)) is not None:
            day = _iso_date(match["date"]) or self.read_date(match["date"])
            if day is not None and (clock := _clock(match)) is not None:
                return self._at(day, clock, match)
        if (dated := _DATE_IN_ZONE.fullmatch(text)) is not None and (day := _iso_date(dated["date"])) is not None:
            return _in_named_zone(_midnight(day), dated["zone"])
        if (day := _iso_date(text) or self.read_date(text)) is not None:
            return _midnight(day)
        if (short := _ABBREVIATED_ZONE.fullmatch(text)) is not None and short["letters"] not in _NO_LETTERS_OF_ZONES:
            raise LineRejected(
                f"{text!r} names its time zone by letters ({short['letters']}); write the offset, such as +01:00"
            )
        return None

    def in_zone(self, moment: datetime, *, default: tzinfo | None = None) -> datetime | None:
        """Returns the moment in its zone; None without a zone. Raises LineRejected in an hour skipped or repeated."""
        if moment.tzinfo is not None:
            return moment
        zone = self.zone or default
        return None if zone is None else _located(moment, zone)

    @staticmethod
    def _at(day: date, clock: timedelta, match: re.Match[str]) -> datetime | None:
        try:
            moment = _midnight(day) + clock
            zoned = _in_named_zone(moment, match["zone"] or match["place"] or "")
            if zoned is not None and match["zone"] and match["place"]:
                _require_same(zoned, find_zone(match["place"]))
            return zoned
        except OverflowError:
            return None

    def _date(self, text: str) -> date | None:
        try:
            if (iso := _iso_date(text)) is not None:
                return iso
            match = _ORDERED.fullmatch(text) if self.order else None
            if match is None or self.order is None:
                return None
            parts = (match["first"], match["second"], match["third"])
            year, month, day = (parts[place] for place in DATE_ORDERS[self.order])
            # Two digits do not name a century, and three or four are not a day.
            if len(year) != 4 or len(month) > 2 or len(day) > 2:
                return None
            return date(int(year), int(month), int(day))
        except ValueError:
            return None


def names_zone(order: str | None) -> Callable[[str], bool]:
    """Returns a function that tells whether a time, with dates in this order, has a zone."""
    reading = DateTimeReading(order=order)

    def check(text: str) -> bool:
        moment = reading.read_time(text)
        return (moment is not None and moment.tzinfo is not None) or far_time(text) is not None

    return check


def find_zone(name: str) -> tzinfo:
    """Returns the zone for a name such as `Europe/Warsaw` or an offset such as `+02:00`. Raises ValueError."""
    if name.upper() in ("UTC", "GMT", "Z"):
        return UTC
    if (offset := _OFFSET.fullmatch(name)) is not None:
        hours, minutes, seconds = (int(offset[part] or 0) for part in ("hours", "minutes", "seconds"))
        if hours > 23 or minutes > 59 or seconds > 59:
            raise ValueError("an offset must be at most 23:59")
        distance = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        return timezone(distance if offset["sign"] == "+" else -distance)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name[:60]!r} is not a time zone; use a name such as Europe/Warsaw or +02:00") from error


def check_format(text: str, *, needs: str) -> None:
    """Raises ValueError unless `text` is a format with one directive of each group in `needs`."""
    named = _DIRECTIVE.findall(text)
    if unknown := [letter for letter in named if letter not in _DIRECTIVES]:
        known = " ".join(f"%{letter}" for letter in sorted(_DIRECTIVES))
        raise ValueError(f"%{unknown[0]} is unknown; a format may have {known}, for example %d.%m.%Y")
    for alternatives in needs.split():
        if not any(letter in named for letter in alternatives):
            raise ValueError(f"the format lacks %{alternatives[0]}; an example is %d.%m.%Y %H:%M")
    try:
        datetime.strptime(datetime(2026, 1, 31, 13, 5, tzinfo=UTC).strftime(text), text)
    except (ValueError, re.error) as error:
        raise ValueError(f"{text[:60]!r} is not a format such as %d.%m.%Y") from error


def _parsed(text: str, layout: str) -> datetime | None:
    try:
        parsed = datetime.strptime(text, layout)
        # If the weekday is not the date's, one of them is wrong.
        has_weekday = {"a", "A"} & set(_DIRECTIVE.findall(layout))
        return None if has_weekday and time.strptime(text, layout).tm_wday != parsed.weekday() else parsed
    except ValueError:
        return None


def far_date(text: str) -> str | None:
    """Returns a date that only PostgreSQL supports: `infinity`, years BC and after 9999; None for any other text."""
    return _far(text, has_time=False)


def far_time(text: str) -> str | None:
    """Returns a time with an offset that only PostgreSQL supports; see `far_date`."""
    return _far(text, has_time=True)


def _far(text: str, *, has_time: bool) -> str | None:
    text = text.strip()
    if text in _INFINITE:
        return text
    match = _FAR.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if match is None or bool(match["time"]) != has_time:
        return None
    year = int(match["year"])
    if (not match["era"] and year <= 9999) or (match["era"] and not year):
        return None
    # An equivalent year of the Gregorian cycle, which Python supports.
    alike = 2000 + ((1 - year) if match["era"] else year) % _GREGORIAN_YEARS
    try:
        datetime.fromisoformat(f"{alike}{match['day']}{match['time'] or ''}")
    except ValueError:
        return None
    return text


def _iso_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _ISO_DATE.fullmatch(text) else None
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)


def _in_named_zone(moment: datetime, zone: str) -> datetime | None:
    """Returns the moment in the zone that its text names; None when the zone does not exist."""
    if not zone:
        return moment
    try:
        return _located(moment, find_zone(zone))
    except ValueError:
        return None


def _located(moment: datetime, zone: tzinfo) -> datetime:
    """Returns the local time in the zone. Raises LineRejected for a time that the zone skips or repeats."""
    local = moment.replace(tzinfo=zone)
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        exists = local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == moment
        why = "occurs twice" if exists else "does not exist"
        raise LineRejected(f"{moment.isoformat(' ')} {why} in {zone}, where the clocks change; add the offset")
    return local


def _require_same(moment: datetime, zone: tzinfo) -> None:
    if moment.astimezone(zone).utcoffset() != moment.utcoffset():
        raise LineRejected(f"{moment.isoformat(' ')} has an offset that differs from that of {zone} at that time")


def _clock(match: re.Match[str]) -> timedelta | None:
    """Returns the time of day, 24:00 as the end of the day; None when it is not valid."""
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    is_compact = match["minute"] is not None and not match["colon"]
    if (match["minute"] is None or is_compact) and (len(match["hour"]) != 2 or not match["t"]) and not match["half"]:
        return None
    if half := match["half"]:
        if not 1 <= hour <= 12 or is_compact:
            return None
        hour = hour % 12 + (12 if half in "pP" else 0)
    fraction = (match["fraction"] or "").ljust(6, "0")
    if minute > 59 or second > 59:
        return None
    if fraction[6:].strip("0"):
        raise LineRejected(
            f"{match[0]!r} is not a time that a column can store: it has more than six decimal places of a second"
        )
    clock = timedelta(hours=hour, minutes=minute, seconds=second, microseconds=int(fraction[:6]))
    return clock if clock <= timedelta(days=1) else None

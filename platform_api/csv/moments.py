"""Dates and times as people write them. What is not said (order, century, zone) is refused, not guessed."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from platform_api.csv.errors import LineRejected

DATE_ORDERS = {"ymd": (0, 1, 2), "dmy": (2, 1, 0), "mdy": (2, 0, 1)}
"""Where year, month and day stand."""

_MAX_LENGTH = 100
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ORDERED = re.compile(
    r"(?P<first>[0-9]{1,4})(?P<separator>[./ -]) ?(?P<second>[0-9]{1,2})(?P=separator) ?(?P<third>[0-9]{1,4})"
)
_TIME = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?(?: ?(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2}))?"
)
_DATE_AND_TIME = re.compile(rf"(?P<date>.*?[0-9])(?:,? |T){_TIME}")
_MIDNIGHT = re.compile(r"(?P<date>.*?[0-9])[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:00)?")
_BEYOND_MICROSECONDS = re.compile(r"[.,][0-9]{6}[0-9]*[1-9]")
_DIRECTIVE = re.compile(r"%(.?)")
_DIRECTIVES = frozenset("YymdHIMSfpbBz%")
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{2})")


@dataclass(frozen=True, slots=True)
class MomentReading:
    """How dates and times of a file are read. ISO 8601 is read always, unless a format is given."""

    order: str | None = None
    date_format: str | None = None
    time_format: str | None = None
    zone: tzinfo | None = None

    def read_date(self, text: str) -> date | None:
        """Returns the date; None when it is none. A time of midnight is no more than a date."""
        text = text.strip()
        if len(text) > _MAX_LENGTH:
            return None
        if self.date_format is not None:
            found = _parsed(text, self.date_format)
            return None if found is None else found.date()
        if (midnight := _MIDNIGHT.fullmatch(text)) is not None:
            text = midnight["date"]
        return self._date(text)

    def read_time(self, text: str) -> datetime | None:
        """Returns the moment, without a zone where the text names none; None when it is no moment."""
        text = text.strip()
        if len(text) > _MAX_LENGTH:
            return None
        if self.time_format is not None:
            return _parsed(text, self.time_format)
        if _BEYOND_MICROSECONDS.search(text):
            return None
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
        if (found := _DATE_AND_TIME.fullmatch(text)) is not None:
            day = self.read_date(found["date"])
            return None if day is None else _with_time(day, found)
        day = self.read_date(text)
        return None if day is None else datetime(day.year, day.month, day.day)

    def in_zone(self, moment: datetime, *, otherwise: tzinfo | None = None) -> datetime | None:
        """Returns the moment with a zone; None when none was said. LineRejected for an hour skipped or doubled."""
        if moment.tzinfo is not None:
            return moment
        zone = self.zone or otherwise
        if zone is None:
            return None
        local = moment.replace(tzinfo=zone)
        if local.utcoffset() != local.replace(fold=1).utcoffset():
            exists = local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == moment
            why = "occurs twice" if exists else "does not exist"
            raise LineRejected(f"{moment.isoformat(' ')} {why} in {zone}, where clocks are changed; name the offset")
        return local

    def _date(self, text: str) -> date | None:
        try:
            if _ISO_DATE.fullmatch(text):
                return date.fromisoformat(text)
            found = _ORDERED.fullmatch(text) if self.order else None
            if found is None or self.order is None:
                return None
            parts = (found["first"], found["second"], found["third"])
            year, month, day = (parts[place] for place in DATE_ORDERS[self.order])
            # Two digits name no century, and three or four no day.
            if len(year) != 4 or len(month) > 2 or len(day) > 2:
                return None
            return date(int(year), int(month), int(day))
        except ValueError:
            return None


def find_zone(name: str) -> tzinfo:
    """Returns the zone of a name such as `Europe/Warsaw` or an offset such as `+02:00`. ValueError for another."""
    if name.upper() in ("UTC", "Z"):
        return UTC
    if (offset := _OFFSET.fullmatch(name)) is not None:
        distance = timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"]))
        if distance >= timedelta(hours=24) or int(offset["minutes"]) > 59:
            raise ValueError("an offset is at most 23:59")
        return timezone(distance if offset["sign"] == "+" else -distance)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name[:60]!r} is no time zone; use a name such as Europe/Warsaw or +02:00") from error


def check_format(text: str, *, needs: str) -> None:
    """Raises ValueError when `text` is no format, or does not say each of the directives in `needs`."""
    named = _DIRECTIVE.findall(text)
    if unknown := [letter for letter in named if letter not in _DIRECTIVES]:
        known = " ".join(f"%{letter}" for letter in sorted(_DIRECTIVES))
        raise ValueError(f"%{unknown[0]} is unknown; a format may have {known}, for example %d.%m.%Y")
    for alternatives in needs.split():
        if not any(letter in named for letter in alternatives):
            raise ValueError(f"the format does not say %{alternatives[0]}; for example %d.%m.%Y %H:%M")
    try:
        datetime.strptime(datetime(2026, 1, 31, 13, 5, tzinfo=UTC).strftime(text), text)
    except (ValueError, re.error) as error:
        raise ValueError(f"{text[:60]!r} is no format such as %d.%m.%Y") from error


def _parsed(text: str, layout: str) -> datetime | None:
    try:
        return datetime.strptime(text, layout)
    except ValueError:
        return None


def _with_time(day: date, found: re.Match[str]) -> datetime | None:
    hour = int(found["hour"])
    if half := found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "pP" else 0)
    microseconds = int((found["fraction"] or "0").ljust(6, "0")[:6])
    try:
        zone = find_zone(found["zone"]) if found["zone"] else None
        moment = datetime(day.year, day.month, day.day, hour, int(found["minute"]), int(found["second"] or 0))
    except ValueError:
        return None
    return moment.replace(microsecond=microseconds, tzinfo=zone)

"""Converts Excel's day numbers to dates, times and durations, and back.

Day 1 is 1900-01-01 and day 60 the 29th of February 1900, which never existed (ECMA-376 part 1, 18.17.4); in files
of the 1904 system day 0 is 1904-01-01.
"""

from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from platform_api.csv.values.cells import Fault, FaultKind
from platform_api.csv.xlsx.formats import Shows

_MICROSECONDS_OF_DAY = 86_400_000_000
_MICROSECONDS_OF_SECOND = 1_000_000
_CALCULATED_ERROR = 2
"""Microseconds by which Excel's own calculations may miss a whole second, as a day number is a double."""
_BEFORE_THE_WRONG_LEAP_DAY = datetime(1899, 12, 31)
_AFTER_THE_WRONG_LEAP_DAY = datetime(1899, 12, 30)
_EPOCH_1904 = datetime(1904, 1, 1)
_WRONG_LEAP_DAY = 60
_FIRST_TYPED = date(1900, 3, 1)
_END = {False: Decimal(2_958_466), True: Decimal(2_957_004)}
"""Maps whether a file uses the 1904 system to the first day number after the year 9999."""

Moment = date | datetime | time | timedelta


def moment_of(serial: Decimal, shows: Shows, *, is_1904: bool) -> Moment | Fault:
    """Converts the day number in a cell that shows a date, a time or a duration."""
    if shows is Shows.DURATION:
        if abs(serial) >= 10**8:
            return _fault(serial, "is too long for a duration")
        return timedelta(microseconds=_microseconds(serial))
    if not 0 <= serial < _END[is_1904]:
        return _fault(serial, "is formatted as a date, but is outside Excel's range")
    since = timedelta(microseconds=_microseconds(serial))
    if shows is Shows.TIME and since < timedelta(days=1):
        return _time(since)
    if is_1904:
        moment = _EPOCH_1904 + since
    elif since.days == _WRONG_LEAP_DAY:
        return _fault(serial, "is the 29th of February 1900, which does not exist")
    elif since < timedelta(days=1):
        # Excel shows day 0 as "1900-01-00": only its time is meaningful.
        return _time(since) if since else _fault(serial, "is formatted as a date, but is not one")
    else:
        moment = (_AFTER_THE_WRONG_LEAP_DAY if since.days > _WRONG_LEAP_DAY else _BEFORE_THE_WRONG_LEAP_DAY) + since
    return moment.date() if shows is Shows.DATE and moment.time() == time() else moment


def serial_of(moment: Moment) -> Decimal:
    """Returns the day number of the 1900 system that `moment_of` converts back to this value."""
    match moment:
        case timedelta():
            return _days(moment)
        case time():
            return _days(timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second)) + _days(
                timedelta(microseconds=moment.microsecond)
            )
        case datetime():
            naive = moment.replace(tzinfo=None)
        case date():
            naive = datetime(moment.year, moment.month, moment.day)
    is_early = naive.date() < _FIRST_TYPED
    return _days(naive - (_BEFORE_THE_WRONG_LEAP_DAY if is_early else _AFTER_THE_WRONG_LEAP_DAY))


def survives_excel(moment: date | datetime) -> bool:
    """Returns whether a date or time survives Excel, which stores day numbers as doubles."""
    if (moment.date() if isinstance(moment, datetime) else moment) < _FIRST_TYPED:
        return False
    shows = Shows.DATETIME if isinstance(moment, datetime) else Shows.DATE
    stored = Decimal(repr(float(serial_of(moment))))
    return stored < _END[False] and moment_of(stored, shows, is_1904=False) == moment


def _days(distance: timedelta) -> Decimal:
    microseconds = (distance.days * 86_400 + distance.seconds) * _MICROSECONDS_OF_SECOND + distance.microseconds
    return Decimal(microseconds) / _MICROSECONDS_OF_DAY


def _microseconds(serial: Decimal) -> int:
    rounded = int((serial * _MICROSECONDS_OF_DAY).to_integral_value(ROUND_HALF_EVEN))
    beyond = (rounded + _CALCULATED_ERROR) % _MICROSECONDS_OF_SECOND - _CALCULATED_ERROR
    return rounded - beyond if abs(beyond) <= _CALCULATED_ERROR else rounded


def _time(since: timedelta) -> time:
    return (datetime.min + since).time()


def _fault(serial: Decimal, reason: str) -> Fault:
    return Fault(str(serial), f"{serial} {reason}", FaultKind.DATE)

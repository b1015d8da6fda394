"""Cron expressions in every time zone, against clocks that are read minute by minute."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from platform_api.schedules.cron import Cron, check_expression, find_zone, zone_names

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def times(expression: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    cron, found = Cron(expression, ZoneInfo(zone)), []
    moment = cron.after(start)
    while moment is not None and moment < end:
        found.append(moment)
        moment = cron.after(moment)
    return found


def clock(moments: list[datetime], zone: str) -> list[str]:
    return [moment.astimezone(ZoneInfo(zone)).strftime("%d %H:%M%z") for moment in moments]


@pytest.mark.parametrize(
    ("expression", "zone", "day", "expected"),
    [
        ("30 2 * * *", "America/New_York", "2026-03-07", ["07 02:30-0500", "08 03:00-0400", "09 02:30-0400"]),
        ("0,30 2 * * *", "America/New_York", "2026-03-08", ["08 03:00-0400", "09 02:00-0400", "09 02:30-0400"]),
        ("0 3 * * *", "America/New_York", "2026-03-08", ["08 03:00-0400", "09 03:00-0400"]),
        ("30 1 * * *", "America/New_York", "2026-11-01", ["01 01:30-0400", "02 01:30-0500"]),
        ("30 2 * * *", "Europe/Warsaw", "2026-10-24", ["24 02:30+0200", "25 02:30+0200", "26 02:30+0100"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-04", ["04 02:30+1100", "05 02:15+1100"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-05", ["05 01:45+1100", "06 01:45+1030"]),
        ("0 12 * * *", "Pacific/Apia", "2011-12-29", ["29 12:00-1000", "31 00:00+1400", "31 12:00+1400"]),
        ("0 0 * * *", "America/Santiago", "2026-09-06", ["06 01:00-0300", "07 00:00-0300"]),
    ],
)
def test_a_time_of_day_comes_once_a_day(expression: str, zone: str, day: str, expected: list[str]) -> None:
    start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)) - MINUTE
    found = times(expression, zone, start, start + timedelta(days=5))
    assert clock(found[: len(expected)], zone) == expected


def test_quarters_of_an_hour_come_in_every_real_quarter() -> None:
    for zone, day in (
        ("Europe/Warsaw", "2026-03-29"),
        ("Europe/Warsaw", "2026-10-25"),
        ("Asia/Kathmandu", "2026-01-01"),
    ):
        start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) - MINUTE
        found = times("*/15 * * * *", zone, start, start + timedelta(hours=12))
        assert len(found) == 48
        assert {after - before for before, after in pairwise(found)} == {timedelta(minutes=15)}


@cache
def changes() -> list[tuple[str, datetime]]:
    """All zones, with each day of two years on which their clocks are changed (or some day)."""
    found = []
    for name in sorted(zone_names()):
        zone = ZoneInfo(name)
        days = [YEAR + timedelta(days=number) for number in range(731)]
        offsets = [day.astimezone(zone).utcoffset() for day in days]
        changed = [days[number] for number in range(730) if offsets[number] != offsets[number + 1]]
        found += [(name, day) for day in changed or [YEAR]]
    return found


def spaced(*texts: str) -> st.SearchStrategy[str]:
    return st.sampled_from(texts)


MINUTES = st.one_of(
    st.integers(0, 59).map(str),
    st.lists(st.integers(0, 59), min_size=2, max_size=4, unique=True).map(lambda found: ",".join(map(str, found))),
    spaced("*", "*/15", "*/7", "10-50/20", "0", "30"),
)
HOURS = st.one_of(st.integers(0, 23).map(str), spaced("*", "*/2", "*/3", "0-4", "1,2,3", "2", "1", "0"))
EXPRESSIONS = st.tuples(
    MINUTES, HOURS, spaced("*", "*", "*", "1-15", "28,29,30"), st.just("*"), spaced("*", "*", "0")
)


def expected(expression: str, zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """What the expression means, read from the clock minute by minute.

    Intervals: every minute whose clock time fits. Times of day: each clock time that fits, when the clock first shows
    it, and else at the first minute after it was skipped.
    """
    matches = _matcher(expression)
    minutes = [start + number * MINUTE for number in range(int((end - start) / MINUTE))]
    clocks = [minute.astimezone(zone).replace(tzinfo=None) for minute in minutes]
    if any(field.startswith("*") for field in expression.split()[:2]):
        return [minute for minute, clock in zip(minutes, clocks, strict=True) if matches(clock)]
    seen: set[datetime] = set(clocks[:1])
    found = []
    for number in range(1, len(minutes)):
        before, now = clocks[number - 1], clocks[number]
        skipped = [before + step * MINUTE for step in range(1, int((now - before) / MINUTE))]
        if any(matches(clock) for clock in [*skipped, now] if clock not in seen):
            found.append(minutes[number])
        seen |= {*skipped, now}
    return found


def _matcher(expression: str) -> Callable[[datetime], bool]:
    cron = CronSim(expression, datetime(2026, 1, 1))

    def matches(clock: datetime) -> bool:
        return clock.minute in cron.minutes and clock.hour in cron.hours and cron.match_day(clock.date())

    return matches


@given(fields=EXPRESSIONS, change=st.integers(0, 10**9), early=st.integers(0, 36 * 60))
@pytest.mark.slow
def test_in_every_zone_the_times_are_those_that_its_clock_shows(
    fields: tuple[str, ...], change: int, early: int
) -> None:
    name, day = changes()[change % len(changes())]
    expression = " ".join(fields)
    begin = day - timedelta(days=2)
    start, end = begin + early * MINUTE, day + timedelta(days=3)
    right = [moment for moment in expected(expression, ZoneInfo(name), begin, end) if moment > start]
    found = times(expression, name, start, end)
    assert found == right, f"{expression} in {name}"
    assert all(before < after for before, after in pairwise(found))


@given(fields=EXPRESSIONS, change=st.integers(0, 10**9), looks=st.lists(st.integers(0, 5 * 86_400), max_size=5))
def test_from_any_moment_the_next_time_is_the_same(fields: tuple[str, ...], change: int, looks: list[int]) -> None:
    name, day = changes()[change % len(changes())]
    start = day - timedelta(days=2)
    cron = Cron(" ".join(fields), ZoneInfo(name))
    found = times(" ".join(fields), name, start, start + timedelta(days=6))
    for look in looks:
        moment = start + timedelta(seconds=look, microseconds=look % 7)
        later = [one for one in found if one > moment]
        assert not later or cron.after(moment) == later[0]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("* * * *", r"five fields \(minute, hour, .*; this has 4$"),
        ("* * * * * *", "this has 6; there are no seconds and no years"),
        ("", "this has 0"),
        ("CRON_TZ=Europe/Warsaw 0 9 * * *", "give the zone in timezone"),
        ("60 * * * *", "its field minute is '60', which is not 0 to 59"),
        ("0 22-2 * * *", "its field hour is '22-2', which is not 0 to 23, a list, a range upwards"),
        ("0 9 * * FRI-MON", "its field day of week is 'FRI-MON'"),
        ("0 9 L-3 * *", "its field day of month is 'L-3'"),
        ("? 9 * * *", r"its field minute is '\?'"),
        ("0 0 31 2 *", "never comes: none of its months has these days"),
        ("0 0 31 4,6,9,11 *", "never comes"),
        ("*/90 * * * *", "'\\*/90': a step of the field minute is 60 at most; for longer periods write `@every 90m`"),
        ("0 5/36 * * *", "a step of the field hour is 24 at most"),
        ("hello a b c d", "its field minute is 'hello'"),
    ],
)
def test_what_is_no_cron_expression_is_refused(expression: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_expression(expression)


@pytest.mark.parametrize(
    ("expression", "same"),
    [("0 9 ? * MON", "0 9 * * MON"), ("0 9 1 * ?", "0 9 1 * *"), ("*/60 */24 * * *", "*/60 */24 * * *")],
)
def test_a_question_mark_leaves_a_day_open(expression: str, same: str) -> None:
    assert check_expression(expression) == same


@pytest.mark.parametrize(
    "name", ["", "Warsaw", "localtime", "Factory", "europe/warsaw", "../../etc/passwd", "CET+1", "Europe/Warsaw\x00"]
)
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not the name of an IANA time zone"):
        find_zone(name)


def test_all_zones_of_iana_are_known() -> None:
    assert {"UTC", "Europe/Warsaw", "America/Argentina/Buenos_Aires", "Asia/Kathmandu"} <= zone_names()
    assert find_zone("Europe/Warsaw").key == "Europe/Warsaw"

"""Schedules: no time is lost or doubled, whenever somebody looks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from platform_api.schedules.schemas import Schedule
from platform_api.schedules.shorthand import SHORTHANDS, expression_of, read_period
from platform_api.schedules.timetable import MAX_COUNTED, timetable_of, upcoming

NOW = datetime(2026, 3, 28, 12, 0, 7, 250_000, tzinfo=UTC)

SCHEDULES = st.one_of(
    st.integers(1, 500).map(lambda minutes: {"every_minutes": minutes}),
    st.sampled_from(["@every 1m", "@every 15m", "@every 1h30m", "@every 2d", "@every 90s"]).map(
        lambda text: {"cron": text}
    ),
    st.tuples(
        st.sampled_from([*SHORTHANDS, "*/15 * * * *", "30 2 * * *", "0 9 * * 1-5", "7 */3 * * *"]),
        st.sampled_from(["UTC", "Europe/Warsaw", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
    ).map(lambda found: {"cron": found[0], "timezone": found[1]}),
)


@given(
    written=SCHEDULES,
    waits=st.lists(st.integers(1, 5 * 86_400), min_size=1, max_size=12),
    identity=st.text(max_size=9),
)
@pytest.mark.slow
def test_no_time_is_lost_or_doubled_over_restarts_and_late_looks(
    written: dict[str, Any], waits: list[int], identity: str
) -> None:
    def again() -> Any:  # as a process does that has just been started
        return timetable_of(Schedule.model_validate(written), identity)

    planned = again().after(NOW)
    assert planned is not None and planned > NOW
    now, ticks, all_times = NOW, 0, [planned]
    for wait in waits:
        now += timedelta(seconds=wait)
        while all_times[-1] <= now:
            all_times.append(again().after(all_times[-1]))
        if planned <= now:
            due = again().due(planned, now)
            assert due.first == planned
            assert due.following is not None and due.following > now
            counted = len([moment for moment in all_times if planned <= moment <= now])
            assert due.ticks == counted or due.ticks == MAX_COUNTED < counted
            ticks += counted
            planned = due.following
    assert planned == all_times[-1]
    assert ticks == len([moment for moment in all_times if moment <= now])
    assert all_times == sorted(set(all_times))


@pytest.mark.slow
def test_what_was_missed_for_years_is_counted_up_to_a_limit() -> None:
    minutely = timetable_of(Schedule(cron="* * * * *", timezone="Europe/Warsaw"), "a")
    due = minutely.due(NOW.replace(second=0, microsecond=0), NOW + timedelta(days=365))
    assert due.ticks == MAX_COUNTED
    assert due.following == (NOW + timedelta(days=365)).replace(second=0, microsecond=0) + timedelta(minutes=1)
    period = timetable_of(Schedule(cron="@every 1m"), "a")
    first = period.after(NOW)
    assert first is not None
    assert period.due(first, first + timedelta(days=365)).ticks == 365 * 24 * 60 + 1


@pytest.mark.parametrize("shorthand", SHORTHANDS)
@pytest.mark.slow
def test_shorthands_are_spread_and_stay_where_they_are(shorthand: str) -> None:
    written = [expression_of(shorthand, f"sync {number}") for number in range(300)]
    assert written == [expression_of(shorthand, f"sync {number}") for number in range(300)]
    assert len({text.split()[0] for text in written}) > 50, "minutes"
    hours = {text.split()[1] for text in written}
    match shorthand:
        case "@hourly":
            assert hours == {"*"}
        case "@midnight":
            assert hours == {"0"}
        case _:
            assert len(hours) > 20
    for text in written:
        Schedule(cron=text)


def test_periods_of_different_schedules_begin_at_different_moments() -> None:
    firsts = {timetable_of(Schedule(cron="@every 1h"), f"sync {number}").after(NOW) for number in range(100)}
    assert len(firsts) > 80
    assert all(NOW < first <= NOW + timedelta(hours=1) for first in firsts if first)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("@every 15m", 900), ("@every 1h30m", 5400), ("@every  90s", 90), ("@every 366d", 366 * 86_400), ("15m", None)],
)
def test_periods_are_read(text: str, seconds: int | None) -> None:
    period = read_period(text)
    assert (None if period is None else period.total_seconds()) == seconds


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({}, "give either every_minutes or cron"),
        ({"every_minutes": 5, "cron": "* * * * *"}, "give either every_minutes or cron"),
        ({"cron": "@dayly"}, "'@dayly' is not known; use one of @hourly, @daily"),
        ({"cron": "@every 15 minutes"}, "is not known"),
        ({"cron": "@every 30s"}, "between 1 minute and 366 days"),
        ({"cron": "@every 400d"}, "between 1 minute and 366 days"),
        ({"cron": "@every 999999999d999999999d"}, "between 1 minute and 366 days"),
        (
            {"cron": "0 9 * * *", "timezone": "Warsaw"},
            "'Warsaw' is not the name of an IANA time zone, such as Europe/Warsaw",
        ),
        ({"every_minutes": 5, "timezone": "Europe/Warsaw"}, "timezone is only for times of the clock"),
        ({"cron": "@every 5m", "timezone": "Europe/Warsaw"}, "timezone is only for times of the clock"),
        ({"cron": "*/5 2 * 3 7#2", "timezone": "America/New_York"}, "never comes in America/New_York"),
        ({"cron": "* * * * *", "overlap": "perhaps"}, "overlap"),
    ],
)
def test_what_is_no_schedule_is_refused_with_the_reason(written: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Schedule.model_validate(written)
    assert message in str(refused.value)


def test_the_next_times_are_told() -> None:
    schedule = timetable_of(Schedule(cron="30 2 * * *", timezone="Europe/Warsaw"), "a")
    first = schedule.after(NOW)
    assert first is not None
    found = [moment.isoformat() for moment in upcoming(schedule, first, 3)]
    assert found == ["2026-03-29T01:00:00+00:00", "2026-03-30T00:30:00+00:00", "2026-03-31T00:30:00+00:00"]

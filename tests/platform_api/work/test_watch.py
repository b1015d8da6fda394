"""Judging expiries: only after a whole lease of looks without a gap, and only up to the last look."""

from datetime import UTC, datetime, timedelta

import pytest

from platform_api.work.watch import Look, Watch

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def look(began: float, *, took: float = 0.01, database: float | None = None) -> Look:
    return Look(began, began + took, at(began if database is None else database))


def watching(*looks: Look, pause: float = 3) -> Watch:
    watch = Watch(lease_seconds=15, tolerance_seconds=3)
    for one in looks:
        watch.looked(one, pause=pause)
    return watch


def test_nothing_counts_before_a_whole_lease_has_been_watched() -> None:
    assert watching(*[look(3 * number) for number in range(5)]).horizon is None


def test_after_it_what_expired_up_to_the_last_look_counts() -> None:
    assert watching(*[look(3 * number) for number in range(7)]).horizon == at(18)


def test_looks_may_be_as_far_apart_as_planned() -> None:
    assert watching(look(0), look(10), look(20), pause=10).horizon == at(20)


@pytest.mark.parametrize(
    ("gap", "why"),
    [
        (look(21, took=20, database=41), "the database hung"),
        (look(21, took=20, database=21), "it hung after it said what time it is"),
        (look(41), "this process hung"),
        (look(21, database=3621), "the database's clock was set forward"),
        (look(21, database=-3579), "the database's clock was set back"),
    ],
)
def test_after_a_gap_a_whole_lease_is_watched_again(gap: Look, why: str) -> None:
    watch = watching(*[look(3 * number) for number in range(7)])
    watch.looked(gap, pause=3)
    assert watch.horizon is None, why
    shift = gap.database_time - at(gap.ended)
    for number in range(1, 6):
        watch.looked(
            Look(gap.ended + 2.9 * number, gap.ended + 2.9 * number, at(gap.ended + 2.9 * number) + shift), pause=3
        )
        assert watch.horizon is None
    watch.looked(Look(gap.ended + 16, gap.ended + 16, at(gap.ended + 16) + shift), pause=3)
    assert watch.horizon == at(gap.ended + 16) + shift


def test_a_look_that_fails_is_a_gap() -> None:
    watch = watching(*[look(3 * number) for number in range(7)])
    watch.interrupted()
    assert watch.horizon is None
    watch.looked(look(21), pause=1)
    assert watch.horizon is None

"""What the text of a cell becomes: numbers, dates and JSON as people and programs write them."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hasura.engine import exact_json
from platform_api.csv.errors import LineRejected
from platform_api.csv.schemas import ImportOptions
from platform_api.csv.values.converting import MAX_JSON_DEPTH, Reading, converter, find_unit
from platform_api.tables.ddl.column_types import ColumnType
from platform_api.tables.definition import Column


def read(kind: ColumnType, cell: str, **options: Any) -> Any:
    """The value, or the reason why there is none."""
    choices = ("red", "blue") if kind is ColumnType.CHOICE else ()
    column = Column(name="c", type=kind, choices=choices)
    try:
        return converter(column, Reading.of(ImportOptions.model_validate(options)))(cell)
    except LineRejected as error:
        return error


def rejects(kind: ColumnType, cell: str, reason: str, **options: Any) -> bool:
    found = read(kind, cell, **options)
    return isinstance(found, LineRejected) and reason in found.reason


@pytest.mark.parametrize("cell", ["-1234.5", "−1234.5", "1234.5-", "1234.5−", "(1234.5)", "( 1234.5 )", "- 1234.5"])
def test_a_negative_number_is_known_by_its_sign_or_by_parentheses(cell: str) -> None:
    assert read(ColumnType.NUMERIC, cell) == "-1234.5"
    assert read(ColumnType.FLOAT, cell) == -1234.5


@pytest.mark.parametrize("cell", ["--1", "(-1)", "-(1)", "+-1", "()", "-", "(", "1--", "+", "(1", "1)", "1 -2"])
def test_a_number_has_one_sign(cell: str) -> None:
    assert rejects(ColumnType.NUMERIC, cell, "is not a number")


UNITS = ["zł", "€", "$", "PLN", "%", "kr."]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("12 zł", "12"), ("12zł", "12"), ("€ 12", "12"), ("$1,234.50", "1234.50"), ("-$12", "-12"), ("$-12", "-12"),
        ("($12)", "-12"), ("$ (12)", "-12"), ("12 pln", "12"), ("PLN\u00a012", "12"), ("12.5 %", "0.125"),
        ("-100%", "-1.00"), ("12 kr.", "12"),
    ],
)  # fmt: skip
def test_units_that_were_said_may_stand_beside_numbers(cell: str, value: str) -> None:
    assert read(ColumnType.NUMERIC, cell, units=UNITS, thousands=",") == value
    unit = "%" if "%" in cell else cell.strip("-()0123456789., \u00a0") or "kr."
    assert rejects(ColumnType.NUMERIC, cell, "send it in `units`"), unit


@pytest.mark.parametrize("cell", ["zł", "12 zł €", "zł 12 zł", "12 kg", "%", "1 - %"])
def test_other_units_are_refused(cell: str) -> None:
    assert rejects(ColumnType.NUMERIC, cell, "is not a number", units=UNITS)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_a_percentage_is_exactly_a_hundredth(number: Decimal) -> None:
    assert Decimal(read(ColumnType.NUMERIC, f"{number} %", units=["%"])) * 100 == number


@pytest.mark.parametrize("cell", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_finite_number_is_kept_as_postgresql_writes_it(cell: str) -> None:
    assert read(ColumnType.NUMERIC, cell) == cell
    assert read(ColumnType.FLOAT, cell) == cell
    assert rejects(ColumnType.INTEGER, cell, "is not a whole number")
    assert rejects(ColumnType.NUMERIC, cell.upper(), "is not a number")
    assert read(ColumnType.NUMERIC, cell, null_words=["NaN", "Infinity", "-Infinity"]) is None


def test_numbers_beyond_a_type_are_refused_and_never_rounded() -> None:
    assert rejects(ColumnType.FLOAT, "1e-400", "too small")
    assert rejects(ColumnType.FLOAT, "1e400", "too large")
    assert read(ColumnType.FLOAT, "0e-400") == 0
    assert rejects(ColumnType.INTEGER, "1e40", "is not between -2147483648")
    assert rejects(ColumnType.BIGINT, "9" * 5000, "is not between")
    assert read(ColumnType.NUMERIC, "9" * 131_072) == "9" * 131_072
    assert rejects(ColumnType.NUMERIC, "9" * 131_073, "is not a number")
    assert rejects(ColumnType.NUMERIC, "1e-16384", "is not a number"), "PostgreSQL would round it to 0"
    assert read(ColumnType.NUMERIC, "0e999999") == "0"


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00+00:00"),
        ("2026-01-31t12:00:00z", "2026-01-31T12:00:00+00:00"),
        ("2026-01-31 12:00:00 UTC", "2026-01-31T12:00:00+00:00"),
        ("2026-01-31 12:00 GMT", "2026-01-31T12:00:00+00:00"),
        ("2026-01-31 12:00:00+02", "2026-01-31T12:00:00+02:00"),
        ("2026-01-31 12:00:00 -0530", "2026-01-31T12:00:00-05:30"),
        ("2026-01-31 12:00 Europe/Warsaw", "2026-01-31T12:00:00+01:00"),
        ("2026-07-31T12:00:00+02:00[Europe/Warsaw]", "2026-07-31T12:00:00+02:00"),
        ("2026-07-31T12:00:00[Europe/Warsaw]", "2026-07-31T12:00:00+02:00"),
        ("20260131T120000Z", "2026-01-31T12:00:00+00:00"),
        ("2026-W05-6T12:00Z", "2026-01-31T12:00:00+00:00"),
        ("2026-01-31T12Z", "2026-01-31T12:00:00+00:00"),
        ("2026-01-31T24:00:00Z", "2026-02-01T00:00:00+00:00"),
        ("2026-12-31 24:00+01:00", "2027-01-01T00:00:00+01:00"),
        ("2026-01-31 12:00 AM +00:00", "2026-01-31T00:00:00+00:00"),
        ("2026-01-31 1:05 p.m. Z", "2026-01-31T13:05:00+00:00"),
        ("2026-01-31+02:00", "2026-01-31T00:00:00+02:00"),
        ("2026-01-31Z", "2026-01-31T00:00:00+00:00"),
        ("2026-01-31T12:00:00,5Z", "2026-01-31T12:00:00.500000+00:00"),
    ],
)
def test_times_are_read_with_the_zone_that_they_name(cell: str, value: str) -> None:
    assert read(ColumnType.TIMESTAMPTZ, cell) == value
    # What the file says of its other times changes nothing.
    assert read(ColumnType.TIMESTAMPTZ, cell, timezone="Asia/Tokyo", date_order="dmy") == value


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("2026-01-31 12:00 CET", "names its time zone by letters (CET); write the offset"),
        ("2026-01-31x12:00", "is not a time"),
        ("2026-01-31-12:00", "is not a time"),
        ("2026-01-31T24:00:01Z", "is not a time"),
        ("2026-01-31T12:60Z", "is not a time"),
        ("2026-01-31 13:05 pm Z", "is not a time"),
        ("2026-01-31 12:00:00.1234567Z", "has more than six decimal places of a second"),
        ("31.01.2026 12:00:00 UTC", "is not a time such as"),
        ("9999-12-31 24:00Z", "is not a time"),
        ("2026-01-31 12:00 Europe/Nowhere", "is not a time"),
        ("2026-03-29 02:30 Europe/Warsaw", "does not exist in Europe/Warsaw"),
        ("2026-10-25 02:30 Europe/Warsaw", "occurs twice in Europe/Warsaw"),
        ("2026-01-31T12:00:00+05:00[Europe/Warsaw]", "has an offset that differs from that of Europe/Warsaw"),
        ("2026-W05", "is not a time"),
        ("2026-01-31 12", "is not a time"),
    ],
)
def test_a_time_that_leaves_its_moment_open_is_refused(cell: str, reason: str) -> None:
    assert rejects(ColumnType.TIMESTAMPTZ, cell, reason, timezone="UTC")


@given(
    st.datetimes(datetime(1950, 1, 1), datetime(2090, 1, 1)),
    st.sampled_from(["Europe/Warsaw", "Australia/Lord_Howe"]),
)
def test_a_zone_by_name_is_the_zone_that_an_option_says(moment: datetime, zone: str) -> None:
    text = moment.isoformat(" ")
    named, said = read(ColumnType.TIMESTAMPTZ, f"{text} {zone}"), read(ColumnType.TIMESTAMPTZ, text, timezone=zone)
    if isinstance(named, LineRejected):
        assert named.reason == said.reason
        return
    assert named == said
    assert datetime.fromisoformat(named).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == moment


@pytest.mark.parametrize("cell", ["2026-01-31", "20260131", "2026-W05-6", "2026W056", "2026-01-31T00:00:00Z"])
def test_dates_are_those_of_iso_8601(cell: str) -> None:
    assert read(ColumnType.DATE, cell) == "2026-01-31"


@pytest.mark.parametrize("cell", ["2026-W05", "2026-031", "2026-1-31", "46053", "2026-W54-1", "2026-02-30", "2026"])
def test_other_dates_are_refused(cell: str) -> None:
    assert rejects(ColumnType.DATE, cell, "is not a date")


@pytest.mark.parametrize(
    ("kind", "cells", "others"),
    [
        (
            ColumnType.DATE,
            ["infinity", "-infinity", "0044-03-15 BC", "0005-02-29 BC", "10000-02-29", "5874897-12-31"],
            ["Infinity", "0044-02-30 BC", "0004-02-29 BC", "0000-01-01 BC", "10001-02-29", "10000-01-01T00:00:00Z"],
        ),
        (
            ColumnType.TIMESTAMPTZ,
            ["infinity", "-infinity", "0044-03-15T12:00:00+00:00 BC", "10000-01-01 00:00:00.5+00"],
            ["0044-03-15 BC", "10000-01-01T00:00:00", "10000-01-01T25:00:00Z"],
        ),
    ],
)
def test_what_only_postgresqls_calendar_has_is_read_as_it_writes_it(
    kind: ColumnType, cells: list[str], others: list[str]
) -> None:
    assert [read(kind, cell) for cell in cells] == cells
    assert all(rejects(kind, cell, "is not a") for cell in others)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":12345678901234567890123,"b":0.12345678901234567890,"c":1e400,"d":1.10,"e":-0.0,"f":1E2}', '"\\\\u0000"',
        "[" * MAX_JSON_DEPTH + "]" * MAX_JSON_DEPTH, "9" * 4000,
    ],
)  # fmt: skip
def test_json_keeps_what_it_holds(text: str) -> None:
    assert exact_json.dumps(read(ColumnType.JSON, text)).decode() == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * (MAX_JSON_DEPTH + 1) + "]" * (MAX_JSON_DEPTH + 1), "nested more than"),
        ("[" * 100_000 + "]" * 100_000, "is not JSON"),
        ('{"a": ["\\u0000"]}', "NUL character"),
        ('{"\\u0000": 1}', "NUL character"),
        ('"\\ud800"', ""),
        ("NaN", "is not JSON: JSON is malformed"),
        ("9" * 5000, "is not JSON: an integer has more than 4300 digits"),
        ("{'a': 1}", "is not JSON"),
        ("[1,]", "is not JSON"),
    ],
)
def test_json_that_cannot_be_kept_is_refused(text: str, reason: str) -> None:
    assert rejects(ColumnType.JSON, text, reason)


def test_words_for_true_and_false_and_choices_are_read_without_the_spaces_around_them() -> None:
    assert [read(ColumnType.BOOLEAN, cell) for cell in (" On ", "off", "TRUE", "0")] == [True, False, True, False]
    assert read(ColumnType.CHOICE, " red ") == "red"
    assert rejects(ColumnType.CHOICE, "Red", "is not one of the choices: red, blue")


@given(st.datetimes(), st.timedeltas(timedelta(hours=-23), timedelta(hours=23)))
def test_every_time_that_is_written_as_iso_8601_is_read(moment: datetime, offset: timedelta) -> None:
    offset -= timedelta(seconds=offset.seconds % 60, microseconds=offset.microseconds)
    text = moment.replace(tzinfo=timezone(offset)).isoformat()
    assert datetime.fromisoformat(read(ColumnType.TIMESTAMPTZ, text)) == datetime.fromisoformat(text)
    assert read(ColumnType.TIMESTAMPTZ, moment.isoformat(), timezone="UTC") == moment.replace(tzinfo=UTC).isoformat()


@given(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=3),
    st.sampled_from([(".", ",", ","), (",", ".", "."), (",", "space", " \u00a0\u202f\u2009"), (".", "'", "'’")]),
    st.sampled_from(["", "zł", "€", "kr."]),
    st.data(),
)
def test_a_number_is_the_same_however_people_write_it(
    number: Decimal, style: tuple[str, str, str], unit: str, data: st.DataObject
) -> None:
    decimal, thousands, separators = style
    whole, _, fraction = format(abs(number), "f").partition(".")
    separator = data.draw(st.sampled_from(["", *separators]))
    text = f"{int(whole):,}".replace(",", separator) + decimal + fraction
    space = data.draw(st.sampled_from(["", " ", "\u00a0"]))
    if unit:
        text = data.draw(st.sampled_from([f"{text}{space}{unit}", f"{unit}{space}{text}"]))
    if number < 0:
        text = data.draw(st.sampled_from([f"-{text}", f"- {text}", f"−{text}", f"({text})", f"–{text}", f"‑{text}"]))
    options: dict[str, Any] = {"decimal": decimal, "thousands": thousands, "units": [unit] if unit else []}
    assert Decimal(read(ColumnType.NUMERIC, text, **options)) == number


@given(
    st.from_regex(r"0[0-9]{0,2}(SEP[0-9]{3}){1,3}", fullmatch=True),
    st.sampled_from([(",", "."), (".", ","), (",", "space"), (".", "'")]),
)
def test_a_zero_in_front_begins_no_group_of_thousands(text: str, style: tuple[str, str]) -> None:
    decimal, thousands = style
    text = text.replace("SEP", " " if thousands == "space" else thousands)
    assert rejects(ColumnType.NUMERIC, text, "is not a number", decimal=decimal, thousands=thousands), text


@pytest.mark.parametrize("sign", "-+−–‐‑－﹣")
def test_a_sign_is_no_unit(sign: str) -> None:
    with pytest.raises(ValidationError):
        ImportOptions.model_validate({"units": [sign]})
    assert find_unit(f"{sign}5") is None
    assert find_unit(f"5{sign}") is None


def test_a_format_may_have_the_weekday_which_must_be_the_dates() -> None:
    layout = "%a, %d %b %Y %H:%M:%S %z"
    text = "Sat, 31 Jan 2026 12:00:00 +0000"
    assert read(ColumnType.TIMESTAMPTZ, text, time_format=layout) == "2026-01-31T12:00:00+00:00"
    assert rejects(ColumnType.TIMESTAMPTZ, text.replace("Sat", "Sun"), "is not a time", time_format=layout)
    assert read(ColumnType.DATE, "Saturday 31 January 2026", date_format="%A %d %B %Y") == "2026-01-31"

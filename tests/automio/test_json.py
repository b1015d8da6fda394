"""JSON of rows: every digit of a number arrives."""

import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automio._json import decode_json
from automio.wrapper import API
from tests.automio.loopback import Answer, Loopback
from tests.lengths import at_length


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12345678901234567.89", Decimal("12345678901234567.89")),
        ("-0.12345678901234567890", Decimal("-0.12345678901234567890")),
        ("1e400", Decimal("1e400")),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("12.5", 12.5),
        ("0.30000000000000004", 0.30000000000000004),
        ("1e3", 1000.0),
        ("9007199254740993", 9007199254740993),
    ],
)
def test_a_number_is_a_float_only_where_that_is_exact(text: str, expected: object) -> None:
    value = decode_json(text)
    assert (type(value), value) == (type(expected), expected)


@given(st.decimals(allow_nan=False, allow_infinity=False))
@settings(max_examples=at_length(30, full=300), deadline=None)
def test_any_decimal_number_keeps_its_value(number: Decimal) -> None:
    value = decode_json(f"{number}")
    assert Decimal(repr(value) if isinstance(value, float) else value) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=at_length(30, full=300), deadline=None)
def test_a_float_stays_a_float(number: float) -> None:
    value = decode_json(repr(number))
    assert isinstance(value, float) and value == number and math.copysign(1, value) == math.copysign(1, number)


def test_a_tables_answer_keeps_every_digit(server: Loopback, api: API) -> None:
    body = b'{"data": {"rows": [{"total": 12345678901234567.89, "number": 9007199254740993, "share": 0.5}]}}'
    server.on("POST /api/apps/graphql/", Answer(body=body, headers={"Content-Type": "application/json"}))
    [row] = api.tables.graphql("orders", "{ rows { total number share } }").data["rows"]
    assert row == {"total": Decimal("12345678901234567.89"), "number": 9007199254740993, "share": 0.5}

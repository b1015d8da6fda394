"""Inputs against schemas of anybody: what is checked, and that it ends."""

import time
from typing import Any

import pytest

from platform_api.actions.input_check import check_input
from platform_api.core.errors import Unprocessable

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"since": {"type": "string"}, "rows": {"type": "array", "items": {"type": "integer"}}},
    "required": ["since"],
    "additionalProperties": False,
}


def test_an_input_that_fits_is_accepted() -> None:
    check_input(SCHEMA, {"since": "2026", "rows": [1]}, field="input")
    check_input(None, {"anything": 1}, field="input")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({}, "input"),
        ({"since": 1}, "input.since"),
        ({"since": "", "rows": [1, "x"]}, "input.rows.1"),
        ({"x": 1}, "input"),
    ],
)
def test_what_does_not_fit_is_named(value: dict[str, Any], path: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        check_input(SCHEMA, value, field="input")
    assert refused.value.fields[0].path == path


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#"}, {"a": 1}),
        ({"properties": {"a": {"$ref": "http://127.0.0.1:9/schema"}}}, {"a": 1}),
        ({"properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#"}}}, {"a": 1}),
        ({"properties": {"a": {"pattern": "(a+)+$"}}}, {"a": "a" * 60 + "!"}),
        ({"patternProperties": {"(a+)+$": {}}, "additionalProperties": False}, {"a" * 60 + "!": 1}),
        ({"propertyNames": {"pattern": "(a+)+$"}}, {"a" * 60 + "!": 1}),
    ],
)
def test_what_could_take_for_ever_is_not_checked(schema: dict[str, Any], value: dict[str, Any]) -> None:
    began = time.monotonic()
    check_input(schema, value, field="input")
    assert time.monotonic() - began < 120


def test_what_is_too_large_to_compare_is_refused() -> None:
    schema = {"items": {"allOf": [{"type": "integer"}] * 500}}
    with pytest.raises(Unprocessable, match="too large to be compared"):
        check_input({"properties": {"a": schema}}, {"a": [1] * 1000}, field="input")
    with pytest.raises(Unprocessable, match="at most 2000 values"):
        check_input(None, {"a": [1] * 3000}, field="input")

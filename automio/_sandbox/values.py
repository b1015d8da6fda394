"""Converts a run's value to JSON."""

import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import uuid
from typing import Any


class NotJson(ValueError):
    """Reports that the value cannot be converted to JSON; the message names the part that cannot."""


def to_json(value: object) -> str:
    """Returns the JSON text of a value: times in ISO 8601; decimals, UUIDs and paths as text; sets as lists."""
    try:
        return json.dumps(value, default=_plain, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise NotJson(str(error)) from error


def _plain(value: object) -> Any:
    match value:
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case decimal.Decimal() | uuid.UUID() | pathlib.PurePath():
            return str(value)
        case set() | frozenset():
            return list(value)
        case enum.Enum():
            return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"a value of type {type(value).__name__} has no JSON form")

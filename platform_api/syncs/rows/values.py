"""Converts a JSON value to the value of a column, or says why it cannot."""

import math
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from platform_api.syncs.errors import ItemRejected
from platform_api.tables.ddl.column_types import ColumnType, is_storable
from platform_api.tables.definition import Column

_MAX_SHOWN = 60
_MILLISECONDS_FROM = 10**11
"""Unix times from this value on are milliseconds: as seconds they would be after the year 5000."""


def shown(value: Any) -> str:
    """Formats the value for a message, shortened."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"


def convert(column: Column, value: Any) -> Any:
    """Returns what PostgreSQL's driver is given. Raises ItemRejected."""
    if value is None:
        return None
    try:
        if column.type is ColumnType.CHOICE:
            return _choice(value, column.choices)
        return _CONVERTERS[column.type](value)
    except (ValueError, TypeError, OverflowError, InvalidOperation, OSError, RecursionError) as error:
        raise ItemRejected(f"{shown(value)} is not {_EXPECTED[column.type]}", column.name) from error


def _text(value: Any) -> str:
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str) or not is_storable(value):
        raise ValueError
    return value


def _choice(value: Any, choices: tuple[str, ...]) -> str:
    if (text := _text(value)) not in choices:
        listed = ", ".join(choices[:10]) + (", …" if len(choices) > 10 else "")
        raise ItemRejected(f"{shown(value)} is not one of the choices: {listed}")
    return text


def _whole_number(bits: int) -> Callable[[Any], int]:
    limit = 2 ** (bits - 1)

    def parse(value: Any) -> int:
        number = _decimal(value)
        if number != number.to_integral_value() or not -limit <= number < limit:
            raise ValueError
        return int(number)

    return parse


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError
    text = str(value).strip()
    if len(text) > 1000 or "_" in text:
        raise ValueError
    number = Decimal(text)
    if not number.is_finite() or abs(number.adjusted()) > 1000:
        raise ValueError
    return number


def _float(value: Any) -> float:
    number = float(_decimal(value))
    if not math.isfinite(number):
        raise ValueError
    return number


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
    if isinstance(value, str | int) and (text := str(value).strip().lower()) in known:
        return known[text]
    raise ValueError


def _date(value: Any) -> date:
    if not isinstance(value, str):
        raise ValueError
    text = value.strip()
    return date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text).date()


def _timestamp(value: Any) -> datetime:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value / 1000 if abs(value) >= _MILLISECONDS_FROM else value, UTC)
    if not isinstance(value, str):
        raise ValueError
    moment = datetime.fromisoformat(value.strip())
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)


def _uuid(value: Any) -> uuid.UUID:
    if not isinstance(value, str):
        raise ValueError
    return uuid.UUID(value.strip())


def _json(value: Any) -> Any:
    if b"\\u0000" in orjson.dumps(value):
        raise ValueError
    return value


_CONVERTERS: Mapping[ColumnType, Callable[[Any], Any]] = {
    ColumnType.TEXT: _text,
    ColumnType.INTEGER: _whole_number(32),
    ColumnType.BIGINT: _whole_number(64),
    ColumnType.NUMERIC: _decimal,
    ColumnType.FLOAT: _float,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _date,
    ColumnType.TIMESTAMPTZ: _timestamp,
    ColumnType.UUID: _uuid,
    ColumnType.REFERENCE: _uuid,
    ColumnType.JSON: _json,
}
_EXPECTED: Mapping[ColumnType, str] = {
    ColumnType.TEXT: "text",
    ColumnType.CHOICE: "text",
    ColumnType.INTEGER: "a whole number of 32 bits",
    ColumnType.BIGINT: "a whole number of 64 bits",
    ColumnType.NUMERIC: "a number",
    ColumnType.FLOAT: "a number",
    ColumnType.BOOLEAN: "true or false",
    ColumnType.DATE: "a date such as 2026-01-31",
    ColumnType.TIMESTAMPTZ: "a time with its zone, such as 2026-01-31T12:00:00Z",
    ColumnType.UUID: "a UUID",
    ColumnType.REFERENCE: "the id of a row",
    ColumnType.JSON: "JSON that can be stored",
}

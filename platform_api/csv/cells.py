"""From the text of a cell to a column's value, or the reason why it is none."""

import math
import re
import uuid
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from platform_api.csv.errors import LineRejected
from platform_api.tables.column_types import ColumnType, is_storable
from platform_api.tables.definition import Column

Convert = Callable[[str], Any]
"""Raises LineRejected without a column."""

_SHOWN = 60
_INTEGER = re.compile(r"[+-]?[0-9]+")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+(?:,[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MIDNIGHT = re.compile(r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:00)?")
_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def shown(value: str) -> str:
    """The value in a message: shortened, and on one line."""
    return repr(value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…")


def guard_formula(value: str) -> str:
    """Text that a spreadsheet would calculate instead of showing gets a `'` in front; numbers stay."""
    if not value.startswith(_FORMULA_STARTS) or _is_number(value):
        return value
    return "'" + value


def _is_number(value: str) -> bool:
    try:
        return value.isascii() and math.isfinite(float(value))
    except ValueError:
        return False


def converter(column: Column, *, decimal: str) -> Convert:
    """What turns the cells of a column into values."""
    match column.type:
        case ColumnType.TEXT:
            return _text
        case ColumnType.CHOICE:
            return lambda value: _choice(value, column.choices)
        case ColumnType.INTEGER:
            return lambda value: _integer(value, 32)
        case ColumnType.BIGINT:
            return lambda value: _integer(value, 64)
        case ColumnType.NUMERIC:
            return lambda value: _number(value, decimal)
        case ColumnType.FLOAT:
            return lambda value: _float(value, decimal)
        case ColumnType.BOOLEAN:
            return _boolean
        case ColumnType.DATE:
            return _date
        case ColumnType.TIMESTAMPTZ:
            return _timestamp
        case ColumnType.UUID | ColumnType.REFERENCE:
            return _uuid
        case ColumnType.JSON:
            return _json


def _text(value: str) -> str:
    if not is_storable(value):
        raise LineRejected(f"{shown(value)} holds a zero character, which no text can")
    return value


def _choice(value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        listed = ", ".join(choices[:10]) + (", …" if len(choices) > 10 else "")
        raise LineRejected(f"{shown(value)} is not one of the choices: {listed}")
    return value


def _integer(value: str, bits: int) -> int:
    text = value.strip()
    if len(text) > 30 or not _INTEGER.fullmatch(text):
        raise LineRejected(f"{shown(value)} is not a whole number")
    number, limit = int(text), 2 ** (bits - 1)
    if not -limit <= number < limit:
        raise LineRejected(f"{shown(value)} is not between {-limit} and {limit - 1}")
    return number


def _number(value: str, decimal: str) -> str:
    """As text: GraphQL takes it for a numeric column, and no digit is lost."""
    text = value.strip()
    if decimal == ",":
        if not (_GROUPED.fullmatch(text) or _DECIMAL_COMMA.fullmatch(text)):
            raise LineRejected(f"{shown(value)} is not a number such as 1.234,56 (`decimal` is a comma)")
        text = text.replace(".", "").replace(",", ".")
    elif "," in text:
        raise LineRejected(f"{shown(value)} is not a number such as 1234.56; for decimal commas send `decimal=,`")
    try:
        number = Decimal(text) if text.isascii() and "_" not in text else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > 1000 or len(text) > 2000:
        raise LineRejected(f"{shown(value)} is not a number")
    return str(number)


def _float(value: str, decimal: str) -> float:
    number = float(_number(value, decimal))
    if not math.isfinite(number):
        raise LineRejected(f"{shown(value)} is too large a number")
    return number


def _boolean(value: str) -> bool:
    text = value.strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise LineRejected(f"{shown(value)} is neither true nor false (true/false, yes/no, 1/0)")


def _date(value: str) -> str:
    text = value.strip()
    if (midnight := _MIDNIGHT.fullmatch(text)) is not None:
        text = midnight["date"]
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise LineRejected(f"{shown(value)} is not a date such as 2026-01-31")


def _timestamp(value: str) -> str:
    text = value.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise LineRejected(f"{shown(value)} is not a time such as 2026-01-31T12:00:00Z") from None
    if moment.tzinfo is None:
        raise LineRejected(f"{shown(value)} does not name its time zone, as 2026-01-31T12:00:00Z does")
    return moment.isoformat()


def _uuid(value: str) -> str:
    try:
        return str(uuid.UUID(value.strip()))
    except ValueError:
        raise LineRejected(f"{shown(value)} is not a UUID") from None


def _json(value: str) -> Any:
    try:
        parsed = orjson.loads(value)
        # Nested as it will be in the request, whose depth is limited.
        if "\\u0000" in orjson.dumps({"query": {"objects": [{"column": parsed}]}}).decode():
            raise LineRejected(f"{shown(value)} holds a zero character, which no text can")
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, UnicodeEncodeError):
        raise LineRejected(f"{shown(value)} is not JSON") from None
    return parsed

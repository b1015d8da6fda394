"""Reads and writes JSON as tables use it: compact UTF-8, the value types of a row, and exact numbers."""

import json
import math
import re
import secrets
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID


def encode_json(value: Any) -> bytes:
    """Returns `value` as JSON; dates, times, UUIDs and decimals become text that PostgreSQL reads.

    Raises TypeError for other types, ValueError for NaN and infinity, which JSON does not have.
    """
    return json.dumps(value, default=_as_json, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def encode_exactly(value: Any) -> bytes:
    """Returns `value` as JSON for third-party services: as `encode_json`, but decimals become numbers."""
    mark = secrets.token_hex(16)
    has_decimals = False

    def convert(item: Any) -> Any:
        nonlocal has_decimals
        if not isinstance(item, Decimal):
            return _as_json(item)
        if not item.is_finite():
            raise ValueError(f"{item} cannot be sent as JSON: it must be a finite number")
        has_decimals = True
        return f"{mark}{item}"

    text = json.dumps(value, default=convert, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # The standard library cannot write decimals as numbers: they are written as marked text, then unquoted here.
    return (re.sub(rf'"{mark}([^"]*)"', r"\1", text) if has_decimals else text).encode()


def decode_json(text: str | bytes) -> Any:
    """Returns the value of a JSON text; a number that a float cannot hold exactly is a `Decimal`.

    12.5 is a float, 12345678901234567.89 a Decimal, and an integer of any length an int. Raises ValueError for text
    that is not JSON.
    """
    return json.loads(text, parse_float=_exact)


# A float can represent every decimal number with up to this many digits.
_FLOAT_DIGITS = 15


def _exact(text: str) -> float | Decimal:
    value = float(text)
    if len(text) <= _FLOAT_DIGITS and math.isfinite(value) and "e" not in text and "E" not in text:
        return value
    exact = Decimal(text)
    # `repr` of a float is the shortest number that reads back as the same float.
    return value if math.isfinite(value) and Decimal(repr(value)) == exact else exact


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON: {value!r}")

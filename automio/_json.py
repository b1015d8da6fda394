"""JSON as tables send and take it: compact UTF-8, the value types of a row, and no digit of a number lost."""

import json
import math
import re
import secrets
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID


def encode_json(value: Any) -> bytes:
    """`value` as JSON; dates, times, UUIDs and decimals become the text PostgreSQL reads.

    TypeError for other types, ValueError for NaN and infinity, which JSON does not know.
    """
    return json.dumps(value, default=_as_json, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def encode_exactly(value: Any) -> bytes:
    """`value` as JSON for third-party services: as `encode_json`, but a decimal is the number it is."""
    mark = secrets.token_hex(16)
    has_decimals = False

    def convert(one: Any) -> Any:
        nonlocal has_decimals
        if not isinstance(one, Decimal):
            return _as_json(one)
        if not one.is_finite():
            raise ValueError(f"{one} is not a number that JSON knows")
        has_decimals = True
        return f"{mark}{one}"

    text = json.dumps(value, default=convert, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # The standard library writes no numbers of other types: the texts in their place lose mark and quotes.
    return (re.sub(rf'"{mark}([^"]*)"', r"\1", text) if has_decimals else text).encode()


def decode_json(text: str | bytes) -> Any:
    """Returns the value of a JSON text; a number that a float cannot hold exactly is a `Decimal`.

    12.5 is a float, 12345678901234567.89 a Decimal, and an integer of any length an int. Raises ValueError when it is
    no JSON.
    """
    return json.loads(text, parse_float=_exact)


# A float holds every decimal number of so many digits.
_FLOAT_DIGITS = 15


def _exact(text: str) -> float | Decimal:
    value = float(text)
    if len(text) <= _FLOAT_DIGITS and math.isfinite(value) and "e" not in text and "E" not in text:
        return value
    exact = Decimal(text)
    # What a float shows of itself is the shortest number that gives it again.
    return value if math.isfinite(value) and Decimal(repr(value)) == exact else exact


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON: {value!r}")

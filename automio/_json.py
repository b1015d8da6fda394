"""JSON as it is sent: compact UTF-8, with the value types a table row may hold."""

import json
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID


def encode_json(value: Any) -> bytes:
    """`value` as JSON; dates, times, UUIDs and decimals become the text PostgreSQL reads.

    TypeError for other types, ValueError for NaN and infinity, which JSON does not know.
    """
    return json.dumps(value, default=_as_json, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON: {value!r}")

"""Defines how values of a column are shown: small documents, checked by the column's type."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from platform_api.tables.ddl.column_types import ColumnType

MAX_DECIMALS = 10
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_DATE_STYLES = ("iso", "short", "medium", "long")

_Check = Callable[[object], str | None]
"""Returns what would be right; None when the value is."""


class InvalidFormat(ValueError):
    """Reports that a format does not fit its column's type."""


def _decimals(value: object) -> str | None:
    is_right = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_DECIMALS
    return None if is_right else f"a whole number from 0 to {MAX_DECIMALS}"


def _currency(value: object) -> str | None:
    return None if isinstance(value, str) and _CURRENCY.match(value) else "a currency's three letters, such as EUR"


def _switch(value: object) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def _date_style(value: object) -> str | None:
    return None if value in _DATE_STYLES else f"one of {', '.join(_DATE_STYLES)}"


_NUMBER: Mapping[str, _Check] = {
    "decimals": _decimals,
    "currency": _currency,
    "percent": _switch,
    "grouping": _switch,
}
_WHOLE: Mapping[str, _Check] = {"currency": _currency, "grouping": _switch}

_KEYS: Mapping[ColumnType, Mapping[str, _Check]] = {
    ColumnType.TEXT: {"multiline": _switch},
    ColumnType.INTEGER: _WHOLE,
    ColumnType.BIGINT: _WHOLE,
    ColumnType.NUMERIC: _NUMBER,
    ColumnType.FLOAT: _NUMBER,
    ColumnType.DATE: {"style": _date_style},
    ColumnType.TIMESTAMPTZ: {"style": _date_style, "seconds": _switch},
}


def check_format(column_type: ColumnType, value: Mapping[str, Any]) -> None:
    """Raises `InvalidFormat`, whose message continues "the format of column …", unless the type can be shown so."""
    known = _KEYS.get(column_type, {})
    for key, item in value.items():
        if key not in known:
            names = ", ".join(known) or "nothing: this type has no format"
            raise InvalidFormat(f"has {key!r}; it may hold {names}")
        if (right := known[key](item)) is not None:
            raise InvalidFormat(f"must have {right} in {key!r}")


def is_format_of(column_type: ColumnType, value: Mapping[str, Any]) -> bool:
    """Returns whether values of the type can be shown in this format."""
    try:
        check_format(column_type, value)
    except InvalidFormat:
        return False
    return True

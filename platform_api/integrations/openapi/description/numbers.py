"""Reads the numbers of a document so that a version 1.10 stays what it says, and none is too large."""

import math
from typing import Any

_MAX_DIGITS = 1_000
_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**64 - 1


class WrittenFraction(float):
    """Holds a number and how it was written."""

    text: str

    def __str__(self) -> str:
        return self.text


def read_integer(text: str) -> Any:
    """Returns the number, or its text where it has very many digits."""
    return int(text) if len(text) <= _MAX_DIGITS else text


def read_fraction(text: str) -> Any:
    """Returns the number, or its text where it is too large for one."""
    value = float(text)
    if repr(value) == text:
        return value
    if not math.isfinite(value):
        return text
    written = WrittenFraction(value)
    written.text = text
    return written


def sendable_number(value: int | float) -> int | float | str:
    """Returns a number that every reader of JSON can take, else its text."""
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    return value if _MIN_INTEGER <= value <= _MAX_INTEGER else str(value)

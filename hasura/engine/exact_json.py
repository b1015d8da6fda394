"""Reads and writes JSON whose numbers keep every digit on their way through Python.

A float holds 15 to 17 digits, PostgreSQL's `numeric` 131072: a number that a float would change is read as an
`ExactNumber`, which calculates as a float and is written as its own text.
"""

import codecs
from decimal import Decimal, InvalidOperation
from typing import Union

import msgspec

from hasura.engine.errors import EngineError

Json = Union[None, bool, int, float, str, "list[Json]", "dict[str, Json]"]
JsonObject = dict[str, Json]

# Every decimal number of so many digits is a float and comes back from it unchanged.
_CERTAIN_DIGITS = 15
# Python refuses to read longer ones as int: the time grows with the square of the length.
_MAX_INT_DIGITS = 4000
_MAX_EXPONENT = 400
# Digits before the point of a number that is written without an exponent.
_MAX_WHOLE_DIGITS = 7
_MARK = codecs.BOM_UTF8.decode()
# Characters of a value in a message.
_MAX_SHOWN = 100


class ExactNumber(float):
    """Holds a number as it was written, where a float would be written otherwise."""

    __slots__ = ("text",)

    def __new__(cls, text: str) -> "ExactNumber":
        exact = super().__new__(cls, text)
        exact.text = text
        return exact

    text: str

    def __repr__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return self.text == other.text if isinstance(other, ExactNumber) else float(self) == other

    def __hash__(self) -> int:
        return super().__hash__()


def number(text: str) -> int | float:
    """Returns the number of a JSON or GraphQL literal."""
    if text.lstrip("-").isdecimal():
        return int(text) if len(text) <= _MAX_INT_DIGITS else ExactNumber(text)
    return _fraction(text)


def _fraction(text: str) -> float:
    if len(text) <= _CERTAIN_DIGITS and text[-1] != "0" and "e" not in text and "E" not in text:
        return float(text)
    value = float(text)
    return value if repr(value) == text else ExactNumber(text)


def whole(value: object) -> int | None:
    """Returns the integer that a number is, also when written as `5.0` or `1e3`; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int):
        return value
    if not isinstance(value, ExactNumber):
        return int(value) if value.is_integer() else None
    try:
        exact = Decimal(value.text)
    except InvalidOperation:  # an exponent beyond all bounds
        return None
    is_whole = exact.adjusted() <= _MAX_EXPONENT and exact == exact.to_integral_value()
    return int(exact) if is_whole else None


def is_written_whole(value: object) -> bool:
    """Returns whether a number was written as an integer, too long to be read as one."""
    return isinstance(value, ExactNumber) and value.text.lstrip("-").isdecimal()


def shown(value: object) -> str:
    """Returns a value as a message shows it: its beginning when it is long."""
    text = repr(value) if isinstance(value, float) else str(value)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "..."


def scientific(value: int | float) -> str:
    """Returns a number as Hasura's messages write it: `3.5`, `70000.0`, from 10^7 on and below 0.1 `3.0e9`.

    >>> scientific(3_000_000_000)
    '3.0e9'
    """
    try:
        sign, figures, exponent = Decimal(value if isinstance(value, int) else repr(value)).as_tuple()
    except InvalidOperation:
        return shown(value)
    digits = "".join(map(str, figures)).lstrip("0")
    assert isinstance(exponent, int)
    point = len(digits) + exponent
    digits = digits.rstrip("0")
    if not digits:
        return "0.0"
    if 0 <= point <= _MAX_WHOLE_DIGITS:
        digits = digits.ljust(point, "0")
        text = f"{digits[:point] or '0'}.{digits[point:] or '0'}"
    else:
        text = f"{digits[0]}.{digits[1:] or '0'}e{point - 1}"
    text = "-" * sign + text
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "..."


def loads(data: bytes | str) -> Json:
    """Reads JSON. Raises EngineError (`invalid-json`) that says what is wrong with it."""
    try:
        value: Json = _decode(data)
    except UnicodeError as exc:
        raise _invalid("it is not UTF-8") from exc
    except RecursionError as exc:
        raise _invalid("it is nested too deeply") from exc
    except msgspec.ValidationError as exc:
        raise _invalid("an integer has more than 4300 digits") from exc
    except msgspec.MsgspecError as exc:
        # As RFC 8259 allows, a byte order mark is passed over; most JSON has none, so it is looked for only here.
        mark: bytes | str = codecs.BOM_UTF8 if isinstance(data, bytes) else _MARK
        if data[: len(mark)] == mark:
            return loads(data[len(mark) :])
        raise _invalid(str(exc)) from exc
    return value


def _invalid(reason: str) -> EngineError:
    return EngineError(f"Error in $: {reason}", code="invalid-json")


def dumps(value: object) -> bytes:
    """Writes JSON, numbers as they were read."""
    return _encode(value)


def verbatim(text: str) -> object:
    """Returns JSON that was not read, to be written as it stands."""
    return msgspec.Raw(text.encode())


def dumps_sorted(value: object) -> bytes:
    """Writes JSON with sorted keys: equal for equal values."""
    return _encode_sorted(value)


def _write(value: object) -> object:
    if isinstance(value, ExactNumber):
        return msgspec.Raw(value.text.encode())
    raise NotImplementedError(f"{type(value).__name__} has no form in JSON")


_decode = msgspec.json.Decoder(float_hook=_fraction).decode
_encode = msgspec.json.Encoder(enc_hook=_write).encode
_encode_sorted = msgspec.json.Encoder(enc_hook=_write, order="sorted").encode

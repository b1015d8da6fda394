"""Reads and writes the JSON of third parties: fast, and as leniently as they write it."""

import json
import re
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring_ascii
from typing import Any

import msgspec

from automio._paths import ABSENT, at


def parse(text: str) -> Any:
    """Returns the value of a JSON text; None when it is not JSON."""
    if not text:
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        pass
    try:
        # Accepts what services send although it is not JSON: NaN, lone surrogates, numbers out of range.
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def value_at(value: Any, path: str) -> Any:
    """Returns what stands at a path, written as places in lists are (`data.0.email`); None when nothing does."""
    try:
        result = at(value, path)
    except ValueError:
        return None
    return None if result is ABSENT else result


class _Inexact(Exception):
    pass


def _float(text: str) -> float:
    # A float holds every number of 15 digits (and a point) exactly, but not all longer ones, nor all exponents.
    if len(text) > _MAX_EXACT_DIGITS or "e" in text or "E" in text:
        raise _Inexact
    return float(text)


_MAX_EXACT_DIGITS = 16
_careful_decoder = msgspec.json.Decoder(float_hook=_float)


def parse_carefully(text: str) -> tuple[Any, bool]:
    """Returns the value as `parse` does, and whether a number may have lost digits; `as_written` keeps them."""
    try:
        return _careful_decoder.decode(text), False
    except _Inexact:
        return parse(text), True
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return parse(text), False


def as_written(text: str) -> msgspec.Raw | None:
    """Returns the JSON as it stands, for a reply that keeps every digit; None when it is not strictly JSON."""
    try:
        checked = msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
    # Strings hold no raw line breaks, so these stand between values. A server-sent event has one line.
    return msgspec.Raw(re.sub(rb"[\r\n]+[ \t\r\n]*", b" ", bytes(checked)))


def _exact(text: str) -> Decimal:
    return Decimal(text)


_exact_decoder = msgspec.json.Decoder(float_hook=_exact)
_encoder = msgspec.json.Encoder(decimal_format="number")


def decode_exactly(raw: bytes) -> Any:
    """Returns the value of a JSON document, fractions as Decimal. Raises ValueError, saying where it is not JSON."""
    try:
        return _exact_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
    except InvalidOperation as error:
        raise ValueError("a number in it is out of range") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def encode(value: object) -> bytes:
    """Returns JSON in UTF-8, Decimals as numbers. Raises ValueError for a value that JSON cannot hold."""
    try:
        return _encoder.encode(value)
    except (UnicodeEncodeError, RecursionError, TypeError, msgspec.MsgspecError) as error:
        raise ValueError(f"it is not JSON: {error}") from error


def encode_ascii(value: object) -> bytes:
    """Returns JSON in ASCII: the published clients read streams as Latin-1 and split at U+2028 (contract §6.5)."""
    try:
        encoded = msgspec.json.encode(value)
    except (UnicodeEncodeError, RecursionError):
        return json.dumps(value, separators=(",", ":"), default=_raw_value).encode()
    if encoded.isascii():
        return encoded
    try:
        return json.dumps(value, separators=(",", ":")).encode()
    except TypeError:
        # It holds a `msgspec.Raw`, which the standard library cannot write.
        return in_ascii(encoded.decode())


def _raw_value(value: object) -> Any:
    if isinstance(value, msgspec.Raw):
        return json.loads(bytes(value))
    raise TypeError(f"{type(value).__name__} is not JSON")


# The `backslashreplace` of Python escapes all other characters as JSON does.
_NOT_BACKSLASHREPLACED = re.compile("[\x80-\xff\U00010000-\U0010ffff]+")


def in_ascii(document: str) -> bytes:
    """Returns a JSON document in ASCII; other characters occur in strings only, where JSON can escape them."""
    escaped = _NOT_BACKSLASHREPLACED.sub(lambda match: encode_basestring_ascii(match.group())[1:-1], document)
    return escaped.encode("ascii", "backslashreplace")

"""JSON of third parties, read and written quickly, and as leniently as they write it."""

import json
import re
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring_ascii
from typing import Any

import msgspec


def parse(text: str) -> Any:
    """What the text says; None when it is not JSON."""
    if not text:
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        pass
    try:
        # Takes what is not quite JSON but occurs: NaN, lone surrogates, numbers out of range.
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


class _Inexact(Exception):
    pass


def _float(text: str) -> float:
    # A float holds every number of 15 digits, but not every longer one, nor every exponent.
    if len(text) > _SURELY_EXACT or "e" in text or "E" in text:
        raise _Inexact
    return float(text)


_SURELY_EXACT = 16
_careful_decoder = msgspec.json.Decoder(float_hook=_float)


def parse_carefully(text: str) -> tuple[Any, bool]:
    """As `parse`, and whether a number may have lost digits; `as_written` has them."""
    try:
        return _careful_decoder.decode(text), False
    except _Inexact:
        return parse(text), True
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return parse(text), False


def as_written(text: str) -> msgspec.Raw | None:
    """The same JSON to be put into a reply, no digit of a number changed; None when it is not strictly JSON."""
    try:
        checked = msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
    # Strings hold no line breaks: what is left of them is between values. An event has one line.
    return msgspec.Raw(re.sub(rb"[\r\n]+[ \t\r\n]*", b" ", bytes(checked)))


def _exact(text: str) -> Decimal:
    return Decimal(text)


_exact_decoder = msgspec.json.Decoder(float_hook=_exact)
_encoder = msgspec.json.Encoder(decimal_format="number")


def decode_exactly(raw: bytes) -> Any:
    """The value of a JSON document, its fractions as Decimal. Raises ValueError, saying where it is no JSON."""
    try:
        return _exact_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
    except InvalidOperation as error:
        raise ValueError("a number in it is out of range") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def encode(value: object) -> bytes:
    """JSON in UTF-8, a Decimal as the number it is. Raises ValueError for what JSON cannot hold."""
    try:
        return _encoder.encode(value)
    except (UnicodeEncodeError, RecursionError, TypeError, msgspec.MsgspecError) as error:
        raise ValueError(f"it is not JSON: {error}") from error


def encode_ascii(value: object) -> bytes:
    """ASCII only: the published clients read streams as Latin-1 and split lines at U+2028 (contract §6.5)."""
    try:
        encoded = msgspec.json.encode(value)
    except (UnicodeEncodeError, RecursionError):
        return json.dumps(value, separators=(",", ":"), default=_raw_value).encode()
    if encoded.isascii():
        return encoded
    try:
        return json.dumps(value, separators=(",", ":")).encode()
    except TypeError:
        # Something in it stands as it was written.
        return in_ascii(encoded.decode())


def _raw_value(value: object) -> Any:
    if isinstance(value, msgspec.Raw):
        return json.loads(bytes(value))
    raise TypeError(f"{type(value).__name__} is not JSON")


# Python escapes the rest as JSON does.
_OTHERWISE_ESCAPED = re.compile("[\x80-\xff\U00010000-\U0010ffff]+")


def in_ascii(document: str) -> bytes:
    """A JSON document in ASCII: other characters stand in its strings only, where JSON may escape them."""
    escaped = _OTHERWISE_ESCAPED.sub(lambda match: encode_basestring_ascii(match.group())[1:-1], document)
    return escaped.encode("ascii", "backslashreplace")

"""JSON of third parties, read and written quickly, and as leniently as they write it."""

import codecs
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


# A float holds every number of 15 digits; so does not every longer one, nor every exponent.
_MAYBE_INEXACT = re.compile(r"[0-9.]{17}|[0-9][eE][+-]?[0-9]{3}")


def as_written(text: str) -> msgspec.Raw | None:
    """The same JSON to be put into a reply, where `parse` may have changed a number; else None."""
    if not _MAYBE_INEXACT.search(text):
        return None
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
        # Of what is put in as it was written: other characters stand in strings only, where JSON may escape them.
        return encoded.decode().encode("ascii", ESCAPED)


def _raw_value(value: object) -> Any:
    if isinstance(value, msgspec.Raw):
        return json.loads(bytes(value))
    raise TypeError(f"{type(value).__name__} is not JSON")


def _escape(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return encode_basestring_ascii(error.object[error.start : error.end])[1:-1], error.end


ESCAPED = "automio.json"
"""Error handler of `str.encode`: escapes as JSON does, within a document that is JSON already."""
codecs.register_error(ESCAPED, _escape)

"""JSON of third parties, read and written quickly, and as leniently as they write it."""

import json
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
    except (json.JSONDecodeError, RecursionError):
        return None


def encode_ascii(value: object) -> bytes:
    """ASCII only: the published clients read streams as Latin-1 and split lines at U+2028 (contract §6.5)."""
    try:
        encoded = msgspec.json.encode(value)
    except (UnicodeEncodeError, RecursionError):
        encoded = b"\xff"
    return encoded if encoded.isascii() else json.dumps(value, separators=(",", ":")).encode()

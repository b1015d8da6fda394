"""Signatures and keys as text: hexadecimal, base64 and its variant for addresses."""

import base64
import binascii
from typing import Literal

Encoding = Literal["hex", "base64", "base64url"]
_FOR_ADDRESSES = str.maketrans("-_", "+/")


def decode_text(text: str, encoding: Encoding) -> bytes:
    """The bytes that `text` stands for; padding may be missing. Raises ValueError."""
    if encoding == "hex":
        return bytes.fromhex(text)
    if encoding == "base64url":
        if set(text) & set("+/"):
            raise ValueError("base64url has - and _ where base64 has + and /")
        text = text.translate(_FOR_ADDRESSES)
    try:
        # binascii refuses what is not ASCII with a ValueError of its own.
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(f"not {encoding}: {error}") from error

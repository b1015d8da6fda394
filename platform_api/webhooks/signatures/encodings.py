"""Decodes signatures and keys from text: hexadecimal, base64 and its variant for URLs."""

import base64
import binascii
from typing import Literal

Encoding = Literal["hex", "base64", "base64url"]
_BASE64URL_TO_BASE64 = str.maketrans("-_", "+/")


def decode_text(text: str, encoding: Encoding) -> bytes:
    """Returns the bytes that `text` encodes; padding may be missing. Raises ValueError."""
    if encoding == "hex":
        return bytes.fromhex(text)
    if encoding == "base64url":
        if set(text) & set("+/"):
            raise ValueError("base64url uses - and _ where base64 uses + and /")
        text = text.translate(_BASE64URL_TO_BASE64)
    try:
        # binascii refuses what is not ASCII with a ValueError of its own.
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(f"not {encoding}: {error}") from error

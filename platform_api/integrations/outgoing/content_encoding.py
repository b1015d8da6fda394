"""Decompresses the body of an answer by its `Content-Encoding`, completely or not at all.

A truncated body, or one with a wrong checksum, is an error: its beginning would pass for the whole answer.
"""

import zlib
from collections.abc import Iterator

ACCEPTED = "gzip, deflate"
"""The default `Accept-Encoding`."""

_GZIP, _ZLIB, _RAW = 31, 15, -15
_GZIP_NAMES, _UNCHANGED = frozenset({"gzip", "x-gzip"}), frozenset({"", "identity", "none", "utf-8", "utf8"})
_STEP_BYTES = 1024 * 1024


class BadEncoding(ValueError):
    """Signals a body that is not encoded as declared; the message says how."""


class TooLarge(Exception):
    """Signals that the decompressed body is larger than allowed."""


def decoded(body: bytes, content_encoding: str, *, max_bytes: int) -> bytes:
    """Returns the decompressed body. Raises BadEncoding, TooLarge."""
    names = [name.strip().lower() for name in content_encoding.split(",")]
    for name in reversed(names if body else []):
        if name in _UNCHANGED:
            continue
        if name not in _GZIP_NAMES and name != "deflate":
            raise BadEncoding(f"its answer is encoded as {name[:30]!r}, which it was not asked for")
        body = _joined(_members(body, name), name, max_bytes)
    return body


def _members(body: bytes, name: str) -> Iterator[bytes]:
    """Yields the decompressed pieces; a body may hold several compressed members one after another."""
    # Zeros at the end are padding.
    while body.rstrip(b"\0"):
        decompressor = zlib.decompressobj(_window(body, name))
        while not decompressor.eof:
            piece = decompressor.decompress(body, _STEP_BYTES)
            body = decompressor.unconsumed_tail
            if not piece and not body and not decompressor.eof:
                raise BadEncoding(f"its answer ended within its {name} encoding: a part is missing")
            yield piece
        body = decompressor.unused_data


def _window(body: bytes, name: str) -> int:
    if name in _GZIP_NAMES:
        return _GZIP
    # Standard `deflate` begins with a zlib header of two bytes; some servers leave it out.
    has_header = len(body) > 1 and body[0] & 15 == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return _ZLIB if has_header else _RAW


def _joined(pieces: Iterator[bytes], name: str, max_bytes: int) -> bytes:
    parts, size = [], 0
    try:
        for piece in pieces:
            size += len(piece)
            if size > max_bytes:
                raise TooLarge
            parts.append(piece)
    except zlib.error as error:
        raise BadEncoding(f"its answer is not encoded as {name}, as it says") from error
    return b"".join(parts)

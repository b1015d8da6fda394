"""The body of an answer out of its `Content-Encoding`, whole or not at all.

A compressed body that breaks off, or that its checksum contradicts, is an error: its beginning alone would be taken
for the whole answer.
"""

import zlib
from collections.abc import Iterator

ACCEPTED = "gzip, deflate"
"""What `Accept-Encoding` says, unless the caller says something else."""

_GZIP, _ZLIB, _RAW = 31, 15, -15
_GZIP_NAMES, _UNCHANGED = frozenset({"gzip", "x-gzip"}), frozenset({"", "identity", "none", "utf-8", "utf8"})
_STEP_BYTES = 1024 * 1024


class BadEncoding(ValueError):
    """A body that is not encoded as it says; the message says how."""


class TooLarge(Exception):
    """A body that is larger than allowed."""


def decoded(body: bytes, content_encoding: str, *, max_bytes: int) -> bytes:
    """The body as it was before it was encoded. Raises BadEncoding, TooLarge."""
    names = [name.strip().lower() for name in content_encoding.split(",")]
    for name in reversed(names if body else []):
        if name in _UNCHANGED:
            continue
        if name not in _GZIP_NAMES and name != "deflate":
            raise BadEncoding(f"its answer is encoded as {name[:30]!r}, which it was not asked for")
        body = _joined(_members(body, name), name, max_bytes)
    return body


def _members(body: bytes, name: str) -> Iterator[bytes]:
    """What is decompressed, piece by piece; a body may be several compressed ones after another."""
    # Zeros at the end pad it.
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
    # The standard's `deflate` has zlib's two bytes before it; some servers leave them out.
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

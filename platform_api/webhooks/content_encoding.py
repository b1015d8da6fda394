"""Decodes bodies that were compressed on their way: `Content-Encoding`."""

import zlib
from collections.abc import Mapping

from platform_api.webhooks.bodies import MAX_BODY_BYTES

_GZIP, _ZLIB, _DEFLATE = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
# Some senders leave out the header that `deflate` has.
_WINDOW_BITS = {"gzip": (_GZIP,), "x-gzip": (_GZIP,), "deflate": (_ZLIB, _DEFLATE)}


def decode_content(headers: Mapping[str, str], body: bytes) -> tuple[bytes, str | None]:
    """Returns the body without its content encoding; or the body as it came, and the reason."""
    names = [name.strip().lower() for name in headers.get("content-encoding", "").split(",")]
    content = body
    for name in reversed([name for name in names if name not in ("", "identity")]):
        if name not in _WINDOW_BITS:
            return body, f"the body's content encoding {name[:50]!r} is not known; send gzip or deflate"
        for bits in _WINDOW_BITS[name]:
            unpacked = _unpack(content, bits)
            if unpacked is not None:
                break
        else:
            return body, f"the body is not {name}, as its content encoding says"
        if len(unpacked) > MAX_BODY_BYTES:
            return body, f"the body is larger than {MAX_BODY_BYTES} bytes when it is decompressed"
        content = unpacked
    return content, None


def _unpack(content: bytes, bits: int) -> bytes | None:
    """Returns the whole content, or a little more than is allowed of it; None when it is something else."""
    unpacked = b""
    while content and len(unpacked) <= MAX_BODY_BYTES:
        # A gzip body may consist of several parts.
        unpacker = zlib.decompressobj(bits)
        try:
            unpacked += unpacker.decompress(content, MAX_BODY_BYTES + 1 - len(unpacked))
        except zlib.error:
            return None
        if not unpacker.eof and not unpacker.unconsumed_tail:
            return None
        content = unpacker.unused_data if unpacker.eof else b""
    return unpacked

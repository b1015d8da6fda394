"""Bodies that were compressed on their way: `Content-Encoding`."""

import zlib
from collections.abc import Mapping

from platform_api.webhooks.bodies import MAX_BODY_BYTES

_GZIP, _ZLIB, _DEFLATE = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
# Some senders leave out the header that `deflate` has.
_WAYS = {"gzip": (_GZIP,), "x-gzip": (_GZIP,), "deflate": (_ZLIB, _DEFLATE)}


def decode_content(headers: Mapping[str, str], body: bytes) -> tuple[bytes, str | None]:
    """The body without its content encoding; or as it came, and why."""
    named = [name.strip().lower() for name in headers.get("content-encoding", "").split(",")]
    content = body
    for name in reversed([name for name in named if name not in ("", "identity")]):
        if name not in _WAYS:
            return body, f"the body's content encoding {name[:50]!r} is not known; gzip and deflate are"
        for bits in _WAYS[name]:
            unpacked = _unpack(content, bits)
            if unpacked is not None:
                break
        else:
            return body, f"the body is not {name}, as its content encoding says"
        if len(unpacked) > MAX_BODY_BYTES:
            return body, f"the body is larger than {MAX_BODY_BYTES} bytes when it is unpacked"
        content = unpacked
    return content, None


def _unpack(content: bytes, bits: int) -> bytes | None:
    """The whole content, or a little more than is allowed of it; None when it is something else."""
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

"""Writes and reads what goes between the control plane and the process for heavy requests, over a pair of pipes.

A frame is the lengths of a header and of a body (four bytes each, big-endian), the header as JSON, the body as it is.
"""

import asyncio
import struct
from typing import Any

import orjson

MAX_REQUEST_SECONDS = 75.0
"""For a request in the process, with all operations of a batch: longer than a statement may take."""
_LENGTHS = struct.Struct(">II")


def frame(header: dict[str, Any], body: bytes = b"") -> list[bytes]:
    """Returns the parts of a frame, to be written one after the other."""
    encoded = orjson.dumps(header)
    return [_LENGTHS.pack(len(encoded), len(body)), encoded, body]


async def read_frame(reader: asyncio.StreamReader) -> tuple[dict[str, Any], bytes]:
    """Returns the next frame's header and body. Raises IncompleteReadError at the end."""
    header_bytes, body_bytes = _LENGTHS.unpack(await reader.readexactly(_LENGTHS.size))
    header = orjson.loads(await reader.readexactly(header_bytes))
    return header, await reader.readexactly(body_bytes)

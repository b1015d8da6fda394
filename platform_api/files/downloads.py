"""Sends a file's content piece by piece, whole or a range; as a download that never renders on this origin."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response, StreamingResponse

from platform_api.core.errors import PlatformError, Unavailable
from platform_api.files.models import File
from platform_api.files.names import attachment
from platform_api.files.store import PIECE_BYTES, ObjectMissing, ObjectStore
from platform_api.files.uploads.concurrency import ConcurrencyLimit

_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"content": _BYTES, "description": "The content"},
    206: {"content": _BYTES, "description": "The requested range of it"},
}
"""How OpenAPI describes the answer of a download."""
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class RangeNotSatisfiable(PlatformError):
    """Reports that the requested range lies outside the file."""

    status_code = 416
    code = "range_not_satisfiable"


@dataclass(frozen=True, slots=True)
class RangeHeaders:
    """Holds the request headers that choose a part of the file."""

    range: str | None
    if_range: str | None
    is_head: bool = False


async def file_response(
    store: ObjectStore, file: File, requested: RangeHeaders, *, limit: ConcurrencyLimit
) -> Response:
    """Returns the response. Raises RangeNotSatisfiable, TooManyRequests, Unavailable."""
    limit.require_room(file.organization_id)
    part = _part(file, requested)
    start, end = part or (0, file.size)
    headers = {
        "Content-Type": file.content_type,
        "Content-Length": str(end - start),
        "Content-Disposition": attachment(file.name),
        "Accept-Ranges": "bytes",
        "ETag": _etag(file),
        # In case a browser renders the file all the same: no script, no origin, no frame.
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    status = 200 if part is None else 206
    # Read the first piece before the status is sent: an unreadable file is an error, not a broken download.
    try:
        first = await store.read(
            file.object_key, start, start if requested.is_head else min(start + PIECE_BYTES, end)
        )
    except ObjectMissing as error:
        raise Unavailable("the content of this file is missing from the store") from error
    if requested.is_head:
        return Response(status_code=status, headers=headers)
    pieces = _pieces(store, file, first, start, end, limit=limit)
    return StreamingResponse(pieces, status_code=status, headers=headers)


async def _pieces(
    store: ObjectStore, file: File, first: bytes, start: int, end: int, *, limit: ConcurrencyLimit
) -> AsyncIterator[bytes]:
    with limit.hold(file.organization_id):
        yield first
        position = start + len(first)
        while position < end:
            piece = await store.read(file.object_key, position, min(position + PIECE_BYTES, end))
            yield piece
            position += len(piece)


def _part(file: File, requested: RangeHeaders) -> tuple[int, int] | None:
    """Returns start and end (exclusive); None for the whole file, also for several ranges or other units."""
    match = _RANGE.fullmatch(requested.range.strip()) if requested.range else None
    if match is None or (requested.if_range is not None and requested.if_range != _etag(file)):
        return None
    first, last = match.groups()
    if first:
        start, end = int(first), min(int(last) + 1, file.size) if last else file.size
        if last and int(last) < start:
            return None
    elif last:
        start, end = max(file.size - int(last), 0), file.size
    else:
        return None
    if start >= end:
        raise RangeNotSatisfiable(
            f"range: lies outside the file, which has {file.size} bytes",
            headers={"Content-Range": f"bytes */{file.size}"},
        )
    return start, end


def _etag(file: File) -> str:
    return f'"{file.sha256}"'

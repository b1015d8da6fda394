"""A file's content as an answer: piece by piece, whole or a range; always to be saved, never shown on our origin."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.responses import Response, StreamingResponse

from platform_api.core.errors import PlatformError, Unavailable
from platform_api.files.models import File
from platform_api.files.names import attachment
from platform_api.files.store import PIECE_BYTES, ObjectMissing, ObjectStore
from platform_api.files.uploads.concurrency import ConcurrencyLimit

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class RangeNotSatisfiable(PlatformError):
    """The asked range lies outside the file."""

    status_code = 416


@dataclass(frozen=True, slots=True)
class Asked:
    """The headers that say which part is wanted."""

    range: str | None
    if_range: str | None
    is_head: bool = False


async def answer_file(store: ObjectStore, file: File, asked: Asked, *, limit: ConcurrencyLimit) -> Response:
    """Raises RangeNotSatisfiable, TooManyRequests, Unavailable."""
    limit.require_room(file.organization_id)
    part = _part(file, asked)
    start, end = part or (0, file.size)
    headers = {
        "Content-Type": file.content_type,
        "Content-Length": str(end - start),
        "Content-Disposition": attachment(file.name),
        "Accept-Ranges": "bytes",
        "ETag": _etag(file),
        # Also where a browser shows what it was told to save: no script, no origin, no frame.
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    status = 200 if part is None else 206
    # The first piece before the status: what cannot be read is an error, not a broken download.
    try:
        first = await store.read(file.object_key, start, start if asked.is_head else min(start + PIECE_BYTES, end))
    except ObjectMissing as error:
        raise Unavailable("the content of this file is not in the store") from error
    if asked.is_head:
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


def _part(file: File, asked: Asked) -> tuple[int, int] | None:
    """From where up to where; None for the whole. Several ranges at once, and other units, give the whole."""
    match = _RANGE.fullmatch(asked.range.strip()) if asked.range else None
    if match is None or (asked.if_range is not None and asked.if_range != _etag(file)):
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
            f"the file has {file.size} bytes; the range lies outside it",
            headers={"Content-Range": f"bytes */{file.size}"},
        )
    return start, end


def _etag(file: File) -> str:
    return f'"{file.sha256}"'

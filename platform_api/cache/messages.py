"""Reads and writes the bodies of the cache (contract §13). A value keeps its bytes: no digit of a number changes."""

import json
import math
from typing import TypeVar

import msgspec

from platform_api.cache.store import MAX_KEY_BYTES, MAX_TTL_SECONDS, MAX_VALUE_BYTES, Entry
from platform_api.core.errors import BadRequest, TooLarge

MAX_BODY_BYTES = MAX_VALUE_BYTES + 64 * 1024

SCOPES = ("app", "organization")
"""Lists whose entries a request below an app can mean."""

PROGRESS_STATUSES = {
    "pending": "pending",
    "in_progress": "running",
    "running": "running",
    "completed": "completed",
    "failed": "failed",
    "stopped": "stopped",
}
"""Maps the statuses that clients send to those that are reported."""


class SetBody(msgspec.Struct):
    """Holds the body of `set`."""

    key: str
    value: msgspec.Raw = msgspec.Raw(b"null")
    ttl: int | float | None = None


class ScopedBody(SetBody, kw_only=True):
    """Holds the body of a request below an app."""

    scope: str


class ProgressBody(msgspec.Struct):
    """Holds the body of `set-progress`."""

    progress: int | float = 0
    info: str | None = ""
    status: str | None = "running"


_Body = TypeVar("_Body")

_SCOPED = msgspec.json.Decoder(ScopedBody)
_SET = msgspec.json.Decoder(SetBody)
_PROGRESS = msgspec.json.Decoder(ProgressBody, strict=False)


def read_set(body: bytes) -> tuple[str, str, float | None]:
    """Returns key, value as JSON text, and time to live in seconds (None: none). Raises BadRequest, TooLarge."""
    return _read_set(_decoded(_SET, body))


def read_scoped(body: bytes) -> tuple[str, str, str, float | None]:
    """Returns the scope, and what `read_set` does. Raises BadRequest, TooLarge."""
    data = _decoded(_SCOPED, body)
    if data.scope not in SCOPES:
        raise BadRequest(f"scope: {data.scope[:50]!r} must be one of {', '.join(SCOPES)}", field="scope")
    return data.scope, *_read_set(data)


def _read_set(data: SetBody) -> tuple[str, str, float | None]:
    check_key(data.key)
    try:
        value = bytes(data.value).decode()
    except UnicodeDecodeError as error:
        raise BadRequest("value: must be UTF-8") from error
    if (size := len(data.value)) > MAX_VALUE_BYTES:
        raise TooLarge(f"value: has {size} bytes; a cache entry holds at most {MAX_VALUE_BYTES}")
    ttl = data.ttl or None
    if ttl is not None and not 0 < ttl <= MAX_TTL_SECONDS:
        raise BadRequest(f"ttl: must be 1 to {MAX_TTL_SECONDS} seconds, or 0 or null for no expiry")
    return data.key, value, ttl


def read_progress(body: bytes) -> tuple[int, str, str]:
    """Returns percent from 0 to 100, text, and status of a `set-progress`. Raises BadRequest."""
    data = _decoded(_PROGRESS, body)
    status = data.status or "running"
    if status not in PROGRESS_STATUSES:
        raise BadRequest(f"status: {status[:50]!r} must be one of {', '.join(PROGRESS_STATUSES)}")
    if not math.isfinite(data.progress):
        raise BadRequest("progress: must be a number from 0 to 100")
    percent = max(0, min(100, int(data.progress)))
    return percent, (data.info or "").replace("\x00", "\ufffd"), PROGRESS_STATUSES[status]


def check_key(key: str) -> str:
    """Returns `key`. Raises BadRequest or TooLarge unless it is a valid key."""
    if not key or "\x00" in key:
        raise BadRequest("key: must not be empty or contain a NUL character")
    if len(key.encode(errors="replace")) > MAX_KEY_BYTES:
        raise TooLarge(f"key: is longer than {MAX_KEY_BYTES} bytes")
    return key


def entry_body(key: str, entry: Entry) -> bytes:
    """Returns the reply of `get` for an entry."""
    return b'{"key":%s,"value":%s,"exists":true,"ttl":%d}' % (_json_text(key), entry.value.encode(), entry.ttl)


def set_body(key: str, ttl: float | None) -> bytes:
    """Returns the reply of `set`."""
    encoded_ttl = b"null" if ttl is None else msgspec.json.encode(ttl)
    return b'{"success":true,"key":%s,"message":"stored","ttl":%s}' % (_json_text(key), encoded_ttl)


def delete_body(key: str, *, deleted: bool) -> bytes:
    """Returns the reply of `delete`."""
    message, flag = (b"deleted", b"true") if deleted else (b"there was no such entry", b"false")
    return b'{"success":true,"message":"%s","key":%s,"deleted":%s}' % (message, _json_text(key), flag)


def progress_body(task_id: str, progress: int, info: str, status: str, *, is_shown: bool) -> bytes:
    """Returns the reply of `set-progress`."""
    message = "recorded" if is_shown else "no active run has this task id; the progress is not shown anywhere"
    return json.dumps(
        {
            "success": True,
            "message": message,
            "task_id": task_id,
            "progress": progress,
            "info": info,
            "status": status,
        }
    ).encode()


def _json_text(text: str) -> bytes:
    return json.dumps(text).encode()


def _decoded(decoder: msgspec.json.Decoder[_Body], body: bytes) -> _Body:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"the body is invalid: {error}") from error
    except RecursionError as error:
        raise BadRequest("the body is nested too deeply") from error

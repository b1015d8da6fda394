"""The cache service's bodies (contract §13). A value stays the bytes it came as: no digit of a number changes."""

import json
import math
from typing import TypeVar

import msgspec

from platform_api.cache.store import MAX_KEY_BYTES, MAX_TTL_SECONDS, MAX_VALUE_BYTES, Entry
from platform_api.core.errors import BadRequest, TooLarge

MAX_BODY_BYTES = MAX_VALUE_BYTES + 64 * 1024

PROGRESS_STATUSES = {
    "pending": "pending",
    "in_progress": "running",
    "running": "running",
    "completed": "completed",
    "failed": "failed",
    "stopped": "stopped",
}
"""Spellings that clients use, and what each is reported as."""


class SetBody(msgspec.Struct):
    """Body of `set`."""

    key: str
    value: msgspec.Raw = msgspec.Raw(b"null")
    ttl: int | float | None = None


class ProgressBody(msgspec.Struct):
    """Body of `set-progress`."""

    progress: int | float = 0
    info: str | None = ""
    status: str | None = "running"


_Body = TypeVar("_Body")

_SET = msgspec.json.Decoder(SetBody)
_PROGRESS = msgspec.json.Decoder(ProgressBody, strict=False)


def read_set(body: bytes) -> tuple[str, str, float | None]:
    """Key, value as JSON text, and time to live in seconds (None: no expiry) of a `set`."""
    wanted = _decoded(_SET, body)
    check_key(wanted.key)
    try:
        value = bytes(wanted.value).decode()
    except UnicodeDecodeError as error:
        raise BadRequest("value: is not UTF-8") from error
    if (size := len(wanted.value)) > MAX_VALUE_BYTES:
        raise TooLarge(f"value: has {size} bytes; a cache entry holds at most {MAX_VALUE_BYTES}")
    ttl = wanted.ttl or None
    if ttl is not None and not 0 < ttl <= MAX_TTL_SECONDS:
        raise BadRequest(f"ttl: must lie between 1 and {MAX_TTL_SECONDS} seconds, or be 0 or null for no expiry")
    return wanted.key, value, ttl


def read_progress(body: bytes) -> tuple[int, str, str]:
    """Percent from 0 to 100, text, and status of a `set-progress`."""
    wanted = _decoded(_PROGRESS, body)
    status = wanted.status or "running"
    if status not in PROGRESS_STATUSES:
        raise BadRequest(f"status: {status[:50]!r} must be one of {', '.join(PROGRESS_STATUSES)}")
    if not math.isfinite(wanted.progress):
        raise BadRequest("progress: must be a number from 0 to 100")
    percent = max(0, min(100, int(wanted.progress)))
    return percent, (wanted.info or "").replace("\x00", "\ufffd"), PROGRESS_STATUSES[status]


def check_key(key: str) -> None:
    """Raises BadRequest or TooLarge unless `key` can name an entry."""
    if not key or "\x00" in key:
        raise BadRequest("key: must not be empty, nor hold a NUL character")
    if len(key.encode(errors="replace")) > MAX_KEY_BYTES:
        raise TooLarge(f"key: is longer than {MAX_KEY_BYTES} bytes")


def entry_body(key: str, entry: Entry) -> bytes:
    """Reply of `get` for an entry."""
    return b'{"key":%s,"value":%s,"exists":true,"ttl":%d}' % (_text(key), entry.value.encode(), entry.ttl)


def set_body(key: str, ttl: float | None) -> bytes:
    """Reply of `set`."""
    shown = b"null" if ttl is None else msgspec.json.encode(ttl)
    return b'{"success":true,"key":%s,"message":"stored","ttl":%s}' % (_text(key), shown)


def delete_body(key: str, *, deleted: bool) -> bytes:
    """Reply of `delete`."""
    message, flag = (b"deleted", b"true") if deleted else (b"there was no such entry", b"false")
    return b'{"success":true,"message":"%s","key":%s,"deleted":%s}' % (message, _text(key), flag)


def progress_body(task_id: str, progress: int, info: str, status: str, *, is_shown: bool) -> bytes:
    """Reply of `set-progress`."""
    message = "recorded" if is_shown else "no run that is going on has this task id; nothing shows it"
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


def _text(text: str) -> bytes:
    return json.dumps(text).encode()


def _decoded(decoder: msgspec.json.Decoder[_Body], body: bytes) -> _Body:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"the body is not what this needs: {error}") from error
    except RecursionError as error:
        raise BadRequest("the body is nested too deeply") from error

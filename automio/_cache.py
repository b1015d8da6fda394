"""Provides `api.app_cache`, `api.user_cache`, `api.org_cache` and `api.task`: the cache service, or a local Redis.

In the sandbox and wherever CACHE_SERVICE_URL is set, entries live in the platform's cache service. Without it they
live in the Redis server of local development (REDIS_HOST and so on), under the published client's key names, and
progress is written to standard error.
"""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote

from automio._decode import as_boolean, as_integer
from automio._exceptions import InvalidReply
from automio._exchange import Call, Exchange, RedisCommands, Reply, Request
from automio._json import encode_json
from automio._models import CacheEntry
from automio._operation import AsyncResource, Resource, SyncResource, operation
from automio._replies import read_json, read_nothing
from automio._settings import Settings

ProgressStatus = Literal["pending", "in_progress", "running", "completed", "failed"]

_LOCAL_PROGRESS_SECONDS = 24 * 3600


class CacheOperations(Resource):
    """Offers a key-value store with expiry. Keys are any non-empty text, values anything that JSON can hold."""

    _cache_type: Literal["app", "org"]

    @operation
    def get(self, key: str) -> Exchange[Any]:
        """Returns the stored value, or None when the key is missing (`get_entry` tells a stored None apart)."""
        return self._read_entry(key, lambda entry: entry.value if entry else None)

    @operation
    def get_entry(self, key: str) -> Exchange[CacheEntry | None]:
        """Returns the value and its remaining time to live in seconds (-1: no expiry); None if the key is missing."""
        return self._read_entry(key, lambda entry: entry)

    @operation
    def set(self, key: str, value: Any, ttl: int | None = None) -> Exchange[bool]:
        """Stores `value` under `key` for `ttl` seconds, or without expiry; returns True.

        Raises ValueError for a `ttl` below 1: an expired time to live must not mean "no expiry".
        """
        _check_key(key)
        seconds = _checked_ttl(ttl)
        if self._settings.cache_url is None:
            expiry = () if seconds is None else ("EX", seconds)
            return RedisCommands((("SET", self._redis_key(key), encode_json(value), *expiry),), lambda replies: True)
        action = {"action": self._settings.action_id} if self._cache_type == "app" else {}
        return Call(
            Request(
                method="POST",
                path="/set/",
                service="cache",
                parameters=self._parameters(),
                content=encode_json({**action, "key": key, "value": value, "ttl": seconds}),
                repeatable=True,
            ),
            _read_success,
        )

    @operation
    def delete(self, key: str) -> Exchange[bool]:
        """Deletes an entry; returns whether it existed."""
        _check_key(key)
        if self._settings.cache_url is None:
            return RedisCommands((("DEL", self._redis_key(key)),), lambda replies: bool(replies[0]))
        return Call(self._request("DELETE", f"/delete/{_in_path(key)}/"), _read_deleted)

    def _read_entry(self, key: str, pick: Any) -> Exchange[Any]:
        _check_key(key)
        if self._settings.cache_url is None:
            name = self._redis_key(key)
            return RedisCommands((("GET", name), ("TTL", name)), lambda replies: pick(_local_entry(key, replies)))
        return Call(self._request("GET", f"/get/{_in_path(key)}/"), lambda reply: pick(_entry(key, reply)))

    def _request(self, method: str, path: str) -> Request:
        return Request(method=method, path=path, service="cache", parameters=self._parameters(), repeatable=True)

    def _parameters(self) -> dict[str, str]:
        action = self._settings.action_id if self._cache_type == "app" else None
        return {
            "task_id": self._settings.task_id,
            "cache_type": self._cache_type,
            **({"action_id": action} if action else {}),
        }

    def _redis_key(self, key: str) -> str:
        if self._cache_type == "app":
            return f"app:{self._settings.require_app_id()}:{key}"
        return f"org:{_local_organization(self._settings)}:{key}"


class AppCacheOperations(CacheOperations):
    """Stores entries of the app within the organization."""

    _cache_type = "app"


class OrganizationCacheOperations(CacheOperations):
    """Stores entries of the organization, shared by its apps."""

    _cache_type = "org"


class AppCache(AppCacheOperations, SyncResource):
    """Stores entries of the app within the organization."""


class AsyncAppCache(AppCacheOperations, AsyncResource):
    """Stores entries of the app within the organization."""


class OrganizationCache(OrganizationCacheOperations, SyncResource):
    """Stores entries of the organization, shared by its apps."""


class AsyncOrganizationCache(OrganizationCacheOperations, AsyncResource):
    """Stores entries of the organization, shared by its apps."""


class TaskOperations(Resource):
    """Reports the progress of the current run."""

    @operation
    def set_progress(self, progress: float, info: str, status: ProgressStatus = "pending") -> Exchange[None]:
        """Reports the progress of the run: `progress` in percent (clamped to 0-100), a line of text, a status."""
        percent = _percent(progress)
        body = {"progress": percent, "info": str(info), "status": status}
        path = f"/set-progress/{quote(self._settings.task_id, safe='')}/"
        is_local = self._settings.cache_url is None
        if is_local or self._settings.shows_progress:
            sys.stderr.write(f"{percent:3d} % {info} ({status})\n")
        if not is_local:
            return Call(
                Request(method="POST", path=path, service="cache", content=encode_json(body), repeatable=True),
                read_nothing,
            )
        stored = encode_json({**body, "updated_at": datetime.now(UTC)})
        key = f"task:progress:{self._settings.task_id}"
        # It was written to the terminal: a script does not fail because nobody else can read it.
        commands = (("SET", key, stored, "EX", _LOCAL_PROGRESS_SECONDS),)
        return RedisCommands(commands, lambda replies: None, optional=True)


class Task(TaskOperations, SyncResource):
    """Reports the progress of the current run."""


class AsyncTask(TaskOperations, AsyncResource):
    """Reports the progress of the current run."""


def _entry(key: str, reply: Reply) -> CacheEntry | None:
    payload = read_json(reply)
    if payload is None:
        return None
    if isinstance(payload, Mapping) and {"value", "exists"} <= payload.keys():
        if not as_boolean(payload["exists"]):
            return None
        ttl = as_integer(payload.get("ttl"))
        return CacheEntry(key=key, value=payload["value"], ttl=-1 if ttl is None else ttl)
    # An older service returns the bare value.
    return CacheEntry(key=key, value=payload, ttl=-1)


def _local_entry(key: str, replies: Sequence[Any]) -> CacheEntry | None:
    stored, ttl = replies
    if stored is None:
        return None
    try:
        value = json.loads(stored)
    except ValueError as error:
        raise InvalidReply(f"The Redis entry of cache key {key!r} was not written by an automio client.") from error
    return CacheEntry(key=key, value=value, ttl=int(ttl))


def _read_success(reply: Reply) -> bool:
    read_json(reply)
    return True


def _read_deleted(reply: Reply) -> bool:
    payload = read_json(reply)
    return bool(isinstance(payload, Mapping) and as_boolean(payload.get("deleted")))


def _check_key(key: str) -> None:
    if not isinstance(key, str) or not key:
        raise ValueError(f"A cache key is a non-empty text, not {key!r}.")


def _in_path(key: str) -> str:
    """Returns `key` as one path segment; `.` and `..` are escaped, as they would change the path."""
    return quote(key, safe="") if key.strip(".") else key.replace(".", "%2E")


def _checked_ttl(ttl: int | None) -> int | None:
    if ttl is None:
        return None
    if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not math.isfinite(ttl) or ttl < 1:
        raise ValueError(f"ttl is a number of seconds from 1 up, or None for no expiry, not {ttl!r}.")
    return int(ttl)


def _percent(progress: float) -> int:
    if isinstance(progress, bool) or not isinstance(progress, int | float) or math.isnan(progress):
        raise ValueError(f"progress is a percentage, not {progress!r}.")
    return int(max(0, min(100, progress)))


def _local_organization(settings: Settings) -> str:
    """Returns the organization's name in a local Redis, which has no tokens: from ORG_SLUG or the app's slug."""
    if settings.organization_slug:
        return settings.organization_slug
    organization, separator, _ = str(settings.app_id or "").partition("/")
    return organization if separator else "local"

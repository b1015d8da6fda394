"""Defines the interface of cache stores: two implementations, one suite of tests for both."""

from dataclasses import dataclass
from typing import Protocol

from platform_api.core.errors import Unavailable
from platform_api.core.types import OrganizationId

MAX_KEY_BYTES = 1024
MAX_VALUE_BYTES = 4 * 1024 * 1024
MAX_TTL_SECONDS = 10 * 365 * 24 * 3600
NO_EXPIRY = -1


@dataclass(frozen=True, slots=True)
class CacheScope:
    """Selects the entries of an app in an organization, or (app 0) the organization's own, which its apps share."""

    organization_id: OrganizationId
    app_id: int


@dataclass(frozen=True, slots=True)
class Entry:
    """Holds a stored value. `ttl` is in whole seconds, rounded up; -1 for no expiry."""

    value: str
    ttl: int


class CacheUnavailable(Unavailable):
    """Reports that the store cannot be reached."""


class CacheStore(Protocol):
    """Stores values (JSON text). Every call is one round trip and may raise `CacheUnavailable`."""

    async def get(self, scope: CacheScope, key: str) -> Entry | None:
        """Returns the entry; None when there is none or it has expired."""

    async def set(self, scope: CacheScope, key: str, value: str, ttl: float | None) -> None:
        """Stores a value in place of any earlier one; `ttl` in seconds, None for no expiry."""

    async def delete(self, scope: CacheScope, key: str) -> bool:
        """Removes a value; returns whether there was one."""

    async def close(self) -> None:
        """Closes the connections."""

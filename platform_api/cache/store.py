"""What keeps cache entries: one interface, two implementations, one suite of tests for both."""

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
    """Whose entries: an app's within an organization, or (app 0) the organization's own, shared by its apps."""

    organization_id: OrganizationId
    app_id: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored value. `ttl` is in whole seconds, rounded up; -1: no expiry."""

    value: str
    ttl: int


class CacheUnavailable(Unavailable):
    """What keeps the entries cannot be reached at the moment."""


class CacheStore(Protocol):
    """Keeps values (JSON text). Every call is one round trip; each raises `CacheUnavailable`."""

    async def get(self, scope: CacheScope, key: str) -> Entry | None:
        """The value, unless there is none or it expired."""

    async def set(self, scope: CacheScope, key: str, value: str, ttl: float | None) -> None:
        """Stores a value, in place of any earlier one; `ttl` in seconds, None for no expiry."""

    async def delete(self, scope: CacheScope, key: str) -> bool:
        """Removes a value; tells whether there was one."""

    async def close(self) -> None:
        """Lets go of the connections."""

"""Bounds how many transfers of one organization a process runs at once, and with them the memory they hold."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from platform_api.core.errors import TooManyRequests
from platform_api.core.types import OrganizationId


class ConcurrencyLimit:
    """Runs at most `max_active` transfers of each organization at once."""

    def __init__(self, *, max_active: int, max_waiting: int = 0, wait_seconds: float = 0.0, transfers: str) -> None:
        """Lets `max_waiting` more wait, for `wait_seconds` each; `transfers` names them in the refusal."""
        self._max_active = max_active
        self._max_waiting = max_waiting
        self._wait_seconds = wait_seconds
        self._transfers = transfers
        self._active: Counter[OrganizationId] = Counter()
        self._waiting: dict[OrganizationId, list[asyncio.Future[None]]] = {}

    def require_room(self, organization_id: OrganizationId) -> None:
        """Raises TooManyRequests when no place is free now."""
        if self._active[organization_id] >= self._max_active:
            raise self._refusal()

    @contextmanager
    def hold(self, organization_id: OrganizationId) -> Iterator[None]:
        """Counts the block as a transfer, without waiting and even beyond the limit."""
        self._active[organization_id] += 1
        try:
            yield
        finally:
            self._leave(organization_id)

    @asynccontextmanager
    async def acquire(self, organization_id: OrganizationId) -> AsyncIterator[None]:
        """Waits for a place, in the order of arrival, and holds it during the block. Raises TooManyRequests."""
        if self._active[organization_id] >= self._max_active:
            # The transfer that ends hands its place over.
            await self._wait(organization_id)
        else:
            self._active[organization_id] += 1
        try:
            yield
        finally:
            self._leave(organization_id)

    async def _wait(self, organization_id: OrganizationId) -> None:
        waiting = self._waiting.setdefault(organization_id, [])
        if len(waiting) >= self._max_waiting:
            raise self._refusal()
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(place)
        try:
            async with asyncio.timeout(self._wait_seconds):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():
                # The place came just as the waiting ended: it goes to the next in line.
                self._leave(organization_id)
            elif place in waiting:
                waiting.remove(place)
            if isinstance(error, TimeoutError):
                raise self._refusal() from error
            raise
        finally:
            if not waiting:
                self._waiting.pop(organization_id, None)

    def _leave(self, organization_id: OrganizationId) -> None:
        waiting = self._waiting.get(organization_id, [])
        while waiting:
            place = waiting.pop(0)
            if not place.done():
                place.set_result(None)
                return
        self._active[organization_id] -= 1
        if not self._active[organization_id]:
            del self._active[organization_id]

    def _refusal(self) -> TooManyRequests:
        return TooManyRequests(
            f"your organization has {self._max_active} {self._transfers} under way already; wait for one to end",
            retry_after=2,
        )

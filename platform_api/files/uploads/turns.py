"""How many transfers an organization has under way at once in this process: what each holds in memory is bounded."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from platform_api.core.errors import TooManyRequests
from platform_api.core.types import OrganizationId


class Turns:
    """At most `most` at once for each organization."""

    def __init__(self, *, most: int, most_waiting: int = 0, wait_seconds: float = 0.0, what: str) -> None:
        """`most_waiting` more may wait for `wait_seconds` until one of the others has ended."""
        self._most = most
        self._most_waiting = most_waiting
        self._wait_seconds = wait_seconds
        self._what = what
        self._under_way: Counter[OrganizationId] = Counter()
        self._waiting: dict[OrganizationId, list[asyncio.Future[None]]] = {}

    def require(self, organization_id: OrganizationId) -> None:
        """Raises TooManyRequests when there is no room now."""
        if self._under_way[organization_id] >= self._most:
            raise self._refusal()

    @contextmanager
    def taken(self, organization_id: OrganizationId) -> Iterator[None]:
        """Counts one more as long as the block runs, whatever others there are."""
        self._under_way[organization_id] += 1
        try:
            yield
        finally:
            self._leave(organization_id)

    @asynccontextmanager
    async def turn(self, organization_id: OrganizationId) -> AsyncIterator[None]:
        """Waits for room, in the order of arrival. Raises TooManyRequests."""
        if self._under_way[organization_id] >= self._most:
            # The one who leaves hands its place over.
            await self._wait(organization_id)
        else:
            self._under_way[organization_id] += 1
        try:
            yield
        finally:
            self._leave(organization_id)

    async def _wait(self, organization_id: OrganizationId) -> None:
        waiting = self._waiting.setdefault(organization_id, [])
        if len(waiting) >= self._most_waiting:
            raise self._refusal()
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(place)
        try:
            async with asyncio.timeout(self._wait_seconds):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():
                # It came together with the end of the waiting: to the next one.
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
        self._under_way[organization_id] -= 1
        if not self._under_way[organization_id]:
            del self._under_way[organization_id]

    def _refusal(self) -> TooManyRequests:
        return TooManyRequests(
            f"your organization has {self._most} {self._what} under way already; wait for one to end", retry_after=2
        )

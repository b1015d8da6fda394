"""How many calls are under way at once in this process: so many of one organization, so many in all.

Who waits is served by organization in turn: one with a thousand calls waiting does not stand before one with a single
call.
"""

import asyncio
from collections import Counter, OrderedDict, deque

from platform_api.core.types import OrganizationId


class NoRoom(Exception):
    """No place came free in time, or too many wait already."""


class FairTurns:
    """At most `most` at once for each organization, and `most_together` for all."""

    def __init__(self, *, most: int, most_together: int, most_waiting: int) -> None:
        """`most_waiting` of one organization may wait."""
        self._most = most
        self._most_together = most_together
        self._most_waiting = most_waiting
        self._together = 0
        self._under_way: Counter[OrganizationId] = Counter()
        self._waiting: OrderedDict[OrganizationId, deque[asyncio.Future[None]]] = OrderedDict()

    async def take(self, organization_id: OrganizationId, *, seconds: float) -> None:
        """Takes a place, waiting for one for `seconds`; to be given back by `leave`. Raises NoRoom."""
        if self._has_room(organization_id) and organization_id not in self._waiting:
            self._begin(organization_id)
            return
        await self._wait(organization_id, seconds)

    def leave(self, organization_id: OrganizationId) -> None:
        """Gives a place back: to whose turn it is."""
        self._together -= 1
        self._under_way[organization_id] -= 1
        if not self._under_way[organization_id]:
            del self._under_way[organization_id]
        if self._waiting:
            self._hand_out()

    def _has_room(self, organization_id: OrganizationId) -> bool:
        return self._together < self._most_together and self._under_way[organization_id] < self._most

    def _begin(self, organization_id: OrganizationId) -> None:
        self._together += 1
        self._under_way[organization_id] += 1

    async def _wait(self, organization_id: OrganizationId, seconds: float) -> None:
        if len(self._waiting.get(organization_id, ())) >= self._most_waiting:
            raise NoRoom
        waiting = self._waiting.setdefault(organization_id, deque())
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(place)
        try:
            async with asyncio.timeout(seconds):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():
                # It came together with the end of the waiting: to the next one.
                self.leave(organization_id)
            else:
                self._forget(organization_id, place)
            if isinstance(error, TimeoutError):
                raise NoRoom from error
            raise

    def _forget(self, organization_id: OrganizationId, place: "asyncio.Future[None]") -> None:
        waiting = self._waiting.get(organization_id)
        if waiting is not None and place in waiting:
            waiting.remove(place)
            if not waiting:
                del self._waiting[organization_id]

    def _hand_out(self) -> None:
        """Gives what is free to the first waiting organization that may have it, which then goes to the end."""
        for organization_id in list(self._waiting):
            if self._together >= self._most_together:
                return
            waiting = self._waiting[organization_id]
            while waiting and waiting[0].done():
                waiting.popleft()
            if waiting and self._has_room(organization_id):
                self._begin(organization_id)
                waiting.popleft().set_result(None)
                self._waiting.move_to_end(organization_id)
            if not waiting:
                del self._waiting[organization_id]

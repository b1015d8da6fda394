"""Limits how many calls, or other work, are in progress in this process: of each organization, and in total.

Waiting calls are served round-robin by organization, so that a thousand waiting calls of one do not delay the single
call of another.
"""

import asyncio
from collections import Counter, OrderedDict, deque

from platform_api.core.types import OrganizationId


class NoFreeSlot(Exception):
    """Signals that no slot became free in time, or that too many calls are waiting already."""


class TooManyWaiting(NoFreeSlot):
    """Signals that too many calls of the organization are waiting already."""


class FairSlots:
    """Slots for at most `max_per_organization` calls of each organization, and `max_in_total` of all."""

    def __init__(self, *, max_per_organization: int, max_in_total: int, max_waiting: int) -> None:
        """Takes the limits: of calls in progress, and of waiting calls of one organization."""
        self._max_per_organization = max_per_organization
        self._max_in_total = max_in_total
        self._max_waiting = max_waiting
        self._in_use = 0
        self._in_use_by: Counter[OrganizationId] = Counter()
        self._waiting: OrderedDict[OrganizationId, deque[asyncio.Future[None]]] = OrderedDict()

    async def acquire(self, organization_id: OrganizationId, *, seconds: float) -> None:
        """Acquires a slot, waiting at most `seconds` for one. Raises NoFreeSlot."""
        if self._has_free_slot(organization_id) and organization_id not in self._waiting:
            self._occupy(organization_id)
            return
        await self._wait(organization_id, seconds)

    def release(self, organization_id: OrganizationId) -> None:
        """Releases a slot, and gives it to the next organization that waits."""
        self._in_use -= 1
        self._in_use_by[organization_id] -= 1
        if not self._in_use_by[organization_id]:
            del self._in_use_by[organization_id]
        if self._waiting:
            self._assign()

    def has_all_it_may(self, organization_id: OrganizationId) -> bool:
        """Returns whether the organization has as many calls in progress as one may have."""
        return self._in_use_by[organization_id] >= self._max_per_organization

    def _has_free_slot(self, organization_id: OrganizationId) -> bool:
        return self._in_use < self._max_in_total and self._in_use_by[organization_id] < self._max_per_organization

    def _occupy(self, organization_id: OrganizationId) -> None:
        self._in_use += 1
        self._in_use_by[organization_id] += 1

    async def _wait(self, organization_id: OrganizationId, seconds: float) -> None:
        if len(self._waiting.get(organization_id, ())) >= self._max_waiting:
            raise TooManyWaiting
        waiting = self._waiting.setdefault(organization_id, deque())
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(slot)
        try:
            async with asyncio.timeout(seconds):
                await slot
        except BaseException as error:
            if slot.done() and not slot.cancelled():
                # The slot was assigned just as the wait ended: pass it on.
                self.release(organization_id)
            else:
                self._forget(organization_id, slot)
            if isinstance(error, TimeoutError):
                raise NoFreeSlot from error
            raise

    def _forget(self, organization_id: OrganizationId, slot: "asyncio.Future[None]") -> None:
        waiting = self._waiting.get(organization_id)
        if waiting is not None and slot in waiting:
            waiting.remove(slot)
            if not waiting:
                del self._waiting[organization_id]

    def _assign(self) -> None:
        """Assigns free slots to the first waiting organizations that may have one; each then moves to the end."""
        for organization_id in list(self._waiting):
            if self._in_use >= self._max_in_total:
                return
            waiting = self._waiting[organization_id]
            while waiting and waiting[0].done():
                waiting.popleft()
            if waiting and self._has_free_slot(organization_id):
                self._occupy(organization_id)
                waiting.popleft().set_result(None)
                self._waiting.move_to_end(organization_id)
            if not waiting:
                del self._waiting[organization_id]

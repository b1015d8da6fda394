"""Admits calls within the rate of their connection (shared by all processes) and the slots of their organization.

A waiting call holds neither a database connection nor a slot. Of the calls that wait in this process for the same
connection only the first one asks the shared counter, so that it is not asked in vain.
"""

import asyncio
import math
import random
import time
from dataclasses import dataclass, field
from functools import lru_cache

from platform_api.core.errors import TooManyRequests
from platform_api.core.types import ConnectionId, OrganizationId
from platform_api.integrations.definitions.definition import RateLimit
from platform_api.integrations.outgoing.caller import Caller, UpstreamAnswer, UpstreamRequest
from platform_api.limits.rates import Rate, SharedRates
from platform_api.limits.slots import FairSlots, NoFreeSlot

_NAMESPACE = "connection"
# Bounds the timestamps per connection; a larger limit is split, e.g. 50,000 a day into 10,000 per fifth of a day.
_MAX_AMOUNT = 10_000
_MAX_WAITING = 5000
# Spreads the retries of processes that were given the same moment.
_JITTER_SECONDS = 0.01


@dataclass(slots=True)
class _Queue:
    """Holds the calls that wait for a connection, in order of arrival; the first has the lock."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


class Admission:
    """Admits calls when their limits allow it."""

    def __init__(self, rates: SharedRates, *, max_per_organization: int, max_in_total: int) -> None:
        self._rates = rates
        self._max_per_organization = max_per_organization
        self._slots = FairSlots(
            max_per_organization=max_per_organization, max_in_total=max_in_total, max_waiting=_MAX_WAITING
        )
        self._queues: dict[ConnectionId, _Queue] = {}

    async def enter(
        self,
        organization_id: OrganizationId,
        connection_id: ConnectionId,
        limit: RateLimit | None,
        *,
        seconds: float,
    ) -> None:
        """Waits at most `seconds` until the call may be sent; call `leave` afterwards. Raises TooManyRequests."""
        ends = time.monotonic() + seconds
        if limit is None:
            await self._acquire_slot(organization_id, ends)
            return
        queue = self._queues.setdefault(connection_id, _Queue())
        ahead = queue.length
        queue.length += 1
        try:
            wait = _min_wait(limit, ahead)
            if wait > seconds:
                raise _over_rate(limit, wait)
            await _lock(queue.lock, limit, ends)
            try:
                await self._wait_for_rate(organization_id, connection_id, limit, ends)
            finally:
                queue.lock.release()
        finally:
            queue.length -= 1
            if not queue.length:
                del self._queues[connection_id]

    def leave(self, organization_id: OrganizationId) -> None:
        """Releases the slot of a call that is over or was not sent."""
        self._slots.release(organization_id)

    async def _wait_for_rate(
        self, organization_id: OrganizationId, connection_id: ConnectionId, limit: RateLimit, ends: float
    ) -> None:
        rate = rate_of(limit)
        while True:
            # The slot first: calls that were counted and then waited for a slot would be sent in a burst.
            await self._acquire_slot(organization_id, ends)
            try:
                wait = await self._rates.take(_NAMESPACE, str(connection_id), rate)
            except BaseException:
                self._slots.release(organization_id)
                raise
            if not wait:
                return
            self._slots.release(organization_id)
            if time.monotonic() + wait >= ends:
                raise _over_rate(limit, wait)
            await asyncio.sleep(wait + random.uniform(0, _JITTER_SECONDS))

    async def _acquire_slot(self, organization_id: OrganizationId, ends: float) -> None:
        try:
            await self._slots.acquire(organization_id, seconds=max(ends - time.monotonic(), 0.0))
        except NoFreeSlot as error:
            raise TooManyRequests(
                f"your organization has {self._max_per_organization} calls to integrations in progress, the maximum,"
                " and none of them ended in time; try again in 5 seconds",
                retry_after=5,
            ) from error


class AdmittedCaller:
    """Sends the requests of a call through a connection, each when it is admitted."""

    __slots__ = ("_admission", "_caller", "_connection_id", "_limit", "_organization_id")

    def __init__(
        self,
        caller: Caller,
        admission: Admission,
        *,
        organization_id: OrganizationId,
        connection_id: ConnectionId,
        limit: RateLimit | None,
    ) -> None:
        self._caller = caller
        self._admission = admission
        self._organization_id = organization_id
        self._connection_id = connection_id
        self._limit = limit

    async def send(self, request: UpstreamRequest, *, deadline_seconds: float) -> UpstreamAnswer:
        """Returns the upstream's answer, or one with status 429 when the request was not admitted in time."""
        started = time.monotonic()
        try:
            await self._admission.enter(
                self._organization_id, self._connection_id, self._limit, seconds=deadline_seconds
            )
        except TooManyRequests as error:
            return _refused(error, started)
        try:
            left = deadline_seconds - (time.monotonic() - started)
            return await self._caller.send(request, deadline_seconds=max(left, 0.01))
        finally:
            self._admission.leave(self._organization_id)


@lru_cache(1024)
def rate_of(limit: RateLimit) -> Rate:
    """Returns the limit in whole seconds and at most `_MAX_AMOUNT`; over time never more than the limit allows."""
    if limit.seconds < 1:
        amount, whole = limit.requests * int(1 / limit.seconds), 1
    else:
        amount, whole = limit.requests, math.ceil(limit.seconds)
    parts = -(-amount // _MAX_AMOUNT)
    return Rate(amount // parts, -(-whole // parts))


def _min_wait(limit: RateLimit, ahead: int) -> float:
    """Returns the least seconds until the calls `ahead` and one more have been admitted."""
    return (ahead // limit.requests) * limit.seconds if ahead else 0.0


async def _lock(lock: asyncio.Lock, limit: RateLimit, ends: float) -> None:
    left = ends - time.monotonic()
    try:
        async with asyncio.timeout(left):
            await lock.acquire()
    except TimeoutError as error:
        raise _over_rate(limit, limit.seconds) from error


def _over_rate(limit: RateLimit, wait: float) -> TooManyRequests:
    seconds = max(1, math.ceil(wait))
    return TooManyRequests(
        f"the connection's limit of {limit.requests} calls in {limit.seconds:g} seconds is used up;"
        f" try again in {seconds} seconds",
        retry_after=seconds,
    )


def _refused(error: TooManyRequests, started: float) -> UpstreamAnswer:
    return UpstreamAnswer(
        status=error.status_code,
        headers=error.headers,
        text=error.message,
        data=None,
        url="",
        elapsed_ms=int((time.monotonic() - started) * 1000),
        failure=error.message,
        is_final=True,
    )

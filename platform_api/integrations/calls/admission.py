"""When a call may go out: in its connection's rate, which all processes share, and its organization's share here.

Whoever waits holds nothing: no connection to the database, no place among the calls under way. Of the calls through
one connection that wait in this process only the first one asks the shared counter, so it is not asked in vain.
"""

import asyncio
import math
import random
import time
from dataclasses import dataclass, field
from functools import lru_cache

from platform_api.core.errors import TooManyRequests
from platform_api.core.types import ConnectionId, OrganizationId
from platform_api.integrations.calls.fair_turns import FairTurns, NoRoom
from platform_api.integrations.definitions.definition import RateLimit
from platform_api.integrations.outgoing.caller import Caller, UpstreamAnswer, UpstreamRequest
from platform_api.limits.rates import Rate, SharedRates

_NAMESPACE = "connection"
# Bounds what is kept for one connection; of a larger limit parts are kept, e.g. of 50,000 a day 10,000 a fifth of it.
_MOST_AMOUNT = 10_000
_MOST_WAITING = 5000
# Processes that were told the same moment do not come at once.
_JITTER_SECONDS = 0.01


@dataclass(slots=True)
class _Queue:
    """Those who want to call through a connection, in the order of arrival; the first holds the lock."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


class Admission:
    """Lets calls out when their limits allow it."""

    def __init__(self, rates: SharedRates, *, most_per_organization: int, most_together: int) -> None:
        self._rates = rates
        self._most = most_per_organization
        self._turns = FairTurns(most=most_per_organization, most_together=most_together, most_waiting=_MOST_WAITING)
        self._queues: dict[ConnectionId, _Queue] = {}

    async def enter(
        self,
        organization_id: OrganizationId,
        connection_id: ConnectionId,
        limit: RateLimit | None,
        *,
        seconds: float,
    ) -> None:
        """Waits for the call's turn, at most for `seconds`; `leave` ends it. Raises TooManyRequests."""
        ends = time.monotonic() + seconds
        if limit is None:
            await self._take_place(organization_id, ends)
            return
        queue = self._queues.setdefault(connection_id, _Queue())
        ahead = queue.length
        queue.length += 1
        try:
            shortest = _shortest_wait(limit, ahead)
            if shortest > seconds:
                raise _over_rate(limit, shortest)
            await _lock(queue.lock, limit, ends)
            try:
                await self._take_in_rate(organization_id, connection_id, limit, ends)
            finally:
                queue.lock.release()
        finally:
            queue.length -= 1
            if not queue.length:
                del self._queues[connection_id]

    def leave(self, organization_id: OrganizationId) -> None:
        """The call is over, or was not made."""
        self._turns.leave(organization_id)

    async def _take_in_rate(
        self, organization_id: OrganizationId, connection_id: ConnectionId, limit: RateLimit, ends: float
    ) -> None:
        rate = rate_of(limit)
        while True:
            # The place first: what was counted and then waited for one would come out in a bunch.
            await self._take_place(organization_id, ends)
            try:
                wait = await self._rates.take(_NAMESPACE, str(connection_id), rate)
            except BaseException:
                self._turns.leave(organization_id)
                raise
            if not wait:
                return
            self._turns.leave(organization_id)
            if time.monotonic() + wait >= ends:
                raise _over_rate(limit, wait)
            await asyncio.sleep(wait + random.uniform(0, _JITTER_SECONDS))

    async def _take_place(self, organization_id: OrganizationId, ends: float) -> None:
        try:
            await self._turns.take(organization_id, seconds=max(ends - time.monotonic(), 0.0))
        except NoRoom as error:
            raise TooManyRequests(
                f"your organization may have {self._most} calls to integrations under way at once, and none of them"
                " ended in time; try again in 5 seconds",
                retry_after=5,
            ) from error


class AdmittedCaller:
    """Sends the requests of one call through a connection, each when its turn has come."""

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
        """The upstream's answer, or one with status 429 when the turn did not come within the deadline."""
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
    """The limit in whole seconds and in an amount that can be kept; in the long run never more than it allows."""
    if limit.seconds < 1:
        amount, whole = limit.requests * int(1 / limit.seconds), 1
    else:
        amount, whole = limit.requests, math.ceil(limit.seconds)
    parts = -(-amount // _MOST_AMOUNT)
    return Rate(amount // parts, -(-whole // parts))


def _shortest_wait(limit: RateLimit, ahead: int) -> float:
    """Seconds that pass at least until those `ahead` and one more have had their turn."""
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

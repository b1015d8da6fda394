"""Places in a concurrency limit: handed over in order, given up when the waiting ends, and never lost."""

import asyncio

import pytest

from platform_api.core.errors import TooManyRequests
from platform_api.core.types import OrganizationId
from platform_api.files.uploads.concurrency import ConcurrencyLimit

pytestmark = pytest.mark.anyio

OURS, THEIRS = OrganizationId(1), OrganizationId(2)


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_place_is_handed_over_in_the_order_of_arrival() -> None:
    limit = ConcurrencyLimit(max_active=1, max_waiting=5, wait_seconds=10, transfers="x")
    order: list[int] = []

    async def work(number: int) -> None:
        async with limit.acquire(OURS):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(work(number) for number in range(5)))
    assert order == [0, 1, 2, 3, 4]
    limit.require_room(OURS)


async def test_others_do_not_wait() -> None:
    limit = ConcurrencyLimit(max_active=1, transfers="x")
    async with limit.acquire(OURS), limit.acquire(THEIRS):
        with pytest.raises(TooManyRequests):
            limit.require_room(OURS)
        with pytest.raises(TooManyRequests):
            async with limit.acquire(THEIRS):
                pass
    limit.require_room(OURS)


async def test_who_waits_too_long_is_refused_and_takes_no_place() -> None:
    limit = ConcurrencyLimit(max_active=1, max_waiting=1, wait_seconds=0.01, transfers="x")
    async with limit.acquire(OURS):
        with pytest.raises(TooManyRequests):
            async with limit.acquire(OURS):
                pass
    async with limit.acquire(OURS):
        pass


async def test_who_is_cancelled_while_waiting_takes_no_place() -> None:
    limit = ConcurrencyLimit(max_active=1, max_waiting=2, wait_seconds=10, transfers="x")
    reached = asyncio.Event()

    async def wait() -> None:
        async with limit.acquire(OURS):
            reached.set()

    async with limit.acquire(OURS):
        cancelled, other = asyncio.create_task(wait()), asyncio.create_task(wait())
        await _settle()
        cancelled.cancel()
    await asyncio.wait_for(other, 240)
    assert reached.is_set() and cancelled.cancelled()
    limit.require_room(OURS)


async def test_a_place_that_comes_together_with_a_cancellation_goes_on() -> None:
    limit = ConcurrencyLimit(max_active=1, max_waiting=2, wait_seconds=10, transfers="x")

    async def wait() -> None:
        async with limit.acquire(OURS):
            await asyncio.sleep(0)

    async with limit.acquire(OURS):
        first, second = asyncio.create_task(wait()), asyncio.create_task(wait())
        await _settle()
    # The place was handed to the first just now, which has not run since.
    first.cancel()
    await asyncio.wait_for(asyncio.gather(first, second, return_exceptions=True), 240)
    assert not second.cancelled()
    async with limit.acquire(OURS):
        pass
    limit.require_room(OURS)

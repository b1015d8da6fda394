"""Places for calls: organizations take slots, nobody's place is lost."""

import asyncio

import pytest

from platform_api.core.types import OrganizationId
from platform_api.limits.slots import FairSlots, NoFreeSlot

pytestmark = pytest.mark.anyio

OURS, THEIRS = OrganizationId(1), OrganizationId(2)


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def _take(slots: FairSlots, organization: OrganizationId, order: list[str], name: str) -> "asyncio.Task[None]":
    async def take() -> None:
        await slots.acquire(organization, seconds=10)
        order.append(name)

    return asyncio.create_task(take())


async def test_organizations_that_wait_take_turns() -> None:
    slots, order = FairSlots(max_per_organization=9, max_in_total=1, max_waiting=9), list[str]()
    await slots.acquire(OURS, seconds=0)
    tasks = [_take(slots, OURS, order, f"ours{number}") for number in range(3)]
    await _settle()
    tasks.append(_take(slots, THEIRS, order, "theirs"))
    await _settle()
    for organization in (OURS, OURS, THEIRS, OURS):
        slots.release(organization)
        await _settle()
    assert order == ["ours0", "theirs", "ours1", "ours2"]
    await asyncio.gather(*tasks)


async def test_an_organization_that_has_all_its_places_stands_in_nobodys_way() -> None:
    slots, order = FairSlots(max_per_organization=1, max_in_total=2, max_waiting=9), list[str]()
    await slots.acquire(OURS, seconds=0)
    waiting = _take(slots, OURS, order, "ours")
    await _settle()
    await slots.acquire(THEIRS, seconds=0)
    assert order == []
    slots.release(THEIRS)
    await _settle()
    assert order == [], "the place that came free is not theirs"
    slots.release(OURS)
    await waiting
    assert order == ["ours"]


async def test_who_gives_up_takes_no_place_and_who_is_served_meanwhile_hands_it_on() -> None:
    slots, order = FairSlots(max_per_organization=1, max_in_total=1, max_waiting=9), list[str]()
    await slots.acquire(OURS, seconds=0)
    with pytest.raises(NoFreeSlot):
        await slots.acquire(OURS, seconds=0.01)
    gone, stays = _take(slots, OURS, order, "gone"), _take(slots, OURS, order, "stays")
    await _settle()
    slots.release(OURS)
    gone.cancel()  # in the very moment in which it got the place
    await stays
    assert order == ["stays"]
    slots.release(OURS)
    await slots.acquire(THEIRS, seconds=0)


async def test_so_many_may_wait_and_not_more() -> None:
    slots = FairSlots(max_per_organization=1, max_in_total=9, max_waiting=1)
    await slots.acquire(OURS, seconds=0)
    waiting = asyncio.create_task(slots.acquire(OURS, seconds=10))
    await _settle()
    with pytest.raises(NoFreeSlot):
        await slots.acquire(OURS, seconds=10)
    slots.release(OURS)
    await waiting

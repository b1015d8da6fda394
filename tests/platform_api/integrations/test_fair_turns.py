"""Places for calls: organizations take turns, nobody's place is lost."""

import asyncio

import pytest

from platform_api.core.types import OrganizationId
from platform_api.integrations.calls.fair_turns import FairTurns, NoRoom

pytestmark = pytest.mark.anyio

OURS, THEIRS = OrganizationId(1), OrganizationId(2)


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def _take(turns: FairTurns, organization: OrganizationId, order: list[str], name: str) -> "asyncio.Task[None]":
    async def take() -> None:
        await turns.take(organization, seconds=10)
        order.append(name)

    return asyncio.create_task(take())


async def test_organizations_that_wait_take_turns() -> None:
    turns, order = FairTurns(most=9, most_together=1, most_waiting=9), list[str]()
    await turns.take(OURS, seconds=0)
    tasks = [_take(turns, OURS, order, f"ours{number}") for number in range(3)]
    await _settle()
    tasks.append(_take(turns, THEIRS, order, "theirs"))
    await _settle()
    for organization in (OURS, OURS, THEIRS, OURS):
        turns.leave(organization)
        await _settle()
    assert order == ["ours0", "theirs", "ours1", "ours2"]
    await asyncio.gather(*tasks)


async def test_an_organization_that_has_all_its_places_stands_in_nobodys_way() -> None:
    turns, order = FairTurns(most=1, most_together=2, most_waiting=9), list[str]()
    await turns.take(OURS, seconds=0)
    waiting = _take(turns, OURS, order, "ours")
    await _settle()
    await turns.take(THEIRS, seconds=0)
    assert order == []
    turns.leave(THEIRS)
    await _settle()
    assert order == [], "the place that came free is not theirs"
    turns.leave(OURS)
    await waiting
    assert order == ["ours"]


async def test_who_gives_up_takes_no_place_and_who_is_served_meanwhile_hands_it_on() -> None:
    turns, order = FairTurns(most=1, most_together=1, most_waiting=9), list[str]()
    await turns.take(OURS, seconds=0)
    with pytest.raises(NoRoom):
        await turns.take(OURS, seconds=0.01)
    gone, stays = _take(turns, OURS, order, "gone"), _take(turns, OURS, order, "stays")
    await _settle()
    turns.leave(OURS)
    gone.cancel()  # in the very moment in which it got the place
    await stays
    assert order == ["stays"]
    turns.leave(OURS)
    await turns.take(THEIRS, seconds=0)


async def test_so_many_may_wait_and_not_more() -> None:
    turns = FairTurns(most=1, most_together=9, most_waiting=1)
    await turns.take(OURS, seconds=0)
    waiting = asyncio.create_task(turns.take(OURS, seconds=10))
    await _settle()
    with pytest.raises(NoRoom):
        await turns.take(OURS, seconds=10)
    turns.leave(OURS)
    await waiting

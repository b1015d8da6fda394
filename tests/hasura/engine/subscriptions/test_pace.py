"""The pace of subscriptions: one tenant's many looks stand in nobody's way, and are all made in the end."""

import asyncio

import pytest

from hasura.engine.subscriptions import pace as pace_module
from hasura.engine.subscriptions.pace import Pace

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_tenant_waits_for_what_it_has_taken_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace_module, "UNITS_PER_SECOND", 100.0)
    monkeypatch.setattr(pace_module, "_BURST_UNITS", 20.0)
    pace, looks = Pace(), 0

    async def look(tenant: str | None) -> None:
        nonlocal looks
        await pace.turn(tenant)
        looks += 1

    greedy = [asyncio.create_task(look("greedy")) for _ in range(60)]
    await asyncio.sleep(0)
    # The burst at once; the others wait, a hundredth of a second each.
    assert looks == 20
    async with asyncio.timeout(0.2):
        await look("modest")
        await asyncio.gather(*(look(None) for _ in range(1000)))
    await asyncio.gather(*greedy)
    assert looks == 1061


async def test_what_is_delivered_counts_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace_module, "_BURST_UNITS", 10.0)
    pace = Pace()
    pace.delivered("a", 0)
    async with asyncio.timeout(0.2):
        await pace.turn("a")
    pace.delivered("a", 10**9)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await pace.turn("a")

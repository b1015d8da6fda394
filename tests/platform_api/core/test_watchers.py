"""Who watches whether a right has ended is woken soon, and not all the time."""

import asyncio
import itertools
from typing import cast

import pytest

from platform_api.core import watchers
from platform_api.core.listener import Listener, Receiver
from platform_api.core.watchers import AccessChanges
from tests.waiting import eventually

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class _Line:
    """What a listener tells, told by the test."""

    def __init__(self) -> None:
        self.told: list[Receiver] = []

    def subscribe(self, channel: str, on_notification: Receiver) -> None:
        assert channel == watchers.ACCESS_CHANNEL
        self.told.append(on_notification)

    def tell(self, payload: str | None) -> None:
        for one in self.told:
            one(payload)


async def test_a_change_wakes_once_and_changes_without_end_at_a_pace() -> None:
    line = _Line()
    changes, clock = AccessChanges(cast(Listener, line)), asyncio.get_running_loop().time
    woken: list[float] = []
    with changes.watching(lambda: woken.append(clock())):
        line.tell("")
        line.tell("")
        await eventually(lambda: woken)
        # Long after the spread, so that a second wake would have come.
        await asyncio.sleep(0.6)
        assert len(woken) == 1
        begun = clock()
        while clock() - begun < 2.5:
            line.tell("")
            await asyncio.sleep(0.005)
        pauses = [later - earlier for earlier, later in itertools.pairwise(woken)]
        assert len(woken) > 1
        assert min(pauses) >= 0.5
    count = len(woken)
    line.tell("")
    await asyncio.sleep(1.0)
    assert len(woken) == count, "who has left is woken no more"


async def test_more_streams_are_woken_over_a_longer_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchers, "_MAX_WAKES_PER_SECOND", 20.0)
    line = _Line()
    changes, clock = AccessChanges(cast(Listener, line)), asyncio.get_running_loop().time
    woken: list[float] = []
    watches = [changes.watching(lambda: woken.append(clock())) for _ in range(40)]
    for watch in watches:
        watch.__enter__()
    line.tell("")
    await eventually(lambda: len(woken) == 40)
    assert woken[-1] - woken[0] > 0.8, "forty in two seconds"
    for watch in watches:
        watch.__exit__(None, None, None)


async def test_the_end_of_a_token_wakes_its_streams_alone_and_at_once() -> None:
    line = _Line()
    changes = AccessChanges(cast(Listener, line))
    woken: list[str] = []
    with (
        changes.watching(lambda: woken.append("a"), "aa"),
        changes.watching(lambda: woken.append("b"), "bb"),
        changes.watching(lambda: woken.append("sign-in")),
    ):
        line.tell("bb")
        assert woken == ["b"]

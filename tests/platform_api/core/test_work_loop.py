"""Working on what waits: woken at once, and looked for again where nobody wakes it."""

import asyncio

import pytest

from platform_api.core.work_loop import WorkLoop
from tests.waiting import eventually

pytestmark = pytest.mark.anyio


async def test_it_works_until_nothing_waits_and_again_when_woken() -> None:
    waiting, done = [1, 2, 3], []

    async def work() -> bool:
        if waiting:
            done.append(waiting.pop(0))
            return True
        return False

    loop = WorkLoop("test", work, at_once=2)
    async with loop.running():
        await eventually(lambda: done == [1, 2, 3])
        waiting.append(4)
        await asyncio.sleep(0.05)
        assert done == [1, 2, 3], "nobody said that something waits"
        loop.wake()
        await eventually(lambda: done == [1, 2, 3, 4])


async def test_what_is_committed_during_a_look_is_not_missed() -> None:
    looks = 0

    async def work() -> bool:
        nonlocal looks
        looks += 1
        if looks == 1:
            loop.wake()
        return False

    loop = WorkLoop("test", work)
    async with loop.running():
        await eventually(lambda: looks == 2)


async def test_it_looks_again_by_itself_where_it_is_told_how_often() -> None:
    looks = 0

    async def work() -> bool:
        nonlocal looks
        looks += 1
        return False

    async with WorkLoop("test", work, look_again_seconds=0.02).running():
        await eventually(lambda: looks >= 5)


async def test_an_error_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_api.core.work_loop._PAUSE_AFTER_ERROR_SECONDS", 0.01)
    looks = 0

    async def work() -> bool:
        nonlocal looks
        looks += 1
        if looks < 3:
            raise OSError("the database is away")
        return False

    async with WorkLoop("test", work).running():
        await eventually(lambda: looks == 3)

"""Working on what waits: woken at once, looked for again by one idle task only, also while another is busy."""

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

    loop = WorkLoop("test", work, at_once=2, look_again_seconds=3600)
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

    loop = WorkLoop("test", work, look_again_seconds=3600)
    async with loop.running():
        await eventually(lambda: looks == 2)


async def test_one_idle_task_looks_again_for_all() -> None:
    looks: list[float] = []

    async def work() -> bool:
        looks.append(asyncio.get_running_loop().time())
        return False

    loop = WorkLoop("test", work, at_once=8, look_again_seconds=0.1)
    async with loop.running():
        await eventually(lambda: len(looks) >= 12)
    # After the eight first ones each waits an interval from when the one before began, however late that one came.
    assert looks[11] - looks[0] > 0.39, looks


async def test_while_the_looker_is_busy_another_one_looks() -> None:
    waiting: list[asyncio.Event] = []
    begun: list[asyncio.Event] = []

    async def work() -> bool:
        if not waiting:
            return False
        piece = waiting.pop(0)
        begun.append(piece)
        await piece.wait()
        return True

    first, second = asyncio.Event(), asyncio.Event()
    loop = WorkLoop("test", work, at_once=3, look_again_seconds=0.02)
    async with loop.running():
        await asyncio.sleep(0.05)
        waiting.append(first)
        await eventually(lambda: begun == [first])
        waiting.append(second)
        await eventually(lambda: begun == [first, second])
        first.set()
        second.set()


async def test_an_error_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_api.core.work_loop._PAUSE_AFTER_ERROR_SECONDS", 0.01)
    looks = 0

    async def work() -> bool:
        nonlocal looks
        looks += 1
        if looks < 3:
            raise OSError("the database is away")
        return False

    async with WorkLoop("test", work, look_again_seconds=3600).running():
        await eventually(lambda: looks == 3)

"""Time of the event loop: who has used theirs up, and when it comes back."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from hasura.engine.session import Session
from platform_api.graphql.heavy import budget as budget_module
from platform_api.graphql.heavy.budget import BURST_SECONDS, NOTICEABLE_SECONDS, SHARE, LoopBudget
from platform_api.graphql.heavy.sockets import BoundedSocket


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    thread_time = monotonic


@given(
    steps=st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 0.5), st.floats(0, 20)), min_size=1, max_size=100)
)
def test_in_any_time_a_tenant_gets_its_share_and_a_burst(steps: list[tuple[str, float, float]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock()
        patch.setattr(budget_module, "time", clock)
        budget = LoopBudget()
        begun, taken = clock.now, {"a": 0.0, "b": 0.0}
        for tenant, seconds, pause in steps:
            if not budget.is_used_up(tenant):
                budget.charge(tenant, seconds)
                taken[tenant] += seconds if seconds >= NOTICEABLE_SECONDS else 0.0
            else:
                assert budget.seconds_until_left(tenant) > 0
            # The last stretch may be one of any length.
            assert taken[tenant] <= BURST_SECONDS + SHARE * (clock.now - begun) + 0.5 + 1e-6
            clock.now += pause
        clock.now += 1000.0
        assert not budget.is_used_up("a") and not budget.seconds_until_left("b")


def test_short_stretches_are_never_counted_however_many() -> None:
    budget = LoopBudget()
    for _ in range(100_000):
        budget.charge("a", NOTICEABLE_SECONDS / 2)
    assert not budget.is_used_up("a")


def test_what_compiled_something_is_counted_however_short() -> None:
    compilations = 0
    budget = LoopBudget(lambda: compilations)
    for _ in range(1000):
        with budget.charged("a"):
            pass
    assert not budget._paid_back_at
    with budget.charged("a"):
        compilations += 1
    assert budget._paid_back_at


def test_work_is_counted_between_its_waits_and_keeps_its_result_errors_and_cancellation() -> None:
    def burn(seconds: float) -> None:
        until = time.thread_time() + seconds
        while time.thread_time() < until:
            pass

    async def work() -> str:
        burn(0.02)
        await asyncio.sleep(0.05)
        burn(0.02)
        return "done"

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("of the work")

    async def run() -> None:
        budget = LoopBudget()
        assert await budget.run("a", work()) == "done"
        owed = budget._paid_back_at["a"] - time.monotonic()
        # What it waited for is not counted.
        assert 0.03 < owed * SHARE < 0.06
        with pytest.raises(ValueError, match="of the work"):
            await budget.run("a", fail())
        task = asyncio.create_task(budget.run("a", asyncio.sleep(60)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await budget.run("a", asyncio.sleep(60))

    asyncio.run(run())


def test_connections_that_had_nothing_to_read_take_turns_when_they_all_get_something() -> None:
    async def authenticate(headers: object, payload: object) -> Session:
        return Session(role="app_1", variables={}, tenant="1")

    async def send(message: object) -> None:
        raise AssertionError("nothing is refused")

    async def check() -> int:
        budget, received = LoopBudget(), 0
        queues: list[asyncio.Queue[Message]] = [asyncio.Queue() for _ in range(20)]

        async def read(queue: asyncio.Queue[Message]) -> None:
            nonlocal received
            socket = BoundedSocket(queue.get, send, authenticate, budget=budget, max_bytes=100)
            await socket.authenticate({}, {})
            await socket.receive()
            received += 1
            budget.charge("1", 0.4)

        readers = [asyncio.create_task(read(queue)) for queue in queues]
        await asyncio.sleep(0.05)
        for queue in queues:
            queue.put_nowait({"type": "websocket.receive", "text": "{}"})
        await asyncio.sleep(0.3)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        return received

    assert asyncio.run(check()) == 1

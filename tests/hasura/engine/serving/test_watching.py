"""Work for clients that have gone ends; work for clients that are there does not."""

import asyncio
from typing import Any

import pytest

from hasura.engine.transport.asgi import ClientGone
from hasura.engine.transport.watching import ClientWatch
from tests.waiting import eventually

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class _Client:
    """A client whose side of the connection the test closes."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.looked_for = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        self.looked_for.set()
        await self.gone.wait()
        return {"type": "http.disconnect"}


async def test_the_work_of_a_client_that_has_gone_is_cancelled() -> None:
    watch = ClientWatch()
    # Again after a pause without any request, when the timer has ended too.
    for _ in range(2):
        gone, there = _Client(), _Client()
        cancelled, release = asyncio.Event(), asyncio.Event()

        async def endless(cancelled: asyncio.Event = cancelled) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

        async def patient(release: asyncio.Event = release) -> str:
            await release.wait()
            return "done"

        lost = asyncio.create_task(watch.run(endless(), gone.receive))
        kept = asyncio.create_task(watch.run(patient(), there.receive))
        await gone.looked_for.wait()
        await there.looked_for.wait()
        gone.gone.set()
        with pytest.raises(ClientGone):
            await lost
        assert cancelled.is_set()
        release.set()
        assert await kept == "done"
        await eventually(lambda: not watch.is_running)


async def test_a_cancelled_request_stays_cancelled() -> None:
    watch, client = ClientWatch(), _Client()
    running = asyncio.create_task(watch.run(asyncio.Event().wait(), client.receive))
    await client.looked_for.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_work_that_is_done_at_once_is_not_watched() -> None:
    watch, client, other = ClientWatch(), _Client(), _Client()

    async def quick() -> int:
        return 5

    assert await watch.run(quick(), client.receive) == 5
    # By the time that a slow one is watched, the quick one would have been.
    slow = asyncio.create_task(watch.run(asyncio.Event().wait(), other.receive))
    await other.looked_for.wait()
    assert not client.looked_for.is_set()
    slow.cancel()

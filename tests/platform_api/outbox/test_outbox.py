"""The outbox: nothing is lost, nothing is handled before its commit, failures are repeated."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from platform_api.core.database import Database
from platform_api.core.errors import Unavailable
from platform_api.core.listener import Listener
from platform_api.outbox.models import OutboxItem
from platform_api.outbox.service import CHANNEL, ClaimedItem, enqueue, queue_of
from platform_api.outbox.worker import Handler, OutboxTopic, OutboxWorker
from platform_api.work.errors import LeaseLost
from platform_api.work.queue import Claimed
from platform_api.work.sweep import Sweep, Times
from tests.waiting import eventually

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(platform_database_url: str) -> AsyncIterator[Database]:
    database = Database(platform_database_url, pool_size=4)
    yield database
    await database.close()


async def put(database: Database, topic: str = "t", *, key: str | None = None, **payload: object) -> None:
    async with database.transaction() as session:
        await enqueue(session, topic, key=key, payload=dict(payload))


async def take(database: Database, topic: str = "t") -> Sequence[Claimed[OutboxItem]]:
    return await queue_of(topic).claim(database)


def worker_of(database: Database, handlers: dict[str, Handler], *, lease_seconds: float = 15) -> OutboxWorker:
    return OutboxWorker(Sweep(database, Times(lease=timedelta(seconds=lease_seconds))), handlers)


async def handle_nothing(items: Sequence[ClaimedItem]) -> None:
    pass


async def make_available(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(update(OutboxItem).values(available_at=func.now()))


async def stored(database: Database) -> Sequence[OutboxItem]:
    async with database.transaction() as session:
        return (await session.scalars(select(OutboxItem).order_by(OutboxItem.id))).all()


async def test_work_of_a_rolled_back_change_is_never_done(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.transaction() as session:
            await enqueue(session, "t", payload={"n": 1})
            raise RuntimeError
    assert await take(database) == []


async def test_a_claimed_item_is_given_to_nobody_else_until_it_is_released(database: Database) -> None:
    await put(database, n=1)
    [item] = await take(database)
    assert item.job.payload == {"n": 1}
    assert await take(database) == []
    await queue_of("t").retry(database, [item], delay=timedelta(), reason="it did not work")
    [again] = await take(database)
    assert (again.id, again.job.attempts, again.job.last_error) == (item.id, 2, "it did not work")


async def test_waiting_items_of_one_key_are_one_and_the_latest_counts(database: Database) -> None:
    for number in range(3):
        await put(database, key="app", n=number)
    [item] = await take(database)
    assert item.job.payload == {"n": 2}


async def test_what_is_written_again_during_its_handling_is_done_after_it(database: Database) -> None:
    handled: list[object] = []

    async def handle(items: Sequence[ClaimedItem]) -> None:
        handled.extend(item.payload for item in items)
        if len(handled) == 1:
            await put(database, key="app", n=2)
            assert await take(database) == [], "one at a time of each key"

    await put(database, key="app", n=1)
    await worker_of(database, {"t": handle}).drain()
    assert handled == [{"n": 1}, {"n": 2}]
    assert await stored(database) == []


async def test_a_late_failure_does_not_delay_what_was_written_meanwhile(database: Database) -> None:
    async def fails(items: Sequence[ClaimedItem]) -> None:
        await put(database, key="app", n=2)
        raise ConnectionError("late")

    await put(database, key="app", n=1)
    items = await take(database)
    with pytest.raises(Unavailable):
        await OutboxTopic(database, "t", fails).work(items)
    await queue_of("t").retry(database, items, delay=timedelta(hours=1), reason="late")
    assert [item.job.payload for item in await take(database)] == [{"n": 2}]


async def test_who_lost_an_item_removes_nothing(database: Database) -> None:
    await put(database, n=1)
    late = await take(database)
    async with database.transaction() as session:
        await session.execute(update(OutboxItem).values(lease_expires_at=func.now()))
        horizon = await session.scalar(select(func.now()))
    [now] = await queue_of("t").claim(database, horizon=horizon)
    await OutboxTopic(database, "t", handle_nothing).work(late)
    with pytest.raises(LeaseLost):
        async with database.transaction() as session:
            await queue_of("t").renew(session, late[0])
    assert await queue_of("t").renew_all(database, [now]) == {now.id}


async def test_the_worker_handles_what_is_committed_while_it_runs(database: Database) -> None:
    handled: asyncio.Queue[ClaimedItem] = asyncio.Queue()

    async def handle(items: Sequence[ClaimedItem]) -> None:
        for item in items:
            handled.put_nowait(item)

    worker, listener = worker_of(database, {"t": handle}), Listener(database)
    listener.subscribe(CHANNEL, worker.heard)
    async with worker.running(), listener.running():
        await asyncio.sleep(0.2)
        await put(database, n=1)
        await put(database, "other", n=2)
        item = await asyncio.wait_for(handled.get(), 240)
        assert item.payload == {"n": 1}
        for _ in range(1500):
            if [waiting.topic for waiting in await stored(database)] == ["other"]:
                break
            await asyncio.sleep(0.02)
    assert [waiting.topic for waiting in await stored(database)] == ["other"]


async def test_a_failing_handler_is_called_again_and_its_error_is_kept(database: Database) -> None:
    calls = 0

    async def handle(items: Sequence[ClaimedItem]) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ConnectionError("the other side is away")

    worker = worker_of(database, {"t": handle})
    await put(database, n=1)
    await worker.drain()
    [item] = await stored(database)
    assert item.last_error == "ConnectionError: the other side is away"
    assert calls == 1
    await make_available(database)
    await worker.drain()
    assert calls == 2
    assert await stored(database) == []


async def test_work_that_was_being_done_when_its_process_died_is_done_by_another(database: Database) -> None:
    await put(database, n=1)
    await take(database)  # and then nothing more is heard of that process
    async with database.transaction() as session:
        await session.execute(update(OutboxItem).values(lease_expires_at=func.now()))
    handled: asyncio.Queue[ClaimedItem] = asyncio.Queue()

    async def handle(items: Sequence[ClaimedItem]) -> None:
        for item in items:
            handled.put_nowait(item)

    async with worker_of(database, {"t": handle}, lease_seconds=1).running():
        assert (await asyncio.wait_for(handled.get(), 240)).payload == {"n": 1}


@pytest.mark.parametrize("topic", ["t", "later"])
async def test_work_that_was_being_done_when_its_process_stopped_is_offered_again_at_once(
    database: Database, topic: str
) -> None:
    await put(database, n=1)
    await put(database, "later", n=2)
    begun = asyncio.Event()

    async def never_ends(items: Sequence[ClaimedItem]) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with worker_of(database, {"later": never_ends, "t": never_ends}).running():
        await asyncio.wait_for(begun.wait(), 240)
    [item] = await take(database, topic)
    assert item.job.attempts == 1


async def test_what_failed_before_its_process_stopped_keeps_its_delay(database: Database) -> None:
    await put(database, "a", n=1)
    await put(database, "b", n=2)
    begun = asyncio.Event()

    async def fails(items: Sequence[ClaimedItem]) -> None:
        raise ConnectionError("the other side is away")

    async def never_ends(items: Sequence[ClaimedItem]) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def has_failed() -> bool:
        return (await stored(database))[0].last_error is not None

    async with worker_of(database, {"a": fails, "b": never_ends}).running():
        await asyncio.wait_for(begun.wait(), 240)
        await eventually(has_failed)
    failed, stopped = await stored(database)
    assert (failed.topic, failed.attempts, stopped.topic, stopped.attempts) == ("a", 1, "b", 0)
    assert failed.available_at > failed.created_at + timedelta(seconds=0.5)


@pytest.mark.parametrize("turns", range(0, 40, 3))
async def test_a_stop_at_any_moment_keeps_nothing_claimed(database: Database, turns: int) -> None:
    await put(database, n=1)

    async def never_ends(items: Sequence[ClaimedItem]) -> None:
        await asyncio.Event().wait()

    async with worker_of(database, {"t": never_ends}).running():
        for _ in range(turns):
            await asyncio.sleep(0.0005)
    assert [item.job.payload for item in await take(database)] == [{"n": 1}]

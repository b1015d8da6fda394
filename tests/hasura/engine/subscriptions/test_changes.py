"""The feed of changed tables: who watches hears of every change, and of the end of hearing."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import pytest

from hasura.engine.sql.database_errors import CONNECTION_LOST
from hasura.engine.subscriptions.changes import ChangeFeed
from tests.connections import END_OTHER_CONNECTIONS
from tests.waiting import eventually

TABLE = ("public", "thing")


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


def test_a_watch_is_told_of_a_line_that_was_lost_while_it_was_used(database_url: str) -> None:
    async def test() -> None:
        await _execute(database_url, "create table thing (id int)")
        feed = ChangeFeed(lambda: asyncpg.connect(database_url))
        told: list[str] = []
        for steps in range(4):
            told.clear()
            watch = await feed.watch([TABLE], lambda: told.append("changed"))
            assert watch is not None and watch.holds
            # While this loop stands still, so that the statement comes at every moment around the server's farewell.
            with ThreadPoolExecutor(1) as pool:
                pool.submit(asyncio.run, _execute(database_url, END_OTHER_CONNECTIONS)).result()
            for _ in range(steps):
                await asyncio.sleep(0)
            with pytest.raises(CONNECTION_LOST):
                await watch.is_settled()
            await eventually(lambda: told)
            assert not watch.holds
            await watch.stop()
        await feed.close()

    asyncio.run(test())


def test_who_begins_to_watch_while_another_stops_hears_of_changes(database_url: str) -> None:
    async def test() -> None:
        await _execute(database_url, "create table thing (id int)")
        feed = ChangeFeed(lambda: asyncpg.connect(database_url))
        told: list[str] = []
        for _ in range(20):
            first = await feed.watch([TABLE], lambda: None)
            assert first is not None
            starting = asyncio.create_task(feed.watch([TABLE], lambda: told.append("changed")))
            await asyncio.sleep(0)
            _, second = await asyncio.gather(first.stop(), starting)
            assert second is not None
            told.clear()
            await _execute(database_url, "insert into thing values (1)")
            await eventually(lambda: told)
            await second.stop()
        await feed.close()

    asyncio.run(test())

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


def test_who_gives_up_watching_at_any_moment_leaves_no_transaction_open(database_url: str) -> None:
    async def test() -> None:
        connection = await asyncpg.connect(database_url)
        feed = ChangeFeed(lambda: asyncpg.connect(database_url))
        await _execute(database_url, "create table other (id int)")
        first = await feed.watch([("public", "other")], lambda: None)
        assert first is not None
        for steps in range(60):
            await connection.execute("drop table if exists thing; create table thing (id int)")
            watching = asyncio.create_task(feed.watch([TABLE], lambda: None))
            await asyncio.sleep(steps * 0.0002)
            # Again and again: a connection that closes cancels what serves it, and so does whoever waits for that.
            while not watching.done():
                watching.cancel()
                await asyncio.sleep(0)
            if not watching.cancelled() and (watch := watching.result()) is not None:
                await watch.stop()
            # Its transaction has the table until it ends, which it does by itself.
            await connection.execute("set lock_timeout = '5s'")
        # The line is the same, and serves who watches next.
        told: list[str] = []
        watch = await feed.watch([TABLE], lambda: told.append("changed"))
        assert watch is not None and watch.holds
        await connection.execute("insert into thing values (1)")
        await eventually(lambda: told)
        await watch.stop()
        assert first.holds
        await first.stop()
        assert await connection.fetchval("select count(*) from automio_engine.watched_table") == 0
        await feed.close()
        await connection.close()

    asyncio.run(test())

"""Held connections: a statement is parsed once, and what is no longer used is closed."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from hasura.engine.execution.connections import ConnectionPool, HeldConnection

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def held(database_url: str) -> AsyncIterator[HeldConnection]:
    pool = ConnectionPool(database_url, server_settings={}, pool_min=1, pool_max=1)
    async with pool.held() as one:
        yield one
    await pool.close()


async def _prepared(held: HeldConnection) -> "list[asyncpg.Record[Any]]":
    return list(
        await held.raw.fetch("select statement, generic_plans + custom_plans as runs from pg_prepared_statements")
    )


async def test_a_repeated_statement_is_parsed_once(held: HeldConnection) -> None:
    for number in range(10):
        assert await held.fetch_json("select to_json($1::int4)", [number]) == str(number).encode()
    runs = {row["statement"]: row["runs"] for row in await _prepared(held)}
    assert runs["select to_json($1::int4)"] == 10


async def test_statements_that_are_forgotten_are_closed_in_the_database(
    held: HeldConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held._statements, "_capacity", 5)
    for number in range(50):
        assert await held.fetch_json(f"select to_json({number})", []) == str(number).encode()
    assert 5 <= len(await _prepared(held)) <= 12


async def test_a_statement_that_a_change_of_the_schema_made_invalid_is_prepared_again(held: HeldConnection) -> None:
    await held.raw.execute("create temporary table thing as select 1 as a")
    assert await held.fetch_json("select to_json(thing) from thing", []) == b'{"a":1}'
    await held.raw.execute("alter table thing alter column a type text")
    assert await held.fetch_json("select to_json(thing) from thing", []) == b'{"a":"1"}'

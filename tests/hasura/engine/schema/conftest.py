"""A running engine on the gallery's database; what tests write is rolled back."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import asyncpg
import orjson
import pytest

from hasura.engine.engine import Engine
from hasura.engine.errors import EngineError
from hasura.engine.options import EngineOptions
from hasura.engine.session import Session
from platform_api.supervisor.postgres import EmbeddedPostgres
from tests.hasura.engine.schema.gallery import CUSTOMIZATION, DDL, metadata


class Gallery:
    """The engine and one connection to its database."""

    def __init__(self, url: str, runner: asyncio.Runner, customization: dict[str, Any] | None = None) -> None:
        self.url = url
        self._run = runner.run
        self.engine = Engine(EngineOptions(database_url=url))
        self._run(self.engine.start())
        self._connection: Any = self._run(asyncpg.connect(url))
        self._metadata = metadata(customization)
        self.restore()

    def restore(self) -> None:
        """Tracks what the gallery tracks, and nothing else."""
        answer = self.call("replace_metadata", self._metadata)
        assert answer == {"message": "success"}, answer

    def stop(self) -> None:
        self._run(self._connection.close())
        self._run(self.engine.stop())

    def call(self, kind: str, args: Any) -> Any:
        """A call of `/v1/metadata`."""
        return self._run(self.engine.run_metadata({"type": kind, "args": args}))

    def sql(self, text: str) -> Any:
        """What `run_sql` answers. Stays, unlike what `run` writes."""
        payload = {"type": "run_sql", "args": {"sql": text}}
        return self._run(self.engine.metadata.run(payload, session=Session.admin(), path="/v2/query"))

    def run(
        self,
        query: str,
        *,
        role: str = "admin",
        variables: Mapping[str, Any] | None = None,
        after: str = "",
    ) -> Any:
        """The body a request is answered with; `after` is SQL to look at what it wrote, answered under `rows`."""
        return self._run(self._rolled_back({"query": query, "variables": dict(variables or {})}, role, after))

    async def _rolled_back(self, payload: dict[str, Any], role: str, after: str) -> Any:
        transaction = self._connection.transaction()
        await transaction.start()
        try:
            session = Session(role=role, variables={"x-hasura-role": role})
            body = orjson.loads(await self.engine.execute_within(payload, session, self._connection))
            if after:
                body["rows"] = [tuple(row.values()) for row in await self._connection.fetch(after)]
            return body
        except EngineError as error:
            return error.to_graphql_response()
        finally:
            await transaction.rollback()


async def _administer(server: EmbeddedPostgres, statement: str) -> None:
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _fill(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(DDL)
    finally:
        await connection.close()


@contextmanager
def _opened(postgres: EmbeddedPostgres, name: str, customization: dict[str, Any] | None = None) -> Iterator[Gallery]:
    """The gallery on a database of its own."""
    database = f"{name}_{os.getpid()}"
    asyncio.run(_administer(postgres, f'create database "{database}"'))
    asyncio.run(_fill(postgres.url(database)))
    with asyncio.Runner() as runner:
        made = Gallery(postgres.url(database), runner, customization)
        yield made
        made.stop()
    asyncio.run(_administer(postgres, f'drop database "{database}" with (force)'))


@pytest.fixture(scope="session")
def gallery(postgres: EmbeddedPostgres) -> Iterator[Gallery]:
    """The gallery, everything tracked."""
    with _opened(postgres, "gallery") as made:
        yield made


@pytest.fixture(scope="session")
def customized(postgres: EmbeddedPostgres) -> Iterator[Gallery]:
    """The gallery with other names for everything, below a namespace."""
    with _opened(postgres, "customized", CUSTOMIZATION) as made:
        yield made

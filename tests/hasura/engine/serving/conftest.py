"""An engine on a database of its own, served on a loopback socket by the server that `automio engine` uses."""

import asyncio
import itertools
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import httpx
import pytest
import uvicorn
import uvloop

from hasura.engine.engine import Engine
from hasura.engine.options import EngineOptions
from hasura.engine.transport.http import EngineApp
from platform_api.supervisor.postgres import EmbeddedPostgres
from tests.waiting import AMPLE_SECONDS

_numbers = itertools.count(1)
SECRET = "serving-secret"
_DDL = """
create table author (id integer primary key, name text not null, secret text);
create table article (
  id integer primary key, title text not null, author_id integer references author, is_published boolean not null
    default false, rating integer);
insert into author values (1, 'Ada', 'x'), (2, 'Bert', 'y');
insert into article values (1, 'One', 1, true, 5), (2, 'Two', 1, false, 3), (3, 'Three', 2, true, 4);
create view published as select * from article where is_published;
"""


def _tracking() -> list[dict[str, Any]]:
    own = {"author_id": {"_eq": "X-Hasura-User-Id"}}

    def call(kind: str, **args: Any) -> dict[str, Any]:
        return {"type": kind, "args": {"source": "default", **args}}

    calls = [call("pg_track_table", table=name) for name in ("author", "article", "published")]
    calls.append(
        call(
            "pg_create_array_relationship",
            table="author",
            name="articles",
            using={"foreign_key_constraint_on": {"table": "article", "column": "author_id"}},
        )
    )
    columns = ["id", "title", "author_id", "is_published", "rating"]
    calls.append(
        call(
            "pg_create_select_permission",
            table="article",
            role="user",
            permission={"columns": columns, "filter": own},
        )
    )
    calls.append(
        call(
            "pg_create_select_permission",
            table="article",
            role="anonymous",
            permission={"columns": ["id", "title"], "filter": {"is_published": {"_eq": True}}},
        )
    )
    calls.append(
        call(
            "pg_create_insert_permission",
            table="article",
            role="user",
            permission={"columns": ["id", "title", "author_id"], "check": own},
        )
    )
    return calls


@dataclass(frozen=True, slots=True)
class Served:
    """A running engine and how to reach it."""

    url: str
    engine: Engine
    database_url: str
    loop: asyncio.AbstractEventLoop
    client: httpx.Client
    """To its address. One for all requests: a client of its own for each would load all certificates each time."""

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/v1/graphql"

    def admin_headers(self, **more: str) -> dict[str, str]:
        return {"X-Hasura-Admin-Secret": SECRET, **{name.replace("_", "-"): value for name, value in more.items()}}

    def graphql(self, query: str, *, headers: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
        chosen = self.admin_headers() if headers is None else headers
        answer = self.client.post("/v1/graphql", json={"query": query, **more}, headers=chosen)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def metadata(self, kind: str, **args: Any) -> Any:
        answer = self.client.post("/v1/metadata", json={"type": kind, "args": args}, headers=self.admin_headers())
        assert answer.status_code == 200, answer.text
        return answer.json()

    def metadata_bulk(self, calls: list[dict[str, Any]]) -> None:
        answer = self.client.post("/v1/metadata", json={"type": "bulk", "args": calls}, headers=self.admin_headers())
        assert answer.status_code == 200, answer.text

    def sql(self, statement: str) -> str:
        """Runs SQL on a connection of its own, as another program would; the last command's status."""
        return asyncio.run(execute(self.database_url, statement))

    async def fetch_value(self, query: str, *values: Any) -> Any:
        """Returns the one value of a query, asked on a connection of its own."""
        connection = await asyncpg.connect(self.database_url)
        try:
            return await connection.fetchval(query, *values)
        finally:
            await connection.close()


async def execute(url: str, statement: str) -> str:
    """Runs SQL on a connection of its own; the last command's status."""
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.execute(statement))
    finally:
        await connection.close()


@pytest.fixture
def serve(database_url: str) -> Iterator[Callable[..., Served]]:
    """Starts engines on the test's database with the given options."""
    with _serving(database_url) as start:
        yield start


@pytest.fixture(scope="module")
def module_serve(postgres: EmbeddedPostgres) -> Iterator[Callable[[], Served]]:
    """Starts engines, each on a database of its own, that the module's tests share: none of them changes anything."""
    with ExitStack() as stack:

        def start() -> Served:
            name = f"serving_{os.getpid()}_{next(_numbers)}"
            asyncio.run(execute(postgres.url(), f'create database "{name}"'))
            stack.callback(lambda: asyncio.run(execute(postgres.url(), f'drop database "{name}" with (force)')))
            return stack.enter_context(_serving(postgres.url(name)))()

        yield start


@contextmanager
def _serving(database_url: str) -> Iterator[Callable[..., Served]]:
    stops: list[Callable[[], None]] = []

    def start(**options: Any) -> Served:
        is_first = not stops
        if is_first:
            asyncio.run(execute(database_url, _DDL))
        chosen = replace(EngineOptions(database_url=database_url, admin_secret=SECRET), **options)
        served, stop = start_serving(chosen)
        stops.append(stop)
        if is_first:
            served.metadata_bulk(_tracking())
        return served

    yield start
    for stop in stops:
        stop()


def start_serving(options: EngineOptions) -> tuple[Served, Callable[[], None]]:
    """An engine that is served from a thread of its own, and what stops it."""
    listener = socket.create_server(("127.0.0.1", 0))
    engine = Engine(options)
    config = uvicorn.Config(EngineApp(engine), log_level="error", loop="uvloop", ws="websockets-sansio")
    server = uvicorn.Server(config)
    ready = threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        ready.set()
        await serving

    thread = threading.Thread(target=lambda: uvloop.run(run()), daemon=True)
    thread.start()
    assert ready.wait(AMPLE_SECONDS)

    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    client = httpx.Client(base_url=url, timeout=240)

    def stop() -> None:
        client.close()
        server.should_exit = True
        thread.join(AMPLE_SECONDS)
        assert not thread.is_alive()

    return Served(url, engine, options.database_url, loops[0], client), stop

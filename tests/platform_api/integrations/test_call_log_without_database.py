"""Calls are written down later when the server ends the connection at the worst moment, and nobody complains."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from platform_api.core.database import Database
from platform_api.core.types import AppId, ConnectionId, OrganizationId, RunId, UserId
from platform_api.integrations.calls.log import CallLog
from platform_api.supervisor.postgres import EmbeddedPostgres
from tests.waiting import eventually

pytestmark = pytest.mark.anyio

_SOCKET = ".s.PGSQL.5432"


class Way:
    """Passes on what client and server say; the first answer to `about` comes together with the server's farewell."""

    def __init__(self, server: EmbeddedPostgres, about: bytes) -> None:
        self._server = server
        self._about: bytes | None = about
        self._asked = asyncio.Event()

    async def serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_unix_connection(str(self._server.paths.sockets / _SOCKET))
        asking = asyncio.create_task(self._ask(client, to_server))
        await self._answer(server, to_client)
        # The client comes to know of the end a while after the farewell.
        await asyncio.sleep(0.2)
        for one in (to_server, to_client):
            one.close()
        await asking

    async def _ask(self, client: asyncio.StreamReader, to_server: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await client.read(65_536):
                if self._about is not None and self._about in data:
                    self._about = None
                    self._asked.set()
                to_server.write(data)
                await to_server.drain()

    async def _answer(self, server: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await server.read(65_536):
                if self._asked.is_set():
                    self._asked.clear()
                    await self._end_connections()
                    data += await server.read()
                to_client.write(data)
                await to_client.drain()

    async def _end_connections(self) -> None:
        admin = await asyncpg.connect(self._server.url())
        try:
            await admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'way'"
            )
        finally:
            await admin.close()


@asynccontextmanager
async def through(way: Way, url: str, postgres: EmbeddedPostgres, directory: Path) -> AsyncIterator[Database]:
    """The database of `url`, reached by such a way."""
    server = await asyncio.start_unix_server(way.serve, path=str(directory / _SOCKET))
    sockets = quote(str(postgres.paths.sockets))
    database = Database(url.replace(sockets, quote(str(directory))), pool_size=1, application_name="way")
    try:
        yield database
    finally:
        await database.close()
        server.close()


async def test_calls_whose_connection_is_ended_between_two_messages_are_written_later_without_complaint(
    module_database_url: str, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    way = Way(postgres, b"integration_calls")
    async with through(way, module_database_url, postgres, tmp_path) as database:
        calls = CallLog(database, kept_days=1)
        calls.record(
            organization_id=OrganizationId(1),
            app_id=AppId(1),
            user_id=UserId(1),
            run_id=RunId(1),
            integration_id="shop",
            connection_id=ConnectionId(1),
            method="GET",
            endpoint="/lost",
            status_code=200,
            ok=True,
            elapsed_ms=1,
        )
        with pytest.raises((DBAPIError, asyncpg.InternalClientError)):
            await calls.write()

        async def written() -> bool:
            with suppress(DBAPIError):
                await calls.write()
            async with database.transaction() as session:
                found = await session.scalar(
                    text("select count(*) from platform.integration_calls where endpoint = '/lost'")
                )
            return bool(found == 1)

        await eventually(written)
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []

"""Keeps one LISTEN connection per process, shared by everything that must hear of changes in other processes.

A notification only says that something changed: the receiver then reads the database. So nothing is lost when the
connection breaks; after it is opened again, every receiver is called once without a payload, to look for what it
missed.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
import structlog

from hasura.engine.sql.database_errors import CONNECTION_LOST
from platform_api.core.database import Database
from platform_api.core.services import Services

log = structlog.stdlib.get_logger()

Receiver: TypeAlias = Callable[[str | None], None]
"""Gets a notification's payload; None: some may have been missed. Must return at once and raise nothing."""

_RECONNECT_SECONDS = 0.5
_PROBE_SECONDS = 30.0
_PROBE_TIMEOUT_SECONDS = 10.0
_CONNECTION_ERRORS = (asyncpg.PostgresError, *CONNECTION_LOST)


class Listener:
    """Receives PostgreSQL's notifications for this process. Subscribe before it runs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._receivers: dict[str, list[Receiver]] = {}
        self._connected = asyncio.Event()

    def subscribe(self, channel: str, receiver: Receiver) -> None:
        """Calls `receiver` with every payload notified on `channel`."""
        self._receivers.setdefault(channel, []).append(receiver)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listens in the background as long as the block runs; the block begins once the first connection stands."""
        task = asyncio.create_task(self._listen())
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._connected.wait(), 10)
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except _CONNECTION_ERRORS as error:
                log.warning("listener.interrupted", error=str(error) or type(error).__name__)
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen_once(self) -> None:
        closed = asyncio.Event()
        connection = await self._database.connect()
        connection.add_termination_listener(lambda _: closed.set())
        try:
            for channel in self._receivers:
                await connection.add_listener(channel, self._notified)
            self._tell_everybody()
            self._connected.set()
            await self._until_broken(connection, closed)
        finally:
            with contextlib.suppress(*_CONNECTION_ERRORS):
                await connection.close(timeout=2)

    async def _until_broken(self, connection: asyncpg.Connection, closed: asyncio.Event) -> None:
        """Returns when the connection is gone. One whose other end vanished silently is found by asking."""
        while not closed.is_set():
            try:
                # Not `wait_for`: before Python 3.12 it loses a cancellation that comes together with the event.
                async with asyncio.timeout(_PROBE_SECONDS):
                    await closed.wait()
            except TimeoutError:
                await connection.execute("select 1", timeout=_PROBE_TIMEOUT_SECONDS)

    def _notified(self, connection: Any, pid: int, channel: str, payload: str) -> None:
        for receiver in self._receivers[channel]:
            receiver(payload)

    def _tell_everybody(self) -> None:
        for receivers in self._receivers.values():
            for receiver in receivers:
                receiver(None)


@asynccontextmanager
async def listener_lifespan(services: Services) -> AsyncIterator[None]:
    """Runs the listener; the lifespans before it have subscribed."""
    async with services[Listener].running():
        yield

"""Holds database connections, each with its prepared statements.

Not asyncpg's own pool: that sends a reset query at each release, which costs two thirds of the throughput, and our
statements leave nothing behind that would need one (`set_config(..., true)` ends with its transaction).

A few connections serve many requests: more of them than a small multiple of the cores makes each one slower. So a
request that finds none free waits a moment for one to come back, and only then another is opened, up to `pool_max`.
Tenants who wait take turns, and none holds so many that others would find none (`Shares`).
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg

from hasura.engine.execution.generations import GenerationalCache
from hasura.engine.execution.shares import Shares
from hasura.engine.sql.database_errors import CONNECTION_LOST

_GROW_AFTER_SECONDS = 0.02
_STATEMENTS_PER_CONNECTION = 500
MAX_PIPELINED_BYTES = 100_000
"""Of arguments. The driver writes four buffers of 32 KiB before it waits for the socket to take them, and whoever is
cancelled in that wait would never come back."""
_OUTDATED = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)


class HeldConnection:
    """Holds a connection and what it has prepared. Used by one task at a time."""

    def __init__(self, connection: "asyncpg.Connection[Any]") -> None:
        self.raw = connection
        self._statements: GenerationalCache[str, Any] = GenerationalCache(_STATEMENTS_PER_CONNECTION)
        self._names = itertools.count(1)
        # Whose share it is taken from while it is in use.
        self.tenant: str | None = None

    async def fetch_json(self, sql: str, arguments: Sequence[object]) -> bytes:
        """Returns the single value of the statement's single row, as JSON bytes.

        Outside a transaction a statement whose plan a change of the schema has made invalid is prepared once more;
        inside one the error ends the transaction anyway.
        """
        try:
            value = await (self._statements.get(sql) or await self._prepare(sql)).fetchval(*arguments)
        except _OUTDATED:
            if self.raw.is_in_transaction():
                raise
            value = await (await self._prepare(sql)).fetchval(*arguments)
        return _json_bytes(value)

    async def fetch_json_of_each(self, sql: str, arguments: Sequence[Sequence[object]]) -> list[bytes]:
        """Returns what `fetch_json` does, for each of the arguments, in order and in one round trip.

        They are statements of their own to PostgreSQL; when one fails those after it do not run. Send not more than
        `MAX_PIPELINED_BYTES` at once.
        """
        try:
            rows = await (self._statements.get(sql) or await self._prepare(sql)).fetchmany(arguments)
        except _OUTDATED:
            if self.raw.is_in_transaction():
                raise
            rows = await (await self._prepare(sql)).fetchmany(arguments)
        return [_json_bytes(value) for (value,) in rows]

    async def fetch_rows(self, sql: str, arguments: Sequence[object]) -> list[Any]:
        """Returns all rows of the statement; prepared and kept as in `fetch_json`."""
        try:
            rows = await (self._statements.get(sql) or await self._prepare(sql)).fetch(*arguments)
        except _OUTDATED:
            if self.raw.is_in_transaction():
                raise
            rows = await (await self._prepare(sql)).fetch(*arguments)
        return list(rows)

    async def fetch_jsons(self, sql: str, arguments: Sequence[object]) -> list[bytes]:
        """Returns the values of the statement's single row, as `fetch_json` gives one."""
        (row,) = await self.fetch_rows(sql, arguments)
        return [_json_bytes(value) for value in row]

    async def _prepare(self, sql: str) -> Any:
        # With a name of its own: the driver parses and plans an unnamed statement again for each execution.
        statement = await self.raw.prepare(sql, name=f"automio_{next(self._names)}")
        self._statements.discard(sql)
        self._statements.put(sql, statement)
        return statement


class ConnectionPool:
    """Opens connections when they are needed and keeps them.

    `pool_min` are opened as soon as they are needed, more only when a request has waited; `pool_max` is the limit,
    beyond which requests wait for their turn.
    """

    def __init__(
        self,
        url: str,
        *,
        server_settings: dict[str, str],
        pool_min: int,
        pool_max: int,
        connect_timeout: float = 30.0,
    ) -> None:
        self._url = url
        self._server_settings = server_settings
        self._pool_min = min(pool_min, pool_max)
        self._pool_max = pool_max
        self._connect_timeout = connect_timeout
        self._free: list[HeldConnection] = []
        self._shares: Shares[asyncio.Future[HeldConnection | None]] = Shares(pool_max)
        self._open = 0
        self._closed = False

    async def connect(self) -> "asyncpg.Connection[Any]":
        """Returns a connection that belongs to the caller, outside the pool (listening, metadata)."""
        return await asyncpg.connect(
            self._url,
            server_settings=self._server_settings,
            statement_cache_size=0,
            timeout=self._connect_timeout,
        )

    def take_free(self, tenant: str | None = None) -> HeldConnection | None:
        """Returns a connection that is free now: what `acquire` gives at once, without a coroutine."""
        if not self._shares.may_take(tenant):
            return None
        held = self._pop_free()
        if held is not None:
            self._shares.take(tenant)
            held.tenant = tenant
        return held

    def _pop_free(self) -> HeldConnection | None:
        while self._free:
            held = self._free.pop()
            if not held.raw.is_closed():
                return held
            self._open -= 1
        return None

    async def acquire(self, tenant: str | None = None) -> HeldConnection:
        """Returns a free connection, a new one, or the next that becomes free and is the tenant's turn."""
        if (held := self.take_free(tenant)) is not None:
            return held
        if self._open < self._pool_min and self._shares.may_take(tenant):
            self._shares.take(tenant)
            return await self._open_one(tenant)
        return await self._wait_for_one(tenant)

    def release(self, held: HeldConnection) -> None:
        """Gives a connection back; in place of a broken one, the next that waits opens another."""
        self._shares.give_back(held.tenant)
        usable = not held.raw.is_closed() and not held.raw.is_in_transaction() and not self._closed
        may_open = self._pool_min
        if usable:
            self._free.append(held)
        else:
            may_open = max(may_open, self._open)
            self._open -= 1
            if not held.raw.is_closed():
                held.raw.terminate()
        if self._shares.has_waiters:
            self._hand_out(may_open)

    def _hand_out(self, may_open: int) -> None:
        """Gives the free connections, and the right to open others up to that number, to those whose turn it is."""
        while self._free or self._open < may_open:
            if (next_one := self._shares.next_waiter()) is None:
                return
            tenant, waiter = next_one
            held = self._pop_free()
            if held is None:
                # Counted as open at once, so that not more are opened than are missing.
                self._open += 1
            else:
                held.tenant = tenant
            waiter.set_result(held)

    def end_with_free(self, held: HeldConnection) -> None:
        """Ends a connection that was lost under its user, and the free ones, which are likely to be lost too.

        Whoever tries again gets a new one. `held` is still to be released.
        """
        held.raw.terminate()
        free, self._free = self._free, []
        for idle in free:
            self._open -= 1
            idle.raw.terminate()

    @contextlib.asynccontextmanager
    async def held(self, tenant: str | None = None) -> AsyncIterator[HeldConnection]:
        """Holds a connection for the block; when it is lost there, it is not used again."""
        held = await self.acquire(tenant)
        try:
            yield held
        except CONNECTION_LOST:
            self.end_with_free(held)
            raise
        finally:
            self.release(held)

    async def close(self) -> None:
        """Closes the free connections; those in use are ended when they come back."""
        self._closed = True
        free, self._free = self._free, []
        for held in free:
            self._open -= 1
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncio.TimeoutError):
                await held.raw.close(timeout=5)

    async def _wait_for_one(self, tenant: str | None) -> HeldConnection:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[HeldConnection | None] = loop.create_future()
        self._shares.wait(tenant, waiter)
        growth = loop.call_later(_GROW_AFTER_SECONDS, self._grow, tenant, waiter)
        try:
            held = await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._return_unused(waiter.result(), tenant)
            raise
        finally:
            growth.cancel()
        return held if held is not None else await self._open_counted(tenant)

    def _return_unused(self, given: HeldConnection | None, tenant: str | None) -> None:
        """Takes back a connection, or the right to open one, from somebody who does not use it."""
        if given is not None:
            self.release(given)
            return
        may_open = self._open
        self._open -= 1
        self._shares.give_back(tenant)
        if self._shares.has_waiters:
            self._hand_out(may_open)

    def _grow(self, tenant: str | None, waiter: "asyncio.Future[HeldConnection | None]") -> None:
        if waiter.done() or self._open >= self._pool_max or not self._shares.may_take(tenant):
            return
        self._shares.leave(tenant, waiter)
        self._shares.take(tenant)
        self._open += 1
        waiter.set_result(None)

    async def _open_one(self, tenant: str | None) -> HeldConnection:
        self._open += 1
        return await self._open_counted(tenant)

    async def _open_counted(self, tenant: str | None) -> HeldConnection:
        """Opens a connection that is counted already, in the pool and in its tenant's share."""
        try:
            raw = await self.connect()
            # JSON comes and goes as bytes: what PostgreSQL has built is never decoded here.
            await raw.set_type_codec("json", schema="pg_catalog", encoder=_as_bytes, decoder=bytes, format="binary")
        except BaseException:
            self._return_unused(None, tenant)
            raise
        held = HeldConnection(raw)
        held.tenant = tenant
        return held


def _json_bytes(value: object) -> bytes:
    if value is None:
        return b"null"
    return value if isinstance(value, bytes) else str(value).encode()


def _as_bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()

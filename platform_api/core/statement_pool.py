"""Connects to PostgreSQL for single statements, through plain asyncpg: no transaction, no session, quick.

Used for what is asked so often that it must not compete with requests' transactions for the `Database`'s connections.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeVar

import asyncpg

from hasura.engine.sql.database_errors import CONNECTION_LOST

_Result = TypeVar("_Result")

_COMMAND_SECONDS = 10.0
_CLOSE_SECONDS = 2.0
_ATTEMPTS = 3
_PAUSE_SECONDS = 0.02


class StatementFailed(Exception):
    """Reports that PostgreSQL cannot be reached, or refused the statement."""


class StatementPool:
    """Holds up to `pool_max` connections, opened when they are first needed.

    A statement that meets a broken connection (after a server restart) is sent again, so each must bear repetition.
    """

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    @classmethod
    async def open(cls, database_url: str, *, pool_max: int, application_name: str) -> Self:
        """Opens a pool; the caller closes it."""
        pool = await asyncpg.create_pool(
            database_url,
            min_size=0,
            max_size=pool_max,
            command_timeout=_COMMAND_SECONDS,
            # Single statements leave nothing behind that would have to be reset.
            reset=_skip_reset,
            server_settings={"application_name": application_name},
        )
        return cls(pool)

    async def fetchrow(self, statement: str, *values: Any) -> "asyncpg.Record | None":
        """Returns the first row. Raises StatementFailed."""
        return await _with_retries(lambda: self._pool.fetchrow(statement, *values))

    async def fetchval(self, statement: str, *values: Any) -> Any:
        """Returns the first column of the first row. Raises StatementFailed."""
        return await _with_retries(lambda: self._pool.fetchval(statement, *values))

    async def execute(self, statement: str, *values: Any) -> int:
        """Runs a statement that changes rows; returns how many. Raises StatementFailed."""
        answer: str = await _with_retries(lambda: self._pool.execute(statement, *values))
        return int(answer.rpartition(" ")[2])

    async def close(self) -> None:
        """Closes the connections, if need be by force."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._pool.close(), _CLOSE_SECONDS)
        self._pool.terminate()


async def _with_retries(call: Callable[[], Awaitable[_Result]]) -> _Result:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return await call()
        except (*CONNECTION_LOST, asyncpg.PostgresError) as error:
            if attempt == _ATTEMPTS or not isinstance(error, CONNECTION_LOST) or isinstance(error, TimeoutError):
                raise StatementFailed(str(error) or type(error).__name__) from error
        await asyncio.sleep(_PAUSE_SECONDS * attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")


async def _skip_reset(connection: Any) -> None:
    pass

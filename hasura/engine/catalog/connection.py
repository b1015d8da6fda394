"""Defines the type of database connections, and transactions that end however the connection does."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[Any]"

_CLOSING_SECONDS = 2.0


@contextlib.asynccontextmanager
async def transaction(connection: Connection) -> AsyncIterator[None]:
    """Runs the block in a transaction, or in a savepoint of the one that is open.

    Unlike the driver's own, it lets the block's error through when the block has closed the connection.
    """
    begun = connection.transaction()
    await begun.start()
    try:
        yield
    except BaseException:
        if not connection.is_closed():
            await begun.rollback()
        raise
    await begun.commit()


async def abandon(connection: Connection) -> None:
    """Closes a connection in the middle of a statement; the server ends the statement and its transaction.

    A server that waits for data (COPY) does not hear that the statement is cancelled: only the end of the connection
    ends it.
    """
    with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        await connection.close(timeout=_CLOSING_SECONDS)
    if not connection.is_closed():
        connection.terminate()

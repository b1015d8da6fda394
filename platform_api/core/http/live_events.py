"""Streams what is written to the database as it comes: reads what is new, sends it, and waits to be woken."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette import ServerSentEvent

from hasura.engine.sql.database_errors import CONNECTION_LOST
from platform_api.core.database import Database
from platform_api.core.errors import Unavailable
from platform_api.core.watchers import WatchingAccess

log = structlog.stdlib.get_logger()

POLL_SECONDS = 20.0
"""Seconds after which a stream looks by itself, and checks again whether its reader may read."""
_PAUSE_SECONDS = 1.0

Position = TypeVar("Position")


@dataclass(frozen=True, slots=True)
class Reader:
    """Describes who reads a stream: whether they still may, and how to hear that this may have changed."""

    may_read: Callable[[AsyncSession], Awaitable[bool]]
    """Returns true while the reader's credential is valid for what is streamed."""
    watching_access: WatchingAccess


@dataclass(frozen=True, slots=True)
class Batch(Generic[Position]):
    """Holds what came after a position: events in their order, each with the position after it."""

    events: Sequence[tuple[Position, ServerSentEvent]] = ()
    has_more: bool = False
    is_last: bool = False


ReadBatch: TypeAlias = Callable[[AsyncSession, Position], Awaitable[Batch[Position]]]


async def live_events(
    database: Database,
    read: ReadBatch[Position],
    position: Position,
    *,
    opening: ServerSentEvent,
    watching: AbstractContextManager[asyncio.Event],
    reader: Reader,
    pause_seconds: float = 0.0,
) -> AsyncIterator[ServerSentEvent]:
    """Yields what `read` finds after `position`, until a batch is the last or the reader may no longer read.

    `opening` is sent at once, so that a client sees the stream open while there is nothing to send. A database that
    cannot be reached is waited for. When everything has been read, the next look comes `pause_seconds` later at the
    earliest.
    """
    checked, is_doubtful = time.monotonic(), False

    async def next_batch() -> Batch[Position] | None:
        nonlocal checked, is_doubtful
        try:
            async with database.transaction() as session:
                if is_doubtful or time.monotonic() - checked >= POLL_SECONDS:
                    # Before it is asked: what changes meanwhile is asked again.
                    is_doubtful = False
                    if not await reader.may_read(session):
                        return Batch(is_last=True)
                    checked = time.monotonic()
                return await read(session, position)
        except (SQLAlchemyError, asyncpg.PostgresError, *CONNECTION_LOST, Unavailable) as error:
            log.info("live_events.database_unavailable", stream=opening.comment, error=str(error))
            is_doubtful = True
            return None

    def doubt() -> None:
        nonlocal is_doubtful
        is_doubtful = True
        changed.set()

    with watching as changed, reader.watching_access(doubt):
        yield opening
        while True:
            changed.clear()
            batch = await next_batch()
            if batch is None:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            for after, event in batch.events:
                yield event
                position = after
            if batch.is_last:
                return
            if not batch.has_more:
                if pause_seconds:
                    await asyncio.sleep(pause_seconds)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await changed.wait()

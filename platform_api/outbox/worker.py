"""Handles outbox items as they are committed, in any number of processes at once."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import groupby
from typing import TypeAlias

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from platform_api.core.database import Database
from platform_api.outbox.service import (
    ClaimedItem,
    claim,
    complete,
    give_back,
    postpone,
    seconds_until_due,
)

log = structlog.stdlib.get_logger()

Handler: TypeAlias = Callable[[Sequence[ClaimedItem]], Awaitable[None]]
"""Handles items of one topic together. It may be called again for the same items: it must not mind."""

_BATCH = 100
_LEASE = timedelta(minutes=5)
_GIVING_BACK_SECONDS = 5.0
_LONGEST_WAIT_SECONDS = 30.0
_LONGEST_BACKOFF_SECONDS = 300.0


class OutboxHandlers:
    """Handlers by topic; the lifespans that come before the outbox's add theirs."""

    def __init__(self) -> None:
        self.by_topic: dict[str, Handler] = {}

    def add(self, topic: str, handler: Handler) -> None:
        """Gives the items of `topic` to `handler`."""
        self.by_topic[topic] = handler


class OutboxWorker:
    """One process's part in emptying the outbox."""

    def __init__(self, database: Database, handlers: Mapping[str, Handler]) -> None:
        self._database = database
        self._handlers = handlers
        self._wake = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works in the background as long as the block runs."""
        task = asyncio.create_task(self._work())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def drain(self) -> None:
        """Handles everything that is due now."""
        while await self._handle_batch():
            pass

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self.drain()
                wait = await self._next_wait()
            except (SQLAlchemyError, asyncpg.PostgresError, OSError) as error:
                log.warning("outbox.database_unavailable", error=str(error))
                wait = 1.0
            # Not `wait_for`: before Python 3.12 it loses a cancellation that comes together with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()

    async def _next_wait(self) -> float:
        async with self._database.transaction() as session:
            due = await seconds_until_due(session, self._handlers.keys())
        return _LONGEST_WAIT_SECONDS if due is None else min(due + 0.01, _LONGEST_WAIT_SECONDS)

    async def _handle_batch(self) -> int:
        claiming = asyncio.ensure_future(self._claim())
        handled: set[str] = set()
        try:
            items = await asyncio.shield(claiming)
            for topic, group in groupby(items, key=lambda item: item.topic):
                await self._handle(topic, list(group))
                handled.add(topic)
        except asyncio.CancelledError:
            # The process stops. What it has claimed would wait for the end of the lease.
            await self._give_back(claiming, handled)
            raise
        return len(items)

    async def _claim(self) -> list[ClaimedItem]:
        async with self._database.transaction() as session:
            items = await claim(session, self._handlers.keys(), limit=_BATCH, lease=_LEASE)
        return sorted(items, key=lambda item: (item.topic, item.id))

    async def _give_back(self, claiming: "asyncio.Future[list[ClaimedItem]]", handled: set[str]) -> None:
        try:
            async with asyncio.timeout(_GIVING_BACK_SECONDS):
                items = [item for item in await claiming if item.topic not in handled]
                async with self._database.transaction() as session:
                    await give_back(session, items)
        except (SQLAlchemyError, asyncpg.PostgresError, OSError) as error:
            log.warning("outbox.not_given_back", error=str(error))

    async def _handle(self, topic: str, items: list[ClaimedItem]) -> None:
        try:
            await self._handlers[topic](items)
        except Exception as error:  # whatever it was, the work is still to be done
            delay = _backoff(max(item.attempts for item in items))
            log.warning("outbox.failed", topic=topic, items=len(items), error=str(error), retry_seconds=delay)
            async with self._database.transaction() as session:
                reason = f"{type(error).__name__}: {error}"
                await postpone(session, items, reason=reason, delay=timedelta(seconds=delay))
            return
        async with self._database.transaction() as session:
            await complete(session, items)

    def heard(self, topic: str | None) -> None:
        """To be called when something of `topic` was committed (None: perhaps, of any)."""
        if topic is None or topic in self._handlers:
            self._wake.set()


def _backoff(attempts: int) -> float:
    """Seconds until the next attempt: doubling from one second, spread so that processes do not meet."""
    return min(2.0 ** min(attempts - 1, 16), _LONGEST_BACKOFF_SECONDS) * random.uniform(0.75, 1.25)

"""Handles outbox items as they are committed, in any number of processes at once, each topic by itself."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeAlias

from platform_api.core.database import Database
from platform_api.core.errors import Unavailable
from platform_api.outbox.models import OutboxItem
from platform_api.outbox.service import ClaimedItem, queue_of, remove, rewritten
from platform_api.work.errors import Failed
from platform_api.work.queue import CANCEL, Claimed
from platform_api.work.sweep import Sweep
from platform_api.work.worker import Domain, Worker

Handler: TypeAlias = Callable[[Sequence[ClaimedItem]], Awaitable[None]]
"""Handles items of one topic together. It may be called again for the same items, so it must be idempotent."""


class OutboxTopic(Domain[OutboxItem]):
    """Works on the items of one topic."""

    def __init__(self, database: Database, topic: str, handle: Handler) -> None:
        self.queue = queue_of(topic)
        self._database = database
        self._handle = handle

    async def work(self, claimed: Sequence[Claimed[OutboxItem]]) -> None:
        try:
            await self._handle([item.job for item in claimed])
        except Exception as error:
            # Items written again meanwhile do not wait for the next attempt.
            await self._release_rewritten(claimed)
            # Whatever the error was, the work must still be done.
            raise Unavailable(f"{type(error).__name__}: {error}") from error
        async with self._database.transaction() as session:
            removed = await remove(session, claimed)
        if remaining := [item for item in claimed if item.id not in removed]:
            await self.queue.release(self._database, remaining)

    async def fail(self, claimed: Claimed[OutboxItem], error: Failed) -> None:
        raise AssertionError("an outbox item is retried until it is done") from error

    async def cancel(self, claimed: Claimed[OutboxItem]) -> None:
        async with self._database.transaction() as session:
            await remove(session, [claimed], only=OutboxItem.cancel_requested_at.is_not(None))

    async def _release_rewritten(self, claimed: Sequence[Claimed[OutboxItem]]) -> None:
        async with self._database.transaction() as session:
            items = await rewritten(session, claimed)
        if items:
            await self.queue.release(self._database, items)


class OutboxHandlers:
    """Holds handlers by topic; the lifespans that come before the outbox's add theirs."""

    def __init__(self) -> None:
        self.by_topic: dict[str, Handler] = {}

    def add(self, topic: str, handler: Handler) -> None:
        """Gives the items of `topic` to `handler`."""
        self.by_topic[topic] = handler


class OutboxWorker:
    """Does one process's part of the work in the outbox."""

    def __init__(self, sweep: Sweep, handlers: Mapping[str, Handler]) -> None:
        self._workers = {
            topic: Worker(sweep, OutboxTopic(sweep.database, topic, handle)) for topic, handle in handlers.items()
        }

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Works in the background as long as the block runs."""
        async with AsyncExitStack() as stack:
            for worker in self._workers.values():
                await stack.enter_async_context(worker.running())
            yield

    async def drain(self) -> None:
        """Handles everything that is due now."""
        for worker in self._workers.values():
            await worker.drain()

    def heard(self, payload: str | None) -> None:
        """Wakes the worker of the topic that `payload` names; a cancellation, or no topic, wakes all of them."""
        for topic, worker in self._workers.items():
            if not payload or payload == topic or payload.startswith(CANCEL):
                worker.heard(payload)

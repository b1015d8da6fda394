"""Puts work into the outbox, and defines the queues that it is claimed from: one for each topic."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, delete, func, select, true, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.outbox.models import OutboxItem
from platform_api.work.queue import Claimed, Queue

CHANNEL = "automio_outbox"
"""PostgreSQL notifies here, with the topic, when an item is committed."""
_BATCH = 100
_MAX_BACKOFF_SECONDS = 300.0

ClaimedItem: TypeAlias = OutboxItem
"""An item that this process is handling."""


async def enqueue(
    session: AsyncSession,
    topic: str,
    *,
    payload: dict[str, Any] | None = None,
    key: str | None = None,
    delay: timedelta = timedelta(),
) -> None:
    """Stores work to be done after `session` commits, and after `delay`.

    With a `key`, it replaces waiting work of that key; an item that is being handled at the moment is handled once
    more.
    """
    available_at = func.now() + delay
    statement = insert(OutboxItem).values(topic=topic, key=key, payload=payload or {}, available_at=available_at)
    statement = statement.on_conflict_do_update(
        index_elements=[OutboxItem.topic, OutboxItem.key],
        set_={
            "payload": statement.excluded.payload,
            "version": OutboxItem.version + 1,
            "attempts": 0,
            "available_at": available_at,
        },
    )
    await session.execute(statement)
    await session.execute(select(func.pg_notify(CHANNEL, topic)))


def queue_of(topic: str) -> Queue[OutboxItem]:
    """Returns the queue of one topic; its items are retried until they are done."""
    return Queue(
        OutboxItem,
        name=f"outbox_{topic}",
        channel=CHANNEL,
        where=OutboxItem.topic == topic,
        order_by=[OutboxItem.available_at, OutboxItem.id],
        batch=_BATCH,
        max_attempts=None,
        max_backoff_seconds=_MAX_BACKOFF_SECONDS,
        reason="last_error",
    )


async def remove(
    session: AsyncSession, items: Sequence[Claimed[OutboxItem]], *, only: ColumnElement[bool] | None = None
) -> set[int]:
    """Deletes items that this process still holds, except those written again meanwhile; returns the ids."""
    versions = [(item.id, item.fence, item.job.version) for item in items]
    statement = (
        delete(OutboxItem)
        .where(
            tuple_(OutboxItem.id, OutboxItem.fence, OutboxItem.version).in_(versions),
            OutboxItem.lease_expires_at.is_not(None),
            true() if only is None else only,
        )
        .returning(OutboxItem.id)
        .execution_options(synchronize_session=False)
    )
    return set(await session.scalars(statement))


async def rewritten(session: AsyncSession, items: Sequence[Claimed[OutboxItem]]) -> list[Claimed[OutboxItem]]:
    """Returns the items that were written again since they were claimed."""
    stored = select(OutboxItem.id, OutboxItem.version).where(OutboxItem.id.in_([item.id for item in items]))
    versions = {row.id: row.version for row in await session.execute(stored)}
    return [item for item in items if versions.get(item.id, item.job.version) != item.job.version]

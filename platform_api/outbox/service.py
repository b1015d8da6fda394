"""Putting work into the outbox, and taking it out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.outbox.models import OutboxItem

CHANNEL = "automio_outbox"
"""PostgreSQL notifies here, with the topic, when an item is committed."""


@dataclass(frozen=True, slots=True)
class ClaimedItem:
    """An item that this process is handling until its claim runs out."""

    id: int
    topic: str
    key: str | None
    payload: dict[str, Any]
    version: int
    attempts: int


async def enqueue(
    session: AsyncSession, topic: str, *, payload: dict[str, Any] | None = None, key: str | None = None
) -> None:
    """Stores work for after the commit of `session`. With a `key`, it replaces waiting work of that key."""
    statement = insert(OutboxItem).values(topic=topic, key=key, payload=payload or {})
    statement = statement.on_conflict_do_update(
        index_elements=[OutboxItem.topic, OutboxItem.key],
        set_={
            "payload": statement.excluded.payload,
            "version": OutboxItem.version + 1,
            "attempts": 0,
            "available_at": func.now(),
        },
    )
    await session.execute(statement)
    await session.execute(select(func.pg_notify(CHANNEL, topic)))


async def claim(
    session: AsyncSession, topics: Collection[str], *, limit: int, lease: timedelta
) -> Sequence[ClaimedItem]:
    """Takes up to `limit` items that are due; nobody else gets them before `lease` is over."""
    due = (
        select(OutboxItem.id)
        .where(OutboxItem.topic.in_(topics), OutboxItem.available_at <= func.now())
        .order_by(OutboxItem.available_at, OutboxItem.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(OutboxItem)
        .where(OutboxItem.id.in_(due))
        .values(available_at=func.now() + lease, attempts=OutboxItem.attempts + 1)
        .returning(
            OutboxItem.id,
            OutboxItem.topic,
            OutboxItem.key,
            OutboxItem.payload,
            OutboxItem.version,
            OutboxItem.attempts,
        )
        .execution_options(synchronize_session=False)
    )
    rows = await session.execute(statement)
    return [ClaimedItem(*row) for row in rows]


async def complete(session: AsyncSession, items: Sequence[ClaimedItem]) -> None:
    """Removes handled items, except those that were written again meanwhile: these stay due."""
    for item in items:
        await session.execute(delete(OutboxItem).where(OutboxItem.id == item.id, OutboxItem.version == item.version))


async def postpone(session: AsyncSession, items: Sequence[ClaimedItem], *, reason: str, delay: timedelta) -> None:
    """Offers failed items again after `delay`, unless they were written again meanwhile: these stay due."""
    for item in items:
        await session.execute(
            update(OutboxItem)
            .where(OutboxItem.id == item.id, OutboxItem.version == item.version)
            .values(available_at=func.now() + delay, last_error=reason[:2000])
            .execution_options(synchronize_session=False)
        )


async def give_back(session: AsyncSession, items: Sequence[ClaimedItem]) -> None:
    """Offers items that were not handled at once, to whoever listens, as if they had not been claimed."""
    for item in items:
        statement = (
            update(OutboxItem)
            # Not one that somebody else has claimed since.
            .where(OutboxItem.id == item.id, OutboxItem.version == item.version, OutboxItem.attempts == item.attempts)
            .values(available_at=func.now(), attempts=OutboxItem.attempts - 1)
            .execution_options(synchronize_session=False)
        )
        await session.execute(statement)
    for topic in sorted({item.topic for item in items}):
        await session.execute(select(func.pg_notify(CHANNEL, topic)))


async def seconds_until_due(session: AsyncSession, topics: Collection[str]) -> float | None:
    """Time until the next item of these topics is due; None when there is none."""
    statement = select(func.extract("epoch", func.min(OutboxItem.available_at) - text("clock_timestamp()"))).where(
        OutboxItem.topic.in_(topics)
    )
    seconds = await session.scalar(statement)
    return None if seconds is None else max(0.0, float(seconds))

"""How Hasura metadata follows a change of tables: within the same transaction, or from the outbox after it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from hasura.metadata import (
    InProcessMetadata,
    MetadataCommand,
    MetadataEngine,
    QualifiedTable,
    TableMetadata,
    Tables,
    plan_again,
)
from platform_api.core.database import after_commit, as_engine_role, driver_connection
from platform_api.core.types import AppId
from platform_api.outbox.service import enqueue

TOPIC = "hasura-metadata"
"""Outbox items: an app's metadata is to be made what its definitions say. Key: the app's id."""


@dataclass(frozen=True, slots=True)
class MetadataChange:
    """The metadata of the tables that a change concerns, before and after it.

    `altered` are tables in both whose columns or constraints changed.
    """

    app_id: AppId
    before: Tables
    after: Tables
    altered: Sequence[QualifiedTable] = ()


class MetadataFollowUp(Protocol):
    """Lets metadata follow; called after the DDL, in the same transaction."""

    async def follow(self, session: AsyncSession, change: MetadataChange) -> None:
        """Raises `hasura.metadata.MetadataError` when it cannot."""


@dataclass(frozen=True, slots=True)
class TableServices:
    """What a change of tables works with."""

    follow_up: MetadataFollowUp


class EmbeddedTransport:
    """The embedded engine's metadata, inside a session's transaction and as the role that owns it."""

    def __init__(self, engine: MetadataEngine, session: AsyncSession) -> None:
        self._engine = engine
        self._session = session

    async def apply(self, commands: Sequence[MetadataCommand]) -> None:
        """Raises `MetadataError`."""
        connection = await driver_connection(self._session)
        async with as_engine_role(self._session):
            await InProcessMetadata(self._engine, connection).apply(commands)

    async def export_tables(self) -> dict[QualifiedTable, TableMetadata]:
        """Raises `MetadataError`."""
        connection = await driver_connection(self._session)
        async with as_engine_role(self._session):
            return await InProcessMetadata(self._engine, connection).export_tables()


class EmbeddedFollowUp:
    """The embedded engine: metadata is part of the transaction, and served as soon as it is committed."""

    def __init__(self, engine: MetadataEngine, refresh: Callable[[], Awaitable[None]]) -> None:
        self._engine = engine
        self._refresh = refresh

    async def follow(self, session: AsyncSession, change: MetadataChange) -> None:
        commands = plan_again(change.before, change.after, altered=change.altered)
        await EmbeddedTransport(self._engine, session).apply(commands)
        after_commit(session, self._refresh)


class OutboxFollowUp:
    """A separate Hasura: it is told after the commit. Until then a new table or column is invisible."""

    async def follow(self, session: AsyncSession, change: MetadataChange) -> None:
        await enqueue(session, TOPIC, key=str(change.app_id), payload={"app_id": change.app_id})

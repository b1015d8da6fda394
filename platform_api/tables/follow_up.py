"""Updates Hasura's metadata after a change of tables: in the same transaction, or from the outbox after it."""

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
"""Is the outbox topic of apps whose metadata has to be synchronized with their definitions. Key: the app's id."""


@dataclass(frozen=True, slots=True)
class MetadataChange:
    """Holds the metadata of the tables that a change affects, before and after it.

    `altered` lists those in both whose columns or constraints changed.
    """

    app_id: AppId
    before: Tables
    after: Tables
    altered: Sequence[QualifiedTable] = ()


class MetadataFollowUp(Protocol):
    """Updates metadata; called after the DDL, in the same transaction."""

    async def follow(self, session: AsyncSession, change: MetadataChange) -> None:
        """Updates the metadata now or after the commit. Raises `hasura.metadata.MetadataError`."""


@dataclass(frozen=True, slots=True)
class TableServices:
    """Holds the services that a change of tables uses."""

    follow_up: MetadataFollowUp


class EmbeddedTransport:
    """Changes the embedded engine's metadata inside a session's transaction, as the role that owns it."""

    def __init__(self, engine: MetadataEngine, session: AsyncSession) -> None:
        self._engine = engine
        self._session = session

    async def apply(self, commands: Sequence[MetadataCommand]) -> None:
        """Applies the commands in order. Raises `MetadataError`."""
        connection = await driver_connection(self._session)
        async with as_engine_role(self._session):
            await InProcessMetadata(self._engine, connection).apply(commands)

    async def export_tables(self) -> dict[QualifiedTable, TableMetadata]:
        """Returns the metadata of every tracked table. Raises `MetadataError`."""
        connection = await driver_connection(self._session)
        async with as_engine_role(self._session):
            return await InProcessMetadata(self._engine, connection).export_tables()


class EmbeddedFollowUp:
    """Updates the embedded engine's metadata in the transaction; it is served as soon as that commits."""

    def __init__(self, engine: MetadataEngine, refresh: Callable[[], Awaitable[None]]) -> None:
        self._engine = engine
        self._refresh = refresh

    async def follow(self, session: AsyncSession, change: MetadataChange) -> None:
        commands = plan_again(change.before, change.after, altered=change.altered)
        await EmbeddedTransport(self._engine, session).apply(commands)
        after_commit(session, self._refresh)


class OutboxFollowUp:
    """Updates a separate Hasura after the commit; until then it does not serve a new table or column."""

    async def follow(self, session: AsyncSession, change: MetadataChange) -> None:
        await enqueue(session, TOPIC, key=str(change.app_id), payload={"app_id": change.app_id})

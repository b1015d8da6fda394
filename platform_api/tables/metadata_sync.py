"""Synchronizes Hasura's metadata with the stored definitions, whatever it is now.

Runs after a change when Hasura is a separate server, and by hand as a repair (`automio metadata sync`). Touches only
tables named like an app's; a Hasura may serve others as well.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from hasura.metadata import (
    HttpMetadata,
    MetadataCommand,
    MetadataError,
    MetadataTransport,
    MetadataUnavailable,
    QualifiedTable,
    TableMetadata,
    plan,
    reload_commands,
)
from platform_api.core.database import Database
from platform_api.outbox.service import ClaimedItem
from platform_api.tables.ddl.statements import SCHEMA
from platform_api.tables.metadata import app_metadata
from platform_api.tables.permissions.repository import limits_of, permissions_of_apps
from platform_api.tables.repository import definitions_of_apps

log = structlog.stdlib.get_logger()

_APP_TABLE = re.compile(r"app_([1-9][0-9]{0,9})_[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Holds the desired and the current metadata of app tables, and the commands that turn one into the other."""

    desired: dict[QualifiedTable, TableMetadata]
    current: dict[QualifiedTable, TableMetadata]
    commands: Sequence[MetadataCommand]


async def compare(
    session: AsyncSession, transport: MetadataTransport, *, app_ids: Collection[int] | None = None
) -> Comparison:
    """Compares the metadata of tables with their definitions, for the given apps or for all."""
    desired: dict[QualifiedTable, TableMetadata] = {}
    permissions = await permissions_of_apps(session, app_ids)
    for app_id, definitions in (await definitions_of_apps(session, app_ids)).items():
        limits = limits_of([item for item in permissions if item.app_id == app_id])
        desired.update(app_metadata(definitions, limits=limits))
    is_ours = belongs_to(app_ids)
    exported = await transport.export_tables()
    current = {table: metadata for table, metadata in exported.items() if is_ours(table)}
    return Comparison(desired, current, plan(current, desired))


def belongs_to(app_ids: Collection[int] | None) -> Callable[[QualifiedTable], bool]:
    """Returns a test for tables of the given apps, or of any app, by the table's name."""

    def is_ours(table: QualifiedTable) -> bool:
        match = _APP_TABLE.match(table.name) if table.schema == SCHEMA else None
        return match is not None and (app_ids is None or int(match[1]) in app_ids)

    return is_ours


class HttpMetadataSync:
    """Synchronizes a separate Hasura server."""

    def __init__(self, database: Database, metadata: HttpMetadata) -> None:
        self._database = database
        self._metadata = metadata

    async def handle(self, items: Sequence[ClaimedItem]) -> None:
        """Handles outbox items: synchronizes the apps they name."""
        await self.converge({int(item.payload["app_id"]) for item in items})

    async def converge(self, app_ids: Collection[int] | None = None) -> Comparison:
        """Synchronizes the given apps, or all; returns the comparison made before. Raises `MetadataError`."""
        async with self._database.transaction() as session:
            # One at a time: a slower process must not undo a change made after it read the definitions.
            await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("automio.metadata_sync"))))
            comparison = await compare(session, self._metadata, app_ids=app_ids)
            await self._apply(comparison, app_ids)
        return comparison

    async def _apply(self, comparison: Comparison, app_ids: Collection[int] | None) -> None:
        # Always reload first: the columns of tracked tables may have changed.
        try:
            await self._metadata.apply([*reload_commands(), *comparison.commands])
        except MetadataUnavailable:
            raise
        except MetadataError as error:
            log.warning("metadata.commands_refused", error=str(error))
            await self._metadata.replace_tables(comparison.desired, is_ours=belongs_to(app_ids))

"""Brings a database to the schema of this release.

The migrations are one transaction, in which building an index on a large table would keep its writers waiting. Such
an index is declared as `INDEXES` of the migration's script (its name, and what follows `on`), created there while the
table is small, and otherwise built after the migrations, beside the writers.
"""

from collections.abc import Mapping

import asyncpg
import structlog
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from alembic import command, op
from platform_api.core.database import PLATFORM_SCHEMA, Database
from platform_api.schema_state import note_built_indexes, script_location

log = structlog.stdlib.get_logger()

_MAX_SMALL_ROWS = 50_000
"""Rows for which the index is built in a fraction of a second."""

_STATE_OF_INDEX = """
select index.indisvalid
from pg_index as index
join pg_class as class on class.oid = index.indexrelid
join pg_namespace as namespace on namespace.oid = class.relnamespace
where namespace.nspname = $1 and class.relname = $2
"""


def alembic_config(connection: Connection | None = None) -> Config:
    """Returns Alembic's configuration for `connection`, without a file."""
    config = Config()
    config.set_main_option("script_location", str(script_location()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


async def migrate(database_url: str) -> None:
    """Runs every migration that `database_url` lacks, in one transaction; waits for another process that migrates.

    Afterwards builds the indexes that were left to be built beside writers.
    """
    database = Database(database_url, pool_size=1, application_name="automio migrate")
    try:
        async with database.engine.begin() as connection:
            before = await connection.run_sync(_revisions)
            await connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), "heads"))
            after = await connection.run_sync(_revisions)
        if before != after:
            log.info("migrations.applied", before=", ".join(before) or None, after=", ".join(after))
        await _build_large_indexes(database)
    finally:
        await database.close()


def _revisions(connection: Connection) -> tuple[str, ...]:
    """Returns the revisions that the database is at; none for an empty one."""
    return MigrationContext.configure(connection, opts={"version_table_schema": PLATFORM_SCHEMA}).get_current_heads()


def create_small_indexes(indexes: Mapping[str, str]) -> None:
    """Creates, within a migration, those of its `INDEXES` whose table is small; leaves the others to `migrate`."""
    connection = op.get_bind()
    for name, definition in indexes.items():
        table = definition.split(" ", 1)[0]
        rows = f"select count(*) from (select from {table} limit {_MAX_SMALL_ROWS + 1}) as counted"  # noqa: S608 (ours)
        if (connection.scalar(text(rows)) or 0) <= _MAX_SMALL_ROWS:
            op.execute(f"create index {name} on {definition}")


async def _build_large_indexes(database: Database) -> None:
    """Builds the indexes that are missing, and again those whose building was interrupted."""
    connection = await database.connect()
    try:
        # Waiting for the lock would hold a snapshot, for whose end the other process's building waits in turn.
        if not await connection.fetchval("select pg_try_advisory_lock(hashtext('automio.indexes'))"):
            log.info("indexes.built_elsewhere")
            return
        for revision in ScriptDirectory.from_config(alembic_config()).walk_revisions():
            for name, definition in getattr(revision.module, "INDEXES", {}).items():
                await _build(connection, name, definition)
            if (missing_indexes := getattr(revision.module, "missing_indexes", None)) is not None:
                for name, definition in await missing_indexes(connection):
                    await _build_on_app_table(connection, name, definition)
        await note_built_indexes(connection)
    finally:
        await connection.close()


async def _build(connection: asyncpg.Connection, name: str, definition: str) -> None:
    is_valid = await connection.fetchval(_STATE_OF_INDEX, PLATFORM_SCHEMA, name)
    if is_valid:
        return
    if is_valid is False:
        await connection.execute(f"drop index concurrently {PLATFORM_SCHEMA}.{name}")
    log.info("index.building", index=name)
    await connection.execute(f"create index concurrently {name} on {definition}")


async def _build_on_app_table(connection: asyncpg.Connection, name: str, definition: str) -> None:
    """Builds an index as the owner of app tables; a table that was dropped or renamed meanwhile needs it no more."""
    await connection.execute("set role automio_engine")
    try:
        await connection.execute(f'drop index concurrently if exists public."{name}"')
        await connection.execute(f'create index concurrently "{name}" on {definition}')
    except (asyncpg.UndefinedTableError, asyncpg.DuplicateTableError) as error:
        log.info("index.table_changed", index=name, error=str(error))
    finally:
        await connection.execute("reset role")

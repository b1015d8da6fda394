"""Runs the migrations: on the connection it is given (`automio migrate`), or on one to DATABASE_URL."""

import asyncio
from typing import Any

from sqlalchemy import Connection, text

from alembic import context
from platform_api.core.database import PLATFORM_SCHEMA, Database
from platform_api.core.settings import DatabaseSettings
from platform_api.models import metadata


def _include_name(name: str | None, type_: str, parent_names: Any) -> bool:
    return name == PLATFORM_SCHEMA if type_ == "schema" else True


def _run(connection: Connection) -> None:
    # One migration at a time, whoever starts it; and alembic's own table lives in our schema.
    connection.execute(text("select pg_advisory_xact_lock(hashtext('automio.migrate'))"))
    connection.execute(text(f"create schema if not exists {PLATFORM_SCHEMA}"))
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table_schema=PLATFORM_SCHEMA,
        include_schemas=True,
        include_name=_include_name,
        compare_server_default=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _run_on_own_connection() -> None:
    database = Database(DatabaseSettings.from_environment().database_url)
    async with database.engine.begin() as connection:
        await connection.run_sync(_run)
    await database.close()


if context.is_offline_mode():
    raise SystemExit("migrations need a connection; --sql is not supported")
if (connection := context.config.attributes.get("connection")) is not None:
    _run(connection)
else:
    asyncio.run(_run_on_own_connection())

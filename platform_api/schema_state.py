"""Tells whether a database has the schema of this release, without what it takes to change one.

Most starts find nothing to do. Importing Alembic and every migration for that would be most of the time they take.
"""

from pathlib import Path

import asyncpg

import platform_api
from platform_api.core.database import Database

# Alembic's table, in the schema that `alembic/env.py` gives it.
_STATE = """
select version_num, obj_description('platform.alembic_version'::regclass, 'pg_class')
from platform.alembic_version
"""


def script_location() -> Path:
    """Returns the directory of the migration scripts: inside the installed package, or beside it in a checkout."""
    package = Path(platform_api.__file__).parent
    packaged = package / "_alembic"
    return packaged if packaged.is_dir() else package.parent / "alembic"


def latest_revision() -> str:
    """Returns the revision of this release: what the name of the last script begins with."""
    names = (script.name for script in (script_location() / "versions").glob("[0-9]*.py"))
    return max(names).partition("_")[0]


async def is_current(database_url: str) -> bool:
    """Tells whether every migration has run and every index of theirs is built.

    Raises OSError, DatabaseUnavailable or asyncpg.PostgresError when the database cannot be reached or refuses us.
    """
    database = Database(database_url, pool_size=1, application_name="automio migrate")
    try:
        connection = await database.connect()
        try:
            rows = await connection.fetch(_STATE)
        except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
            return False
        finally:
            await connection.close()
    finally:
        await database.close()
    latest = latest_revision()
    return [tuple(row) for row in rows] == [(latest, _note(latest))]


async def note_built_indexes(connection: asyncpg.Connection) -> None:
    """Notes on Alembic's own table that the indexes of the database's revision are built."""
    revision = await connection.fetchval("select version_num from platform.alembic_version")
    # The statement takes no parameters; a revision is one of our numbers.
    await connection.execute(f"comment on table platform.alembic_version is '{_note(revision)}'")


def _note(revision: str) -> str:
    return f"indexes built up to {revision}"

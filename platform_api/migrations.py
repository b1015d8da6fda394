"""Brings a database to the schema of this release."""

from pathlib import Path

from alembic.config import Config
from sqlalchemy import Connection

import platform_api
from alembic import command
from platform_api.core.database import Database


def script_location() -> Path:
    """Returns the directory of the migration scripts: inside the installed package, or beside it in a checkout."""
    package = Path(platform_api.__file__).parent
    packaged = package / "_alembic"
    return packaged if packaged.is_dir() else package.parent / "alembic"


def alembic_config(connection: Connection | None = None) -> Config:
    """Returns Alembic's configuration for `connection`, without a file."""
    config = Config()
    config.set_main_option("script_location", str(script_location()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


async def migrate(database_url: str) -> None:
    """Runs every migration that `database_url` lacks, in one transaction; waits for another process that migrates."""
    database = Database(database_url, pool_size=1, application_name="automio migrate")
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), "heads"))
    finally:
        await database.close()

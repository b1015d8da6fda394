"""Prepares the database and serves: migrations, what a first start needs, then HTTP on an inherited socket."""

import asyncio
import socket
import sys
from pathlib import Path
from typing import NoReturn

import asyncpg
import uvicorn
from sqlalchemy.exc import DBAPIError

from platform_api.app import create_app
from platform_api.core.errors import DatabaseUnavailable
from platform_api.core.logs.configuration import configure_logging
from platform_api.core.settings import InvalidSettings, Settings
from platform_api.schema_state import is_current
from platform_api.supervisor.first_start import RunnerTokenError, prepare
from platform_api.supervisor.processes.children import REPORTED
from platform_api.supervisor.settings import ControlPlaneSettings

# Open event streams and WebSockets have no end of their own.
_GRACEFUL_SECONDS = 2


def serve(settings: Settings, listening: socket.socket) -> None:
    """Serves until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        create_app(settings),
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # The application reads what proxies report, by its own setting.
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACEFUL_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listening])


async def _prepare(settings: Settings, admin_file: Path, *, owner: str | None) -> None:
    if not await is_current(settings.database_url):
        await _migrate(settings.database_url)
    own = ControlPlaneSettings.from_environment()
    await prepare(
        settings.database_url,
        base_url=settings.public_url,
        admin_file=admin_file,
        runner_token=own.runner_token.get_secret_value(),
        owner=owner,
        set_up_code=None if own.set_up_code is None else own.set_up_code.get_secret_value(),
    )


async def _migrate(database_url: str) -> None:
    """Runs the migrations. Raises _NotMigrated when the database belongs to another release."""
    # Local: most starts have nothing to migrate.
    from alembic.util import CommandError

    from platform_api.migrations import migrate

    try:
        await migrate(database_url)
    except CommandError as error:
        raise _NotMigratedError(str(error)) from error


class _NotMigratedError(Exception):
    """Reports why the migrations could not run."""


def _refuse(reason: str) -> NoReturn:
    """Ends with the reason, and the status that tells the supervisor not to add another message."""
    sys.stderr.write(f"Error: {reason}\n")
    sys.exit(REPORTED)


def run(listening: socket.socket, *, admin_file: Path, owner: str | None) -> None:
    """Prepares the database and serves until SIGTERM or SIGINT; ends the process with the reason if it cannot."""
    try:
        settings = Settings.from_environment()
        configure_logging(level=settings.log_level, log_format=settings.log_format)
        asyncio.run(_prepare(settings, admin_file, owner=owner))
    except (InvalidSettings, RunnerTokenError) as error:
        _refuse(str(error))
    except DatabaseUnavailable as error:
        _refuse(error.describe())
    except OSError as error:
        _refuse(f"the database cannot be reached: {error}")
    except DBAPIError as error:
        # What the driver said, without the statement and the link that SQLAlchemy adds.
        _refuse(f"the database cannot be prepared: {getattr(error.orig, '__cause__', None) or error.orig}")
    except (asyncpg.PostgresError, _NotMigratedError) as error:
        _refuse(f"the database cannot be prepared: {error}")
    serve(settings, listening)

"""Runs the control plane's process below the supervisor: migrations, what a first start needs, then serving.

It serves on a socket it inherits, so that connections wait in the kernel, not fail, while it is restarted.
"""

import argparse
import asyncio
import socket
import sys
from pathlib import Path
from typing import NoReturn

import asyncpg
import uvicorn
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from platform_api.app import create_app
from platform_api.core.errors import DatabaseUnavailable
from platform_api.core.logs.configuration import configure_logging
from platform_api.core.settings import InvalidSettings, Settings
from platform_api.migrations import migrate
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
    await migrate(settings.database_url)
    own = ControlPlaneSettings.from_environment()
    await prepare(
        settings.database_url,
        base_url=settings.public_url,
        admin_file=admin_file,
        runner_token=own.runner_token.get_secret_value(),
        owner=owner,
        set_up_code=None if own.set_up_code is None else own.set_up_code.get_secret_value(),
    )


def _refuse(reason: str) -> NoReturn:
    """Ends with the reason, and the status that tells the supervisor not to add another message."""
    sys.stderr.write(f"Error: {reason}\n")
    sys.exit(REPORTED)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="the inherited listening socket")
    parser.add_argument("--admin-file", type=Path, required=True, help="written on a first start")
    parser.add_argument("--owner", help="e-mail of the owner whom a first start creates")
    arguments = parser.parse_args()
    try:
        settings = Settings.from_environment()
        configure_logging(level=settings.log_level, log_format=settings.log_format)
        asyncio.run(_prepare(settings, arguments.admin_file, owner=arguments.owner))
    except (InvalidSettings, RunnerTokenError) as error:
        _refuse(str(error))
    except DatabaseUnavailable as error:
        _refuse(error.describe())
    except OSError as error:
        _refuse(f"the database cannot be reached: {error}")
    except DBAPIError as error:
        # What the driver said, without the statement and the link that SQLAlchemy adds.
        _refuse(f"the database cannot be prepared: {getattr(error.orig, '__cause__', None) or error.orig}")
    except (asyncpg.PostgresError, CommandError) as error:
        _refuse(f"the database cannot be prepared: {error}")
    serve(settings, socket.socket(fileno=arguments.fd))


if __name__ == "__main__":
    main()

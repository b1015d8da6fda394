"""Provides what the operator's commands share: the database, one transaction per command, errors as one line."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.core.database import Database
from platform_api.core.errors import DatabaseUnavailable, PlatformError
from platform_api.core.settings import DatabaseSettings, InvalidSettings
from platform_api.supervisor.database import DATABASE, LOGIN
from platform_api.supervisor.postgres import EmbeddedPostgres

Answer = TypeVar("Answer")
Command = TypeVar("Command", bound=Callable[..., Any])


def database_options(command: Command) -> Command:
    """Adds `--database-url` and `--data-dir`; `resolve_database` makes the database's URL of them."""
    for option in (
        click.option(
            "--data-dir",
            type=click.Path(path_type=Path),
            default=Path(".automio"),
            show_default=True,
            help="Data directory of a running `automio up`, when there is no database URL.",
        ),
        click.option("--database-url", metavar="URL", help="PostgreSQL of the platform. [default: DATABASE_URL]"),
    ):
        command = option(command)
    return command


def resolve_database(database_url: str | None, data_dir: Path) -> str:
    """Returns the database's URL: as given, from DATABASE_URL, or the embedded one of `data_dir`."""
    overrides = {} if database_url is None else {"database_url": database_url}
    try:
        return DatabaseSettings.from_environment(**overrides).database_url
    except InvalidSettings as error:
        if database_url is None and (embedded := _embedded_url(data_dir)) is not None:
            return embedded
        raise click.ClickException(
            f"{error}\nGive --database-url, set DATABASE_URL, or name the --data-dir of a running `automio up`."
        ) from error


def in_transaction(database: str, work: Callable[[AsyncSession], Awaitable[Answer]]) -> Answer:
    """Runs `work` in one transaction on `database`; raises ClickException for what went wrong."""

    async def run() -> Answer:
        connections = Database(database, pool_size=1, application_name="automio cli")
        try:
            async with connections.transaction() as session:
                return await work(session)
        finally:
            await connections.close()

    return report(run())


def report(work: Awaitable[Answer]) -> Answer:
    """Runs `work`; turns errors that a person can do something about into one line without a traceback."""

    async def awaited() -> Answer:
        return await work

    try:
        return asyncio.run(awaited())
    except DatabaseUnavailable as error:
        raise click.ClickException(error.describe()) from error
    except PlatformError as error:
        raise click.ClickException(error.message) from error


def show(value: Any) -> None:
    """Prints a result as JSON, for people and for scripts."""
    click.echo(json.dumps(value, indent=2, default=str))


def _embedded_url(data_dir: Path) -> str | None:
    root = data_dir / "postgres"
    password = root / "login-password"
    if not password.exists():
        return None
    return EmbeddedPostgres(root).url(DATABASE, user=LOGIN, password=password.read_text().strip())

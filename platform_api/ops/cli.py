"""Defines an operator's commands at the database, without a running server: `automio migrate`, `user`, `token`, …

Each command about accounts and installs is the twin of an HTTP call and uses the same service.
"""

from pathlib import Path

import click

from platform_api import migrations
from platform_api.core.settings import InvalidSettings
from platform_api.ops.account_commands import member, organization, token, user
from platform_api.ops.command import database_options, report, resolve_database
from platform_api.ops.install_commands import install
from platform_api.ops.key_commands import keys

__all__ = ["install", "keys", "member", "metadata", "migrate", "organization", "token", "user"]


@click.command()
@database_options
def migrate(database_url: str | None, data_dir: Path) -> None:
    """Bring the database to the schema of this release."""
    report(migrations.migrate(resolve_database(database_url, data_dir)))
    click.echo("the database is up to date")


@click.group()
def metadata() -> None:
    """Manage what the GraphQL engine knows about the apps' tables."""


@metadata.command()
@database_options
@click.option("--check", is_flag=True, help="Only compare; the status is 1 when something differs.")
def sync(database_url: str | None, data_dir: Path, check: bool) -> None:
    """Compare the engine's metadata with the apps' tables and repair it.

    With HASURA_GRAPHQL_ENDPOINT and HASURA_GRAPHQL_ADMIN_SECRET set, that Hasura's metadata; otherwise the embedded
    engine's.
    """
    from platform_api.ops.metadata import MetadataSettings, sync_metadata  # local: loads the engine

    try:
        settings = MetadataSettings.from_environment(database_url=resolve_database(database_url, data_dir))
    except InvalidSettings as error:
        raise click.ClickException(str(error)) from error
    differences = report(sync_metadata(settings, repair=not check))
    for command in differences:
        click.echo(command)
    verb = "to do" if check else "done"
    click.echo(f"{len(differences)} metadata commands {verb}" if differences else "metadata is as it should be")
    if check and differences:
        raise SystemExit(1)

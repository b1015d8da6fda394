"""Defines the command `automio keys`, for the keys that stored credentials are encrypted with."""

from pathlib import Path

import click

from platform_api.core.crypto import Vault
from platform_api.core.database import Database
from platform_api.core.settings import DatabaseSettings, InvalidSettings, Settings
from platform_api.ops import keys as rotation
from platform_api.ops.command import database_options, report, resolve_database
from platform_api.supervisor.data_directory import DataDirectory


class KeySettings(DatabaseSettings):
    """Holds the database and the keys of what is stored in it."""

    secret_keys: str = ""


@click.group()
def keys() -> None:
    """Manage the keys that stored credentials are encrypted with (SECRET_KEYS)."""


@keys.command()
@database_options
@click.option("--check", is_flag=True, help="Only count; the status is 1 when an old key is still needed.")
def rotate(database_url: str | None, data_dir: Path, check: bool) -> None:
    """Re-encrypt every stored credential with the first of SECRET_KEYS; the platform may run meanwhile.

    The keys are those of SECRET_KEYS, or of secrets.json in the data directory. The status is 1 when an old key is
    still needed.
    """
    settings = _settings(resolve_database(database_url, data_dir), data_dir)
    vault = Vault(settings.secret_keys)

    async def work() -> rotation.Rotation:
        database = Database(settings.database_url, pool_size=1, application_name="automio cli")
        try:
            if check:
                return rotation.Rotation(by_key=await rotation.count(database, vault))
            return await rotation.rotate(database, vault)
        finally:
            await database.close()

    result = report(work())
    if not check:
        click.echo(f"{result.rotated} values re-encrypted")
    for number in range(1, len(settings.secret_keys) + 1):
        name = "the first key" if number == 1 else f"old key {number} of SECRET_KEYS"
        click.echo(f"{result.by_key[number]} values under {name}")
    if result.unreadable:
        click.echo(f"{result.unreadable} values under a key that is not in SECRET_KEYS: put it back to keep them")
    if result.left:
        if result.left != result.unreadable:
            click.echo("old keys are still needed; run `automio keys rotate` once every process has the new key")
        raise SystemExit(1)
    if len(settings.secret_keys) > 1:
        click.echo("the old keys can be removed from SECRET_KEYS")


def _settings(database_url: str, data_dir: Path) -> Settings:
    try:
        secret_keys = KeySettings.from_environment(database_url=database_url).secret_keys
        stored = DataDirectory(data_dir)
        if not secret_keys and (stored.path / "secrets.json").exists():
            secret_keys = stored.secrets().secret_keys
        if not secret_keys:
            raise click.ClickException("set SECRET_KEYS to the value the platform uses, or give its --data-dir")
        return Settings.from_environment(database_url=database_url, secret_keys=secret_keys)
    except InvalidSettings as error:
        raise click.ClickException(str(error)) from error

"""Implements `automio init`: writes a `.env` for the scripts in a folder."""

import socket
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click

from automio._account import Account, App
from automio._exceptions import AutomioError, ConfigurationError
from automio._installation import client_command
from automio._settings import settings_from
from automio.cli._connection import LOCAL_SERVER, ask, local_platform
from automio.cli._env_file import read_settings, write_settings
from automio.cli._failures import as_click_error
from automio.wrapper import API

_SCOPES = ("build", "data", "run")


@click.command()
@click.option("--app", required=True, help="The app's id or slug, or <organization>/<app>.")
@click.option("--server", help=f"The platform's address; prompts for it when it is unknown (default {LOCAL_SERVER}).")
@click.option("--email", help="Sign in as this user; prompts for the password.")
@click.option("--password", envvar="AUTOMIO_PASSWORD", help="The password, instead of the prompt.")
@click.option("--token", envvar="AUTOMIO_TOKEN", help="Use this token with scope `account` instead of signing in.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(_SCOPES),
    default=("data", "run"),
    show_default=True,
    help="A scope of the new token; may be repeated.",
)
@click.option("--directory", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path())
def init(
    app: str,
    server: str | None,
    email: str | None,
    password: str | None,
    token: str | None,
    scopes: Sequence[str],
    directory: Path,
) -> None:
    """Write a .env for the scripts of an app: the platform's address, a new token, the cache.

    The token works only in this app and has only the scopes of --scope. Running it again creates a new token.
    """
    file = directory / ".env"
    try:
        base_url = _server(server, file, directory)
        with closing(_account(base_url, email, password, token, directory)) as account:
            target = account.app(app)
            created = account.create_token(f"automio init on {socket.gethostname()}", target.id, scopes)
        settings = _settings(base_url, target, created.token)
        write_settings(file, settings)
        _check_cache(settings)
    except AutomioError as error:
        raise as_click_error(error) from error
    click.echo(f"{file}: {target.name} ({target.organization}/{target.slug}) on {base_url}")
    if not _is_ignored(directory):
        click.echo("The file holds a token: keep it out of version control (add .env to .gitignore).")
    click.echo("Try it: automio whoami")
    click.echo(f"To install the client on another machine: {client_command(base_url)}")


def _server(option: str | None, file: Path, directory: Path) -> str:
    base_url = option or read_settings(file).get("API_BASE_URL") or local_platform(directory).get("base_url")
    base_url = base_url or ask("Platform", "--server", default=LOCAL_SERVER)
    return settings_from({}, base_url=base_url, token="none").base_url


def _account(base_url: str, email: str | None, password: str | None, token: str | None, directory: Path) -> Account:
    if token:
        return Account.of_token(base_url, token)
    if email is None and (local := _local_token(base_url, directory)):
        click.echo("Using the owner's token of the platform in .automio/ (use --email to sign in as another user).")
        return Account.of_token(base_url, local)
    email = email or ask("E-mail", "--email (or --token)")
    password = password or ask("Password", "AUTOMIO_PASSWORD", hide_input=True)
    return Account.of_sign_in(base_url, email, password)


def _local_token(base_url: str, directory: Path) -> str | None:
    """Returns the token that `automio up` wrote into this folder, if it is for the same address."""
    platform = local_platform(directory)
    return platform.get("token") if platform.get("base_url", "").rstrip("/") == base_url else None


def _settings(base_url: str, app: App, token: str) -> dict[str, str]:
    return {
        "API_BASE_URL": base_url,
        "APP_TOKEN": token,
        "APP_ID": str(app.id),
        "CACHE_SERVICE_URL": f"{base_url}/cache",
        "CACHE_SERVICE_TOKEN": token,
    }


def _check_cache(settings: dict[str, str]) -> None:
    """Tries the new settings once, so that a mistake shows here and not later in a script."""
    with API(settings=settings_from(settings)) as api:
        try:
            api.app_cache.get("automio-init")
        except AutomioError as error:
            message = f"The settings were written, but the platform's cache does not answer: {error}"
            raise ConfigurationError(message) from error


def _is_ignored(directory: Path) -> bool:
    """Tells whether a `.gitignore` from here upward excludes `.env`; true outside a repository."""
    for folder in (directory.resolve(), *directory.resolve().parents):
        file = folder / ".gitignore"
        lines = file.read_text().splitlines() if file.is_file() else []
        if any(line.strip().lstrip("/") in (".env", "*.env") for line in lines):
            return True
        if (folder / ".git").exists():
            return False
    return True

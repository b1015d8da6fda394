"""Opens the platform for a command: by options, the folder's settings, or the platform that runs here."""

import json
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from automio._development.management import Management
from automio._settings import AppId, as_app_id, read_env_file, read_environment, settings_from

Command = TypeVar("Command", bound=Callable[..., Any])
LOCAL_SERVER = "http://127.0.0.1:8080"
_ADMIN_FILE = Path(".automio") / "admin.json"

app_option = click.option("--app", help="The app's id or slug; APP_ID of this folder's settings when absent.")


def connection_options(command: Command) -> Command:
    """Adds `--server`, `--email` and `--token`."""
    token_help = "A token; otherwise that of the platform in .automio/, or APP_TOKEN of this folder's settings."
    token = click.option("--token", envvar="AUTOMIO_TOKEN", help=token_help)
    server = click.option("--server", help="The platform's address; API_BASE_URL of the settings when absent.")
    email = click.option("--email", help="Sign in as this user; prompts for the password (or AUTOMIO_PASSWORD).")
    return server(email(token(command)))


def local_platform(directory: Path | None = None) -> dict[str, str]:
    """Returns address and token that `automio up` wrote into this folder or one above; empty when there are none."""
    start = (directory or Path()).resolve()
    for folder in (start, *start.parents):
        try:
            with (folder / _ADMIN_FILE).open(encoding="utf-8") as stream:
                content = json.load(stream) if _is_own(os.fstat(stream.fileno())) else None
        except (OSError, ValueError):
            continue
        if isinstance(content, dict):
            return {name: value for name, value in content.items() if isinstance(value, str)}
    return {}


def token_for(address: str) -> str | None:
    """Returns APP_TOKEN of the settings if it belongs to an address; says on standard error when it does not.

    It belongs to API_BASE_URL of the same place, which is `.env` or the environment, or else of the other one.
    Without any, one of the environment is for the platform that the same person names, one of a file for nobody.
    """
    stored, settings = read_env_file(), read_environment()
    if not (token := settings.get("APP_TOKEN", "").strip()):
        return None
    is_exported = "APP_TOKEN" in os.environ
    own = (os.environ if is_exported else stored).get("API_BASE_URL", "").strip()
    owner = own or settings.get("API_BASE_URL", "").strip()
    if _is_same(owner, address) if owner else is_exported:
        return token
    click.echo(f"APP_TOKEN is not sent to {address}: it is for {owner or 'an unknown platform'}.", err=True)
    return None


def ask(question: str, option: str, **options: Any) -> str:
    """Asks at the terminal; without one, says which option has the answer."""
    try:
        return str(click.prompt(question, **options))
    except click.Abort:
        if sys.stdin.isatty():
            raise
        click.echo(err=True)
        raise click.UsageError(
            f"{question} is not known, and there is no terminal to ask at: give {option}"
        ) from None


@contextmanager
def open_account(
    server: str | None = None, token: str | None = None, email: str | None = None
) -> Iterator[Management]:
    """Provides the platform for commands about apps, for which the token of an app is not enough.

    The owner's token of the platform that runs here is preferred to the folder's settings, if it is for the same
    platform. Without any token it asks for e-mail and password.
    """
    environment = read_environment()
    local = local_platform()
    address = server or environment.get("API_BASE_URL", "").strip() or local.get("base_url")
    address = address or ask("Platform", "--server", default=LOCAL_SERVER)
    if email is None:
        if _is_same(local.get("base_url", ""), address):
            token = token or local.get("token")
        token = token or token_for(address)
    settings = settings_from(environment, base_url=address, token=token or "none")
    if token is not None:
        platform = Management.of_token(settings.base_url, settings.token)
    else:
        email = email or ask("E-mail", "--email (or --token)")
        password = environment.get("AUTOMIO_PASSWORD") or ask("Password", "AUTOMIO_PASSWORD", hide_input=True)
        platform = Management.of_sign_in(settings.base_url, email, password)
    try:
        yield platform
    finally:
        platform.close()


@contextmanager
def open_app(app: str | None) -> Iterator[tuple[Management, AppId]]:
    """Provides the platform and the app of the folder's settings; without settings, those of the platform here."""
    environment = read_environment()
    local = {} if environment.get("API_BASE_URL", "").strip() else local_platform()
    if "token" not in local:
        # A token of the settings is not for the platform that runs here.
        local = {}
    settings = settings_from(
        environment, base_url=local.get("base_url"), token=local.get("token"), app_id=as_app_id(app)
    )
    app_id = settings.require_app_id()
    platform = Management.of_token(settings.base_url, settings.token)
    try:
        yield platform, app_id
    finally:
        platform.close()


def _is_own(status: os.stat_result) -> bool:
    """Tells whether a file is this user's and nobody else's to write: in a folder above, it may be anybody's."""
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _is_same(address: str, other: str) -> bool:
    return address.strip().rstrip("/") == other.strip().rstrip("/")

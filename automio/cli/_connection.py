"""Opens the platform for a command: by options, the folder's settings, or the platform that runs here."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from automio._development.management import Management
from automio._settings import AppId, as_app_id, read_environment, settings_from

Command = TypeVar("Command", bound=Callable[..., Any])
_ADMIN_FILE = Path(".automio") / "admin.json"

app_option = click.option("--app", help="The app's id or slug; APP_ID of this folder's settings when absent.")


def connection_options(command: Command) -> Command:
    """Adds `--server` and `--token`."""
    token_help = "A token; otherwise that of the platform in .automio/, or APP_TOKEN of this folder's settings."
    token = click.option("--token", envvar="AUTOMIO_TOKEN", help=token_help)
    server = click.option("--server", help="The platform's address; API_BASE_URL of the settings when absent.")
    return server(token(command))


def local_platform(directory: Path | None = None) -> dict[str, str]:
    """Returns address and token that `automio up` wrote into this folder or one above; empty when there are none."""
    start = (directory or Path()).resolve()
    for folder in (start, *start.parents):
        try:
            content = json.loads((folder / _ADMIN_FILE).read_text())
        except (OSError, ValueError):
            continue
        if isinstance(content, dict):
            return {name: value for name, value in content.items() if isinstance(value, str)}
    return {}


@contextmanager
def open_account(server: str | None = None, token: str | None = None) -> Iterator[Management]:
    """Provides the platform for commands about apps, for which the token of an app is not enough.

    The owner's token of the platform that runs here is preferred to the folder's settings, if it is for the same
    platform.
    """
    environment = read_environment()
    local = local_platform()
    address = server or environment.get("API_BASE_URL", "").strip() or local.get("base_url")
    if token is None and address and local.get("base_url", "").rstrip("/") == address.rstrip("/"):
        token = local.get("token")
    settings = settings_from(environment, base_url=address, token=token)
    platform = Management.of_token(settings.base_url, settings.token)
    try:
        yield platform
    finally:
        platform.close()


@contextmanager
def open_app(app: str | None) -> Iterator[tuple[Management, AppId]]:
    """Provides the platform and the app of the folder's settings; without settings, those of the platform here."""
    environment = read_environment()
    local = {} if environment.get("API_BASE_URL", "").strip() else local_platform()
    settings = settings_from(
        environment, base_url=local.get("base_url"), token=local.get("token"), app_id=as_app_id(app)
    )
    app_id = settings.require_app_id()
    platform = Management.of_token(settings.base_url, settings.token)
    try:
        yield platform, app_id
    finally:
        platform.close()

"""Reads the client's settings from the environment and from `.env`."""

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from dotenv import dotenv_values, find_dotenv

from automio._exceptions import ConfigurationError

AppId = int | str
ConnectionId = int | str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Holds the settings of a client; `repr` leaves out the secrets."""

    base_url: str
    token: str = field(repr=False)
    app_id: AppId | None = None
    action_id: str | None = None
    task_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    connection_id: ConnectionId | None = None
    cache_url: str | None = None
    cache_token: str | None = field(default=None, repr=False)
    redis_host: str = "localhost"
    redis_port: int = 6379
    redis_db: int = 0
    redis_password: str | None = field(default=None, repr=False)
    organization_slug: str | None = None
    shows_progress: bool = False

    def require_app_id(self) -> AppId:
        """Returns the app's id or slug; raises ConfigurationError when none is set."""
        if self.app_id is None:
            raise ConfigurationError(
                "APP_ID is not set.",
                hint="Set APP_ID (or ORG_SLUG and APP_SLUG) in the environment or in .env, or run `automio init`.",
            )
        return self.app_id


def read_environment(directory: Path | None = None) -> dict[str, str]:
    """Returns the values of the nearest `.env` and of the environment, which takes precedence.

    The `.env` is looked for from `directory` upward, by default from the working directory.
    """
    return {**read_env_file(directory), **os.environ}


def read_env_file(directory: Path | None = None) -> dict[str, str]:
    """Returns the values of the nearest `.env` alone."""
    try:
        file = find_dotenv(usecwd=True) if directory is None else _nearest(directory)
    except OSError:
        # The working directory was deleted.
        file = ""
    try:
        values = dotenv_values(file) if file else {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}.") from error
    return {name: value for name, value in values.items() if value is not None}


def _nearest(directory: Path) -> str:
    folders = (directory.resolve(), *directory.resolve().parents)
    return next((str(file) for folder in folders if (file := folder / ".env").is_file()), "")


def settings_from(
    environment: Mapping[str, str],
    *,
    base_url: str | None = None,
    token: str | None = None,
    app_id: AppId | None = None,
    connection_id: ConnectionId | None = None,
) -> Settings:
    """Returns the settings of an environment; arguments take precedence over it.

    Raises ConfigurationError when the platform's address or the token is missing: there is no default address, so
    that a token never goes to a host that nobody named.
    """

    def value(name: str) -> str | None:
        return environment.get(name, "").strip() or None

    organization, app = value("ORG_SLUG"), value("APP_SLUG")
    slug = f"{organization}/{app}" if organization and app else None
    return Settings(
        base_url=_base_url("API_BASE_URL", base_url or value("API_BASE_URL")),
        token=_token(token or value("APP_TOKEN")),
        app_id=app_id if app_id is not None else as_app_id(value("APP_ID") or slug),
        action_id=value("ACTION_ID"),
        connection_id=connection_id if connection_id is not None else value("CONNECTION_ID"),
        cache_url=_base_url("CACHE_SERVICE_URL", cache) if (cache := value("CACHE_SERVICE_URL")) else None,
        cache_token=value("CACHE_SERVICE_TOKEN"),
        redis_host=value("REDIS_HOST") or "localhost",
        redis_port=_number("REDIS_PORT", value("REDIS_PORT"), 6379),
        redis_db=_number("REDIS_DB", value("REDIS_DB"), 0),
        redis_password=value("REDIS_PASSWORD"),
        organization_slug=organization,
        shows_progress=value("AUTOMIO_SHOW_PROGRESS") is not None,
        **({"task_id": task} if (task := value("TASK_ID")) else {}),
    )


def as_app_id(text: str | None) -> AppId | None:
    """Returns an app id as the platform expects it: digits as a number, a slug as text."""
    return int(text) if text and text.isascii() and text.isdigit() else text


def app_in_path(app: AppId) -> str:
    """Returns an app as one path segment: its id, or its slug without the organization, which is unique anyway."""
    return quote(str(app).rpartition("/")[2], safe="")


def _base_url(name: str, text: str | None) -> str:
    if text is None:
        raise ConfigurationError(
            f"{name} is not set, so the client does not know which platform to talk to.",
            hint=f"Set {name} in the environment or in .env, for example {name}=http://127.0.0.1:8080, "
            "or run `automio init --app … --server …`.",
        )
    if not text.startswith(("http://", "https://")) or not text.partition("://")[2].strip("/"):
        raise ConfigurationError(f"{name}={text!r} is not an http:// or https:// address.")
    return text.rstrip("/")


def _token(text: str | None) -> str:
    if text is None:
        raise ConfigurationError(
            "APP_TOKEN is not set, so the platform cannot know who is calling.",
            hint="Set APP_TOKEN in the environment or in .env, or let `automio init --app …` obtain one.",
        )
    scheme, _, rest = text.partition(" ")
    if rest and scheme.lower() in ("bearer", "app-token"):
        raise ConfigurationError(f"APP_TOKEN must be the token alone, without {scheme!r} before it.")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError("APP_TOKEN has characters that no token has; was it copied incompletely?")
    return text


def _number(name: str, text: str | None, default: int) -> int:
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise ConfigurationError(f"{name}={text!r} is not a whole number.") from None

"""Reads the runner's settings: from command-line options, then from the environment."""

import os
import tempfile
from enum import StrEnum
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class IsolationChoice(StrEnum):
    """Lists the values of SANDBOX_ISOLATION."""

    AUTO = "auto"
    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    NONE = "none"


_SYSTEM_CACHE = Path("/var/cache")


def _default_state_directory() -> Path:
    """Returns a directory in the user's cache, or a temporary one if that is not writable.

    For root it is the system's cache: the users of its jails cannot enter root's home.
    """
    if os.geteuid() == 0 and "XDG_CACHE_HOME" not in os.environ and os.access(_SYSTEM_CACHE, os.W_OK):
        return _SYSTEM_CACHE / "automio" / "runner"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    existing = next(directory for directory in (cache, *cache.parents) if directory.is_dir())
    if cache.is_absolute() and os.access(existing, os.W_OK):
        return cache / "automio" / "runner"
    return Path(tempfile.gettempdir()) / f"automio-runner-{os.geteuid()}"


class RunnerSettings(BaseSettings):
    """Holds the settings of a runner process; `server` and `token` come from the command line."""

    model_config = SettingsConfigDict(env_file=None, extra="ignore", populate_by_name=True)

    server: str
    """Base URL of the control plane."""
    token: SecretStr
    """The runner token."""
    concurrency: int = Field(default=4, ge=1, le=256, validation_alias="RUNNER_CONCURRENCY")
    """Number of runs at the same time."""
    ready_jails: int = Field(default=2, ge=0, le=64, validation_alias="RUNNER_READY_JAILS")
    """Number of jails to keep ready; each uses about 60 MB."""
    language_servers: int = Field(default=8, ge=0, le=64, validation_alias="RUNNER_LANGUAGE_SERVERS")
    """Number of language servers at the same time; each may use 256 MB. 0 offers none."""
    shutdown_seconds: float = Field(default=12, ge=0, validation_alias="RUNNER_SHUTDOWN_SECONDS")
    """Seconds that runs may continue after SIGTERM."""
    isolation: IsolationChoice = Field(default=IsolationChoice.AUTO, validation_alias="SANDBOX_ISOLATION")
    """`auto` uses the strongest level that works, or refuses to start; it never uses `none`."""
    state_directory: Path = Field(default_factory=_default_state_directory, validation_alias="RUNNER_STATE_DIR")
    """Directory for prepared jail content; it may be deleted when no runner is running."""
    log_level: str = Field(default="INFO", validation_alias="LOG_LEVEL")

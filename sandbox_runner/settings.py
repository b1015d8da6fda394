"""The runner's settings, from its environment; command-line options override."""

import os
import tempfile
from enum import StrEnum
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class IsolationChoice(StrEnum):
    """What SANDBOX_ISOLATION may say."""

    AUTO = "auto"
    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    NONE = "none"


def _default_state_directory() -> Path:
    """The user's cache directory, or a temporary one of the user's own where there is none to write to."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    existing = next(directory for directory in (cache, *cache.parents) if directory.is_dir())
    if cache.is_absolute() and os.access(existing, os.W_OK):
        return cache / "automio" / "runner"
    return Path(tempfile.gettempdir()) / f"automio-runner-{os.geteuid()}"


class RunnerSettings(BaseSettings):
    """One runner process. `server` and `token` come from the command line."""

    model_config = SettingsConfigDict(env_file=None, extra="ignore", populate_by_name=True)

    server: str
    """Base URL of the control plane."""
    token: SecretStr
    """The runner token."""
    concurrency: int = Field(default=4, ge=1, le=256, validation_alias="RUNNER_CONCURRENCY")
    """How many runs at the same time."""
    ready_jails: int = Field(default=2, ge=0, le=64, validation_alias="RUNNER_READY_JAILS")
    """How many jails are kept ready-made; each holds about 60 MB."""
    shutdown_seconds: float = Field(default=12, ge=0, validation_alias="RUNNER_SHUTDOWN_SECONDS")
    """How long runs may go on after SIGTERM before they are ended."""
    isolation: IsolationChoice = Field(default=IsolationChoice.AUTO, validation_alias="SANDBOX_ISOLATION")
    """`auto` takes the strongest level that works, or refuses to start; `none` must be asked for by name."""
    state_directory: Path = Field(default_factory=_default_state_directory, validation_alias="RUNNER_STATE_DIR")
    """Where jail content is prepared: nothing in it is needed after the runner ended."""
    log_level: str = Field(default="INFO", validation_alias="LOG_LEVEL")

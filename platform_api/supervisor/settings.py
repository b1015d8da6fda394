"""Defines what `automio up` itself reads; everything else in the environment is passed on to the control plane."""

from typing import Any, Self

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from platform_api.core.settings import InvalidSettings


class _FromEnvironment(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    @classmethod
    def from_environment(cls, **overrides: Any) -> Self:
        """Returns the settings of this process; raises InvalidSettings, which names what is missing."""
        try:
            return cls(**overrides)
        except ValidationError as error:
            names = ", ".join(str(item["loc"][0]).upper() for item in error.errors())
            raise InvalidSettings(f"{names}: not set, or not valid") from error


class SupervisorSettings(_FromEnvironment):
    """Holds settings of the supervisor; the environment variable is the field's name in upper case."""

    database_url: str | None = None
    """A PostgreSQL to use instead of the embedded one."""
    secret_keys: SecretStr | None = None
    """Keys for stored credentials instead of the one generated in the data directory."""
    runner_token: SecretStr | None = None
    """The runner's credential instead of the one generated in the data directory: `amt_runner_` and 43 characters."""
    public_url: str | None = None
    """URL at which people reach the platform; absent: the address listened on."""


class ControlPlaneSettings(_FromEnvironment):
    """Holds what the control plane's process takes from the supervisor besides its own settings."""

    runner_token: SecretStr
    set_up_code: SecretStr | None = None

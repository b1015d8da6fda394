"""Defines the control plane's settings. They are read once at start; nothing else looks at the environment."""

import ipaddress
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from platform_api.core.upstreams import AllowedUpstreams

MAX_DAYS = 36_500
"""A hundred years: beyond about 6,700 years, PostgreSQL's timestamps cannot be counted back any more."""
_MIN_KEY_LENGTH = 32
_CONTENT_TYPE_PATTERN = re.compile(r"\*/\*|[a-z0-9.+-]+/(?:\*|[a-z0-9.+_-]+)")
_PLACEHOLDERS = frozenset(
    {"changeme", "change-me", "change_me", "changethis", "change-this", "secret", "password", "example"}
)


class SandboxIsolation(StrEnum):
    """Lists the ways to isolate user code. `auto` takes the strongest that works; only `none` runs without."""

    AUTO = "auto"
    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    NONE = "none"


class LogFormat(StrEnum):
    """Lists the forms of log lines: for people, or for a collector."""

    CONSOLE = "console"
    JSON = "json"


def _refuse_placeholder(name: str, value: str) -> None:
    if value.strip().lower() in _PLACEHOLDERS:
        raise ValueError(
            f"{name} is a placeholder ({value!r}); set a generated value, e.g. of `openssl rand -hex 32`"
        )


def _describe(error: Mapping[str, Any]) -> str:
    name = ".".join(str(part) for part in error["loc"]).upper()
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}" if name and not message.startswith(name) else message


class InvalidSettings(Exception):
    """Reports missing and invalid settings; the message names the variable and says what would be right."""


class DatabaseSettings(BaseSettings):
    """Holds the settings that migrations and account commands need."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: str
    """libpq URL of PostgreSQL >= 15, e.g. `postgresql://user:password@host/name` or `postgresql:///name?host=/dir`."""

    @classmethod
    def from_environment(cls, **overrides: Any) -> Self:
        """Returns the settings of this process; raises InvalidSettings with one line per variable that is wrong."""
        try:
            return cls(**overrides)
        except ValidationError as error:
            raise InvalidSettings("\n".join(_describe(item) for item in error.errors())) from error

    @field_validator("database_url")
    @classmethod
    def _require_postgresql(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("postgresql", "postgres"):
            raise ValueError("DATABASE_URL must be a libpq URL: postgresql://user:password@host:port/name")
        return value


class Settings(DatabaseSettings):
    """Holds the control plane's settings; the environment variable is the field's name in upper case."""

    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(min_length=1)
    """Comma-separated keys for stored credentials: the first encrypts, all decrypt. At least 32 characters each."""
    redis_url: SecretStr | None = None
    """Redis for cache and counters; absent: PostgreSQL."""
    hasura_graphql_endpoint: str | None = None
    """Base URL of an external Hasura v2 whose source `default` is this database; absent: the embedded engine."""
    hasura_graphql_admin_secret: SecretStr | None = None
    """Admin secret of the external Hasura; with the embedded engine it opens `/v1/metadata` and `/v2/query`."""
    hasura_graphql_run_sql_timeout: float = Field(default=600, ge=0)
    """Maximum seconds for the SQL of one `run_sql` call of an administrator; 0: no limit."""
    hasura_graphql_run_sql_lock_timeout: float = Field(default=60, ge=0)
    """Maximum seconds that `run_sql` or another metadata call of an administrator waits for a lock; 0: no limit."""
    public_url: str = "http://127.0.0.1:8080"
    """Where people and clients reach the platform, without a trailing slash."""
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ("127.0.0.1", "::1")
    """Comma-separated addresses and networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` count."""
    smtp_url: SecretStr | None = None
    """`smtp://user:password@host:port` or `smtps://…`; absent: mail is stored and shown instead of sent."""
    sandbox_isolation: SandboxIsolation = SandboxIsolation.AUTO
    allow_private_upstreams: bool = False
    """Lets integrations call private and link-local addresses. For development only."""
    allowed_private_upstreams: Annotated[tuple[str, ...], NoDecode] = ()
    """Comma-separated host names, addresses and networks that integrations may call although they are private."""
    integration_call_log_days: int = Field(default=30, ge=1, le=MAX_DAYS)
    """Days that the log of calls to integrations is kept."""
    integration_call_log_count: int = Field(default=100_000, ge=0)
    """Entries of that log that are kept of each organization in each app, the newest ones; 0: no limit."""
    runs_days: int = Field(default=90, ge=0, le=MAX_DAYS)
    """Days that runs which have ended are kept, unless their app says less; 0: no limit."""
    runs_count: int = Field(default=50_000, ge=0)
    """Runs that are kept of each organization in each app, the newest ones; 0: no limit."""
    runs_megabytes: int = Field(default=500, ge=0)
    """Size of the events, results and errors of the runs kept of each organization in each app; 0: no limit."""
    run_logs_days: int = Field(default=30, ge=0, le=MAX_DAYS)
    """Days that the logs of runs are kept; 0: no limit."""
    run_logs_megabytes: int = Field(default=500, ge=0)
    """Size of the logs that are kept of each organization's runs of each app; 0: no limit."""
    integration_calls_in_flight: int = Field(default=100, ge=1)
    """Calls to integrations that one organization may have under way at once in this process; more wait."""
    graphql_requests_per_minute: int = Field(default=0, ge=0)
    """Requests that one token may send to the GraphQL endpoints of apps in a minute; 0: no limit."""
    graphql_max_body_bytes: int = Field(default=4 * 1024 * 1024, ge=1024)
    """Maximum bytes of a GraphQL request; a larger one is answered 413. At most `max_body_bytes` count."""
    graphql_max_subscriptions: int = Field(default=1000, ge=1)
    """Subscriptions that one organization may have open at once in this process."""
    max_body_bytes: int = Field(default=16 * 1024 * 1024, ge=1024)
    """Maximum bytes of a request body; a larger one is answered 413. Uploads of files have a limit of their own."""
    files_dir: Path | None = None
    """Directory of application files on local disk; `automio up` sets it to a folder of its data directory."""
    files_s3_bucket: str | None = None
    """Bucket of an S3-compatible store for application files; absent: local disk."""
    files_s3_endpoint: str | None = None
    """Base URL of the S3-compatible store; absent: AWS."""
    files_s3_region: str = "us-east-1"
    files_s3_access_key_id: str | None = None
    """Key of the store; absent, together with its secret: credentials of the machine (instance or container role)."""
    files_s3_secret_access_key: SecretStr | None = None
    files_max_bytes: int = Field(default=100 * 1024 * 1024, ge=1024)
    """Maximum bytes of one application file."""
    files_quota_bytes: int = Field(default=5 * 1024**3, ge=1024)
    """Maximum bytes of all application files of one organization."""
    files_content_types: Annotated[tuple[str, ...], NoDecode] = ("*/*",)
    """Comma-separated content types of application files that are accepted, such as `image/*,application/pdf`."""
    csv_max_bytes: int = Field(default=100 * 1024 * 1024, ge=1024)
    """Maximum bytes of a CSV or Excel file that is imported or exported."""
    csv_files_days: int = Field(default=7, ge=1, le=MAX_DAYS)
    """Days that files of imports and exports are kept."""
    sync_runs_days: int = Field(default=30, ge=1, le=MAX_DAYS)
    """Days that the history of syncs is kept."""
    database_pool_size: int = Field(default=8, ge=1)
    """Connections to PostgreSQL that the control plane keeps open (the engine has its own)."""
    session_days: int = Field(default=14, ge=1, le=MAX_DAYS)
    """Days that a sign-in on the web pages lasts."""
    log_level: str = "INFO"
    log_format: LogFormat = LogFormat.CONSOLE

    @field_validator("secret_keys", "allowed_private_upstreams", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(item.strip() for item in value.split(",") if item.strip())
        return value

    @field_validator("allowed_private_upstreams")
    @classmethod
    def _require_addresses(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        AllowedUpstreams.from_entries(entries)
        return entries

    @field_validator("trusted_proxies")
    @classmethod
    def _require_networks(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            try:
                ipaddress.ip_network(entry)
            except ValueError as exc:
                raise ValueError(f"{entry!r} must be an address like 10.0.0.5 or a network like 10.0.0.0/8") from exc
        return entries

    @field_validator("files_content_types", mode="before")
    @classmethod
    def _split_content_types(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(pattern.strip().lower() for pattern in value.split(",") if pattern.strip())
        return value

    @field_validator("files_content_types")
    @classmethod
    def _require_content_types(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            if not _CONTENT_TYPE_PATTERN.fullmatch(pattern):
                raise ValueError(f"{pattern!r} must be like `image/png`, `image/*` or `*/*`")
        if not patterns:
            raise ValueError("name at least one content type, such as `*/*`")
        return patterns

    @field_validator("secret_keys")
    @classmethod
    def _refuse_weak_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for position, key in enumerate(keys, 1):
            text = key.get_secret_value()
            _refuse_placeholder(f"key {position} of SECRET_KEYS", text)
            if len(text) < _MIN_KEY_LENGTH or len(set(text)) < 8:
                raise ValueError(
                    f"key {position} of SECRET_KEYS is too weak: give at least {_MIN_KEY_LENGTH} random"
                    " characters, e.g. of `openssl rand -hex 32`"
                )
        return keys

    @field_validator("public_url", "hasura_graphql_endpoint", "files_s3_endpoint")
    @classmethod
    def _require_http(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{value!r} must be an http:// or https:// URL")
        return value.rstrip("/")

    @field_validator("hasura_graphql_admin_secret")
    @classmethod
    def _refuse_placeholder_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _refuse_placeholder("HASURA_GRAPHQL_ADMIN_SECRET", value.get_secret_value())
        return value

    @field_validator("log_level")
    @classmethod
    def _require_known_level(cls, value: str) -> str:
        if (level := value.upper()) not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError(f"LOG_LEVEL {value!r} must be one of DEBUG, INFO, WARNING, ERROR")
        return level

    @model_validator(mode="after")
    def _external_hasura_needs_its_secret(self) -> "Settings":
        if self.hasura_graphql_endpoint and self.hasura_graphql_admin_secret is None:
            raise ValueError(
                "HASURA_GRAPHQL_ENDPOINT needs HASURA_GRAPHQL_ADMIN_SECRET, the admin secret of that Hasura"
            )
        return self

    @model_validator(mode="after")
    def _files_have_one_place(self) -> "Settings":
        if (self.files_s3_access_key_id is None) != (self.files_s3_secret_access_key is None):
            raise ValueError("FILES_S3_ACCESS_KEY_ID and FILES_S3_SECRET_ACCESS_KEY are set together or not at all")
        if self.files_s3_bucket is None and self.files_s3_endpoint is not None:
            raise ValueError("FILES_S3_ENDPOINT needs FILES_S3_BUCKET, the bucket that the files are stored in")
        return self

    @property
    def is_public_url_secure(self) -> bool:
        """Returns true where people reach the platform over HTTPS, so that cookies may insist on it."""
        return urlsplit(self.public_url).scheme == "https"

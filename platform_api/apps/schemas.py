"""Defines the JSON of apps, source versions and installs."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator

from platform_api.accounts.models import Organization
from platform_api.apps.models import DescribedApp, Install, InstallStatus
from platform_api.core.http.pagination import Envelope

AppSlug = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z_][-A-Za-z0-9_]*$", max_length=63),
    Field(description="`[A-Za-z_][-A-Za-z0-9_]*`, unique on the platform"),
]


_HOST = r"(?=.{1,253}(?::|$))[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
_ORIGIN = re.compile(rf"(https://{_HOST}|http://(?:localhost|127\.0\.0\.1))(:[0-9]{{1,5}})?")


def _check_origin(text: str) -> str:
    """Returns the origin as browsers send it: in lower case, without a default port. Raises ValueError."""
    origin = text.strip().lower()
    if origin == "*":
        return origin
    match = _ORIGIN.fullmatch(origin)
    if match is None or (match[2] and not 0 < int(match[2][1:]) < 65_536):
        raise ValueError(
            f"{text[:100]!r} is not an origin: write https://host or https://host:port, without a path"
            " (for development also http://localhost:port), or * for any"
        )
    return match[1] if match[2] == (":443" if origin.startswith("https") else ":80") else origin


CorsOrigin = Annotated[str, AfterValidator(_check_origin)]


class AppListing(StrEnum):
    """Selects which apps a list contains."""

    USABLE = "usable"
    OWN = "own"
    INSTALLED = "installed"
    PUBLIC = "public"


AppName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=150)]


class ApplicationFields(BaseModel):
    """Holds the settings of an app; unknown fields are ignored, as the published clients expect."""

    model_config = ConfigDict(extra="ignore")

    slug: AppSlug | None = Field(default=None, description="Made from the name when absent; cannot be changed later")
    description: str = Field(default="", max_length=10_000)
    icon: str = Field(default="", max_length=2_000)
    is_active: bool = True
    is_public: bool = Field(default=False, description="Other organizations may find and install it")
    is_open_source: bool = Field(default=False, description="Everybody who may see the app may read its source")
    forked_from: int | None = Field(
        default=None, description="Starts with this app's source, which the caller must be able to read"
    )
    cors_origins: list[CorsOrigin] = Field(
        default=[],
        max_length=50,
        description="Origins whose pages may call its GraphQL endpoints with a token: `https://host[:port]`, `*`",
    )

    stringify_numbers: bool = Field(
        default=False,
        description="`/v1/graphql` answers bigint, numeric and double precision as strings, not numbers",
    )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _none_is_no_origin(cls, value: object) -> object:
        return [] if value is None else value

    @field_validator("description", "icon", mode="before")
    @classmethod
    def _none_is_empty(cls, value: object) -> object:
        return "" if value is None else value


class ApplicationWrite(ApplicationFields):
    """Creates an app."""

    name: AppName


class ApplicationUpdate(ApplicationFields):
    """Changes an app; what is absent stays."""

    name: AppName | None = Field(default=None, description="Stays when null")


class Application(BaseModel):
    """Describes an app as the published clients know it."""

    id: int
    name: str
    slug: str
    organization: str = Field(description="Slug of the owning organization")
    url: str
    description: str
    icon: str
    is_active: bool
    is_public: bool
    is_open_source: bool
    is_official: bool = False
    activated: bool = Field(
        description="Whether it works for the caller's organization: own or installed, and active"
    )
    authorized: bool = True
    configuration_schema_available: bool = False
    forked_from: int | None
    created_at: datetime
    updated_at: datetime
    is_own: bool = Field(description="Whether it belongs to the caller's organization")
    cors_origins: list[str] | None = Field(
        description="Origins whose pages may call its GraphQL endpoints; null for another organization's app"
    )
    stringify_numbers: bool = Field(description="Whether `/v1/graphql` answers wide numbers as strings")
    install_status: InstallStatus | None = Field(description="Null when the caller's organization did not install it")

    @classmethod
    def of(cls, described: DescribedApp, *, public_url: str) -> Self:
        app = described.app
        works_here = described.is_own or described.install_status is InstallStatus.ACTIVE
        return cls(
            id=app.id,
            name=app.name,
            slug=app.slug,
            organization=described.organization_slug,
            url=f"{public_url}/api/apps/graphql/?app={app.slug}",
            description=app.description,
            icon=app.icon,
            is_active=app.is_active,
            is_public=app.is_public,
            is_open_source=app.is_open_source,
            activated=app.is_active and works_here,
            forked_from=app.forked_from,
            created_at=app.created_at,
            updated_at=app.updated_at,
            is_own=described.is_own,
            cors_origins=app.cors_origins if described.is_own else None,
            stringify_numbers=app.stringify_numbers,
            install_status=described.install_status,
        )


class ApplicationPage(Envelope):
    """Holds one page of apps in the contract's pagination envelope."""

    results: list[Application]


class SourceVersionRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    number: int
    digest: str = Field(description="SHA-256 of the tree")
    message: str
    author_id: int | None
    created_at: datetime


class SourceRead(SourceVersionRead):
    files: dict[str, str] = Field(description="Path to text")


class SourceWrite(BaseModel):
    """Replaces the whole source tree."""

    model_config = ConfigDict(extra="forbid")

    base_version: int = Field(ge=0, description="Number of the version that was edited; 0 for the first save")
    files: dict[str, str] = Field(description="Path to text; files that are absent are removed")
    message: str = Field(default="", max_length=1_000)


class SourceChange(BaseModel):
    """Changes files of the latest source tree."""

    model_config = ConfigDict(extra="forbid")

    base_version: int = Field(ge=0, description="Number of the version that was edited")
    changes: dict[str, str | None] = Field(min_length=1, description="Path to new text; null removes the file")
    message: str = Field(default="", max_length=1_000)


class SourceDiff(BaseModel):
    from_version: int
    to_version: int
    added: list[str]
    removed: list[str]
    modified: list[str]
    diff: str = Field(description="In the format of `diff -u`")


class AccessSummary(BaseModel):
    """Summarizes what an app accesses, shown before it is installed."""

    app_id: int
    app: str
    organization: str
    access: dict[str, list[Any]] = Field(description="By kind, e.g. `tables`, `actions`, `integrations`")
    digest: str = Field(description="To be sent with the install, as consent to what was shown")

    @classmethod
    def of(cls, described: DescribedApp, access: dict[str, list[Any]], *, digest: str) -> Self:
        return cls(
            app_id=described.app.id,
            app=described.app.slug,
            organization=described.organization_slug,
            access=access,
            digest=digest,
        )


class InstallWrite(BaseModel):
    model_config = ConfigDict(extra="forbid")

    access_digest: str = Field(max_length=64, description="`digest` of the access summary that was shown")


class InstallUpdate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: InstallStatus = Field(description="`suspended` stops the app's scripts from reaching this organization")


class InstallRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    app_id: int
    organization_id: int
    status: InstallStatus
    installed_by: int | None
    created_at: datetime
    updated_at: datetime


class InstallerRead(BaseModel):
    """Describes an organization that installed an app, for the app's owner."""

    organization_id: int
    organization: str
    status: InstallStatus
    created_at: datetime

    @classmethod
    def of(cls, install: Install, organization: Organization) -> Self:
        return cls(
            organization_id=organization.id,
            organization=organization.slug,
            status=install.status,
            created_at=install.created_at,
        )

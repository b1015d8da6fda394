"""Defines the JSON of the console's first screen."""

from typing import Literal, Self

from pydantic import BaseModel, Field

from automio import __version__
from platform_api.accounts.models import Role, Scope
from platform_api.accounts.schemas import OrganizationRead, UserRead
from platform_api.apps.schemas import Application
from platform_api.console.service import FirstScreen
from platform_api.core.settings import SandboxIsolation, Settings


class IsolationRead(BaseModel):
    configured: SandboxIsolation
    levels: list[str] = Field(description="How the runners that are present isolate code; empty: none is present")


class LimitsRead(BaseModel):
    body_bytes: int
    file_bytes: int
    csv_bytes: int


class InstallationRead(BaseModel):
    """Describes the installation: its version, and what it has been set up with."""

    version: str
    public_url: str
    has_mail: bool = Field(description="Mail is sent; false: it is stored and shown")
    graphql: Literal["embedded", "external"] = Field(description="The embedded engine, or a Hasura of its own")
    isolation: IsolationRead
    limits: LimitsRead

    @classmethod
    def of(cls, settings: Settings, levels: list[str]) -> Self:
        return cls(
            version=__version__,
            public_url=settings.public_url,
            has_mail=settings.smtp_url is not None,
            graphql="external" if settings.hasura_graphql_endpoint else "embedded",
            isolation=IsolationRead(configured=settings.sandbox_isolation, levels=levels),
            limits=LimitsRead(
                body_bytes=settings.max_body_bytes,
                file_bytes=settings.files_max_bytes,
                csv_bytes=settings.csv_max_bytes,
            ),
        )


class FirstApps(BaseModel):
    results: list[Application] = Field(description="The first apps by name")
    next_cursor: str | None = Field(description="`cursor` for `GET /api/apps/?order=name`; null: these are all")


class Bootstrap(BaseModel):
    """Holds what the console shows first."""

    user: UserRead
    organization: OrganizationRead = Field(description="The chosen organization, with the caller's role")
    role: Role
    scopes: list[Scope]
    organizations: list[OrganizationRead] = Field(description="The caller's organizations, 100 at most")
    has_more_organizations: bool = Field(description="There are more: `GET /api/organizations/` lists all")
    apps: FirstApps
    unread: int = Field(description="Unread notifications; 100 stands for 100 or more")
    runs_under_way: int = Field(description="Runs that a runner works on; 100 stands for 100 or more")
    installation: InstallationRead

    @classmethod
    def of(cls, screen: FirstScreen, settings: Settings) -> Self:
        apps = [Application.of(described, public_url=settings.public_url) for described in screen.apps.items]
        return cls(
            user=UserRead.model_validate(screen.user),
            organization=OrganizationRead.of(screen.organization, screen.actor.role),
            role=screen.actor.role,
            scopes=sorted(screen.actor.scopes),
            organizations=[OrganizationRead.of(*membership) for membership in screen.organizations],
            has_more_organizations=screen.has_more_organizations,
            apps=FirstApps(results=apps, next_cursor=screen.apps.next_cursor),
            unread=screen.unread,
            runs_under_way=screen.under_way,
            installation=InstallationRead.of(settings, list(screen.isolation_levels)),
        )

"""Maps apps, their source versions and installs."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.accounts.models import EnumText
from platform_api.core.database import Base, Timestamps, identity
from platform_api.core.types import AppId, OrganizationId, UserId


class InstallStatus(StrEnum):
    """Tells whether an installed app may work with the organization's rows."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class App(Timestamps, Base):
    """Stores an app of an organization. Its slug is unique on the platform."""

    __tablename__ = "apps"
    __table_args__ = (
        Index("ix_apps_organization_id", "organization_id"),
        Index("ix_apps_cors_origins", "cors_origins", postgresql_using="gin"),
        # Public apps are everybody's list: organizations do not bound it.
        Index("ix_apps_public", func.lower(text("name")), "id", postgresql_where=text("is_public and is_active")),
    )

    id: Mapped[AppId] = mapped_column(Integer, identity(), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(ForeignKey("platform.organizations.id"))
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(150))
    description: Mapped[str] = mapped_column(server_default="")
    icon: Mapped[str] = mapped_column(server_default="")
    is_active: Mapped[bool] = mapped_column(server_default="true")
    is_public: Mapped[bool] = mapped_column(server_default="false")
    """Other organizations may find and install it."""
    is_open_source: Mapped[bool] = mapped_column(server_default="false")
    """Everybody who may see the app may read its source."""
    forked_from: Mapped[AppId | None] = mapped_column(ForeignKey("platform.apps.id", ondelete="SET NULL"))
    cors_origins: Mapped[list[str]] = mapped_column(server_default="{}")
    """Origins whose pages may call the app's GraphQL endpoints from a browser; `*` for any."""
    stringify_numbers: Mapped[bool] = mapped_column(server_default="false")
    """GraphQL clients get bigint, numeric and double precision as strings, because JavaScript would round them."""


class SourceVersion(Base):
    """Stores one immutable state of an app's source tree."""

    __tablename__ = "source_versions"
    __table_args__ = (UniqueConstraint("app_id", "number"), Index("ix_source_versions_digest", "digest"))

    id: Mapped[int] = mapped_column(BigInteger, identity(), primary_key=True)
    app_id: Mapped[AppId] = mapped_column(ForeignKey("platform.apps.id", ondelete="CASCADE"))
    number: Mapped[int]
    """1 for the app's first version, without gaps."""
    digest: Mapped[str]
    """SHA-256 of the whole tree, in hex: equal trees have equal digests."""
    manifest: Mapped[dict[str, str]]
    """Maps path to the digest of the file's content."""
    author_id: Mapped[UserId | None] = mapped_column(ForeignKey("platform.users.id", ondelete="SET NULL"))
    message: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SourceFile(Base):
    """Stores the content of a file, once per app for all versions that contain it."""

    __tablename__ = "source_files"

    app_id: Mapped[AppId] = mapped_column(ForeignKey("platform.apps.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[str]


class Install(Timestamps, Base):
    """Stores another organization's consent that an app works with its rows."""

    __tablename__ = "installs"
    __table_args__ = (
        CheckConstraint("status in ('active', 'suspended')", name="status_known"),
        Index("ix_installs_organization_id", "organization_id"),
    )

    app_id: Mapped[AppId] = mapped_column(ForeignKey("platform.apps.id", ondelete="CASCADE"), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE"), primary_key=True
    )
    status: Mapped[InstallStatus] = mapped_column(EnumText(InstallStatus))
    installed_by: Mapped[UserId | None] = mapped_column(ForeignKey("platform.users.id", ondelete="SET NULL"))
    accepted_access: Mapped[str]
    """Digest of the access summary that was shown before the consent."""


@dataclass(frozen=True, slots=True)
class DescribedApp:
    """Holds an app as its caller sees it."""

    app: App
    organization_slug: str
    is_own: bool
    install_status: InstallStatus | None

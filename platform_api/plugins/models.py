"""Stores plugin interfaces, plugins, the versions of both, and the bundles that carry them to runs."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.core.database import Base, Timestamps, identity
from platform_api.core.types import OrganizationId, PluginId, PluginInterfaceId, UserId


class PluginInterface(Timestamps, Base):
    """Stores what the plugins of a namespace have in common: the capabilities and the code they share."""

    __tablename__ = "plugin_interfaces"
    __table_args__ = (UniqueConstraint("organization_id", "namespace"),)

    id: Mapped[PluginInterfaceId] = mapped_column(Integer, identity(), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    namespace: Mapped[str] = mapped_column(String(50))
    title: Mapped[str] = mapped_column(String(150), server_default="")
    capabilities: Mapped[list[str]]
    code: Mapped[str]
    digest: Mapped[str]
    """SHA-256 of the code, in hex."""
    version: Mapped[int]
    """Number of the latest version; counts from 1."""


class Plugin(Timestamps, Base):
    """Stores the implementation of an interface for one integration."""

    __tablename__ = "plugins"
    __table_args__ = (
        UniqueConstraint("interface_id", "integration_id"),
        Index("ix_plugins_organization_id", "organization_id"),
    )

    id: Mapped[PluginId] = mapped_column(Integer, identity(), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    interface_id: Mapped[PluginInterfaceId] = mapped_column(ForeignKey("platform.plugin_interfaces.id"))
    integration_id: Mapped[str] = mapped_column(String(100))
    is_enabled: Mapped[bool]
    is_visible: Mapped[bool]
    """Members who are not builders see it in the list of an interface's plugins."""
    connection_ids: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    """The connections it may use; null: every connection of the organization to its integration."""
    code: Mapped[str]
    digest: Mapped[str]
    version: Mapped[int]


class PluginInterfaceVersion(Base):
    """Stores one immutable state of an interface."""

    __tablename__ = "plugin_interface_versions"

    interface_id: Mapped[PluginInterfaceId] = mapped_column(
        ForeignKey("platform.plugin_interfaces.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    capabilities: Mapped[list[str]]
    code: Mapped[str]
    author_id: Mapped[UserId | None] = mapped_column(ForeignKey("platform.users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PluginVersion(Base):
    """Stores one immutable state of a plugin's code."""

    __tablename__ = "plugin_versions"

    plugin_id: Mapped[PluginId] = mapped_column(
        ForeignKey("platform.plugins.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    author_id: Mapped[UserId | None] = mapped_column(ForeignKey("platform.users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PluginBundle(Base):
    """Stores a source tree together with the plugin modules of the organization that a run works for."""

    __tablename__ = "plugin_bundles"

    digest: Mapped[str] = mapped_column(primary_key=True)
    source_digest: Mapped[str]
    modules: Mapped[dict[str, str]]
    """Maps paths in the bundle to code."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

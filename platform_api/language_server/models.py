"""Describes the language servers that editors use now."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.core.database import Base, identity
from platform_api.core.types import AppId, OrganizationId, UserId


class LanguageServer(Base):
    """Describes one language server, from the moment at which an editor asks for it until it ends."""

    __tablename__ = "language_servers"
    __table_args__ = (
        Index("ix_language_servers_organization_id", "organization_id"),
        {"prefixes": ["UNLOGGED"]},
    )

    id: Mapped[int] = mapped_column(BigInteger, identity(), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    app_id: Mapped[AppId] = mapped_column(ForeignKey("platform.apps.id", ondelete="CASCADE"))
    user_id: Mapped[UserId] = mapped_column(ForeignKey("platform.users.id", ondelete="CASCADE"))
    runner_id: Mapped[str | None]
    """Null: no runner has taken it yet."""
    used_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When its editor sent something last."""
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When the process that holds its editor's connection was there last."""


@dataclass(frozen=True, slots=True)
class KnownTable:
    """Describes a table as far as code names it."""

    name: str
    columns: tuple[tuple[str, str], ...]
    """Name and type of each column."""


@dataclass(frozen=True, slots=True)
class KnownIntegration:
    """Describes an integration as far as code names it."""

    name: str
    endpoints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """Lists the names of an app that code uses."""

    tables: tuple[KnownTable, ...] = ()
    integrations: tuple[KnownIntegration, ...] = ()

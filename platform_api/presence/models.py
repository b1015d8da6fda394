"""Describes who has which document open now."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, func
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.core.database import Base
from platform_api.core.types import AppId, OrganizationId, UserId


class Presence(Base):
    """Describes one window in which somebody has a document open, for as long as its connection answers.

    Without foreign keys: a row of somebody who was just deleted must not keep those of others from being renewed, and
    it is gone within seconds.
    """

    __tablename__ = "presences"
    __table_args__ = (
        Index("ix_presences_place_key", "place_key"),
        Index("ix_presences_organization_id", "organization_id"),
        {"prefixes": ["UNLOGGED"]},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(Integer)
    app_id: Mapped[AppId] = mapped_column(Integer)
    user_id: Mapped[UserId] = mapped_column(Integer)
    document: Mapped[str]
    place_key: Mapped[int] = mapped_column(BigInteger)
    """Of the place, by which others are told."""
    edited_row: Mapped[UUID | None]
    """The row of a table in which a cell is edited there, if one is."""
    edited_column: Mapped[str | None]
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When the process that holds its connection was there last."""


@dataclass(frozen=True, slots=True)
class Place:
    """Names a document of an app, as the members of one organization see it."""

    organization_id: OrganizationId
    app_id: AppId
    document: str

    @property
    def key(self) -> int:
        """Returns a number for the place. Two places may have the same: whoever is told of it looks again."""
        text = f"{self.organization_id}/{self.app_id}/{self.document}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """Names a cell of a table."""

    row: UUID
    column: str


@dataclass(frozen=True, slots=True)
class Visit:
    """Holds what one connection keeps of its presence."""

    id: UUID
    place: Place
    user_id: UserId
    edited: Cell | None = None
    """The cell that is edited there."""


@dataclass(frozen=True, slots=True)
class Person:
    """Names somebody who has a document open, and the cells that they edit in it."""

    id: UserId
    name: str
    edited: tuple[Cell, ...] = ()

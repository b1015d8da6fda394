"""Defines the JSON of what the caller may do with the rows of a table."""

from typing import Self

from pydantic import BaseModel, Field

from platform_api.accounts.models import Role
from platform_api.tables.permissions.limits import Own, OwnRight


class OwnRightRead(BaseModel):
    allowed: bool
    columns: list[str] = Field(description="Columns of the builder that may be read or written")
    presets: list[str] = Field(description="Columns that the platform gives a value")
    is_by_row: bool = Field(description="A rule decides for each row")

    @classmethod
    def of(cls, right: OwnRight) -> Self:
        return cls(
            allowed=right.allowed,
            columns=list(right.columns),
            presets=list(right.presets),
            is_by_row=right.is_by_row,
        )


class OwnPermission(BaseModel):
    """Describes what the caller may do with the rows of a table."""

    role: Role
    is_limited: bool = Field(description="False: everything, in the caller's organization")
    read: OwnRightRead
    add: OwnRightRead
    change: OwnRightRead
    delete: OwnRightRead

    @classmethod
    def of(cls, role: Role, own: Own) -> Self:
        return cls(
            role=role,
            is_limited=own.is_limited,
            **{name: OwnRightRead.of(getattr(own, name)) for name in ("read", "add", "change", "delete")},
        )

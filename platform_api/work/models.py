"""Adds the columns that make a table's rows jobs."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, func, text
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.core.database import identity


class Leased:
    """Makes a row a job that one process at a time works on. A column of its own says where it stands.

    waits      it is open, and `lease_expires_at` is null
    is held    `lease_expires_at` is set
    is stalled `lease_expires_at` is past: its process does not renew it
    """

    id: Mapped[int] = mapped_column(BigInteger, identity(), primary_key=True)
    fence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Grows with each claim: a process that lost the job changes nothing more."""
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    """Claims since its last progress."""
    available_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """Not claimed before this time, while it waits."""
    lease_expires_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]


class Dated:
    """Adds the times when a job was created, first claimed and ended, for jobs that stay after their end."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


def lease_indexes(table: str, *columns: str, is_open: str) -> tuple[Index, Index]:
    """Returns the indexes of the sweep; `is_open` is the SQL condition of rows that have not ended."""
    return (
        Index(
            f"ix_{table}_waiting",
            *columns,
            "available_at",
            postgresql_where=text(f"lease_expires_at is null and {is_open}"),
        ),
        Index(
            f"ix_{table}_held", *columns, "lease_expires_at", postgresql_where=text("lease_expires_at is not null")
        ),
    )

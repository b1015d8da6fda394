"""Maps import and export jobs, and the files that belong to them.

Files are stored in PostgreSQL, in pieces: every control plane can read them, and they are committed together with
their jobs.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, func, text
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.accounts.models import EnumText
from platform_api.core.database import Base
from platform_api.core.types import AppId, OrganizationId, TableId, UserId
from platform_api.work.models import Dated, Leased, lease_indexes


class JobStatus(StrEnum):
    """Names the state of a job."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def has_ended(self) -> bool:
        """Returns whether the job is final."""
        return self in (JobStatus.COMPLETED, JobStatus.FAILED)


_STATUSES = ", ".join(f"'{status}'" for status in JobStatus)
_IS_OPEN = "status in ('pending', 'in_progress')"


class CsvFile(Base):
    """Stores a file of a job. Its content is in pieces, numbered from 0."""

    __tablename__ = "csv_files"
    __table_args__ = (
        Index("ix_csv_files_organization_id", "organization_id"),
        Index("ix_csv_files_created_at", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    name: Mapped[str]
    content_type: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger, server_default="0")
    pieces: Mapped[int] = mapped_column(Integer, server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CsvPiece(Base):
    """Stores a piece of a file's content."""

    __tablename__ = "csv_pieces"

    file_id: Mapped[UUID] = mapped_column(ForeignKey("platform.csv_files.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Job(Leased, Dated, Base):
    """Holds what imports and exports have in common."""

    __abstract__ = True

    task_id: Mapped[str] = mapped_column(unique=True)
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    """Whose rows these are."""
    app_id: Mapped[AppId] = mapped_column(ForeignKey("platform.apps.id", ondelete="CASCADE"))
    table_id: Mapped[TableId] = mapped_column(ForeignKey("platform.app_tables.id", ondelete="CASCADE"))
    table_name: Mapped[str]
    user_id: Mapped[UserId] = mapped_column(ForeignKey("platform.users.id", ondelete="CASCADE"))
    """Who asked for it, and with whose rights it works."""
    is_told: Mapped[bool] = mapped_column(server_default="false")
    """The user asked for it in the console, and is told of its end."""
    status: Mapped[JobStatus] = mapped_column(EnumText(JobStatus), server_default="pending")
    options: Mapped[dict[str, Any]]
    file_id: Mapped[UUID | None] = mapped_column(ForeignKey("platform.csv_files.id", ondelete="SET NULL"))
    progress: Mapped[int] = mapped_column(Integer, server_default="0")
    """0 to 100."""
    processed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Rows dealt with. For an import the checkpoint: it is committed together with the rows."""
    error: Mapped[str | None]
    """Why it failed."""


class CsvImport(Job):
    """Stores a job that imports the rows of a file into a table."""

    __tablename__ = "csv_imports"
    __table_args__ = (
        CheckConstraint(f"status in ({_STATUSES})", name="status_known"),
        Index("ix_csv_imports_organization_id_id", "organization_id", "id"),
        Index("ix_csv_imports_organization_id_user_id_id", "organization_id", "user_id", "id"),
        Index("ix_csv_imports_open", "id", postgresql_where=text(_IS_OPEN)),
        *lease_indexes("csv_imports", is_open=_IS_OPEN),
    )

    rejected_file_id: Mapped[UUID | None] = mapped_column(ForeignKey("platform.csv_files.id", ondelete="SET NULL"))
    file_name: Mapped[str]
    inserted: Mapped[int] = mapped_column(BigInteger, server_default="0")
    updated: Mapped[int] = mapped_column(BigInteger, server_default="0")
    skipped: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rejected: Mapped[int] = mapped_column(BigInteger, server_default="0")
    blank: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Blank lines, which were skipped."""
    repairable: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Rejected lines that were put on the repair list."""
    repaired: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Those of them that were repaired since; `inserted` and the others count them, `rejected` does not any more."""
    total_rows: Mapped[int | None] = mapped_column(BigInteger)
    """Rows of the file, once they are known."""
    errors: Mapped[list[Any]] = mapped_column(server_default="[]")
    """The first rejected lines: line, column, reason."""
    format: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """The detected format: kind, encoding and delimiter, or the sheet."""


class CsvExport(Job):
    """Stores a job that exports the rows of a table to a file."""

    __tablename__ = "csv_exports"
    __table_args__ = (
        CheckConstraint(f"status in ({_STATUSES})", name="status_known"),
        Index("ix_csv_exports_organization_id_id", "organization_id", "id"),
        Index("ix_csv_exports_organization_id_user_id_id", "organization_id", "user_id", "id"),
        Index("ix_csv_exports_open", "id", postgresql_where=text(_IS_OPEN)),
        *lease_indexes("csv_exports", is_open=_IS_OPEN),
    )


class RejectedRow(Base):
    """Stores a line that an import rejected, so that a person can repair it. It stays when it has been repaired.

    So a repair that is sent twice, or by two people, is known and writes nothing more.
    """

    __tablename__ = "csv_rejected_rows"
    __table_args__ = (
        Index("ix_csv_rejected_rows_organization_id", "organization_id"),
        Index("ix_csv_rejected_rows_created_at", "created_at"),
    )

    import_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("platform.csv_imports.id", ondelete="CASCADE"), primary_key=True
    )
    line: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Line of the file (row of the sheet)."""
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    revision: Mapped[int] = mapped_column(Integer, server_default="1")
    """Grows with each attempt to repair the row."""
    cells: Mapped[list[Any]]
    """Pairs of a column of the table and its cell, in the order of the file."""
    reasons: Mapped[list[Any]]
    """Objects with a column of the table, or null, and a reason."""
    raw: Mapped[str | None]
    """The line as it is in the file, where its form is at fault."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    repaired_at: Mapped[datetime | None]

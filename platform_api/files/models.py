"""Maps the tables of files, and of stored objects that no file needs."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.core.database import Base, Timestamps, identity
from platform_api.core.types import AppId, FileId, OrganizationId, RunId, UserId


class File(Timestamps, Base):
    """Describes a file of one organization in one app. Only a file with a path is ever overwritten."""

    __tablename__ = "files"
    __table_args__ = (
        CheckConstraint("size >= 0", name="size_not_negative"),
        Index("ix_files_app_id_organization_id_id", "app_id", "organization_id", "id"),
        Index("ix_files_organization_id", "organization_id", postgresql_include=["size"]),
        Index(
            "ix_files_path",
            *("app_id", "organization_id", "path"),
            unique=True,
            postgresql_where=text("path is not null"),
        ),
    )

    id: Mapped[FileId] = mapped_column(BigInteger, identity(), primary_key=True)
    app_id: Mapped[AppId] = mapped_column(ForeignKey("platform.apps.id", ondelete="CASCADE"))
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    name: Mapped[str]
    """Shown to people; not unique, and not part of where the content is stored."""
    path: Mapped[str | None]
    """Names it within the organization and the app, for files that were stored by path."""
    is_public: Mapped[bool] = mapped_column(server_default="false")
    """Whether a link that has no end opens it, until this is taken back."""
    content_type: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    object_key: Mapped[str] = mapped_column(unique=True)
    created_by: Mapped[UserId | None] = mapped_column(ForeignKey("platform.users.id", ondelete="SET NULL"))
    run_id: Mapped[RunId | None] = mapped_column(BigInteger)
    """The run whose script stored it."""


class FileLeftover(Base):
    """Marks an object for removal from the store at a time, unless an upload in progress turns it into a file.

    A row is committed before an object is written, and by a trigger whenever a row of `files` is deleted, however
    that happens: so every object in the store belongs to a row of one of the two tables.
    """

    __tablename__ = "file_leftovers"
    __table_args__ = (Index("ix_file_leftovers_remove_after", "remove_after"),)

    object_key: Mapped[str] = mapped_column(primary_key=True)
    remove_after: Mapped[datetime]

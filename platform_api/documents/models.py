"""Maps documents."""

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.accounts.models import EnumText
from platform_api.core.database import Base, Timestamps, identity
from platform_api.core.types import AppId, OrganizationId, TableId, UserId


class DocumentKind(StrEnum):
    """Names what a document is."""

    VIEW = "view"
    """A saved arrangement of a table's rows: filter, order, groups, columns."""
    DRAFT = "draft"
    """What a person typed and has not saved; only they see it."""


class Document(Timestamps, Base):
    """Stores a document with its revision: a change names the revision that it started from."""

    __tablename__ = "documents"
    __table_args__ = (
        CheckConstraint("kind in ('view', 'draft')", name="kind_known"),
        CheckConstraint("(kind = 'view') = (table_id is not null)", name="view_of_table"),
        CheckConstraint("kind = 'view' or not is_shared", name="drafts_private"),
        # What is shared has one owner of the name for all; what is personal one for each.
        Index(
            "uq_documents_shared_views",
            "organization_id",
            "table_id",
            text("lower(name)"),
            unique=True,
            postgresql_where=text("kind = 'view' and is_shared"),
        ),
        Index(
            "uq_documents_own_views",
            "organization_id",
            "table_id",
            "owner_id",
            text("lower(name)"),
            unique=True,
            postgresql_where=text("kind = 'view' and not is_shared"),
        ),
        Index(
            "uq_documents_drafts",
            "organization_id",
            "owner_id",
            "name",
            text("coalesce(app_id, 0)"),
            unique=True,
            postgresql_where=text("kind = 'draft'"),
        ),
        Index("ix_documents_table_id", "table_id"),
        Index("ix_documents_app_id", "app_id"),
        Index("ix_documents_owner_id", "owner_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, identity(), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    owner_id: Mapped[UserId] = mapped_column(ForeignKey("platform.users.id", ondelete="CASCADE"))
    app_id: Mapped[AppId | None] = mapped_column(ForeignKey("platform.apps.id", ondelete="CASCADE"))
    table_id: Mapped[TableId | None] = mapped_column(ForeignKey("platform.app_tables.id", ondelete="CASCADE"))
    kind: Mapped[DocumentKind] = mapped_column(EnumText(DocumentKind))
    name: Mapped[str]
    """The name of a view; for a draft, what it is a draft of."""
    is_shared: Mapped[bool] = mapped_column(server_default="false")
    content: Mapped[dict[str, Any]]
    revision: Mapped[int] = mapped_column(Integer, server_default="1")

"""Maps what roles may do with the rows of a table."""

from typing import Any

from sqlalchemy import ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.accounts.models import EnumText, Role
from platform_api.core.database import Base, Timestamps
from platform_api.core.types import AppId, TableId
from platform_api.tables.permissions.definition import Permission


class TablePermission(Timestamps, Base):
    """Stores what a role may do with a table's rows; without one it may do everything in its organization."""

    __tablename__ = "table_permissions"
    __table_args__ = (Index("ix_table_permissions_app_id", "app_id", "role"),)

    table_id: Mapped[TableId] = mapped_column(
        ForeignKey("platform.app_tables.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[Role] = mapped_column(EnumText(Role), primary_key=True)
    app_id: Mapped[AppId] = mapped_column(ForeignKey("platform.apps.id", ondelete="CASCADE"))
    stored_content: Mapped[dict[str, Any]] = mapped_column("content")
    revision: Mapped[int] = mapped_column(Integer, server_default="1")

    @property
    def content(self) -> Permission:
        """Returns the stored permission, parsed."""
        return Permission.model_validate(self.stored_content)

    @content.setter
    def content(self, content: Permission) -> None:
        self.stored_content = content.model_dump(mode="json")

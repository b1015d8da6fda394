"""Maps the definitions of app tables, and tags on tables."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.core.database import Base, Timestamps, identity
from platform_api.core.types import AppId, OrganizationId, TableId
from platform_api.tables.definition import TableDefinition


class AppTable(Timestamps, Base):
    """Stores the definition of one app table; the PostgreSQL table and the Hasura metadata are made from it."""

    __tablename__ = "app_tables"
    __table_args__ = (UniqueConstraint("app_id", "name"), Index("ix_app_tables_app_id_id", "app_id", "id"))

    id: Mapped[TableId] = mapped_column(Integer, identity(), primary_key=True)
    app_id: Mapped[AppId] = mapped_column(ForeignKey("platform.apps.id", ondelete="RESTRICT"))
    name: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    stored_definition: Mapped[dict[str, Any]] = mapped_column("definition")

    @property
    def definition(self) -> TableDefinition:
        """Returns the stored definition, parsed."""
        return TableDefinition.model_validate(self.stored_definition)

    @definition.setter
    def definition(self, definition: TableDefinition) -> None:
        self.name = definition.name
        self.stored_definition = definition.to_json()


class TableTag(Timestamps, Base):
    """Stores a label that an organization gave to a table it uses. `count` is how often it was given."""

    __tablename__ = "table_tags"
    __table_args__ = (
        UniqueConstraint("organization_id", "table_id", "name"),
        Index("ix_table_tags_table_id", "table_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, identity(), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    table_id: Mapped[TableId] = mapped_column(ForeignKey("platform.app_tables.id", ondelete="CASCADE"))
    name: Mapped[str]
    color: Mapped[str | None]
    description: Mapped[str | None]
    count: Mapped[int] = mapped_column(Integer, server_default="1")

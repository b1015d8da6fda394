"""Defines the JSON of tables."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from platform_api.core.http.pagination import Envelope
from platform_api.tables.ddl.column_types import ColumnType
from platform_api.tables.definition import MAX_COLUMNS, OnDelete
from platform_api.tables.models import AppTable, TableTag
from platform_api.tables.permissions.own_schemas import OwnPermission

# Sent by the published clients, which describe a table as if it were an application.
_APPLICATION_FIELDS = ("icon", "is_active", "is_public", "is_open_source", "forked_from")

Description = Annotated[str, StringConstraints(max_length=2000)]


class _Write(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ColumnWrite(_Write):
    name: str
    type: ColumnType
    required: bool = False
    default: JsonValue = Field(
        default=None,
        description="A value of the column's type; `now()` for date and timestamptz, `gen_random_uuid()` for uuid",
    )
    choices: list[str] = Field(default=[], description="The allowed values of a `choice`")
    renamed_from: str | None = Field(default=None, description="When editing: the column's current name")
    position: Annotated[int, Field(ge=0, le=MAX_COLUMNS)] | None = Field(
        default=None, description="Its place among the builder's columns, from 0; when absent it stays, or comes last"
    )
    description: Annotated[str, StringConstraints(max_length=1000)] | None = Field(
        default=None, description="What the column holds, also in GraphQL's schema; when absent it stays"
    )
    format: dict[str, JsonValue] | None = Field(
        default=None,
        max_length=10,
        description="How values are shown, by type: `decimals`, `currency`, `percent`, `grouping` of numbers; "
        "`style` (iso, short, medium, long) of dates and times, `seconds` of times; `multiline` of text. "
        "When absent it stays, null removes it",
    )


class UniqueWrite(_Write):
    columns: list[str] = Field(description="Unique together within each organization (`organization_id` is added)")
    name: str | None = Field(
        default=None, description="Replaces the columns in the constraint's name `uq_app_{id}_{table}_{columns}_org`"
    )


class ForeignKeyWrite(_Write):
    column: str
    table: str = Field(description="A table of the same app, or the table itself")
    references: str = Field(default="id", description="Always `id`")
    on_delete: OnDelete | None = Field(
        default=None, description="When absent: `set_null`, or `restrict` for a required column"
    )


class IndexWrite(_Write):
    columns: list[str]


class _TableWrite(_Write):
    @model_validator(mode="before")
    @classmethod
    def _drop_application_fields(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: item for key, item in value.items() if key not in _APPLICATION_FIELDS}
        return value


class TableCreate(_TableWrite):
    name: str
    description: Description = ""
    columns: list[ColumnWrite] = []
    unique: list[UniqueWrite] = []
    foreign_keys: list[ForeignKeyWrite] = []
    indexes: list[IndexWrite] = []


class TableEdit(_TableWrite):
    """Changes a table; what is absent stays. Only `drop_columns` removes columns, with their values."""

    NAME_FIELD: ClassVar[str] = "new_name"

    name: str = Field(description="The table's current name")
    new_name: str | None = None
    description: Description | None = None
    columns: list[ColumnWrite] = Field(
        default=[], description="Columns to add or change; the others stay as they are"
    )
    drop_columns: list[str] = []
    unique: list[UniqueWrite] | None = Field(default=None, description="Replaces all unique keys")
    foreign_keys: list[ForeignKeyWrite] = Field(default=[], description="References to add or change")
    indexes: list[IndexWrite] | None = Field(default=None, description="Replaces all indexes")
    base_revision: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        default=None, description="The table's `revision` that the change is of; 409 when it is another by now"
    )


class TableConfiguration(_TableWrite):
    """Changes a table as `TableEdit` does; the path holds its current name, so `name` is the new one."""

    name: str | None = None
    description: Description | None = None
    columns: list[ColumnWrite] = []
    drop_columns: list[str] = []
    unique: list[UniqueWrite] | None = None
    foreign_keys: list[ForeignKeyWrite] = []
    indexes: list[IndexWrite] | None = None
    base_revision: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        default=None, description="The table's `revision` that the change is of; 409 when it is another by now"
    )

    def as_edit_of(self, table_name: str) -> TableEdit:
        """Returns this change with the current name, which the path holds."""
        edit = _ConfigurationEdit(**{**self.model_dump(exclude_unset=True, exclude={"name"}), "name": table_name})
        return edit if self.name is None else edit.model_copy(update={"new_name": self.name})


class _ConfigurationEdit(TableEdit):
    NAME_FIELD = "name"


class ColumnRead(BaseModel):
    name: str
    type: str
    required: bool
    default: JsonValue
    choices: list[str]
    is_system: bool = Field(description="Maintained by the platform in every table")
    position: int | None = Field(
        default=None, description="Its place among the builder's columns, from 0; null for a column of the platform"
    )
    description: str = ""
    format: dict[str, JsonValue] | None = Field(default=None, description="How its values are shown, by type")


class UniqueRead(BaseModel):
    name: str = Field(description="The constraint's name, for `on_conflict`")
    columns: list[str]


class ForeignKeyRead(BaseModel):
    column: str
    table: str
    references: str
    on_delete: OnDelete
    object_relationship: str = Field(description="GraphQL field that leads to the referenced row")
    array_relationship: str = Field(description="GraphQL field of the referenced table that leads back")


class IndexRead(BaseModel):
    columns: list[str]


class TableRead(BaseModel):
    """Describes a table. `name` comes first: published clients read it as an application."""

    name: str
    id: int
    app_id: int
    description: str
    graphql_name: str = Field(description="Root field and type in GraphQL, and the table in PostgreSQL")
    columns: list[ColumnRead]
    unique: list[UniqueRead]
    foreign_keys: list[ForeignKeyRead]
    indexes: list[IndexRead]
    limits: OwnPermission | None = Field(
        default=None, description="What the caller may do with the rows; null: everything, in their organization"
    )
    revision: str = Field(description="Changes with the table's definition; `base_revision` of a change")
    created_at: datetime
    updated_at: datetime


class TableList(BaseModel):
    """Holds the tables of an app in an object, which published clients read as an application with a `name`."""

    name: str = Field(description="The app's name")
    id: int = Field(description="The app's id")
    tables: list[TableRead]
    next_cursor: str | None = Field(
        default=None, description="`cursor` of the next part; null on the last one, and when all tables are returned"
    )


class TagCreate(BaseModel):
    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    color: Annotated[str, StringConstraints(max_length=7)] | None = None
    description: Description | None = None


class TagObject(BaseModel):
    """Describes a tag as `create_tag` of the published clients returns it."""

    id: int
    name: str
    color: str | None
    count: int
    organization_id: int
    collection_name: str
    description: str | None
    createdAt: datetime  # noqa: N815  # the published clients' spelling
    updatedAt: datetime  # noqa: N815

    @classmethod
    def of(cls, tag: TableTag, table: AppTable) -> Self:
        return cls(
            id=tag.id,
            name=tag.name,
            color=tag.color,
            count=tag.count,
            organization_id=tag.organization_id,
            collection_name=table.name,
            description=tag.description,
            createdAt=tag.created_at,
            updatedAt=tag.updated_at,
        )


class TagPage(Envelope):
    results: list[TagObject]


TagOrder = Literal["name", "-name", "count", "-count", "created_at", "-created_at", "updated_at", "-updated_at"]


class TagAdded(BaseModel):
    """Holds a tag at the top level, for `add_tag`, and under `tag`, for `create_tag` of the published clients."""

    model_config = ConfigDict(populate_by_name=True)

    text_id: str = Field(alias="_id")
    name: str
    color: str | None
    count: int
    organization_id: int
    collection_name: str
    description: str | None
    createdAt: datetime  # noqa: N815  # the published clients' spelling
    updatedAt: datetime  # noqa: N815
    tag: TagObject

    @classmethod
    def of(cls, tag: TableTag, table: AppTable) -> Self:
        shown = TagObject.of(tag, table)
        return cls.model_validate({"_id": str(tag.id), "tag": shown, **shown.model_dump(exclude={"id"})})

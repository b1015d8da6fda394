"""Defines the JSON of work on rows."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from platform_api.graphql.rows.groups import MAX_GROUPS, Groups
from platform_api.graphql.rows.selection import ExpectedRows, Where


class RowsUpdate(ExpectedRows):
    """Changes the selected rows."""

    set: dict[str, JsonValue] = Field(description="New values by column, as in GraphQL's `_set`")


class RowCount(BaseModel):
    count: int


class RowEstimate(BaseModel):
    estimate: int | None = Field(description="From the statistics of the database; null: it has none")


class AffectedRows(BaseModel):
    affected_rows: int


class RowFilter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    filter: Where = Field(default={}, description="A Hasura `where` expression; empty: all rows")


class GroupValue(BaseModel):
    value: JsonValue = Field(description="null: rows without a value. A number beyond a double comes as text")


class GroupsRequest(RowFilter):
    """Requests the groups of rows by one column."""

    by: str = Field(description="The column", max_length=200)
    after: GroupValue | None = Field(default=None, description="The last group of the part before, for the next part")
    limit: int = Field(default=MAX_GROUPS, ge=1, le=MAX_GROUPS)


class GroupRead(GroupValue):
    count: int


class GroupsRead(BaseModel):
    groups: list[GroupRead] = Field(description="By value, ascending; rows without one first")
    next_after: GroupValue | None = Field(description="`after` of the next part; null: these are the last")

    @classmethod
    def of(cls, groups: Groups) -> Self:
        read = [GroupRead(value=group.value, count=group.count) for group in groups.items]
        last = read[-1] if read and groups.has_more else None
        return cls(groups=read, next_after=None if last is None else GroupValue(value=last.value))

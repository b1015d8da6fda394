"""Defines what a role may do with the rows of a table, as it is stored."""

from typing import Annotated, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from platform_api.tables.definition import MAX_COLUMNS

MAX_RULE_BYTES = 16 * 1024

LimitedRole = Literal["member"]
"""Names a role that can be limited. Owners and builders change the table itself, so no limit would hold them."""


def _check_size(rule: dict[str, JsonValue]) -> dict[str, JsonValue]:
    try:
        written = orjson.dumps(rule)
    except orjson.JSONEncodeError as error:
        raise ValueError("it holds characters that are no Unicode text, or numbers beyond 64 bits") from error
    if len(written) > MAX_RULE_BYTES:
        raise ValueError(f"it has {len(written):,} bytes as JSON; at most {MAX_RULE_BYTES:,} are allowed")
    return rule


Rule = Annotated[dict[str, JsonValue], AfterValidator(_check_size)]
ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Columns = Annotated[list[ColumnName], Field(max_length=MAX_COLUMNS)] | None
Presets = Annotated[dict[ColumnName, JsonValue], Field(max_length=50), AfterValidator(_check_size)]

_ROWS = "A Hasura boolean expression over the table's columns and relationships; empty: all rows of the organization"
_COLUMNS = "Of the builder's columns; null: all, also those added later. The system's columns are always open"
_PRESETS = "Values by column: a constant, or `X-Hasura-User-Id` or `X-Hasura-Organization-Id`. Nobody can write them"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    allowed: bool = True


class ReadRight(_Part):
    """Says which rows and columns may be read."""

    rule: Rule = Field(default={}, description=_ROWS)
    columns: Columns = Field(default=None, description=_COLUMNS)


class AddRight(_Part):
    """Says which rows may be added."""

    rule: Rule = Field(default={}, description="What a new row must be, as a boolean expression")
    columns: Columns = Field(default=None, description=_COLUMNS)
    presets: Presets = Field(default={}, description=_PRESETS)


class ChangeRight(_Part):
    """Says which rows and columns may be changed."""

    rule: Rule = Field(default={}, description=_ROWS)
    after: Rule = Field(default={}, description="What a row must be when it has been changed; empty: anything")
    columns: Columns = Field(default=None, description=_COLUMNS)
    presets: Presets = Field(default={}, description=_PRESETS)


class DeleteRight(_Part):
    """Says which rows may be deleted."""

    rule: Rule = Field(default={}, description=_ROWS)


class Permission(BaseModel):
    """Describes what a role may do with the rows of a table in its organization; what is absent is not limited."""

    model_config = ConfigDict(extra="forbid")

    read: ReadRight = ReadRight()
    add: AddRight = AddRight()
    change: ChangeRight = ChangeRight()
    delete: DeleteRight = DeleteRight()

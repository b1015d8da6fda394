"""Selects rows of a table: by their ids, by a filter, or explicitly all."""

import uuid

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from platform_api.core.errors import BadRequest, Unprocessable

Where = dict[str, JsonValue]


class RowSelector(BaseModel):
    """Selects rows in exactly one of three ways."""

    model_config = ConfigDict(extra="forbid")

    ids: list[str] | None = Field(default=None, description="Row ids")
    filter: Where | None = Field(default=None, description="A Hasura `where` expression")
    all: bool = False


class ExpectedRows(RowSelector):
    """Selects rows to change, and says how many there should be."""

    expected_count: int | None = Field(
        default=None, ge=0, description="Changes nothing, and answers 409, when another number of rows is selected"
    )


def row_condition(selector: RowSelector | None) -> Where:
    """Returns the `where` of the selected rows. Raises `BadRequest` unless exactly one selection is given."""
    given = [] if selector is None else [name for name in ("ids", "filter", "all") if getattr(selector, name)]
    if selector is not None and (selector.ids == [] or selector.filter == {}):
        raise BadRequest("an empty selection selects no rows; for every row of your organization send all=true")
    if selector is None or len(given) != 1:
        raise BadRequest("select the rows with exactly one of: ids (a list), filter (a where), all=true")
    if selector.all:
        return {}
    if selector.filter is not None:
        return selector.filter
    return {"id": {"_in": [row_id_of(value, field="ids") for value in selector.ids or []]}}


def row_id_of(value: str, *, field: str) -> str:
    """Returns the id of a row as PostgreSQL writes it. Raises Unprocessable."""
    try:
        return str(uuid.UUID(value))
    except ValueError as error:
        raise Unprocessable(f"{value[:80]!r} is not a row id; row ids are UUIDs", field=field) from error

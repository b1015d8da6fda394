"""Deletes rows of a table by an explicit selection, as the caller's own GraphQL role."""

import uuid
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from hasura.engine.session import Session
from platform_api.core.errors import BadRequest, Conflict, Unavailable, Unprocessable
from platform_api.graphql.backends.backend import GraphQLBackend
from platform_api.tables.definition import TableDefinition


class RowSelector(BaseModel):
    """Selects rows in exactly one of three ways."""

    model_config = ConfigDict(extra="forbid")

    ids: list[str] | None = Field(default=None, description="Row ids")
    filter: dict[str, JsonValue] | None = Field(default=None, description="A Hasura `where` expression")
    all: bool = False


def row_condition(selector: RowSelector | None) -> dict[str, JsonValue]:
    """Returns the `where` of the rows to delete. Raises `BadRequest` unless exactly one selection is given."""
    given = [] if selector is None else [name for name in ("ids", "filter", "all") if getattr(selector, name)]
    if selector is not None and (selector.ids == [] or selector.filter == {}):
        raise BadRequest("an empty selection selects no rows; to delete every row of your organization send all=true")
    if selector is None or len(given) != 1:
        raise BadRequest("select the rows to delete with exactly one of: ids (a list), filter (a where), all=true")
    if selector.all:
        return {}
    if selector.filter is not None:
        return selector.filter
    return {"id": {"_in": [_row_id(value) for value in selector.ids or []]}}


async def delete_rows(
    backend: GraphQLBackend, session: Session, definition: TableDefinition, condition: dict[str, JsonValue]
) -> int:
    """Deletes the matching rows that `session` reaches; returns their number."""
    table = definition.physical.table  # checked when it was made: letters, digits, underscores
    document = f"mutation ($where: {table}_bool_exp!) {{ delete_{table}(where: $where) {{ affected_rows }} }}"
    body = orjson.dumps({"query": document, "variables": {"where": condition}})
    answer = await backend.execute(body, session)
    return _affected_rows(answer.body, f"delete_{table}")


def _row_id(value: str) -> str:
    try:
        return str(uuid.UUID(value))
    except ValueError as error:
        raise Unprocessable(f"{value[:80]!r} is not a row id; row ids are UUIDs", field="ids") from error


def _affected_rows(body: bytes, field: str) -> int:
    answer: dict[str, Any] = orjson.loads(body)
    if errors := answer.get("errors"):
        code = errors[0].get("extensions", {}).get("code", "unexpected")
        message = str(errors[0].get("message", "the rows cannot be deleted"))
        if code == "constraint-violation":
            raise Conflict(f"the rows cannot be deleted: {message}")
        if code in ("unexpected", "postgres-error"):
            raise Unavailable("the rows cannot be deleted at the moment; try again")
        raise Unprocessable(message)
    return int(answer["data"][field]["affected_rows"])

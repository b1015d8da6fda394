"""Groups rows by the values of one column and counts each group.

Hasura has no GROUP BY. The values come from `distinct_on`, their counts from one query with an aggregate for each;
both with the caller's role, so that permissions hold as for any query.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from hasura.engine import exact_json
from hasura.engine.session import Session
from platform_api.core.errors import Unprocessable
from platform_api.graphql.backends.backend import GraphQLBackend
from platform_api.graphql.rows.answers import data_of
from platform_api.graphql.rows.selection import Where
from platform_api.tables.ddl.column_types import ColumnType
from platform_api.tables.definition import TableDefinition

MAX_GROUPS = 100


@dataclass(frozen=True, slots=True)
class Group:
    """Holds one value, None for rows without one, and how many rows have it."""

    value: JsonValue
    count: int


@dataclass(frozen=True, slots=True)
class Groups:
    """Holds the next groups by value, empty ones first; `has_more` says that others follow."""

    items: list[Group]
    has_more: bool


async def group_rows(
    backend: GraphQLBackend,
    session: Session,
    definition: TableDefinition,
    column: str,
    condition: Where,
    *,
    after: Group | None,
    limit: int,
) -> Groups:
    """Returns the groups that come after the value of `after`, by default the first. Raises Unprocessable."""
    _require_groupable(definition, column)
    table = definition.physical.table
    following = condition if after is None else {"_and": [condition, _beyond(column, after.value)]}
    document = (
        f"query ($where: {table}_bool_exp!, $limit: Int!) {{ rows: {table}(where: $where, distinct_on: {column},"
        f" order_by: {{ {column}: asc_nulls_first }}, limit: $limit) {{ {column} }} }}"
    )
    data = await _query(backend, session, document, {"where": following, "limit": limit + 1})
    values = [_plain(row[column]) for row in data["rows"]]
    counts = await _counts(backend, session, table, column, condition, values[:limit])
    groups = [Group(value, count) for value, count in zip(values, counts, strict=False) if count]
    return Groups(groups, has_more=len(values) > limit)


async def _counts(
    backend: GraphQLBackend, session: Session, table: str, column: str, condition: Where, values: list[JsonValue]
) -> list[int]:
    if not values:
        return []
    parameters = ", ".join(f"$w{number}: {table}_bool_exp!" for number in range(len(values)))
    fields = " ".join(
        f"g{number}: {table}_aggregate(where: $w{number}) {{ aggregate {{ count }} }}"
        for number in range(len(values))
    )
    variables = {
        f"w{number}": {"_and": [condition, {column: {"_is_null": True} if value is None else {"_eq": value}}]}
        for number, value in enumerate(values)
    }
    data = await _query(backend, session, f"query ({parameters}) {{ {fields} }}", variables)
    return [int(data[f"g{number}"]["aggregate"]["count"]) for number in range(len(values))]


async def _query(
    backend: GraphQLBackend, session: Session, document: str, variables: dict[str, Any]
) -> dict[str, Any]:
    answer = await backend.execute(exact_json.dumps({"query": document, "variables": variables}), session)
    return data_of(answer.body, doing="grouped")


def _require_groupable(definition: TableDefinition, column: str) -> None:
    if column not in definition.column_names or column == "organization_id":
        known = ", ".join(name for name in definition.column_names if name != "organization_id")
        raise Unprocessable(f"by: there is no column {column!r}; the columns are: {known}", field="by")
    own = next((item for item in definition.columns if item.name == column), None)
    if own is not None and own.type is ColumnType.JSON:
        raise Unprocessable(f"by: {column!r} is of type json, by which rows cannot be grouped", field="by")


def _beyond(column: str, value: JsonValue) -> Where:
    return {column: {"_is_null": False} if value is None else {"_gt": value}}


def _plain(value: Any) -> JsonValue:
    """Returns a number that no double holds as its text, which is accepted in its place."""
    return value.text if isinstance(value, exact_json.ExactNumber) else value

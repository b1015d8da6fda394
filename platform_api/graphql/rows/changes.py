"""Counts, updates and deletes the selected rows that a session reaches."""

from typing import Any

from pydantic import JsonValue
from sqlalchemy.ext.asyncio import AsyncSession

from hasura.engine import exact_json
from hasura.engine.session import Session
from platform_api.core.database import release_connection
from platform_api.core.errors import StaleVersion, Unprocessable
from platform_api.graphql.backends.backend import GraphQLBackend
from platform_api.graphql.rows.answers import data_of
from platform_api.graphql.rows.selection import Where
from platform_api.tables.definition import TableDefinition


async def count_rows(backend: GraphQLBackend, session: Session, definition: TableDefinition, condition: Where) -> int:
    """Returns how many rows match."""
    table = definition.physical.table  # checked when it was made: letters, digits, underscores
    document = (
        f"query ($where: {table}_bool_exp!) {{ rows: {table}_aggregate(where: $where) {{ aggregate {{ count }} }} }}"
    )
    answer = await backend.execute(exact_json.dumps({"query": document, "variables": {"where": condition}}), session)
    return int(data_of(answer.body, doing="counted")["rows"]["aggregate"]["count"])


async def update_rows(
    backend: GraphQLBackend,
    database_session: AsyncSession,
    session: Session,
    definition: TableDefinition,
    condition: Where,
    values: dict[str, JsonValue],
    *,
    expected_count: int | None,
) -> int:
    """Sets `values` in the matching rows, all or none of them; returns their number. Raises StaleVersion."""
    if not values:
        raise Unprocessable("set: name at least one column with its new value", field="set")
    table = definition.physical.table
    document = (
        f"mutation ($where: {table}_bool_exp!, $set: {table}_set_input!)"
        f" {{ rows: update_{table}(where: $where, _set: $set) {{ affected_rows }} }}"
    )
    variables = {"where": condition, "set": values}
    payload = {"query": document, "variables": variables}
    return await _change(
        *(backend, database_session, session, definition, condition, payload),
        expected_count=expected_count,
        doing="changed",
    )


async def delete_rows(
    backend: GraphQLBackend,
    database_session: AsyncSession,
    session: Session,
    definition: TableDefinition,
    condition: Where,
    *,
    expected_count: int | None,
) -> int:
    """Deletes the matching rows, all or none of them; returns their number. Raises StaleVersion."""
    table = definition.physical.table
    document = f"mutation ($where: {table}_bool_exp!) {{ rows: delete_{table}(where: $where) {{ affected_rows }} }}"
    payload = {"query": document, "variables": {"where": condition}}
    return await _change(
        *(backend, database_session, session, definition, condition, payload),
        expected_count=expected_count,
        doing="deleted",
    )


async def _change(
    backend: GraphQLBackend,
    database_session: AsyncSession,
    session: Session,
    definition: TableDefinition,
    condition: Where,
    payload: dict[str, Any],
    *,
    expected_count: int | None,
    doing: str,
) -> int:
    if not backend.is_transactional:
        await release_connection(database_session)
        if expected_count is not None:
            # A server of its own commits by itself: what is known before is all there is to go by.
            _require(expected_count, await count_rows(backend, session, definition, condition), doing)
    answer = await backend.execute_within(database_session, payload, session)
    affected = int(data_of(answer.body, doing=doing)["rows"]["affected_rows"])
    if backend.is_transactional and expected_count is not None:
        _require(expected_count, affected, doing)  # undoes the change with the request's transaction
    return affected


def _require(expected: int, actual: int, doing: str) -> None:
    if actual != expected:
        raise StaleVersion(
            f"expected_count: {actual:,} rows match by now, not {expected:,}, so that none was {doing}; count again",
            field="expected_count",
            extra={"count": actual},
        )

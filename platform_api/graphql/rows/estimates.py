"""Estimates how many rows match, from PostgreSQL's statistics: no row is read."""

import re

from hasura.engine.session import Session
from platform_api.graphql.backends.backend import GraphQLBackend
from platform_api.graphql.rows.selection import Where
from platform_api.tables.definition import TableDefinition

_ROWS = re.compile(r"\brows=(\d+)")


async def estimate_rows(
    backend: GraphQLBackend, session: Session, definition: TableDefinition, condition: Where
) -> int | None:
    """Returns how many rows the planner expects; None when it does not say. Raises PlatformError."""
    table = definition.physical.table
    document = f"query ($where: {table}_bool_exp!) {{ {table}(where: $where) {{ id }} }}"
    lines = await backend.explain({"query": document, "variables": {"where": condition}}, session)
    return _read_estimate(lines)


def _read_estimate(lines: list[str]) -> int | None:
    # The first line is the aggregation to JSON, with one row; the first below it returns the rows themselves.
    rows = [int(match[1]) for line in lines if (match := _ROWS.search(line))]
    if not rows:
        return None
    is_aggregated = lines[0].lstrip().startswith("Aggregate")
    return rows[1] if is_aggregated and len(rows) > 1 else rows[0]

"""Measures the time from a new GraphQL document to its SQL.

`python -m benchmarks.engine.cold`: 500 tables, each related to a common one, and a role; queries of 40 fields over
two of the tables, each with new aliases, are parsed, validated and planned. Shows the first queries on each table,
which compile the parts of the role's schema that they use, and the queries after them.
"""

import argparse
import asyncio
import statistics
import time

import asyncpg

from benchmarks.database import empty_database
from benchmarks.engine.many_tables import fill, load_metadata
from hasura.engine.engine import Engine
from hasura.engine.execution.operations import GraphQLRequest
from hasura.engine.options import EngineOptions
from hasura.engine.session import ROLE_VARIABLE, Session

_ROLE = "role_0"
_SESSION = Session(role=_ROLE, variables={ROLE_VARIABLE: _ROLE, "x-hasura-organization-id": "1"})
_COLUMNS = ("id", "organization_id", "name", "amount", "note", "hub_id")


def _query(table: int, number: int) -> str:
    """Returns a query of forty fields: columns of two tables with aliases, an aggregate, a filter with variables."""

    def columns(prefix: str) -> str:
        return " ".join(f"{prefix}{copy}_{column}_{number}: {column}" for copy in range(3) for column in _COLUMNS)

    where = "{name: {_eq: $name}, _or: [{amount: {_gt: $amount}}, {note: {_is_null: true}}]}"
    return f"""query ($name: String, $amount: numeric) {{
      app_{table}(where: {where}, order_by: {{name: asc}}, limit: 20) {{ {columns("a")} }}
      other: app_{table + 1}(limit: 5) {{ {columns("b")} }}
      app_{table}_aggregate {{ aggregate {{ count }} }} }}"""


def _plan(engine: Engine, query: str) -> float:
    request = GraphQLRequest(query, None, {"name": "x", "amount": 1})
    begin = time.perf_counter()
    engine.operations.plan(engine.schema_cache, request, _SESSION)
    return (time.perf_counter() - begin) * 1000


async def _measure(url: str, tables: int, rounds: int) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("create table hub (id integer primary key, name text)")
    await connection.close()
    await fill(url, 0, tables)
    engine = Engine(EngineOptions(database_url=url))
    await engine.start()
    await load_metadata(engine, tables, roles=10)
    # The first time of tables that nobody asked for yet, then further queries on the same tables.
    firsts = [_plan(engine, _query(2 * number, 0)) for number in range(rounds)]
    later = sorted(_plan(engine, _query(2 * (number % rounds), number + 1)) for number in range(rounds * 10))
    await engine.stop()
    print(
        f"{tables} tables, 40 fields: first query on its tables {statistics.median(firsts):.1f} ms"
        f" (most {max(firsts):.1f}), a new query on known tables p50 {statistics.median(later):.1f} ms,"
        f" p99 {later[int(len(later) * 0.99)]:.1f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    with empty_database() as database_url:
        asyncio.run(_measure(database_url, options.tables, options.rounds))


if __name__ == "__main__":
    main()

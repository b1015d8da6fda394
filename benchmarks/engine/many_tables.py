"""Measures `track_table` and memory with many tables: `python -m benchmarks.engine.many_tables [DATABASE_URL]`.

Creates tables through the engine's metadata API (each tracked, related to a common table, with select, insert, update
and delete permissions of several roles), then measures `pg_track_table` of new tables at several sizes. Prints one
line per size, and the resident memory of an engine that has loaded everything.

Without a URL it uses an embedded database. A database that you name must be empty: tables named `app_…`, `hub` and
the schema `automio_engine` are dropped first.
"""

import argparse
import asyncio
import contextlib
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.database import empty_database
from hasura.engine.engine import Engine
from hasura.engine.options import EngineOptions

_COLUMNS = "id uuid primary key, organization_id integer not null, name text, amount numeric, note text"
_PER_BULK = 250


def table_sql(number: int) -> str:
    return (
        f'create table "app_{number}" ({_COLUMNS}, hub_id integer references hub,'
        " created_at timestamptz default now(), updated_at timestamptz default now())"
    )


def table_document(number: int, roles: int) -> dict[str, Any]:
    """Returns a table's metadata: one relationship to the hub, four permissions per role."""
    rows = {"organization_id": {"_eq": "X-Hasura-Organization-Id"}}
    columns = ["id", "organization_id", "name", "amount", "note", "hub_id"]
    names = [f"role_{role}" for role in range(roles)]
    return {
        "table": {"schema": "public", "name": f"app_{number}"},
        "object_relationships": [{"name": "hub", "using": {"foreign_key_constraint_on": "hub_id"}}],
        "select_permissions": [
            {"role": role, "permission": {"columns": columns, "filter": rows, "allow_aggregations": True}}
            for role in names
        ],
        "insert_permissions": [{"role": role, "permission": {"columns": columns, "check": rows}} for role in names],
        "update_permissions": [{"role": role, "permission": {"columns": columns, "filter": rows}} for role in names],
        "delete_permissions": [{"role": role, "permission": {"filter": rows}} for role in names],
    }


async def fill(url: str, first: int, last: int) -> None:
    connection = await asyncpg.connect(url)
    for start in range(first, last, _PER_BULK):
        await connection.execute(";".join(table_sql(number) for number in range(start, min(start + _PER_BULK, last))))
    await connection.close()


async def load_metadata(engine: Engine, count: int, roles: int) -> None:
    hub = {"table": {"schema": "public", "name": "hub"}}
    tables = [hub, *(table_document(number, roles) for number in range(count))]
    await engine.run_metadata(
        {
            "type": "replace_metadata",
            "args": {
                "version": 3,
                "sources": [{"name": "default", "kind": "postgres", "tables": tables, "configuration": {}}],
            },
        }
    )


async def time_tracking(engine: Engine, url: str, first: int, calls: int) -> list[float]:
    """Returns the seconds of each call that tracks a new table."""
    await fill(url, first, first + calls)
    seconds: list[float] = []
    for number in range(first, first + calls):
        begin = time.perf_counter()
        await engine.run_metadata({"type": "pg_track_table", "args": {"table": f"app_{number}"}})
        seconds.append(time.perf_counter() - begin)
    return seconds


async def make_empty(url: str) -> None:
    """Drops a few hundred tables at a time: each one is a lock, and a transaction may hold only so many."""
    connection = await asyncpg.connect(url)
    names = [
        row[0]
        for row in await connection.fetch(
            "select relname from pg_class where relkind = 'r' and relname ~ '^app_[0-9]+$'"
        )
    ]
    for start in range(0, len(names), _PER_BULK):
        await connection.execute(";".join(f'drop table "{name}"' for name in names[start : start + _PER_BULK]))
    await connection.execute(
        "drop schema if exists automio_engine cascade; drop table if exists hub;"
        " create table hub (id integer primary key, name text)"
    )
    await connection.close()


async def measure(url: str, sizes: list[int], roles: int, calls: int) -> None:
    await make_empty(url)
    created = 0
    for size in sizes:
        await fill(url, created, size)
        engine = Engine(EngineOptions(database_url=url))
        await engine.start()
        await load_metadata(engine, size, roles)
        seconds = await time_tracking(engine, url, size, calls)
        created = size + calls
        await engine.stop()
        milliseconds = sorted(value * 1000 for value in seconds)
        p99 = milliseconds[min(len(milliseconds) - 1, int(len(milliseconds) * 0.99))]
        print(
            f"{size:6} tables x {roles} roles: track_table p50 {statistics.median(milliseconds):6.1f} ms,"
            f" p99 {p99:6.1f} ms"
        )


async def show_memory(url: str) -> None:
    """Prints the resident memory after loading everything; runs in its own process."""
    before = _resident_megabytes()
    begin = time.perf_counter()
    engine = Engine(EngineOptions(database_url=url))
    await engine.start()
    seconds = time.perf_counter() - begin
    print(
        f"engine with {len(engine.schema_cache.tables)} tables: loaded in {seconds:.1f} s,"
        f" {_resident_megabytes():.0f} MB resident ({before:.0f} MB before),"
        f" at most {_resident_megabytes('VmHWM:'):.0f} MB"
    )
    await engine.stop()


def _resident_megabytes(key: str = "VmRSS:") -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) / 1024
    return float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", metavar="DATABASE_URL", nargs="?")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 1000, 10_000])
    parser.add_argument("--roles", type=int, default=10)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--memory-only", action="store_true")
    arguments = parser.parse_args()
    with contextlib.nullcontext(arguments.url) if arguments.url else empty_database() as database_url:
        if arguments.memory_only:
            asyncio.run(show_memory(database_url))
            return
        asyncio.run(measure(database_url, sorted(arguments.sizes), arguments.roles, arguments.calls))
        # In a process of its own, which has done nothing else.
        again = [sys.executable, "-m", "benchmarks.engine.many_tables", database_url, "--memory-only"]
        subprocess.run(again, check=True)


if __name__ == "__main__":
    main()

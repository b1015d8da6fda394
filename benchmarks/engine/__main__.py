"""Measures requests per second and latency of the engine as shares of the floor's: `python -m benchmarks.engine`."""

import argparse
import asyncio
import contextlib
import json
import tempfile
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from graphql import get_introspection_query

from benchmarks.comparison import Contender, Effort, Load, compare, free_port, post, serving
from benchmarks.database import empty_database
from benchmarks.engine.cases import CASES, Case
from benchmarks.engine.postgraphile import serving_postgraphile

_SECRET = "benchmark-secret"
_TABLES = (
    "artist",
    "album",
    "genre",
    "media_type",
    "track",
    "playlist",
    "playlist_track",
    "customer",
    "invoice",
    "invoice_line",
    "note",
)


def _track_everything(url: str, headers: dict[str, str]) -> None:
    tables = [{"type": "pg_track_table", "args": {"source": "default", "table": name}} for name in _TABLES]
    post(f"{url}/v1/metadata", {"type": "bulk", "args": tables}, headers)

    def relationship(kind: str, table: str, name: str, on: object) -> dict[str, Any]:
        args = {"source": "default", "table": table, "name": name, "using": {"foreign_key_constraint_on": on}}
        return {"type": f"pg_create_{kind}_relationship", "args": args}

    calls = [
        relationship("array", "artist", "albums", {"table": "album", "column": "artist_id"}),
        relationship("object", "album", "artist", "artist_id"),
        relationship("array", "album", "tracks", {"table": "track", "column": "album_id"}),
        relationship("object", "track", "album", "album_id"),
        relationship("object", "track", "genre", "genre_id"),
        relationship("object", "track", "media_type", "media_type_id"),
        relationship("array", "playlist", "playlist_tracks", {"table": "playlist_track", "column": "playlist_id"}),
        relationship("object", "playlist_track", "track", "track_id"),
        relationship("object", "invoice", "customer", "customer_id"),
        relationship("array", "invoice", "lines", {"table": "invoice_line", "column": "invoice_id"}),
        relationship("object", "invoice_line", "track", "track_id"),
    ]
    post(f"{url}/v1/metadata", {"type": "bulk", "args": calls}, headers)


async def _load_schema(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute((Path(__file__).parent / "chinook.sql").read_text())
    await connection.close()


def _check_same_answer(floor: Contender, engine: Contender, case: Case) -> None:
    body = {"query": case.query, "variables": case.variables}
    expected = post(floor.url, body, {})["data"]["root"]
    answer = post(engine.url, body, engine.headers)
    if "errors" in answer or next(iter(answer["data"].values())) != expected:
        raise RuntimeError(f"{case.name}: the answers differ: {str(answer)[:400]} / {str(expected)[:400]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("-k", default="", help="only cases whose name contains this")
    parser.add_argument("--postgraphile", action="store_true", help="also measure PostGraphile 5 (installed by npm)")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="amb-") as directory, empty_database() as database_url:
        asyncio.run(_load_schema(database_url))
        figures = _compare(database_url, Path(directory), options)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


def _compare(database_url: str, directory: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    headers = {"X-Hasura-Admin-Secret": _SECRET}
    port, floor_port = free_port(), free_port()
    base = f"http://127.0.0.1:{port}"
    engine = Contender("engine", f"{base}/v1/graphql", headers)
    floor = Contender("floor", f"http://127.0.0.1:{floor_port}/")
    introspection = {"query": get_introspection_query(), "variables": {}}
    loads = [Load(case.name, case.bodies, case.target) for case in CASES]
    loads.append(Load("introspection", [json.dumps(introspection).encode()], 0.80))
    effort = Effort(options.connections, options.rounds, options.seconds)
    arguments = ["-m", "automio.cli", "engine", "--database-url", database_url, "--admin-secret", _SECRET]
    with serving([*arguments, "--port", str(port)], f"{base}/healthz"):
        _track_everything(base, headers)
        answer = post(engine.url, introspection, headers)
        known = {"query": introspection["query"], "answer": orjson.dumps(answer).decode()}
        cases = directory / "cases.json"
        cases.write_text(json.dumps([*(case.for_floor() for case in CASES), known]))
        with serving(["-m", "benchmarks.floor", database_url, str(floor_port), str(cases)], floor.url):
            for case in CASES:
                _check_same_answer(floor, engine, case)
            chosen = [load for load in loads if options.k in load.name]
            with contextlib.ExitStack() as stack:
                others = [engine]
                if options.postgraphile:
                    others.append(stack.enter_context(serving_postgraphile(database_url)))
                return compare(floor, others, chosen, effort)


if __name__ == "__main__":
    main()

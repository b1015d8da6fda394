"""Measures how fast a change reaches the subscribers of live queries, and the database's load without changes.

`python -m benchmarks.live_queries`: 1,000 subscribers of 10 distinct queries over websockets. Changes a row
repeatedly and measures the time from before the statement to each subscriber's message. Then nothing changes, and it
counts the statements of the engine's connections.
"""

import argparse
import asyncio
import json
import statistics
import time
from typing import Any

import asyncpg
from rich.console import Console
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.comparison import free_port, post, serving
from benchmarks.database import empty_database

_SECRET = "benchmark-secret"
_PROTOCOL: Any = "graphql-transport-ws"


class Subscribers:
    """Holds connections with many subscriptions each, and the times at which they received the latest change."""

    def __init__(self) -> None:
        self.waiting = 0
        self.delays: list[float] = []
        self.changed_at = 0.0
        self.all_heard = asyncio.Event()

    def heard(self) -> None:
        self.delays.append(time.perf_counter() - self.changed_at)
        self.waiting -= 1
        if self.waiting == 0:
            self.all_heard.set()

    def expect(self, count: int) -> None:
        self.waiting = count
        self.all_heard.clear()
        self.changed_at = time.perf_counter()


async def _subscribe(url: str, subscribers: Subscribers, queries: list[str]) -> ClientConnection:
    socket = await connect(url, subprotocols=[_PROTOCOL], max_queue=None)
    await socket.send(
        json.dumps({"type": "connection_init", "payload": {"headers": {"X-Hasura-Admin-Secret": _SECRET}}})
    )
    await socket.recv()
    for number, query in enumerate(queries):
        await socket.send(json.dumps({"id": str(number), "type": "subscribe", "payload": {"query": query}}))

    async def read() -> None:
        async for message in socket:
            if '"type":"next"' in str(message[:80]):
                subscribers.heard()

    socket.reader = asyncio.ensure_future(read())  # type: ignore[attr-defined]  # held as long as the connection
    return socket


async def _measure(database_url: str, url: str, options: argparse.Namespace) -> dict[str, float]:
    subscribers = Subscribers()
    queries = [
        f"subscription {{ score(where: {{id: {{_gte: {n}}}}}, order_by: {{id: asc}}, limit: 5) {{ id points }} }}"
        for n in range(options.queries)
    ]
    each = options.subscribers // options.connections
    subscribers.expect(options.subscribers)
    sockets = [
        await _subscribe(url, subscribers, [queries[(number * each + k) % len(queries)] for k in range(each)])
        for number in range(options.connections)
    ]
    await asyncio.wait_for(subscribers.all_heard.wait(), 60)
    await asyncio.sleep(2.5)  # until changes are told and nobody polls
    subscribers.delays.clear()
    connection = await asyncpg.connect(database_url)
    for change in range(options.changes):
        subscribers.expect(options.subscribers)
        # Row 10 is within every query's first five rows or moves them: all subscribers see each change.
        await connection.execute("update score set points = $1", change + 1)
        await asyncio.wait_for(subscribers.all_heard.wait(), 30)
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.5)
    idle = 3.0
    await asyncio.sleep(idle)
    active = await connection.fetchval(
        "select count(*) from pg_stat_activity where application_name = 'automio-engine'"
        " and state_change > clock_timestamp() - make_interval(secs => $1)",
        idle - 0.5,
    )
    await connection.close()
    for socket in sockets:
        await socket.close()
    delays = sorted(subscribers.delays)
    return {
        "p50_ms": statistics.median(delays) * 1000,
        "p99_ms": delays[int(len(delays) * 0.99)] * 1000,
        "first_ms": delays[0] * 1000,
        "statements_while_idle": active,
    }


async def _prepare(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "create table score (id integer primary key, points integer not null);"
        "insert into score select n, 0 from generate_series(0, 50) n"
    )
    await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--queries", type=int, default=10)
    parser.add_argument("--changes", type=int, default=50)
    options = parser.parse_args()
    with empty_database() as database_url:
        asyncio.run(_prepare(database_url))
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        arguments = ["-m", "automio.cli", "engine", "--database-url", database_url, "--admin-secret", _SECRET]
        with serving([*arguments, "--port", str(port)], f"{base}/healthz"):
            track = {"type": "pg_track_table", "args": {"source": "default", "table": "score"}}
            post(f"{base}/v1/metadata", track, {"X-Hasura-Admin-Secret": _SECRET})
            figures = asyncio.run(_measure(database_url, base.replace("http", "ws") + "/v1/graphql", options))
    Console().print(
        f"{options.subscribers} subscribers, {options.queries} queries: a change is heard after"
        f" p50 {figures['p50_ms']:.1f} ms, p99 {figures['p99_ms']:.1f} ms (first {figures['first_ms']:.1f} ms);"
        f" statements while nothing changes: {figures['statements_while_idle']}"
    )


if __name__ == "__main__":
    main()

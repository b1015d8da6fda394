"""Compares servers under the same load, in interleaved rounds; reports their rates as shares of the first.

When the machine's speed changes, it changes for all of them: the shares stay comparable, absolute figures do not.
"""

import contextlib
import json
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.load import Measurement, measure


@dataclass(frozen=True, slots=True)
class Contender:
    """Describes a server to measure; `bodies` maps cases to requests, for a server with another schema."""

    name: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    bodies: dict[str, list[bytes]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Load:
    """Describes the requests to send in turn, and the target share of the floor's rate at 8 connections."""

    name: str
    bodies: list[bytes]
    target: float


@dataclass(frozen=True, slots=True)
class Effort:
    """Says how much to measure: numbers of connections, number and length of rounds."""

    connections: Sequence[int]
    rounds: int
    seconds: float


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(arguments: Sequence[str], url: str) -> Iterator[None]:
    """Runs `python ARGUMENTS` and waits until `url` answers."""
    process = subprocess.Popen([sys.executable, *arguments])
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(url, timeout=1).close()
                break
            if process.poll() is not None:
                raise RuntimeError(f"{arguments} ended with {process.returncode}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(20)


def post(url: str, body: Any, headers: dict[str, str]) -> Any:
    """Posts JSON and returns the JSON answer; raises RuntimeError with the body of an error."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as exc:
        raise RuntimeError(f"{url}: {exc.read().decode()[:2000]}") from exc


def compare(
    floor: Contender, others: Sequence[Contender], loads: Sequence[Load], effort: Effort
) -> list[dict[str, Any]]:
    """Measures every load at every number of connections; prints a table and returns its figures."""
    table = Table(title="shares of the floor's rate (medians of interleaved rounds)")
    columns = (
        "case",
        "connections",
        "floor/s",
        "server",
        "rate/s",
        "share",
        "target",
        "p50 ms",
        "p99 ms",
        "p99/floor",
        "kB",
    )
    for column in columns:
        table.add_column(column, justify="left" if column in ("case", "server") else "right")
    figures = []
    for load in loads:
        for connections in effort.connections:
            comparable = [other for other in others if not other.bodies or load.name in other.bodies]
            seen = _rounds([floor, *comparable], load, connections, effort)
            for other in comparable:
                figure = _figure(load, connections, other, seen)
                figures.append(figure)
                table.add_row(
                    load.name,
                    str(connections),
                    f"{figure['floor_rate']:.0f}",
                    other.name,
                    f"{figure['rate']:.0f}",
                    f"{figure['share']:.2f}",
                    f"{load.target:.2f}" if connections == 8 else "",
                    f"{figure['p50_ms']:.2f}",
                    f"{figure['p99_ms']:.2f}",
                    f"{figure['p99_ratio']:.2f}",
                    f"{figure['bytes'] / 1000:.1f}",
                )
    Console(width=140).print(table)
    return figures


def _rounds(
    contenders: Sequence[Contender], load: Load, connections: int, effort: Effort
) -> dict[str, list[Measurement]]:
    seen: dict[str, list[Measurement]] = {contender.name: [] for contender in contenders}
    warming = 0.3  # plans, prepared statements, caches
    for number, seconds in enumerate([warming, *[effort.seconds] * effort.rounds]):
        for contender in contenders:
            bodies = contender.bodies.get(load.name, load.bodies)
            measured = measure(
                contender.url, bodies, connections=connections, seconds=seconds, headers=contender.headers
            )
            if number:
                seen[contender.name].append(measured)
    return seen


def _figure(load: Load, connections: int, contender: Contender, seen: dict[str, list[Measurement]]) -> dict[str, Any]:
    ours, floor = seen[contender.name], next(iter(seen.values()))
    pairs = list(zip(ours, floor, strict=True))
    return {
        "case": load.name,
        "connections": connections,
        "server": contender.name,
        "floor_rate": statistics.median(item.rate for item in floor),
        "rate": statistics.median(item.rate for item in ours),
        "share": statistics.median(own.rate / other.rate for own, other in pairs),
        "p50_ms": statistics.median(item.p50 for item in ours),
        "p99_ms": statistics.median(item.p99 for item in ours),
        "p99_ratio": statistics.median(own.p99 / other.p99 for own, other in pairs),
        "bytes": ours[0].answer_bytes,
    }

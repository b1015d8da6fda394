"""Measures calls to a third party through `automio up` and with bare clients: `python -m benchmarks.fanout`.

A thousand calls to an upstream that takes 20 ms, 50 at once: time as a multiple of the floor (calls / concurrency x
20 ms), and CPU per call of the control plane as a multiple of bare aiohttp's, in interleaved rounds. Then the cost of
one call through the platform compared with the same call made directly, and the control plane's memory while it
streams very many answers.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.comparison import free_port, serving
from benchmarks.startup import cpu_seconds
from platform_api.supervisor.testing import Installation

_CONCURRENCY = 50
_UPSTREAM_MS = 20
_ENDPOINT = "/api/integrations/bench"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--streamed", type=int, default=100_000, help="items of the stream whose memory is watched")
    options = parser.parse_args()
    port = free_port()
    upstream = f"http://127.0.0.1:{port}"
    with (
        tempfile.TemporaryDirectory(prefix="amb-") as directory,
        serving(["-m", "benchmarks.fanout.upstream", str(port)], upstream),
        Installation(
            Path(directory) / "data",
            arguments=["--no-runner"],
            environment={"ALLOW_PRIVATE_UPSTREAMS": "true", "LOG_LEVEL": "WARNING"},
        ) as installation,
    ):
        control_plane = installation.children()["control-plane"]
        with installation.client() as client:
            _connect(client, upstream)
            console = Console(width=120)
            console.print(_many(client, control_plane, upstream, options.calls, options.rounds))
            console.print(_one(client, upstream))
            console.print(_memory(client, control_plane, options.streamed))


def _connect(client: httpx.Client, upstream: str) -> None:
    definition = {"id": "bench", "name": "Bench", "base_url": upstream, "auth": {"type": "bearer"}}
    client.post("/api/integrations/", json=definition).raise_for_status()
    connection = {"name": "bench", "credentials": {"token": "bench-token-0123456789"}}
    client.post(f"{_ENDPOINT}/connections/", json=connection).raise_for_status()


def _many(client: httpx.Client, control_plane: int, upstream: str, calls: int, rounds: int) -> Table:
    items = [{"connection_id": None, "organization_id": None, "params": {"ms": _UPSTREAM_MS}} for _ in range(calls)]
    bodies = {
        f"platform, {name}": {"method": "GET", "endpoint": "/", "data_list": items, "streaming": streaming}
        for name, streaming in (("collected", False), ("streamed", True))
    }
    url = f"{upstream}/?ms={_UPSTREAM_MS}"

    def through_platform(body: object) -> dict[str, float]:
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        cpu, wall = cpu_seconds([control_plane]), time.perf_counter()
        answer = client.post(f"{_ENDPOINT}/parallel_call/", content=content, headers=headers, timeout=120)
        measured = {"wall": time.perf_counter() - wall, "cpu": cpu_seconds([control_plane]) - cpu}
        if answer.status_code != 200 or answer.text.count('"ok":true') != calls:
            raise RuntimeError(f"not all calls were answered: {answer.status_code} {answer.text[:300]}")
        return measured

    def bare(name: str) -> dict[str, float]:
        arguments = [sys.executable, "-m", "benchmarks.fanout.clients", name, url, str(calls), str(_CONCURRENCY)]
        figures: dict[str, float] = json.loads(subprocess.run(arguments, capture_output=True, check=True).stdout)
        return figures

    contenders: dict[str, Callable[[], dict[str, float]]] = {
        "aiohttp": lambda: bare("aiohttp"),
        "httpx": lambda: bare("httpx"),
        **{name: lambda body=body: through_platform(body) for name, body in bodies.items()},  # type: ignore[misc]  # a default argument in a lambda
    }
    seen: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, run in contenders.items():
            measured = run()
            if number:
                seen[name].append(measured)
    floor = calls / _CONCURRENCY * _UPSTREAM_MS / 1000
    reference = statistics.median(item["cpu"] for item in seen["aiohttp"])
    table = Table(title=f"{calls} calls of {_UPSTREAM_MS} ms, {_CONCURRENCY} at once")
    for column in ("client", "time / floor", "CPU per call", "CPU / aiohttp"):
        table.add_column(column, justify="left" if column == "client" else "right")
    for name, rounds_seen in seen.items():
        wall = statistics.median(item["wall"] for item in rounds_seen)
        cpu = statistics.median(item["cpu"] for item in rounds_seen)
        table.add_row(name, f"{wall / floor:.2f}", f"{cpu / calls * 1000:.2f} ms", f"{cpu / reference:.2f}")
    return table


def _one(client: httpx.Client, upstream: str, calls: int = 400) -> Table:
    direct: list[float] = []
    proxied: list[float] = []
    with httpx.Client() as other:
        for number in range(calls + 50):
            started = time.perf_counter()
            other.get(f"{upstream}/").raise_for_status()
            between = time.perf_counter()
            client.post(f"{_ENDPOINT}/call/", json={"method": "GET", "endpoint": "/"}).raise_for_status()
            if number >= 50:
                direct.append((between - started) * 1000)
                proxied.append((time.perf_counter() - between) * 1000)
    table = Table(title="one call, one after the other")
    for column in ("way", "p50 ms", "p99 ms"):
        table.add_column(column, justify="left" if column == "way" else "right")
    for name, times in (("direct", direct), ("through the platform", proxied)):
        ordered = sorted(times)
        table.add_row(name, f"{statistics.median(ordered):.2f}", f"{ordered[int(len(ordered) * 0.99)]:.2f}")
    table.add_row("overhead", f"{statistics.median(proxied) - statistics.median(direct):.2f}", "")
    return table


def _memory(client: httpx.Client, control_plane: int, count: int) -> Table:
    body = {"method": "GET", "endpoint": "/", "data_list": [{}] * count, "streaming": True}
    before = _resident(control_plane)
    marks = {max(count * share // 100, 1): 0 for share in (1, 10, 25, 50, 75, 100)}
    completed = 0
    with client.stream("POST", f"{_ENDPOINT}/parallel_call/", json=body, timeout=600) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: ") and '"index"' in line:
                completed += 1
                if completed in marks:
                    marks[completed] = _resident(control_plane)
    if completed != count:
        raise RuntimeError(f"{completed} of {count} items were answered")
    table = Table(title=f"memory of the control plane, {count} items streamed")
    table.add_column("after items", justify="right")
    table.add_column("resident MB", justify="right")
    table.add_row("before", str(before))
    for items, megabytes in marks.items():
        table.add_row(str(items), str(megabytes))
    return table


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) // 1024
    return 0


if __name__ == "__main__":
    main()

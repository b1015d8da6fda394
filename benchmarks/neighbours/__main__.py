"""Measures a neighbour's p99 beside each attack of another organization, as a multiple of its p99 alone.

`python -m benchmarks.neighbours`. Alone and beside are measured in turn, on one installation, and the median of the
rounds is shown. Runs of the neighbour are started meanwhile: how long they waited for a slot, and how many were lost.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.neighbours.attacks import ATTACKS
from platform_api.supervisor.testing import Installation

_ENDLESS = "import time\nuntil = time.time() + 3600\nwhile time.time() < until:\n    sum(range(1000))\n"
_ENDED = ("completed", "failed", "stopped")
_SHORT = "print('done')\n"


@dataclass(frozen=True, slots=True)
class Organization:
    """Holds what one organization has: a token, an app with a table, an action."""

    headers: dict[str, str]
    table: str
    action: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(ATTACKS), nargs="+", default=list(ATTACKS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="amb-") as directory:
        table = Table(title="p99 of a neighbour, in ms alone and as a multiple of it beside the attack")
        for column in ("attack", "by key", "heartbeat", "/health", "runs: slot after", "lost"):
            table.add_column(column, justify="left" if column == "attack" else "right")
        for attack in options.only:
            # An installation each: what one attack has filled is not measured with the next.
            with Installation(Path(directory) / attack) as installation:
                table.add_row(attack, *_measure(installation, attack, options.rounds, options.seconds))
    Console().print(table)


def _measure(installation: Installation, attack: str, rounds: int, seconds: float) -> list[str]:
    neighbour, attacker = (
        _organization(installation, "neighbour", _SHORT),
        _organization(installation, "attacker", _ENDLESS),
    )
    runner = json.loads((installation.data_dir / "secrets.json").read_text())["runner_token"]
    requests = {
        "by key": _post(
            "/v1/graphql",
            {"query": f'{{ {neighbour.table}_by_pk(id: "{uuid4()}") {{ id total }} }}'},
            neighbour.headers,
        ),
        "heartbeat": _post(
            "/api/runner/heartbeat/", {"runner_id": "probe", "runs": []}, {"Authorization": f"Bearer {runner}"}
        ),
        "/health": {"method": "GET", "path": "/health", "headers": {}, "body": None},
    }
    order = {"url": installation.url, "seconds": seconds, "requests": requests}
    alone: dict[str, list[float]] = {name: [] for name in requests}
    beside: dict[str, list[float]] = {name: [] for name in requests}
    waits: list[float] = []
    lost = 0
    _probe({**order, "seconds": 1.0})
    for _ in range(rounds):
        _add(alone, _probe(order))
        with _attacking(installation, attack, attacker):
            time.sleep(1.0)
            _add(beside, _probe(order))
            wait, failed = _run_some(installation, neighbour)
            waits.append(wait)
            lost += failed
        _cancel_runs(installation, attacker)
        time.sleep(1.0)
    return [
        *(f"{statistics.median(alone[name]):.1f} x {_ratio(beside[name], alone[name]):.2f}" for name in requests),
        f"{statistics.median(waits):.2f} s",
        str(lost),
    ]


def _ratio(beside: Sequence[float], alone: Sequence[float]) -> float:
    return statistics.median(beside) / statistics.median(alone)


def _add(collected: dict[str, list[float]], measured: dict[str, list[float]]) -> None:
    for name, times in measured.items():
        ordered = sorted(times)
        collected[name].append(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))])


def _probe(order: dict[str, Any]) -> dict[str, list[float]]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.neighbours.probe"], input=json.dumps(order), capture_output=True, text=True
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    measured: dict[str, list[float]] = json.loads(done.stdout)
    return measured


@contextmanager
def _attacking(installation: Installation, attack: str, attacker: Organization) -> Iterator[None]:
    order = {
        "attack": attack,
        "url": installation.url,
        "headers": attacker.headers,
        "table": attacker.table,
        "action": attacker.action,
    }
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.neighbours.attacks"], stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(json.dumps(order).encode())
    process.stdin.close()
    try:
        yield
        if process.poll() is not None:
            raise RuntimeError(f"the attack {attack} ended by itself")
    finally:
        process.kill()
        process.wait()


def _run_some(installation: Installation, organization: Organization) -> tuple[float, int]:
    """Starts three runs one after the other; returns the median seconds until they ended, and how many did not."""
    waits, lost = [], 0
    with httpx.Client(base_url=installation.url, headers=organization.headers, timeout=120) as client:
        for _ in range(3):
            begun = time.perf_counter()
            started = client.post(f"/api/actions/{organization.action}/run/", json={}).raise_for_status().json()
            path = f"/api/actions/runs/{started['run_id']}/status/"
            while (status := client.get(path).raise_for_status().json()["status"]) not in _ENDED:
                if time.perf_counter() - begun > 60:
                    break
                time.sleep(0.02)
            lost += status != "completed"
            waits.append(time.perf_counter() - begun)
    return statistics.median(waits), lost


def _cancel_runs(installation: Installation, organization: Organization) -> None:
    with httpx.Client(base_url=installation.url, headers=organization.headers, timeout=120) as client:
        runs = client.get("/api/actions/runs/", params={"action": organization.action}).raise_for_status().json()
        for run in runs["results"]:
            client.post(f"/api/actions/runs/{run['id']}/cancel/")


def _post(path: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    return {
        "method": "POST",
        "path": path,
        "headers": {**headers, "Content-Type": "application/json"},
        "body": json.dumps(body),
    }


def _organization(installation: Installation, slug: str, code: str) -> Organization:
    with installation.client() as client:
        body = {"name": slug, "slug": slug}
        client.post("/api/organizations/", json=body).raise_for_status()
        acting = {"X-Organization-Id": slug}
        app = client.post("/api/apps/", json={**body, "slug": slug}, headers=acting).raise_for_status().json()["id"]
        table = {"name": "orders", "columns": [{"name": "total", "type": "numeric"}]}
        client.post(f"/api/apps/{app}/new_table/", json=table, headers=acting).raise_for_status()
        limits = {"wall_seconds": 3600, "cpu_seconds": 3600}
        action = {"app": app, "name": "work", "slug": "work", "code": code, "limits": limits}
        made = client.post("/api/actions/", json=action, headers=acting).raise_for_status().json()["id"]
        scopes = {"app": app, "scopes": ["data", "run"]}
        token = client.post("/api/tokens/", json=scopes, headers=acting).raise_for_status().json()["token"]
    return Organization({"Authorization": f"Bearer {token}"}, f"app_{app}_orders", made)


if __name__ == "__main__":
    main()

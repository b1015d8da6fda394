"""Runs Hasura's own expectations against `automio engine`, and fails if fewer pass than before.

    python scripts/conformance.py [--update] [DIRECTORY]

DIRECTORY (or the variable CONFORMANCE_DATA, else ../shared/conformance) contains `run.py` and its data; without it
the run is skipped. The suites need servers with different settings: each is a separate run with its own database.
Exits with status 1 when fewer cases of a tier pass than `scripts/conformance.json` says; `--update` writes that file.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from platform_api.supervisor.postgres import EmbeddedPostgres

_ROOT = Path(__file__).resolve().parent.parent
_REACHED = Path(__file__).with_suffix(".json")
_SECRET = "conformance"


@dataclass(frozen=True, slots=True)
class Run:
    """Describes one way of starting the server, and the cases that need it."""

    name: str
    environment: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()


_RUNS = (
    Run("plain", options=("--tier", "1,2,3")),
    Run("allow-list", {"HASURA_GRAPHQL_ENABLE_ALLOWLIST": "true"}, ("--group", "allowlist")),
    Run("function permissions", {"HASURA_GRAPHQL_INFER_FUNCTION_PERMISSIONS": "false"}, ("--group", "functions")),
    Run("unauthorized role", {"HASURA_GRAPHQL_UNAUTHORIZED_ROLE": "anonymous"}, ("-k", "unauthorized")),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path)
    parser.add_argument("--update", action="store_true", help="store the current numbers as the new minimum")
    options = parser.parse_args()
    default = os.environ.get("CONFORMANCE_DATA", str(_ROOT.parent / "shared" / "conformance"))
    directory = options.directory or Path(default)
    if not (directory / "run.py").exists():
        print("conformance: skipped, there is no conformance data (CONFORMANCE_DATA)")
        return 0
    outcomes = _run_all(directory)
    passed, total = _count(outcomes)
    for tier in sorted(total):
        print(f"conformance: tier {tier}: {passed[tier]} of {total[tier]} ({passed[tier] / total[tier]:.1%})")
    for name, case in sorted(outcomes.items()):
        if case["outcome"] not in ("pass", "skip"):
            print(f"  {case['outcome']}: {name}")
    if options.update:
        _REACHED.write_text(json.dumps({str(tier): passed[tier] for tier in sorted(total)}, indent=2) + "\n")
        return 0
    minimum = {int(tier): count for tier, count in json.loads(_REACHED.read_text()).items()}
    dropped = [tier for tier, count in minimum.items() if passed[tier] < count]
    for tier in dropped:
        print(f"conformance: tier {tier} dropped: {passed[tier]} cases pass, {minimum[tier]} did before")
    return 1 if dropped else 0


def _run_all(directory: Path) -> dict[str, dict[str, Any]]:
    """Runs all cases, each with the server settings that it needs, and returns their outcomes."""
    outcomes: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="amc-") as folder:
        server = EmbeddedPostgres(Path(folder), options={"fsync": "off", "synchronous_commit": "off"})
        server.prepare()
        server.start()
        try:
            asyncio.run(server.wait_ready())
            for number, run in enumerate(_RUNS):
                database = f"conformance_{number}"
                asyncio.run(_create_database(server, database))
                for case in _run_one(directory, server.url(database), run, Path(folder) / f"{number}.json"):
                    # Ordinary cases run in the first run; the others add what was skipped there.
                    if outcomes.get(case["id"], case)["outcome"] == "skip" or case["id"] not in outcomes:
                        outcomes[case["id"]] = case
        finally:
            server.stop()
    return outcomes


def _run_one(directory: Path, database_url: str, run: Run, report: Path) -> list[dict[str, Any]]:
    declared = [part for name, value in run.environment.items() for part in ("--server-env", f"{name}={value}")]
    with _engine(database_url, run.environment) as url:
        subprocess.run(
            [
                sys.executable,
                str(directory / "run.py"),
                *("--endpoint", url, "--admin-secret", _SECRET, "--json", str(report), "-q"),
                *declared,
                *run.options,
            ],
            stdout=subprocess.DEVNULL,
            cwd=directory,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
    cases: list[dict[str, Any]] = json.loads(report.read_text())["cases"]
    return cases


@contextmanager
def _engine(database_url: str, environment: dict[str, str]) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "automio.cli", "engine", "--database-url", database_url]
    process = subprocess.Popen(
        [*command, "--admin-secret", _SECRET, "--port", str(port), "--stringify-numeric-types"],
        env={**os.environ, **environment, "HASURA_GRAPHQL_LOG_LEVEL": "error"},
        cwd=_ROOT,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{url}/healthz", timeout=1).close()
                break
            except (OSError, urllib.error.URLError):
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)


async def _create_database(server: EmbeddedPostgres, name: str) -> None:
    connection = await asyncpg.connect(server.url())
    await connection.execute(f'create database "{name}"')
    await connection.close()


def _count(outcomes: dict[str, dict[str, Any]]) -> tuple[Counter[int], Counter[int]]:
    """Returns the numbers of passed and of all cases by tier; skipped cases do not count."""
    passed: Counter[int] = Counter()
    total: Counter[int] = Counter()
    for case in outcomes.values():
        if case["outcome"] == "skip":
            continue
        total[case["tier"]] += 1
        passed[case["tier"]] += case["outcome"] == "pass"
    return passed, total


if __name__ == "__main__":
    sys.exit(main())

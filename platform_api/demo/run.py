"""Runs the sample app's action and shows it: live log and progress, then what the tables hold."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from platform_api.demo.sample_app import Platform, SampleApp

_POLL_SECONDS = 0.25
_ENDED = frozenset({"completed", "failed", "stopped"})


class RunFailed(RuntimeError):
    """Reports that the action did not complete."""


async def run_action(
    platform: Platform, client: httpx.AsyncClient, app: SampleApp, console: Console
) -> dict[str, Any]:
    """Runs the import and shows it live; returns the script's result. Raises RunFailed with its error."""
    run = await platform.post(f"/api/actions/{app.action_id}/run/")
    with Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        bar = progress.add_task("waiting for the runner", total=100)
        following = asyncio.create_task(_show_log(client, run["task_id"], progress.console))
        status = await _follow_progress(platform, run["run_id"], progress, bar)
        await asyncio.wait({following}, timeout=5)
        following.cancel()
    if status["status"] != "completed":
        raise RunFailed(f"run {run['run_id']} {status['status']}: {status.get('error')}")
    result: dict[str, Any] = status["result"]
    return result


async def _follow_progress(platform: Platform, run_id: int, progress: Progress, bar: TaskID) -> dict[str, Any]:
    while True:
        status: dict[str, Any] = await platform.get(f"/api/actions/runs/{run_id}/status/")
        progress.update(bar, completed=status.get("progress") or 0, description=status["status"])
        if status["status"] in _ENDED:
            return status
        await asyncio.sleep(_POLL_SECONDS)


async def _show_log(client: httpx.AsyncClient, task_id: str, console: Console) -> None:
    async for line in log_lines(client, task_id):
        console.print(f"  {line}", style="dim", markup=False, highlight=False)


async def log_lines(client: httpx.AsyncClient, task_id: str) -> AsyncIterator[str]:
    """Yields the lines of a run's log as they are written, until the run ends."""
    parameters = {"task_id": task_id}
    async with client.stream("GET", "/api/actions/run-code-stream/", params=parameters, timeout=60) as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            if line.startswith("data:"):
                yield line.removeprefix("data:").strip()


def show_result(console: Console, result: dict[str, Any]) -> None:
    """Prints the tables' row counts, and an aggregate of the imported entries."""
    rows = Table(title="tables of app `orders`", title_justify="left")
    rows.add_column("table")
    rows.add_column("upserted", justify="right")
    rows.add_column("rows", justify="right")
    for table, count in result["rows"].items():
        rows.add_row(table, f"{result['upserted'][table]:,}", f"{count:,}")
    console.print(rows)

    billing = Table(title="billing entries by type", title_justify="left")
    billing.add_column("type")
    billing.add_column("entries", justify="right")
    billing.add_column("value", justify="right")
    for kind, group in result["billing"].items():
        billing.add_row(kind, f"{group['entries']:,}", f"{float(group['value'] or 0):,.2f}")
    console.print(billing)

    upserted = sum(result["upserted"].values())
    console.print(
        f"{upserted:,} rows upserted in {result['seconds']:.1f} s: "
        f"[bold]{upserted / result['seconds']:,.0f} rows/s[/bold] (sandbox, broker, platform, GraphQL, PostgreSQL)",
        soft_wrap=True,
    )


def show_where_to_look(console: Console, *, url: str, data_dir: str, app: SampleApp) -> None:
    console.print(
        f"""
[bold]Where to look next[/bold]
  sign in      {url}/ with e-mail and password of {data_dir}/admin.json
  GraphQL      POST {url}/api/apps/{app.app_id}/v1/graphql, with `Authorization: Bearer <token of admin.json>`
  this app     GET {url}/api/apps/{app.app_id}/tables/ and GET {url}/api/apps/{app.app_id}/source/
  HTTP API     {url}/openapi.json
  the script   platform_api/demo/app_source/import_orders.py""",
        soft_wrap=True,
    )


class Stopwatch:
    """Measures the seconds since it was created."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

"""Implements `automio runs`: lists runs, shows their logs, cancels them."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import click

from automio.cli._connection import app_option, open_account, open_app
from automio.cli._groups import SuggestingGroup
from automio.cli._output import as_json, print_json, print_rows
from automio.cli.building.following import follow_run, last_line_of_error

_STATES = ("pending", "claimed", "running", "completed", "failed", "stopped")


@click.group(cls=SuggestingGroup)
def runs() -> None:
    """List runs, show their logs, cancel them."""


@runs.command("list")
@click.option("--action", help="Only runs of this action (slug or id).")
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES), help="Only runs in this state.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many, newest first.")
@click.option("--all", "is_all", is_flag=True, help="All of them, instead of --limit.")
@app_option
@as_json
def list_(
    action: str | None, states: Sequence[str], limit: int, is_all: bool, app: str | None, as_json: bool
) -> None:
    """List the runs of an app, newest first."""
    with open_app(app) as (platform, app_id):
        filters = {"app": str(app_id)}
        if action is not None:
            filters["action"] = str(platform.action(app_id, action)["id"])
        listed = platform.runs(filters, states)
        found = list(listed if is_all else islice(listed, limit + 1))
    shown = found if is_all else found[:limit]
    if as_json:
        print_json(shown)
    else:
        headers = ("run", "action", "status", "progress", "created", "error")
        print_rows(headers, [_row(run) for run in shown], empty="no runs")
    if len(found) > len(shown):
        click.echo(f"the {limit} newest; there are more: --limit N or --all", err=True)


@runs.command()
@click.argument("run")
@click.option("--follow", is_flag=True, help="Wait for more until the run ends; Ctrl+C leaves it running.")
@as_json
def logs(run: str, follow: bool, as_json: bool) -> None:
    """Print the log of a run (its id or task id)."""
    with open_account() as platform:
        found = platform.run(run)
        if follow:
            started = {"run_id": found["id"], "task_id": found["task_id"]}
            raise SystemExit(follow_run(platform, started, as_json=as_json, cancels=False))
        lines = list(platform.log(run))
    if as_json:
        print_json(lines)
        return
    for line in lines:
        click.echo(line["text"])
    if not lines:
        click.echo(f"run {found['id']} has no log ({found['status']})", err=True)


@runs.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN…")
def cancel(runs: Sequence[str]) -> None:
    """Cancel runs; one that has ended stays as it is."""
    with open_account() as platform:
        for run in runs:
            platform.cancel_run(run)
            click.echo(f"run {run}: cancellation requested")


def _row(run: Mapping[str, Any]) -> tuple[object, ...]:
    names = run.get("names") or {}
    progress = None if run.get("progress") is None else f"{run['progress']} %"
    error = last_line_of_error(run) if run.get("error") else None
    return (run["id"], names.get("action_slug"), run["status"], progress, run["created_at"][:19], error)

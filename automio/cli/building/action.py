"""Implements `automio action`: creates, lists, runs and deletes the actions of an app."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from automio._development.manifest import write_manifest
from automio._exceptions import NotFound
from automio.cli._connection import app_option, open_app
from automio.cli._groups import SuggestingGroup
from automio.cli._output import as_json, confirmed, print_json, print_rows
from automio.cli.building.following import INTERRUPTED, follow_run

_TYPES = ("app_action", "user_action", "table_action", "trigger_action", "webhook_action")


@click.group(cls=SuggestingGroup)
def action() -> None:
    """Create, list, run and delete the actions of an app."""


@action.command()
@click.argument("name")
@click.option(
    "--entry", required=True, metavar="FILE.py[:FUNCTION]", help="What it runs, in the app's pushed source."
)
@click.option("--slug", help="The action's name in addresses; made from NAME when absent.")
@click.option("--type", "action_type", type=click.Choice(_TYPES), default="app_action", show_default=True)
@click.option("--table", help="The table on whose rows a table_action works.")
@click.option("--description", default="", help="What the action does.")
@app_option
@as_json
def new(
    name: str,
    entry: str,
    slug: str | None,
    action_type: str,
    table: str | None,
    description: str,
    app: str | None,
    as_json: bool,
) -> None:
    """Create an action of a file that was pushed."""
    body = {"name": name, "entry": entry, "action_type": action_type, "description": description}
    body |= {key: value for key, value in {"slug": slug, "table": table}.items() if value is not None}
    with open_app(app) as (platform, app_id):
        created = platform.create_action({**body, "app": app_id})
    if as_json:
        print_json(created)
        return
    click.echo(f"created action {created['slug']} (id {created['id']}), which runs {created['entry']}")
    click.echo(f"Next: automio action run {created['slug']}")


@action.command("list")
@click.option("--toml", "as_toml", is_flag=True, help="Print them with their schedules, for automio.toml.")
@app_option
@as_json
def list_(as_toml: bool, app: str | None, as_json: bool) -> None:
    """List the actions of an app."""
    with open_app(app) as (platform, app_id):
        actions = platform.list_actions(app_id)
        if as_toml:
            described = [(item, list(platform.schedules(app_id, item["slug"]))) for item in actions]
            click.echo(write_manifest(described), nl=False)
            return
    if as_json:
        print_json(actions)
        return
    rows = [(item["slug"], item["id"], item["name"], item["action_type"], item["entry"]) for item in actions]
    headers = ("slug", "id", "name", "type", "entry")
    print_rows(headers, rows, empty="no actions; create one: automio action new NAME --entry FILE.py")


@action.command()
@click.argument("action")
@click.option("--input", "input_", metavar="JSON|@FILE|-", help="The user_input: JSON, a file, or standard input.")
@click.option("--row", "rows", multiple=True, metavar="ID", help="A row that a table_action works on; repeatable.")
@click.option("--follow/--no-follow", default=True, help="Wait for the end and show the log; or only start it.")
@app_option
@as_json
def run(action: str, input_: str | None, rows: Sequence[str], follow: bool, app: str | None, as_json: bool) -> None:
    """Run an action in the sandbox, and follow its log.

    Exits with status 0 when it completes, with 1 when it fails or is stopped. Ctrl+C cancels the run and exits with
    130. With --json, the log goes to standard error.
    """
    event = {"user_input": _input(input_), "selected_rows": list(rows)}
    with open_app(app) as (platform, app_id):
        try:
            started = platform.start_run(app_id, action, event)
        except NotFound as error:
            known = ", ".join(item["slug"] for item in platform.list_actions(app_id))
            raise click.ClickException(f"{error.detail}; the app's actions are: {known or 'none'}") from error
        except KeyboardInterrupt:
            click.echo(f"\na run may have been started: automio runs list --action {action}", err=True)
            raise SystemExit(INTERRUPTED) from None
        if follow:
            raise SystemExit(follow_run(platform, started, as_json=as_json))
    if as_json:
        print_json(started)
        return
    click.echo(f"started run {started['run_id']}; follow it: automio runs logs --follow {started['run_id']}")


@action.command()
@click.argument("action")
@confirmed
@app_option
def delete(action: str, yes: bool, app: str | None) -> None:
    """Delete an action with its schedules and webhooks; its runs stay."""
    with open_app(app) as (platform, app_id):
        found = platform.action(app_id, action)
        if not yes:
            click.confirm(f"Delete action {found['slug']} with its schedules and webhooks?", abort=True)
        platform.delete_action(app_id, action)
    click.echo(f"deleted action {found['slug']}")


def _input(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    source, content = "--input", text.encode()
    if text == "-":
        source, content = "standard input", sys.stdin.buffer.read()
    elif text.startswith("@"):
        source, content = text[1:], Path(text[1:]).read_bytes()
    try:
        value = json.loads(content)
    except ValueError as error:
        raise click.ClickException(
            f'{source} must be JSON, such as {{"amount": 3}}, a file (@input.json) or - ({error})'
        ) from error
    if not isinstance(value, dict):
        raise click.ClickException(
            f'{source} must be a JSON object, such as {{"amount": 3}}, not {json.dumps(value)[:50]}'
        )
    return value

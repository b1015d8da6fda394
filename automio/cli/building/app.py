"""Implements `automio app`: creates, lists and deletes apps."""

from collections.abc import Mapping
from typing import Any

import click

from automio._exceptions import Forbidden
from automio.cli._connection import connection_options, open_account
from automio.cli._groups import SuggestingGroup
from automio.cli._output import as_json, confirmed, counted, print_json, print_rows

# In the order in which they are told.
_CONTENTS = ("table", "row", "file", "action", "run", "install")


@click.group(cls=SuggestingGroup)
def app() -> None:
    """Create, list and delete apps."""


@app.command()
@click.argument("name")
@click.option("--slug", help="The app's name in addresses; made from NAME when absent.")
@click.option("--description", default="", help="What the app is for.")
@connection_options
@as_json
def new(
    name: str,
    slug: str | None,
    description: str,
    server: str | None,
    email: str | None,
    token: str | None,
    as_json: bool,
) -> None:
    """Create an app."""
    with open_account(server, token, email) as platform:
        try:
            created = platform.create_app(name, slug, description)
        except Forbidden as error:
            raise click.ClickException(f"{error.detail}; sign in with --email, or give another --token") from error
    if as_json:
        print_json(created)
        return
    click.echo(f"created app {created['slug']} (id {created['id']})")
    click.echo(f"Next: automio init --app {created['slug']} --scope build --scope data --scope run")


@app.command("list")
@connection_options
@as_json
def list_(server: str | None, email: str | None, token: str | None, as_json: bool) -> None:
    """List the apps of your organization, and those that it installed."""
    with open_account(server, token, email) as platform:
        apps = list(platform.apps())
    if as_json:
        print_json(apps)
        return
    rows = [(item["slug"], item["id"], item["name"], item["organization"], _state(item)) for item in apps]
    print_rows(
        ("slug", "id", "name", "organization", "state"), rows, empty="no apps; create one: automio app new NAME"
    )


@app.command()
@click.argument("app")
@confirmed
@connection_options
def delete(app: str, yes: bool, server: str | None, email: str | None, token: str | None) -> None:
    """Delete an app with its tables, rows, files, actions and runs, for everybody who installed it."""
    with open_account(server, token, email) as platform:
        found = platform.app(app)
        contents = platform.app_contents(found.id)
        click.echo(f"{found.organization}/{found.slug} ({found.name}) has {_described(contents)}.")
        if not yes:
            click.confirm("Delete it all? This cannot be undone.", abort=True)
        platform.delete_app(found.id)
    click.echo(f"deleted app {found.slug}")


def _state(app: Mapping[str, Any]) -> str:
    if not app.get("is_active"):
        return "switched off"
    return "own" if app.get("is_own") else f"installed, {app.get('install_status')}"


def _described(contents: Mapping[str, Any]) -> str:
    counts = [counted(contents[f"{noun}s"], noun) for noun in _CONTENTS if contents.get(f"{noun}s")]
    # Rows are an estimate, which may be none just after they were written.
    return ", ".join(counts) or "no tables, actions, files or runs"

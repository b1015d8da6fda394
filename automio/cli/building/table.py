"""Implements `automio table`: creates, lists and deletes the tables of an app."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from automio.cli._connection import app_option, open_app
from automio.cli._groups import SuggestingGroup
from automio.cli._output import as_json, confirmed, print_json, print_rows


@click.group(cls=SuggestingGroup)
def table() -> None:
    """Create, list and delete the tables of an app."""


@table.command()
@click.argument("name")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="NAME:TYPE[!]",
    help="A column, such as sku:text! (`!`: required), price:numeric, state:choice:new,paid, order:reference:orders.",
)
@click.option("--unique", multiple=True, metavar="COLUMN,…", help="Columns that are unique together; repeatable.")
@click.option("--description", help="What the table holds.")
@click.option(
    "--definition",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A JSON file with columns, unique, foreign_keys and indexes, as the HTTP API takes them.",
)
@app_option
@as_json
def new(
    name: str,
    columns: Sequence[str],
    unique: Sequence[str],
    description: str | None,
    definition: Path | None,
    app: str | None,
    as_json: bool,
) -> None:
    """Create a table; every table also has id, created_at and updated_at."""
    body: dict[str, Any] = {**_read(definition), "name": name}
    body["columns"] = [*body.get("columns", []), *(_column(text) for text in columns)]
    references = [_reference(text) for text in columns]
    body["foreign_keys"] = [*body.get("foreign_keys", []), *(item for item in references if item is not None)]
    body["unique"] = [*body.get("unique", []), *({"columns": _split(text)} for text in unique)]
    if description is not None:
        body["description"] = description
    with open_app(app) as (platform, app_id):
        created = platform.create_table(app_id, body)
    if as_json:
        print_json(created)
        return
    click.echo(f"created table {created['name']} ({created['graphql_name']} in GraphQL)")


@table.command("list")
@app_option
@as_json
def list_(app: str | None, as_json: bool) -> None:
    """List the tables of an app with their columns."""
    with open_app(app) as (platform, app_id):
        tables = platform.tables(app_id)
    if as_json:
        print_json(tables)
        return
    rows = [(item["name"], item["graphql_name"], ", ".join(_shown(item))) for item in tables]
    print_rows(("name", "in graphql", "columns"), rows, empty="no tables; create one: automio table new NAME")


@table.command()
@click.argument("name")
@confirmed
@app_option
def delete(name: str, yes: bool, app: str | None) -> None:
    """Delete a table with all its rows, of every organization."""
    with open_app(app) as (platform, app_id):
        if not yes:
            click.confirm(f"Delete table {name} with all its rows? This cannot be undone.", abort=True)
        platform.delete_table(app_id, name)
    click.echo(f"deleted table {name}")


def _column(text: str) -> dict[str, Any]:
    """Returns the column that `name:type[!]`, or `name:type[!]:choices or table`, describes."""
    parts = text.split(":")
    if len(parts) not in (2, 3) or not all(parts):
        raise click.UsageError(f"--column must have the form NAME:TYPE, such as sku:text!, not {text}")
    name, kind = parts[0], parts[1].removesuffix("!")
    column: dict[str, Any] = {"name": name, "type": kind, "required": parts[1].endswith("!")}
    if len(parts) == 3 and kind == "choice":
        column["choices"] = _split(parts[2])
    elif (len(parts) == 3) != (kind == "reference"):
        raise click.UsageError(
            f"--column {text}: a reference names its table (order:reference:orders), a choice its values"
            " (state:choice:new,paid), other types nothing"
        )
    return column


def _reference(text: str) -> dict[str, str] | None:
    name, kind, *target = text.split(":")
    return {"column": name, "table": target[0]} if kind.removesuffix("!") == "reference" else None


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _read(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        content = json.loads(file.read_text())
    except ValueError as error:
        raise click.ClickException(f"{file} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise click.ClickException(f"{file} must hold a JSON object")
    return content


def _shown(table: Mapping[str, Any]) -> list[str]:
    own = [column for column in table.get("columns", []) if not column.get("is_system")]
    return [f"{column['name']}:{column['type']}{'!' if column.get('required') else ''}" for column in own]

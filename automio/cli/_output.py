"""Prints lists and objects: aligned for people, as JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import click

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
confirmed = click.option("--yes", is_flag=True, help="Do not ask.")


def print_json(value: Any) -> None:
    """Prints a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_rows(headers: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Prints rows in aligned columns, or `empty` to stderr when there are none."""
    table = [["" if cell is None else _one_line(cell) for cell in row] for row in rows]
    if not table:
        click.echo(empty, err=True)
        return
    widths = [max(len(row[index]) for row in [list(headers), *table]) for index in range(len(headers))]
    for row in [[header.upper() for header in headers], *table]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def counted(count: int, noun: str) -> str:
    """Returns `1 row` or `2 rows`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _one_line(cell: object) -> str:
    # A name may hold what would move the cursor of a terminal.
    return "".join(character if character.isprintable() else " " for character in str(cell))

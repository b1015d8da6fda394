"""Implements `automio csv`: imports, previews and exports CSV and Excel files."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from automio._csv_models import CsvExport, CsvImport, CsvPreview, CsvPreviewColumn
from automio._exceptions import AutomioError
from automio._settings import as_app_id, read_environment, settings_from
from automio.cli._failures import as_click_error
from automio.cli._groups import SuggestingGroup
from automio.wrapper import API

_SHOWN_ERRORS = 20
_SHOWN_ROWS = 10
_SHOWN_WIDTH = 30
_FILE = click.Path(path_type=Path, dir_okay=False)
_APP = click.option("--app", help="The app's id or slug; APP_ID of this folder's settings when absent.")
_READING: Sequence[Callable[..., Any]] = (
    click.option(
        "--map", "mapping", multiple=True, metavar="HEADER=COLUMN",
        help="From a column of the file (its header, or # and its number) to one of the table; empty: skip it.",
    ),
    click.option("--delimiter", help="`,` `;` `|` or tab; detected when absent."),
    click.option("--encoding", help="UTF-8 or the encoding of the file's BOM when absent."),
    click.option("--escape", type=click.Choice(["backslash"]), help="For MySQL or PostgreSQL's text format."),
    click.option("--decimal", type=click.Choice([".", ","]), help="The decimal separator."),
    click.option("--thousands", type=click.Choice([".", ",", "'", "space", "none"]), help="The thousands separator."),
    click.option("--unit", "units", multiple=True, help="Allowed beside numbers (% divides by 100); repeatable."),
    click.option("--date-order", type=click.Choice(["ymd", "dmy", "mdy"]), help="For dates unlike 2026-01-31."),
    click.option("--date-format", help="The format of dates, for example %d.%m.%Y."),
    click.option("--time-format", help="The format of times, for example '%d.%m.%Y %H:%M'."),
    click.option("--timezone", help="For times without a time zone: Europe/Warsaw or +02:00."),
    click.option("--null-word", "null_words", multiple=True, help="Means no value; may be repeated."),
    click.option("--true-word", "true_words", multiple=True, help="Means true; may be repeated."),
    click.option("--false-word", "false_words", multiple=True, help="Means false; may be repeated."),
    click.option("--sheet", help="Name of an Excel file's sheet, or its number from 1."),
    click.option("--header-line", type=click.IntRange(0), help="Line of the header, from 1; 0: there is none."),
    click.option("--guarded/--not-guarded", "guard_formulas", default=None, help="Remove the ' before formulas."),
)  # fmt: skip


def _reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_READING):
        command = option(command)
    return command


@click.group(cls=SuggestingGroup)
def csv() -> None:
    """Import and export CSV and Excel files."""


@csv.command("import")
@click.argument("table")
@click.argument("file", type=_FILE)
@_APP
@click.option(
    "--key", help="Columns of a unique key, separated by commas: lines whose row exists are then not rejected."
)
@click.option(
    "--on-conflict", type=click.Choice(["update", "skip"]), default="update", help="What to do with those lines."
)
@click.option("--dry-run", is_flag=True, help="Check every line and store none.")
@click.option(
    "--rejected",
    type=_FILE,
    help="Write the rejected lines to this file, so that you can correct and import them again.",
)
@_reading_options
def import_(
    table: str,
    file: Path,
    app: str | None,
    key: str | None,
    on_conflict: str,
    dry_run: bool,
    rejected: Path | None,
    **reading: Any,
) -> None:
    """Import the rows of a CSV or Excel file into a table.

    Exits with status 1 when the import fails or lines are rejected. For details see docs/csv.md.
    """
    _require(file)
    conflict = {"columns": key.split(","), "action": on_conflict} if key else None
    with _api(app) as api:
        options = _used_options(reading)
        job: CsvImport = api.csv.import_file(table, file, on_conflict=conflict, dry_run=dry_run, **options)
        job = api.csv.wait(job, on_progress=_print_progress)
        result = job.import_result
        if result is None:
            raise click.ClickException("the platform's answer has no result of the import")
        counts = ("inserted", "updated", "skipped", "rejected", "blank")
        listed = ", ".join(f"{getattr(result, name) or 0} {name}" for name in counts)
        click.echo(f"{result.total} lines: {listed}{' (dry run: nothing was stored)' if result.dry_run else ''}")
        for error in result.errors[:_SHOWN_ERRORS]:
            click.echo(f"line {error.line}{f', {error.column}' if error.column else ''}: {error.reason}")
        if result.rejected > _SHOWN_ERRORS:
            click.echo(f"… and {result.rejected - _SHOWN_ERRORS} more")
        if result.rejected and rejected is not None:
            rejected.write_bytes(api.csv.rejected(job))
            click.echo(f"rejected lines: {rejected}")
        if result.rejected:
            raise SystemExit(1)


@csv.command()
@click.argument("file", type=_FILE)
@click.argument("table", required=False)
@_APP
@_reading_options
def preview(file: Path, table: str | None, app: str | None, **reading: Any) -> None:
    """Show a CSV or Excel file without importing it: its first lines, the types of its columns, its problems.

    With a TABLE also the lines that it would reject. Exits with status 1 when the file cannot be read or imported.
    """
    _require(file)
    with _api(app) as api:
        shown: CsvPreview = api.csv.preview(file, table, **_used_options(reading))
    for name, value in {**shown.format, **shown.options}.items():
        click.echo(f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")
    if shown.total_rows is not None:
        click.echo(f"rows: {shown.total_rows}")
    for column in shown.columns:
        _print_column(column)
    for row in shown.rows[:_SHOWN_ROWS]:
        click.echo(f"{row.line}: {' | '.join(_short(value) for value in row.values)}")
    for problem in shown.problems:
        click.echo(f"problem: line {problem.line}: {problem.reason}")
    for question in shown.questions:
        click.echo(f"question: {question}")
    if shown.error is not None:
        raise click.ClickException(shown.error)


@csv.command()
@click.argument("table")
@click.argument("file", type=_FILE)
@_APP
@click.option("--column", "columns", multiple=True, help="A column to export, in this order; may be repeated.")
@click.option("--where", help="A GraphQL condition, in JSON.")
@click.option("--format", "kind", type=click.Choice(["csv", "xlsx"]), help="By the ending of FILE when absent.")
@click.option("--delimiter", type=click.Choice([",", ";", "|", "tab"]), default=",", show_default=True)
@click.option(
    "--guard/--no-guard", default=True, show_default=True, help="Put ' before text that looks like a formula."
)
def export(
    table: str,
    file: Path,
    app: str | None,
    columns: tuple[str, ...],
    where: str | None,
    kind: str | None,
    delimiter: str,
    guard: bool,
) -> None:
    """Export rows of a table to a CSV or Excel file."""
    try:
        condition = json.loads(where) if where else {}
    except ValueError as error:
        raise click.ClickException(f"--where must be JSON ({error})") from error
    if not isinstance(condition, dict):
        raise click.ClickException('--where must be a JSON object, for example {"amount": {"_gt": 5}}')
    with _api(app) as api:
        job: CsvExport = api.csv.export(
            table,
            columns=list(columns) or None,
            where=condition,
            format="xlsx" if (kind or file.suffix.lower().lstrip(".")) == "xlsx" else "csv",
            delimiter="\t" if delimiter == "tab" else delimiter,  # type: ignore[arg-type]
            guard_formulas=guard,
        )
        job = api.csv.wait(job, on_progress=_print_progress)
        file.write_bytes(api.csv.download(job))
    click.echo(f"{file}: {job.rows} rows")


@contextmanager
def _api(app: str | None) -> Iterator[API]:
    try:
        settings = settings_from(read_environment(), app_id=as_app_id(app) if app else None)
        settings.require_app_id()
        with API(settings=settings) as api:
            yield api
    except AutomioError as error:
        raise as_click_error(error) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error


def _require(file: Path) -> None:
    if not file.is_file():
        raise click.ClickException(f"there is no file {file}")


def _used_options(reading: dict[str, Any]) -> dict[str, Any]:
    """Returns the options of the command line that were used, as arguments of `api.csv`."""
    mapping: dict[str, str | None] = {}
    for pair in reading.pop("mapping"):
        header, equals, column = pair.rpartition("=")
        if not equals:
            raise click.ClickException(f"--map must have the form HEADER=COLUMN, not {pair}")
        mapping[header] = column or None
    options = {name: list(value) if isinstance(value, tuple) else value for name, value in reading.items()}
    return {name: value for name, value in options.items() if value not in (None, [])} | (
        {"mapping": mapping} if mapping else {}
    )


def _print_progress(job: CsvImport | CsvExport) -> None:
    click.echo(f"{job.progress} %", err=True)


def _print_column(column: CsvPreviewColumn) -> None:
    target = f" -> {column.column}" if column.column else ""
    click.echo(f"column {column.position}, {column.header or 'without a header'}{target}: {column.type or 'empty'}")
    for objection in column.objections:
        click.echo(
            f"  against {objection.against}: line {objection.line} has {objection.value!r}: {objection.reason}"
        )


def _short(value: str) -> str:
    shown = " ".join(value.split())
    return shown if len(shown) <= _SHOWN_WIDTH else shown[: _SHOWN_WIDTH - 1] + "…"

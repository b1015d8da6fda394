"""`automio csv`: CSV and Excel files into tables of an app, out of them, and a look at one before."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from automio._csv_models import CsvExport, CsvImport, CsvPreview, CsvPreviewColumn
from automio._exceptions import AutomioError
from automio._settings import as_app_id, read_environment, settings_from
from automio.wrapper import API

_SHOWN_ERRORS = 20
_SHOWN_ROWS = 10
_SHOWN_WIDTH = 30
_FILE = click.Path(path_type=Path, dir_okay=False)
_APP = click.option("--app", help="The app's id or slug; APP_ID of this folder's settings when absent.")
_READING: Sequence[Callable[..., Any]] = (
    click.option(
        "--map", "mapping", multiple=True, metavar="HEADER=COLUMN",
        help="The table's column for one of the file (its header, or # and its number); none: it is left out.",
    ),
    click.option("--delimiter", help="`,` `;` `|` or tab; found out when absent."),
    click.option("--encoding", help="UTF-8, or what the file's BOM says, when absent."),
    click.option("--escape", type=click.Choice(["backslash"]), help="As MySQL and PostgreSQL's text format have."),
    click.option("--decimal", type=click.Choice([".", ","]), help="What fractions begin with."),
    click.option("--thousands", type=click.Choice([".", ",", "'", "space", "none"]), help="Between thousands."),
    click.option("--unit", "units", multiple=True, help="Beside a number; % makes hundredths; may be repeated."),
    click.option("--date-order", type=click.Choice(["ymd", "dmy", "mdy"]), help="Of dates that are not 2026-01-31."),
    click.option("--date-format", help="The format of dates, as %d.%m.%Y."),
    click.option("--time-format", help="The format of times, as '%d.%m.%Y %H:%M'."),
    click.option("--timezone", help="Of times that name none: Europe/Warsaw or +02:00."),
    click.option("--null-word", "null_words", multiple=True, help="Means no value; may be repeated."),
    click.option("--true-word", "true_words", multiple=True, help="Means true; may be repeated."),
    click.option("--false-word", "false_words", multiple=True, help="Means false; may be repeated."),
    click.option("--sheet", help="Name of an Excel file's sheet, or its number from 1."),
    click.option("--header-line", type=click.IntRange(0), help="Line of the header, from 1; 0: there is none."),
    click.option("--guarded/--not-guarded", "guard_formulas", default=None, help="Whether ' before formulas goes."),
)  # fmt: skip


def _reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_READING):
        command = option(command)
    return command


@click.group()
def csv() -> None:
    """CSV and Excel files into tables of an app, and out of them."""


@csv.command("import")
@click.argument("table")
@click.argument("file", type=_FILE)
@_APP
@click.option("--key", help="Columns of a unique key, with commas: lines whose row exists are no error then.")
@click.option("--on-conflict", type=click.Choice(["update", "skip"]), default="update", help="What becomes of them.")
@click.option("--dry-run", is_flag=True, help="Try every line and keep none.")
@click.option("--rejected", type=_FILE, help="Write the rejected lines here, to be corrected and sent again.")
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

    Ends with status 1 when the import fails or lines are rejected. What --help does not say is in docs/csv.md.
    """
    _require(file)
    conflict = {"columns": key.split(","), "action": on_conflict} if key else None
    with _api(app) as api:
        options = _said(reading)
        job: CsvImport = api.csv.import_file(table, file, on_conflict=conflict, dry_run=dry_run, **options)
        job = api.csv.wait(job, on_progress=_tell_progress)
        result = job.import_result
        if result is None:
            raise click.ClickException("the platform does not say what became of the lines")
        counts = ("inserted", "updated", "skipped", "rejected", "blank")
        listed = ", ".join(f"{getattr(result, name) or 0} {name}" for name in counts)
        click.echo(f"{result.total} lines: {listed}{' (dry run: nothing was kept)' if result.dry_run else ''}")
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
    """Look at a CSV or Excel file: its first lines, what its columns hold, what speaks against it.

    With a TABLE also what it would reject. Ends with status 1 when the file cannot be read or imported.
    """
    _require(file)
    with _api(app) as api:
        found: CsvPreview = api.csv.preview(file, table, **_said(reading))
    for name, value in {**found.format, **found.options}.items():
        click.echo(f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")
    if found.total_rows is not None:
        click.echo(f"rows: {found.total_rows}")
    for column in found.columns:
        _tell_column(column)
    for row in found.rows[:_SHOWN_ROWS]:
        click.echo(f"{row.line}: {' | '.join(_short(value) for value in row.values)}")
    for problem in found.problems:
        click.echo(f"problem: line {problem.line}: {problem.reason}")
    for question in found.questions:
        click.echo(f"question: {question}")
    if found.error is not None:
        raise click.ClickException(found.error)


@csv.command()
@click.argument("table")
@click.argument("file", type=_FILE)
@_APP
@click.option("--column", "columns", multiple=True, help="Only these, in this order; may be repeated.")
@click.option("--where", help="A condition as in GraphQL, in JSON.")
@click.option("--format", "kind", type=click.Choice(["csv", "xlsx"]), help="As FILE's name ends, when absent.")
@click.option("--delimiter", type=click.Choice([",", ";", "|", "tab"]), default=",", show_default=True)
@click.option("--guard/--no-guard", default=True, show_default=True, help="Put ' before what looks like a formula.")
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
    """Write rows of a table into a CSV or Excel file."""
    try:
        condition = json.loads(where) if where else {}
    except ValueError as error:
        raise click.ClickException(f"--where: must be JSON ({error})") from error
    if not isinstance(condition, dict):
        raise click.ClickException('--where: must be an object such as {"amount": {"_gt": 5}}')
    with _api(app) as api:
        job: CsvExport = api.csv.export(
            table,
            columns=list(columns) or None,
            where=condition,
            format="xlsx" if (kind or file.suffix.lower().lstrip(".")) == "xlsx" else "csv",
            delimiter="\t" if delimiter == "tab" else delimiter,  # type: ignore[arg-type]
            guard_formulas=guard,
        )
        job = api.csv.wait(job, on_progress=_tell_progress)
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
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error


def _require(file: Path) -> None:
    if not file.is_file():
        raise click.ClickException(f"there is no file {file}")


def _said(reading: dict[str, Any]) -> dict[str, Any]:
    """The options that were given."""
    mapping: dict[str, str | None] = {}
    for pair in reading.pop("mapping"):
        header, equals, column = pair.rpartition("=")
        if not equals:
            raise click.ClickException(f"--map: {pair} is not as HEADER=COLUMN")
        mapping[header] = column or None
    said = {name: list(value) if isinstance(value, tuple) else value for name, value in reading.items()}
    return {name: value for name, value in said.items() if value not in (None, [])} | (
        {"mapping": mapping} if mapping else {}
    )


def _tell_progress(job: CsvImport | CsvExport) -> None:
    click.echo(f"{job.progress} %", err=True)


def _tell_column(column: CsvPreviewColumn) -> None:
    goes = f" -> {column.column}" if column.column else ""
    click.echo(f"column {column.position}, {column.header or 'without a header'}{goes}: {column.type or 'empty'}")
    for objection in column.objections:
        click.echo(
            f"  against {objection.against}: line {objection.line} has {objection.value!r}: {objection.reason}"
        )


def _short(value: str) -> str:
    shown = " ".join(value.split())
    return shown if len(shown) <= _SHOWN_WIDTH else shown[: _SHOWN_WIDTH - 1] + "…"

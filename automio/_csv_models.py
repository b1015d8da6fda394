"""Imports and exports of CSV and Excel files, and how far they are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from automio._decode import WireModel


@dataclass(frozen=True, kw_only=True)
class CsvLineError(WireModel):
    """A line that was not imported: its number in the file from 1, the file's column (None: the whole line), why."""

    line: int
    column: str | None = None
    reason: str


@dataclass(frozen=True, kw_only=True)
class CsvImportResult(WireModel):
    """Numbers of lines, by what became of them; `errors` are the first rejected ones.

    `blank` lines have no value and are passed over. `total_rows` is how many the file has, once that is known.
    """

    total: int
    inserted: int
    updated: int
    skipped: int
    rejected: int
    errors: tuple[CsvLineError, ...] = ()
    dry_run: bool
    format: dict[str, Any]
    blank: int | None = None
    total_rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class CsvImport(WireModel):
    """An import. `status` is pending, in_progress, completed or failed; `progress` 0 to 100."""

    id: int
    collection_name: str
    application: int
    organization: int
    status: str
    task_id: str
    progress: int
    import_result: CsvImportResult | None = None
    error: str | None = None
    file: str | None = None
    rejected_file: str | None = None
    created_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class CsvExport(WireModel):
    """An export. `status` is pending, in_progress, completed or failed; `progress` 0 to 100."""

    id: int
    collection_name: str
    application: int
    organization: int
    status: str
    task_id: str
    progress: int
    rows: int
    error: str | None = None
    file: str | None = None
    created_at: datetime | None = None
    file_upload_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class CsvObjection(WireModel):
    """The first cell that speaks against a way of reading a column: against which one, where, and why."""

    against: str
    line: int
    value: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class CsvPreviewColumn(WireModel):
    """A column of a file: the type that fits its cells (None: it is empty), the table's column it would go into."""

    position: int
    header: str
    column: str | None = None
    type: str | None = None
    filled: int
    objections: tuple[CsvObjection, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CsvPreviewLine(WireModel):
    """A line of a file as it is read; a malformed one has no values."""

    line: int
    values: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CsvProblem(WireModel):
    """A line that would be rejected for its form."""

    line: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class CsvPreview(WireModel):
    """What a file was found to be. `options` are arguments of `import_file`, `questions` what they leave open.

    `error` says why the file could not be read or imported with these options. Of a long file only the first
    `rows_looked_at` lines were looked at.
    """

    error: str | None = None
    format: dict[str, Any]
    options: dict[str, Any]
    questions: tuple[str, ...] = ()
    columns: tuple[CsvPreviewColumn, ...] = ()
    rows: tuple[CsvPreviewLine, ...] = ()
    problems: tuple[CsvProblem, ...] = ()
    rows_looked_at: int
    total_rows: int | None = None

"""Defines imports and exports of CSV and Excel files, and their progress."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from automio._decode import WireModel


@dataclass(frozen=True, kw_only=True)
class CsvLineError(WireModel):
    """Describes a line that was not imported: its number from 1, the column (None: the whole line), the reason."""

    line: int
    column: str | None = None
    reason: str


@dataclass(frozen=True, kw_only=True)
class CsvImportResult(WireModel):
    """Counts lines by outcome; `errors` holds the first rejected lines.

    `blank` lines have no values and are skipped. `total_rows` is the number of lines in the file, once it is known.
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
    """Describes an import. `status` is pending, in_progress, completed or failed; `progress` 0 to 100."""

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
    """Describes an export. `status` is pending, in_progress, completed or failed; `progress` 0 to 100."""

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
    """Describes the first cell that does not fit a type or option (`against`): its line, its value, the reason."""

    against: str
    line: int
    value: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class CsvPreviewColumn(WireModel):
    """Describes a column of a file: the type of its cells (None if it is empty) and the table's column for it."""

    position: int
    header: str
    column: str | None = None
    type: str | None = None
    filled: int
    objections: tuple[CsvObjection, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CsvPreviewLine(WireModel):
    """Describes a line of a file as it was read; a malformed line has no values."""

    line: int
    values: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CsvProblem(WireModel):
    """Describes a line that would be rejected because it is malformed."""

    line: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class CsvPreview(WireModel):
    """Describes the content of a file. `options` are arguments for `import_file`, `questions` name what is unclear.

    `error` says why the file cannot be read or imported with these options. Of a long file only the first
    `rows_looked_at` lines are read.
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

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
    """Numbers of lines, by what became of them; `errors` are the first rejected ones."""

    total: int
    inserted: int
    updated: int
    skipped: int
    rejected: int
    errors: tuple[CsvLineError, ...] = ()
    dry_run: bool
    format: dict[str, Any]


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

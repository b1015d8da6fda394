"""Defines the JSON of imports and exports (contract §11)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from platform_api.csv.models import CsvExport, CsvFile, CsvImport, JobStatus
from platform_api.csv.values.numbers import MINUS_SIGNS


class FileFormat(StrEnum):
    """Names the format of an export."""

    CSV = "csv"
    XLSX = "xlsx"


CONTENT_TYPES = {
    FileFormat.CSV: "text/csv; charset=utf-8",
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class OnConflict(BaseModel):
    """Decides what happens to a line whose row already exists."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: list[Annotated[str, Field(max_length=63)]] = Field(
        default=[], max_length=16, description="Columns of a unique key of the table, or `id`"
    )
    constraint: Annotated[str, Field(max_length=63)] | None = Field(
        default=None, description="The unique key's name, instead of `columns`"
    )
    action: Literal["update", "skip"] = "update"

    @model_validator(mode="after")
    def _one_selection(self) -> "OnConflict":
        if bool(self.columns) == (self.constraint is not None):
            raise ValueError('name the unique key with exactly one of "columns" (a list) and "constraint"')
        return self


Thousands = Literal[".", ",", "'", "space", "none"]
Words = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=50)]


Units = Annotated[list[Annotated[str, Field(pattern=rf"^[^0-9()+{MINUS_SIGNS}]{{1,20}}$")]], Field(max_length=20)]


class ImportOptions(BaseModel):
    """Holds how a file is read and its rows are written; stored with the job."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mapping: dict[str, str | None] = {}
    on_conflict: OnConflict | None = None
    delimiter: str | None = None
    encoding: str | None = None
    escape: Literal["\\"] | None = None
    """Precedes a literal character, and begins `\\n` and `\\N`."""
    decimal: Literal[".", ","] = "."
    thousands: Thousands | None = None
    units: Units = []
    """Units that may precede or follow a number; `%` divides by 100."""
    date_order: Literal["ymd", "dmy", "mdy"] | None = None
    date_format: str | None = None
    time_format: str | None = None
    timezone: str | None = None
    null_words: Words = []
    true_words: Words | None = None
    false_words: Words | None = None
    sheet: str | None = None
    header_line: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """The header's line, from 1; 0 if the file has none; None for the first line with a value."""
    guard_formulas: bool = True
    dry_run: bool = False


class ExportWrite(BaseModel):
    """Selects what to export."""

    model_config = ConfigDict(extra="forbid")

    app: Annotated[str, Field(max_length=130)] | int | None = Field(
        default=None, description="Id, slug or `<org>/<app>`; when absent, the token's app"
    )
    table: Annotated[str, Field(max_length=200)]
    columns: list[Annotated[str, Field(max_length=63)]] | None = Field(
        default=None, min_length=1, max_length=505, description="Columns in this order; all when absent"
    )
    where: dict[str, JsonValue] = Field(default={}, description="A condition in the form of GraphQL's `where`")
    order_by: list[dict[str, Literal["asc", "desc"]]] = Field(
        default=[],
        max_length=10,
        description='In the form of GraphQL: `[{"price": "desc"}]`, one column each; by id when absent',
    )
    format: FileFormat = FileFormat.CSV
    delimiter: Literal[",", ";", "\t", "|"] = ","
    guard_formulas: bool = Field(
        default=True, description="Puts a ' before text that a spreadsheet would evaluate as a formula"
    )


class CsvUploadRead(BaseModel):
    """Describes a file that is kept for its previews and its import."""

    id: UUID = Field(description="For `upload`; kept as long as the files of imports")
    name: str
    size: int

    @classmethod
    def of(cls, file: CsvFile) -> Self:
        return cls(id=file.id, name=file.name, size=file.size)


class LineError(BaseModel):
    """Describes a line that was not imported."""

    line: int = Field(description="Line of the file (row of the sheet), from 1, counting the header")
    column: str | None = Field(description="The file's column, if a single column is at fault")
    reason: str


class ImportResult(BaseModel):
    """Counts what an import has done so far."""

    total: int = Field(description="Lines processed")
    inserted: int
    updated: int
    skipped: int
    rejected: int
    blank: int = Field(description="Blank lines, which are skipped and not part of `total`")
    total_rows: int | None = Field(description="Rows of the file; null until it is known")
    errors: list[LineError] = Field(description="The first rejected lines")
    dry_run: bool
    format: dict[str, Any] = Field(description="The detected format: kind, encoding and delimiter, or the sheet")


class CsvImportRead(BaseModel):
    """Describes an import as the published clients know it, with some more fields."""

    id: int
    collection_name: str
    file: str = Field(description="Path of the uploaded file; deleted some days after the end")
    application: int
    organization: int
    status: JobStatus
    task_id: str
    import_result: ImportResult
    created_at: datetime
    finished_at: datetime | None
    progress: int = Field(description="0 to 100")
    error: str | None = Field(description="Why it failed")
    file_name: str
    rejected_file: str | None = Field(
        description="Path of the rejected lines, each in its original form with its reason at the end"
    )
    to_repair: int = Field(description="Rejected lines on the repair list")
    repaired: int = Field(description="Rejected lines that were repaired and imported since")

    @classmethod
    def from_job(cls, job: CsvImport) -> "CsvImportRead":
        """Returns the JSON of a job."""
        path = f"/api/apps/csv-imports/{job.id}"
        result = ImportResult(
            total=job.processed,
            inserted=job.inserted,
            updated=job.updated,
            skipped=job.skipped,
            rejected=job.rejected,
            blank=job.blank,
            total_rows=job.total_rows,
            errors=[LineError(**error) for error in job.errors],
            dry_run=bool(job.options.get("dry_run")),
            format=job.format,
        )
        return cls(
            id=job.id,
            collection_name=job.table_name,
            file=f"{path}/file/",
            application=job.app_id,
            organization=job.organization_id,
            status=job.status,
            task_id=job.task_id,
            import_result=result,
            created_at=job.created_at,
            finished_at=job.finished_at,
            progress=job.progress,
            error=job.error,
            file_name=job.file_name,
            rejected_file=f"{path}/rejected/" if job.rejected_file_id is not None else None,
            to_repair=job.repairable - job.repaired,
            repaired=job.repaired,
        )


class CsvExportRead(BaseModel):
    """Describes an export as the published clients know it, with some more fields."""

    id: int
    collection_name: str
    application: int
    organization: int
    file: str | None = Field(description="Path of the file once it is complete; deleted some days later")
    task_id: str
    created_at: datetime
    file_upload_at: datetime | None
    status: JobStatus
    progress: int = Field(description="0 to 100")
    rows: int = Field(description="Rows written so far")
    error: str | None = Field(description="Why it failed")

    @classmethod
    def from_job(cls, job: CsvExport) -> "CsvExportRead":
        """Returns the JSON of a job."""
        return cls(
            id=job.id,
            collection_name=job.table_name,
            application=job.app_id,
            organization=job.organization_id,
            file=f"/api/apps/csv-exports/{job.id}/file/" if job.file_id is not None else None,
            task_id=job.task_id,
            created_at=job.created_at,
            file_upload_at=job.finished_at if job.status is JobStatus.COMPLETED else None,
            status=job.status,
            progress=job.progress,
            rows=job.processed,
            error=job.error,
        )

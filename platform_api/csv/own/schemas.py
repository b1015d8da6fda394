"""Defines the JSON of the caller's own jobs."""

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, Field

from platform_api.apps.models import App
from platform_api.csv.models import CsvExport, CsvImport, JobStatus
from platform_api.csv.schemas import FileFormat


class JobApp(BaseModel):
    """Names the app of a job."""

    id: int
    slug: str
    name: str


class OwnJobRead(BaseModel):
    """Describes an import or an export that the caller began."""

    kind: Literal["import", "export"]
    id: int = Field(description="Of the import or the export: each kind has its own")
    app: JobApp
    table: str
    file_name: str | None = Field(description="Of an import")
    file: str | None = Field(description="Path of an export's file once it is complete; deleted some days later")
    format: FileFormat | None = Field(description="Of an export")
    status: JobStatus
    is_cancelled: bool = Field(description="Its end was asked for; it is open for a moment longer")
    progress: int = Field(description="0 to 100")
    rows: int = Field(description="Rows dealt with so far")
    total_rows: int | None = Field(description="Rows of an import's file; null until it is known")
    rejected: int = Field(description="Lines of an import that are not in the table")
    to_repair: int = Field(description="Rejected lines on the repair list")
    error: str | None = Field(description="Why it failed")
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, job: CsvImport | CsvExport, app: App) -> Self:
        is_import = isinstance(job, CsvImport)
        has_file = not is_import and job.file_id is not None
        return cls(
            kind="import" if is_import else "export",
            id=job.id,
            app=JobApp(id=app.id, slug=app.slug, name=app.name),
            table=job.table_name,
            file_name=job.file_name if isinstance(job, CsvImport) else None,
            file=f"/api/apps/csv-exports/{job.id}/file/" if has_file else None,
            format=None if is_import else FileFormat(job.options["format"]),
            status=job.status,
            is_cancelled=job.cancel_requested_at is not None,
            progress=job.progress,
            rows=job.processed,
            total_rows=job.total_rows if isinstance(job, CsvImport) else None,
            rejected=job.rejected if isinstance(job, CsvImport) else 0,
            to_repair=job.repairable - job.repaired if isinstance(job, CsvImport) else 0,
            error=job.error,
            created_at=job.created_at,
            finished_at=job.finished_at,
        )


class OwnJobs(BaseModel):
    """Holds the caller's jobs."""

    results: list[OwnJobRead]

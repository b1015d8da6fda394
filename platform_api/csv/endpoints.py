"""Imports and exports over HTTP (contract §11)."""

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Query, UploadFile
from fastapi.responses import StreamingResponse

from platform_api.accounts.dependencies import DataActorDep
from platform_api.apps.parameters import AppQuery
from platform_api.core.database import Database, SessionDep
from platform_api.core.http.dependencies import DatabaseDep, SettingsDep
from platform_api.core.http.pagination import SearchQuery
from platform_api.csv import service
from platform_api.csv.forms import ImportOptionsDep, PlanDep
from platform_api.csv.models import CsvExport, CsvFile, CsvImport
from platform_api.csv.parameters import ExportId, ImportId, KeyField, PreviewsDep, SentFileDep
from platform_api.csv.preview.schemas import CsvPreview
from platform_api.csv.rejected import sheet_file, sheet_position
from platform_api.csv.schemas import (
    CONTENT_TYPES,
    CsvExportRead,
    CsvImportRead,
    CsvUploadRead,
    ExportWrite,
    FileFormat,
)
from platform_api.csv.storage import read
from platform_api.csv.uploads import keep_upload

UPLOAD_PATH = re.compile(r"/+(?:api/+)?apps/+(?:csv-imports/*(?:/(?:preview|uploads)/*)?|from-file/*)")
"""What is uploaded here may be larger than other bodies."""
FORM_BYTES = 64 * 1024
"""Room in an upload for what is no file."""

imports_router = APIRouter(prefix="/apps/csv-imports", tags=["csv"])
exports_router = APIRouter(prefix="/apps/csv-exports", tags=["csv"])
"""Both before the apps' own router, whose `{app}` would take these words."""

JobOrder = Literal["created_at", "-created_at"]
TableQuery = Annotated[str | None, Query(description="Name of the table", max_length=200)]
BeforeQuery = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only jobs older than this id")]
LimitQuery = Annotated[int, Query(ge=1, le=service.MAX_LISTED_JOBS)]

_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, to be stored",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            CONTENT_TYPES[FileFormat.XLSX]: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@imports_router.get("/", summary="List the organization's imports, newest first")
async def list_imports(
    actor: DataActorDep,
    session: SessionDep,
    app: AppQuery = None,
    table: TableQuery = None,
    search: SearchQuery = None,
    order: JobOrder = "-created_at",
    before: BeforeQuery = None,
    limit: LimitQuery = service.MAX_LISTED_JOBS,
) -> list[CsvImportRead]:
    jobs = await service.list_jobs(
        session,
        actor,
        CsvImport,
        app=app,
        table=table,
        search=search,
        before=before,
        limit=limit,
        is_descending=order.startswith("-"),
    )
    return [CsvImportRead.from_job(job) for job in jobs]


@imports_router.post("/", status_code=201, summary="Import a CSV or Excel file into a table")
async def create_import(
    actor: DataActorDep,
    session: SessionDep,
    settings: SettingsDep,
    file: SentFileDep,
    table: Annotated[str, Form(max_length=200)],
    options: ImportOptionsDep,
    app: Annotated[str | None, Form(max_length=130, description="The token's app when absent")] = None,
    key: KeyField = None,
) -> CsvImportRead:
    job = await service.create_import(
        session,
        actor,
        app=app,
        table=table,
        options=options,
        upload=file,
        max_bytes=settings.csv_max_bytes,
        key=key,
    )
    return CsvImportRead.from_job(job)


@imports_router.post("/preview/", summary="Preview a CSV or Excel file before it is imported")
async def preview_import(
    actor: DataActorDep,
    session: SessionDep,
    settings: SettingsDep,
    previews: PreviewsDep,
    file: SentFileDep,
    options: ImportOptionsDep,
    plan: PlanDep,
    table: Annotated[
        str | None, Form(max_length=200, description="Where it would go; without, only the file")
    ] = None,
    app: Annotated[str | None, Form(max_length=130, description="The token's app when absent")] = None,
) -> CsvPreview:
    return await service.preview(
        session,
        actor,
        app=app,
        table=table,
        options=options,
        upload=file,
        max_bytes=settings.csv_max_bytes,
        previews=previews,
        plan=plan,
    )


@imports_router.post("/uploads/", status_code=201, summary="Store a file once, for its previews and its import")
async def upload_file(
    actor: DataActorDep,
    session: SessionDep,
    settings: SettingsDep,
    file: Annotated[UploadFile, File(description="CSV, or Excel's .xlsx")],
) -> CsvUploadRead:
    return CsvUploadRead.of(await keep_upload(session, actor, file, max_bytes=settings.csv_max_bytes))


@imports_router.get("/{import_id}/", summary="Return an import: its progress and what it did")
async def get_import(actor: DataActorDep, session: SessionDep, import_id: ImportId) -> CsvImportRead:
    return CsvImportRead.from_job(await service.get_job(session, actor, CsvImport, import_id))


@imports_router.post("/{import_id}/cancel/", summary="Cancel an import; rows imported before stay")
async def cancel_import(actor: DataActorDep, session: SessionDep, import_id: ImportId) -> CsvImportRead:
    return CsvImportRead.from_job(await service.cancel_job(session, actor, CsvImport, import_id))


@imports_router.get(
    "/{import_id}/file/",
    summary="Download the file that was uploaded",
    response_class=StreamingResponse,
    responses=_FILE,
)
async def download_import(
    actor: DataActorDep, session: SessionDep, database: DatabaseDep, import_id: ImportId
) -> StreamingResponse:
    job = await service.get_job(session, actor, CsvImport, import_id)
    return _download(database, await service.get_file(session, job, job.file_id))


@imports_router.get(
    "/{import_id}/rejected/",
    summary="Download the rejected lines, each with its line number and reason at the end",
    response_class=StreamingResponse,
    responses=_FILE,
)
async def download_rejected(
    actor: DataActorDep, session: SessionDep, database: DatabaseDep, import_id: ImportId
) -> StreamingResponse:
    job = await service.get_job(session, actor, CsvImport, import_id)
    file = await service.get_file(session, job, job.rejected_file_id)
    if job.format.get("kind") != FileFormat.XLSX:
        return _download(database, file)
    rows = read(database, file.id, file.pieces)
    name = str(job.format["sheet"])
    position = sheet_position(name, job.options.get("sheet"))
    return _streamed(sheet_file(rows, name=name, position=position), file)


@exports_router.get("/", summary="List the organization's exports, newest first")
async def list_exports(
    actor: DataActorDep,
    session: SessionDep,
    app: AppQuery = None,
    table: TableQuery = None,
    search: SearchQuery = None,
    order: JobOrder = "-created_at",
    before: BeforeQuery = None,
    limit: LimitQuery = service.MAX_LISTED_JOBS,
) -> list[CsvExportRead]:
    jobs = await service.list_jobs(
        session,
        actor,
        CsvExport,
        app=app,
        table=table,
        search=search,
        before=before,
        limit=limit,
        is_descending=order.startswith("-"),
    )
    return [CsvExportRead.from_job(job) for job in jobs]


@exports_router.post("/", status_code=201, summary="Export rows of a table as CSV or Excel")
async def create_export(actor: DataActorDep, session: SessionDep, body: ExportWrite) -> CsvExportRead:
    return CsvExportRead.from_job(await service.create_export(session, actor, body))


@exports_router.get("/{export_id}/", summary="Return an export: its progress and what it did")
async def get_export(actor: DataActorDep, session: SessionDep, export_id: ExportId) -> CsvExportRead:
    return CsvExportRead.from_job(await service.get_job(session, actor, CsvExport, export_id))


@exports_router.post("/{export_id}/cancel/", summary="Cancel an export")
async def cancel_export(actor: DataActorDep, session: SessionDep, export_id: ExportId) -> CsvExportRead:
    return CsvExportRead.from_job(await service.cancel_job(session, actor, CsvExport, export_id))


@exports_router.get(
    "/{export_id}/file/", summary="Download the exported file", response_class=StreamingResponse, responses=_FILE
)
async def download_export(
    actor: DataActorDep, session: SessionDep, database: DatabaseDep, export_id: ExportId
) -> StreamingResponse:
    job = await service.get_job(session, actor, CsvExport, export_id)
    return _download(database, await service.get_file(session, job, job.file_id))


def _download(database: Database, file: CsvFile) -> StreamingResponse:
    async def content() -> AsyncIterator[bytes]:
        async for piece in read(database, file.id, file.pieces):
            yield piece

    answer = _streamed(content(), file)
    answer.headers["Content-Length"] = str(file.size)
    return answer


def _streamed(content: AsyncIterator[bytes], file: CsvFile) -> StreamingResponse:
    headers = {
        # Always a download, whatever is in it: it is a tenant's.
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(content, media_type=file.content_type, headers=headers)

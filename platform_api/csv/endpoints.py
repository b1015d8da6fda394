"""Imports and exports over HTTP (contract §11)."""

import json
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Path, Query, Request, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import TypeAdapter, ValidationError

from platform_api.accounts.dependencies import DataActorDep
from platform_api.core.database import Database, SessionDep
from platform_api.core.errors import Unprocessable, describe_validation_errors
from platform_api.core.settings import Settings
from platform_api.csv import service
from platform_api.csv.models import CsvExport, CsvFile, CsvImport
from platform_api.csv.schemas import CsvExportRead, CsvImportRead, ExportWrite, ImportOptions, OnConflict
from platform_api.csv.storage import read

UPLOAD_PATH = re.compile(r"/+(?:api/+)?apps/+csv-imports/*")
"""What is uploaded here may be larger than other bodies."""
FORM_BYTES = 64 * 1024
"""Room in an upload for what is no file."""

imports_router = APIRouter(prefix="/apps/csv-imports", tags=["csv"])
exports_router = APIRouter(prefix="/apps/csv-exports", tags=["csv"])
"""Both before the apps' own router, whose `{app}` would take these words."""

T = TypeVar("T")
ImportId = Annotated[int, Path(ge=1, le=2**63 - 1)]
ExportId = Annotated[int, Path(ge=1, le=2**63 - 1)]
AppQuery = Annotated[str | None, Query(description="Id, slug or `<org>/<app>`", max_length=130)]
TableQuery = Annotated[str | None, Query(description="Name of the table", max_length=200)]

_MAPPING: TypeAdapter[dict[str, str | None]] = TypeAdapter(dict[str, str | None])
_ON_CONFLICT: TypeAdapter[OnConflict] = TypeAdapter(OnConflict)
_DECIMAL = Annotated[str, Form(pattern="^[.,]$", description="What fractions begin with")]


@imports_router.get("/", summary="The organization's imports, newest first")
async def list_imports(
    actor: DataActorDep, session: SessionDep, app: AppQuery = None, table: TableQuery = None
) -> list[CsvImportRead]:
    jobs = await service.list_jobs(session, actor, CsvImport, app=app, table=table)
    return [CsvImportRead.from_job(job) for job in jobs]


@imports_router.post("/", status_code=201, summary="Import a CSV or Excel file into a table")
async def create_import(
    request: Request,
    actor: DataActorDep,
    session: SessionDep,
    file: Annotated[UploadFile, File(description="CSV, or Excel's .xlsx")],
    table: Annotated[str, Form(max_length=200)],
    app: Annotated[str | None, Form(max_length=130, description="The token's app when absent")] = None,
    mapping: Annotated[
        str | None, Form(description="JSON: the file's columns to the table's; null leaves one out")
    ] = None,
    on_conflict: Annotated[
        str | None, Form(description='JSON: {"columns": [...], "action": "update" or "skip"}')
    ] = None,
    delimiter: Annotated[str | None, Form(description="`,` `;` `|` or a tab; found out when absent")] = None,
    encoding: Annotated[str | None, Form(max_length=40, description="UTF-8, or the BOM's, when absent")] = None,
    decimal: _DECIMAL = ".",
    dry_run: Annotated[bool, Form(description="Tries every line and keeps nothing")] = False,
) -> CsvImportRead:
    settings: Settings = request.app.state.settings
    options = ImportOptions(
        mapping=_json("mapping", mapping, _MAPPING) or {},
        on_conflict=_json("on_conflict", on_conflict, _ON_CONFLICT),
        delimiter=delimiter or None,
        encoding=encoding or None,
        decimal="," if decimal == "," else ".",
        dry_run=dry_run,
    )
    job = await service.create_import(
        session,
        actor,
        app=app,
        table=table,
        options=options,
        upload=file,
        most_bytes=settings.csv_max_bytes,
    )
    return CsvImportRead.from_job(job)


@imports_router.get("/{import_id}/", summary="One import: how far it is, and what it did")
async def get_import(actor: DataActorDep, session: SessionDep, import_id: ImportId) -> CsvImportRead:
    return CsvImportRead.from_job(await service.get_job(session, actor, CsvImport, import_id))


@imports_router.post("/{import_id}/cancel/", summary="Stop an import; rows imported before stay")
async def cancel_import(actor: DataActorDep, session: SessionDep, import_id: ImportId) -> CsvImportRead:
    return CsvImportRead.from_job(await service.cancel_job(session, actor, CsvImport, import_id))


@imports_router.get("/{import_id}/file/", summary="The file as it was sent", response_class=StreamingResponse)
async def download_import(
    request: Request, actor: DataActorDep, session: SessionDep, import_id: ImportId
) -> StreamingResponse:
    job = await service.get_job(session, actor, CsvImport, import_id)
    return _download(request, await service.get_file(session, job, job.file_id))


@imports_router.get(
    "/{import_id}/rejected/",
    summary="The rejected lines as CSV, each with its line number and reason",
    response_class=StreamingResponse,
)
async def download_rejected(
    request: Request, actor: DataActorDep, session: SessionDep, import_id: ImportId
) -> StreamingResponse:
    job = await service.get_job(session, actor, CsvImport, import_id)
    return _download(request, await service.get_file(session, job, job.rejected_file_id))


@exports_router.get("/", summary="The organization's exports, newest first")
async def list_exports(
    actor: DataActorDep, session: SessionDep, app: AppQuery = None, table: TableQuery = None
) -> list[CsvExportRead]:
    jobs = await service.list_jobs(session, actor, CsvExport, app=app, table=table)
    return [CsvExportRead.from_job(job) for job in jobs]


@exports_router.post("/", status_code=201, summary="Export rows of a table as CSV or Excel")
async def create_export(actor: DataActorDep, session: SessionDep, body: ExportWrite) -> CsvExportRead:
    return CsvExportRead.from_job(await service.create_export(session, actor, body))


@exports_router.get("/{export_id}/", summary="One export")
async def get_export(actor: DataActorDep, session: SessionDep, export_id: ExportId) -> CsvExportRead:
    return CsvExportRead.from_job(await service.get_job(session, actor, CsvExport, export_id))


@exports_router.post("/{export_id}/cancel/", summary="Stop an export")
async def cancel_export(actor: DataActorDep, session: SessionDep, export_id: ExportId) -> CsvExportRead:
    return CsvExportRead.from_job(await service.cancel_job(session, actor, CsvExport, export_id))


@exports_router.get("/{export_id}/file/", summary="The exported file", response_class=StreamingResponse)
async def download_export(
    request: Request, actor: DataActorDep, session: SessionDep, export_id: ExportId
) -> StreamingResponse:
    job = await service.get_job(session, actor, CsvExport, export_id)
    return _download(request, await service.get_file(session, job, job.file_id))


def _download(request: Request, file: CsvFile) -> StreamingResponse:
    database: Database = request.app.state.database

    async def content() -> AsyncIterator[bytes]:
        async for piece in read(database, file.id, file.pieces):
            yield piece

    headers = {
        "Content-Length": str(file.size),
        # Always a download, whatever is in it: it is a tenant's.
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(content(), media_type=file.content_type, headers=headers)


def _json(name: str, text: str | None, adapter: TypeAdapter[T]) -> T | None:
    """A form field that holds JSON."""
    if not text:
        return None
    try:
        value: Any = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise Unprocessable(f"{name}: must be JSON") from error
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise Unprocessable(f"{name}: {describe_validation_errors(error.errors())}") from error

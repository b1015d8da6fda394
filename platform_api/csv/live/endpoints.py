"""Streams imports and exports over HTTP."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette import EventSourceResponse

from platform_api.accounts.actor import Actor
from platform_api.accounts.dependencies import DataStreamActorDep, still_allowed
from platform_api.accounts.models import Scope
from platform_api.core.database import SessionDep
from platform_api.core.http.dependencies import DatabaseDep
from platform_api.core.http.openapi import event_stream_schema
from platform_api.core.services import provided
from platform_api.csv.live.schemas import (
    ExportEndEvent,
    ExportProgressEvent,
    ImportEndEvent,
    ImportProgressEvent,
)
from platform_api.csv.live.signals import ExportSignals, ImportSignals
from platform_api.csv.live.stream import stream_job
from platform_api.csv.models import CsvExport, CsvImport, Job
from platform_api.csv.parameters import ExportId, ImportId
from platform_api.csv.schemas import CsvExportRead, CsvImportRead
from platform_api.csv.service import get_job

router = APIRouter(prefix="/apps", tags=["csv"])
"""Before the apps' own router, whose `{app}` would take these words."""

LastEventId = Annotated[
    str | None, Header(description="Only a state that differs from that of this event", max_length=100)
]
ImportSignalsDep = Annotated[ImportSignals, Depends(provided(ImportSignals))]
ExportSignalsDep = Annotated[ExportSignals, Depends(provided(ExportSignals))]


@router.get(
    "/csv-imports/{import_id}/stream/",
    summary="Stream an import as it comes further, until it ends",
    response_class=EventSourceResponse,
    responses={200: {"content": event_stream_schema(ImportProgressEvent, ImportEndEvent)}},
)
async def stream_import(
    request: Request,
    actor: DataStreamActorDep,
    session: SessionDep,
    database: DatabaseDep,
    signals: ImportSignalsDep,
    import_id: ImportId,
    last_event_id: LastEventId = None,
) -> EventSourceResponse:
    job = await get_job(session, actor, CsvImport, import_id)
    reader = still_allowed(request, actor, Scope.DATA, check=partial(_check, CsvImport, import_id))
    read_as = CsvImportRead.from_job
    return stream_job(database, signals, job, read_as=read_as, after=last_event_id or "", reader=reader)


@router.get(
    "/csv-exports/{export_id}/stream/",
    summary="Stream an export as it comes further, until it ends",
    response_class=EventSourceResponse,
    responses={200: {"content": event_stream_schema(ExportProgressEvent, ExportEndEvent)}},
)
async def stream_export(
    request: Request,
    actor: DataStreamActorDep,
    session: SessionDep,
    database: DatabaseDep,
    signals: ExportSignalsDep,
    export_id: ExportId,
    last_event_id: LastEventId = None,
) -> EventSourceResponse:
    job = await get_job(session, actor, CsvExport, export_id)
    reader = still_allowed(request, actor, Scope.DATA, check=partial(_check, CsvExport, export_id))
    read_as = CsvExportRead.from_job
    return stream_job(database, signals, job, read_as=read_as, after=last_event_id or "", reader=reader)


async def _check(kind: type[Job], job_id: int, session: AsyncSession, caller: Actor) -> None:
    """Raises NotFound when the caller may no longer see the job."""
    await get_job(session, caller, kind, job_id)

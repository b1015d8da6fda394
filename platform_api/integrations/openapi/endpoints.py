"""Serves the import of integrations from OpenAPI documents, and their operations."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette import EventSourceResponse, ServerSentEvent

from platform_api.accounts.actor import Actor
from platform_api.accounts.dependencies import BuildActorDep, DataActorDep
from platform_api.core.database import Database, SessionDep, release_connection, rolled_back
from platform_api.core.errors import PlatformError
from platform_api.core.http.dependencies import DatabaseDep
from platform_api.core.http.error_answers import answer_of, unexpected_error
from platform_api.core.http.event_stream import event_stream
from platform_api.core.http.openapi import event_stream_schema
from platform_api.core.http.pagination import PageDep
from platform_api.integrations.definitions.api_description import MAX_DOCUMENT_BYTES, Progress
from platform_api.integrations.lifespan import CallerDep
from platform_api.integrations.openapi import importing
from platform_api.integrations.openapi.building import DefinitionDraft
from platform_api.integrations.openapi.schemas import (
    ImportRead,
    ImportWrite,
    OpenApiEndEvent,
    OpenApiErrorEvent,
    OpenApiProgressEvent,
)
from platform_api.integrations.openapi.sent_documents import DocumentsRoute
from platform_api.integrations.outgoing.caller import Caller
from platform_api.integrations.parameters import IntegrationReference
from platform_api.integrations.schemas import OperationPage, OperationRead

IMPORT_PATH = re.compile(r"/+(?:api/+)?integrations/+import/*")
"""What is sent here may be larger than other bodies."""
MAX_BODY_BYTES = 2 * MAX_DOCUMENT_BYTES
"""In a request, a document is the JSON of a text, which is up to twice as long."""

router = APIRouter(prefix="/integrations", tags=["integrations"])
_imports = APIRouter(route_class=DocumentsRoute)


@_imports.post(
    "/import/",
    summary="Define an integration from an OpenAPI or Swagger document",
    response_model=ImportRead,
    responses={200: {"content": event_stream_schema(OpenApiProgressEvent, OpenApiEndEvent, OpenApiErrorEvent)}},
)
async def import_integration(
    request: Request,
    actor: BuildActorDep,
    session: SessionDep,
    database: DatabaseDep,
    caller: CallerDep,
    body: ImportWrite,
) -> ImportRead | EventSourceResponse:
    # Fetching and reading take their time.
    await release_connection(session)
    if body.streaming:
        return event_stream(_events(request, actor, database, caller, body))
    draft = await importing.read_import(caller, actor, body, lambda progress: None)
    return await _store(session, actor, body, draft)


async def _store(session: AsyncSession, actor: Actor, body: ImportWrite, draft: DefinitionDraft) -> ImportRead:
    if body.dry_run:
        async with rolled_back(session):
            imported = await importing.store_import(session, actor, body, draft)
    else:
        imported = await importing.store_import(session, actor, body, draft)
    return ImportRead.of(
        imported.definition,
        imported.operations,
        imported.placeholders,
        is_new=imported.is_new,
        is_dry_run=body.dry_run,
        notes=imported.notes,
    )


async def _events(
    request: Request, actor: Actor, database: Database, caller: Caller, body: ImportWrite
) -> AsyncIterator[ServerSentEvent]:
    """Yields how far an import has come, and last what it did or why it was refused."""
    progress: asyncio.Queue[Progress | None] = asyncio.Queue()

    async def run() -> ImportRead:
        try:
            draft = await importing.read_import(caller, actor, body, progress.put_nowait)
            progress.put_nowait(Progress(stage="storing"))
            async with database.transaction() as session:
                return await _store(session, actor, body, draft)
        finally:
            progress.put_nowait(None)

    importing_now = asyncio.create_task(run())
    try:
        while (step := await progress.get()) is not None:
            yield ServerSentEvent(step.model_dump_json(), event="progress", sep="\n")
        yield await _last_event(request, importing_now)
    finally:
        # Whoever stops listening stops the work.
        importing_now.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await importing_now


async def _last_event(request: Request, importing_now: "asyncio.Task[ImportRead]") -> ServerSentEvent:
    try:
        done = await importing_now
    except PlatformError as error:
        return ServerSentEvent(bytes(answer_of(request.scope, error).body).decode(), event="error", sep="\n")
    except Exception as error:
        answer = await unexpected_error(request, error)
        return ServerSentEvent(bytes(answer.body).decode(), event="error", sep="\n")
    return ServerSentEvent(done.model_dump_json(), event="end", sep="\n")


router.include_router(_imports)


@router.get("/{integration_id}/operations/", summary="List the operations of an imported integration")
async def list_operations(
    actor: DataActorDep,
    session: SessionDep,
    page: PageDep,
    integration_id: IntegrationReference,
    search: Annotated[
        str | None, Query(max_length=200, description="Words in the path, method, operation id or summary")
    ] = None,
) -> OperationPage:
    count, operations = await importing.list_operations(
        session, actor, integration_id, search=search, page=page.page, per_page=page.per_page
    )
    return OperationPage(
        count=count,
        next=page.next_url(count),
        previous=page.previous_url(),
        results=[OperationRead.model_validate(operation) for operation in operations],
    )

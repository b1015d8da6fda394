"""Serves the import of integrations from OpenAPI documents, and their operations."""

from typing import Annotated

from fastapi import APIRouter, Query

from platform_api.accounts.dependencies import BuildActorDep, DataActorDep
from platform_api.core.database import SessionDep, release_connection, rolled_back
from platform_api.core.http.pagination import PageDep
from platform_api.integrations.lifespan import CallerDep
from platform_api.integrations.openapi import importing
from platform_api.integrations.parameters import IntegrationReference
from platform_api.integrations.schemas import (
    ImportRead,
    ImportWrite,
    OperationPage,
    OperationRead,
)

router = APIRouter(prefix="/integrations", tags=["integrations"])


@router.post("/import/", summary="Define an integration from an OpenAPI or Swagger document")
async def import_integration(
    actor: BuildActorDep, session: SessionDep, caller: CallerDep, body: ImportWrite
) -> ImportRead:
    # Fetching and reading take their time.
    await release_connection(session)
    read = await importing.read_import(caller, body)
    if body.dry_run:
        async with rolled_back(session):
            imported = await importing.store_import(session, actor, body, read)
    else:
        imported = await importing.store_import(session, actor, body, read)
    return ImportRead.of(
        imported.definition,
        imported.api.operations,
        imported.placeholders,
        is_new=imported.is_new,
        is_dry_run=body.dry_run,
        notes=imported.notes,
    )


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

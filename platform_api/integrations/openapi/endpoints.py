"""Import of integrations from OpenAPI documents, and their operations, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query

from platform_api.accounts.dependencies import BuildActorDep, DataActorDep
from platform_api.core.database import SessionDep
from platform_api.core.http.pagination import PageDep
from platform_api.integrations.endpoints import IntegrationReference, end_transaction
from platform_api.integrations.lifespan import CallerDep
from platform_api.integrations.openapi import importing
from platform_api.integrations.openapi.importing import Imported
from platform_api.integrations.schemas import (
    ImportRead,
    ImportWrite,
    OperationPage,
    OperationRead,
    PlaceholderRead,
)

router = APIRouter(prefix="/integrations", tags=["integrations"])

_MOST_SHOWN = 100


@router.post("/import/", summary="Define an integration by an OpenAPI or Swagger document")
async def import_integration(
    actor: BuildActorDep, session: SessionDep, caller: CallerDep, body: ImportWrite
) -> ImportRead:
    # Fetching and reading take their time.
    await end_transaction(session)
    read = await importing.read_import(caller, body)
    stored = await session.begin_nested()
    imported = await importing.store_import(session, actor, body, read)
    await (stored.rollback() if body.dry_run else stored.commit())
    return _imported(imported, is_dry_run=body.dry_run)


@router.get("/{integration_id}/operations/", summary="Operations of an imported integration")
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
        session, actor, integration_id, search=search, offset=page.offset, limit=page.per_page
    )
    return OperationPage(
        count=count,
        next=page.next_url(count),
        previous=page.previous_url(),
        results=[OperationRead.model_validate(one) for one in operations],
    )


def _imported(imported: Imported, *, is_dry_run: bool) -> ImportRead:
    operations = imported.api.operations
    return ImportRead(
        definition=imported.definition,
        is_new=imported.is_new,
        dry_run=is_dry_run,
        operation_count=len(operations),
        operations=[OperationRead.model_validate(one.model_dump()) for one in operations[:_MOST_SHOWN]],
        placeholders={
            name: PlaceholderRead(default=one.default, choices=one.choices)
            for name, one in imported.placeholders.items()
        },
        notes=imported.notes,
    )

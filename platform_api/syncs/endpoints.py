"""Serves syncs over HTTP: builders declare them, scripts start and follow them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from platform_api.accounts.dependencies import BuildActorDep, RunActorDep
from platform_api.apps.parameters import AppReference
from platform_api.core.database import SessionDep, release_connection
from platform_api.core.http.pagination import NamedOrder, PartDep, SearchQuery
from platform_api.integrations.lifespan import GatewayDep
from platform_api.syncs import service
from platform_api.syncs.schemas import (
    BackfillWrite,
    SyncCheckpointRead,
    SyncPage,
    SyncPreviewRead,
    SyncPreviewWrite,
    SyncRead,
    SyncRunRead,
    SyncSelection,
    SyncWrite,
)
from platform_api.syncs.service import DescribedSync

router = APIRouter(prefix="/apps/{app}/syncs", tags=["syncs"])

SyncName = Annotated[str, Path(description="Name of the sync", max_length=63)]
RunId = Annotated[int, Query(ge=1, le=2**63 - 1)]


@router.get("/", summary="List the syncs of an app in the caller's organization")
async def list_syncs(
    actor: RunActorDep,
    session: SessionDep,
    app: AppReference,
    listing: PartDep,
    search: SearchQuery = None,
    order: NamedOrder = "name",
) -> SyncPage:
    part = await service.list_syncs(session, actor, app, search=search, order=order, window=listing.window)
    return SyncPage(**listing.links(part), results=[_read(described) for described in part.items])


@router.post("/", status_code=201, summary="Declare a sync")
async def create_sync(actor: BuildActorDep, session: SessionDep, app: AppReference, body: SyncWrite) -> SyncRead:
    return _read(await service.create_sync(session, actor, app, body))


@router.post("/preview/", summary="Try a declaration on one page without storing anything")
async def preview_sync(
    actor: BuildActorDep, session: SessionDep, gateway: GatewayDep, app: AppReference, body: SyncPreviewWrite
) -> SyncPreviewRead:
    prepared = await service.prepare_preview(session, gateway, actor, app, body)
    await release_connection(session)
    return await service.preview(gateway, prepared)


@router.get("/{sync}/", summary="Return a sync: its declaration, checkpoints and latest runs")
async def get_sync(actor: RunActorDep, session: SessionDep, app: AppReference, sync: SyncName) -> SyncRead:
    found, _ = await service.get_sync(session, actor, app, sync)
    return _read(await service.describe_sync(session, actor, found))


@router.put("/{sync}/", summary="Replace a sync's declaration; checkpoints stay")
async def update_sync(
    actor: BuildActorDep, session: SessionDep, app: AppReference, sync: SyncName, body: SyncWrite
) -> SyncRead:
    return _read(await service.update_sync(session, actor, app, sync, body))


@router.delete("/{sync}/", status_code=204, summary="Delete a sync; its rows stay")
async def delete_sync(actor: BuildActorDep, session: SessionDep, app: AppReference, sync: SyncName) -> None:
    await service.delete_sync(session, actor, app, sync)


@router.post("/{sync}/run/", summary="Start a sync now; returns the runs that are open then")
async def run_sync(
    actor: RunActorDep, session: SessionDep, app: AppReference, sync: SyncName, body: SyncSelection
) -> list[SyncRunRead]:
    runs = await service.start_runs(session, actor, app, sync, body.connection_id)
    return [SyncRunRead.model_validate(run) for run in runs]


@router.post("/{sync}/cancel/", summary="Cancel a sync's open runs after their current page")
async def cancel_sync(
    actor: RunActorDep, session: SessionDep, app: AppReference, sync: SyncName, body: SyncSelection
) -> list[SyncRunRead]:
    runs = await service.cancel_runs(session, actor, app, sync, body.connection_id)
    return [SyncRunRead.model_validate(run) for run in runs]


@router.get("/{sync}/runs/", summary="List a sync's runs, newest first")
async def list_sync_runs(
    actor: RunActorDep,
    session: SessionDep,
    app: AppReference,
    sync: SyncName,
    before: Annotated[RunId | None, Query(description="Only runs before this one")] = None,
    count: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[SyncRunRead]:
    runs = await service.list_runs(session, actor, app, sync, before=before, count=count)
    return [SyncRunRead.model_validate(run) for run in runs]


@router.post("/{sync}/reset/", summary="Forget the checkpoint, so that the next run starts from the beginning")
async def reset_sync(
    actor: BuildActorDep, session: SessionDep, app: AppReference, sync: SyncName, body: SyncSelection
) -> SyncRead:
    return _read(await service.reset(session, actor, app, sync, body.connection_id))


@router.post("/{sync}/backfill/", summary="Read the whole list again; the checkpoint stays until that is complete")
async def backfill_sync(
    actor: BuildActorDep, session: SessionDep, app: AppReference, sync: SyncName, body: BackfillWrite
) -> list[SyncRunRead]:
    runs = await service.backfill(session, actor, app, sync, body)
    return [SyncRunRead.model_validate(run) for run in runs]


def _read(described: DescribedSync) -> SyncRead:
    checkpoints = [
        SyncCheckpointRead(
            connection_id=one.checkpoint.connection_id, cursor=one.checkpoint.cursor, unfinished=one.unfinished
        )
        for one in described.progress
    ]
    return SyncRead.of(
        described.sync,
        described.declaration,
        next_runs=described.next_runs,
        problem=described.problem,
        checkpoints=checkpoints,
        runs=described.runs,
    )

"""Serves the deletion of apps over HTTP."""

from fastapi import APIRouter

from platform_api.accounts.dependencies import BuildActorDep
from platform_api.apps.parameters import AppReference
from platform_api.core.database import SessionDep
from platform_api.deletion import service
from platform_api.deletion.schemas import AppContentsRead
from platform_api.tables.parameters import FollowUpDep

router = APIRouter(prefix="/apps/{app}", tags=["apps"])


@router.get("/contents/", summary="Count what an app holds, which is deleted with it")
async def get_contents(actor: BuildActorDep, session: SessionDep, app: AppReference) -> AppContentsRead:
    return AppContentsRead.of(await service.read_contents(session, actor, app))


@router.delete("/", status_code=204, summary="Delete an app with its tables, rows, files, actions and runs (owners)")
async def delete_app(actor: BuildActorDep, session: SessionDep, follow_up: FollowUpDep, app: AppReference) -> None:
    await service.delete_app(session, actor, app, follow_up=follow_up)

"""Serves the schedules of actions over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path

from platform_api.accounts.dependencies import BuildActorDep, RunActorDep
from platform_api.actions.parameters import ActionReference
from platform_api.apps.parameters import AppReference
from platform_api.core.database import SessionDep
from platform_api.core.http.pagination import PartDep
from platform_api.schedules.due import database_time
from platform_api.triggers import service
from platform_api.triggers.access import MAX_ID
from platform_api.triggers.schemas import (
    ActionScheduleCreate,
    ActionSchedulePage,
    ActionSchedulePreview,
    ActionScheduleRead,
    ActionScheduleUpdate,
    ScheduleForecast,
)
from platform_api.triggers.times import forecast_for

router = APIRouter(prefix="/apps/{app}/actions/{action}/schedules", tags=["schedules"])

ScheduleId = Annotated[int, Path(ge=1, le=MAX_ID)]


@router.get("/", summary="List the schedules of an action in the caller's organization, oldest first")
async def list_schedules(
    actor: RunActorDep, session: SessionDep, app: AppReference, action: ActionReference, listing: PartDep
) -> ActionSchedulePage:
    part = await service.list_schedules(session, actor, app, action, listing.window)
    now = await database_time(session)
    results = [ActionScheduleRead.of(item, forecast_for(item.trigger, now)) for item in part.items]
    return ActionSchedulePage(**listing.links(part), results=results)


@router.post("/", status_code=201, summary="Create a schedule, whose runs have the caller's rights")
async def create_schedule(
    actor: BuildActorDep, session: SessionDep, app: AppReference, action: ActionReference, body: ActionScheduleCreate
) -> ActionScheduleRead:
    described = await service.create_schedule(session, actor, app, action, body)
    return ActionScheduleRead.of(described, forecast_for(described.trigger, await database_time(session)))


@router.post("/preview/", summary="Return when a schedule would come, without storing it")
async def preview_schedule(
    actor: RunActorDep, session: SessionDep, app: AppReference, action: ActionReference, body: ActionSchedulePreview
) -> ScheduleForecast:
    return ScheduleForecast.of(await service.preview(session, actor, app, action, body.schedule))


@router.get("/{schedule_id}/", summary="Return a schedule with its next times and its last run")
async def get_schedule(
    actor: RunActorDep, session: SessionDep, app: AppReference, action: ActionReference, schedule_id: ScheduleId
) -> ActionScheduleRead:
    described = await service.read_schedule(session, actor, app, action, schedule_id)
    return ActionScheduleRead.of(described, forecast_for(described.trigger, await database_time(session)))


@router.patch("/{schedule_id}/", summary="Change a schedule unless somebody else has; pause or resume it")
async def update_schedule(
    actor: BuildActorDep,
    session: SessionDep,
    app: AppReference,
    action: ActionReference,
    schedule_id: ScheduleId,
    body: ActionScheduleUpdate,
) -> ActionScheduleRead:
    described = await service.update_schedule(session, actor, app, action, schedule_id, body)
    return ActionScheduleRead.of(described, forecast_for(described.trigger, await database_time(session)))


@router.delete("/{schedule_id}/", status_code=204, summary="Delete a schedule; its runs stay")
async def delete_schedule(
    actor: BuildActorDep, session: SessionDep, app: AppReference, action: ActionReference, schedule_id: ScheduleId
) -> None:
    await service.delete_schedule(session, actor, app, action, schedule_id)

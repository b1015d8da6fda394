"""Serves over HTTP how much of an app's history is kept."""

from fastapi import APIRouter

from platform_api.accounts.dependencies import BuildActorDep
from platform_api.apps.parameters import AppReference
from platform_api.core.database import SessionDep
from platform_api.core.http.dependencies import SettingsDep
from platform_api.retention import service
from platform_api.retention.limits import RetentionLimits, ceiling_of
from platform_api.retention.schemas import RetentionRead

router = APIRouter(prefix="/apps/{app}/retention", tags=["apps"])


@router.get("/", summary="Return how much of an app's history is kept, and how much there is")
async def get_retention(
    actor: BuildActorDep, session: SessionDep, settings: SettingsDep, app: AppReference
) -> RetentionRead:
    found = await service.read_retention(session, actor, app, ceiling=ceiling_of(settings))
    return RetentionRead.of(found)


@router.put("/", summary="Set how much of an app's history is kept; the rest is removed soon")
async def save_retention(
    actor: BuildActorDep, session: SessionDep, settings: SettingsDep, app: AppReference, body: RetentionLimits
) -> RetentionRead:
    found = await service.save_retention(session, actor, app, body, ceiling=ceiling_of(settings))
    return RetentionRead.of(found)

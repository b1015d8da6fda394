"""Serves an organization's usage over HTTP."""

from fastapi import APIRouter, Response

from platform_api.accounts.dependencies import BuildActorDep
from platform_api.core.database import SessionDep
from platform_api.core.http.dependencies import SettingsDep
from platform_api.usage import service
from platform_api.usage.schemas import UsageRead

router = APIRouter(prefix="/usage", tags=["accounts"])


@router.get("/", summary="Return what the organization uses, and its limits (builders)")
async def get_usage(
    response: Response, actor: BuildActorDep, session: SessionDep, settings: SettingsDep
) -> UsageRead:
    response.headers["Cache-Control"] = "no-store"
    return UsageRead.of(await service.read_usage(session, actor), settings)

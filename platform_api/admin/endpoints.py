"""Serves how the installation does, for its operators."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from platform_api.accounts.dependencies import AccountActorDep
from platform_api.admin.schemas import InstallationHealthRead
from platform_api.admin.service import read_health
from platform_api.core.database import SessionDep
from platform_api.core.health import HealthChecks
from platform_api.core.http.dependencies import SettingsDep
from platform_api.core.services import provided

router = APIRouter(prefix="/admin", tags=["operations"])

HealthChecksDep = Annotated[HealthChecks, Depends(provided(HealthChecks))]


@router.get("/health/", summary="Report how the installation does: runners, queue, storage (operators)")
async def installation_health(
    response: Response, actor: AccountActorDep, session: SessionDep, settings: SettingsDep, checks: HealthChecksDep
) -> InstallationHealthRead:
    actor.require_operator()
    report = await read_health(session, settings)
    response.headers["Cache-Control"] = "no-store"
    return InstallationHealthRead.of(report, await checks.run(), configured_isolation=str(settings.sandbox_isolation))

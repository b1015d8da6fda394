"""Serves the caller's own jobs over HTTP."""

from fastapi import APIRouter

from platform_api.accounts.dependencies import DataActorDep
from platform_api.core.database import SessionDep
from platform_api.csv.own.schemas import OwnJobRead, OwnJobs
from platform_api.csv.own.service import list_own_jobs

router = APIRouter(prefix="/apps", tags=["csv"])
"""Before the apps' own router, whose `{app}` would take these words."""


@router.get("/csv-jobs/", summary="List the caller's imports and exports: open ones and the last day's")
async def list_jobs(actor: DataActorDep, session: SessionDep) -> OwnJobs:
    return OwnJobs(results=[OwnJobRead.of(job, app) for job, app in await list_own_jobs(session, actor)])

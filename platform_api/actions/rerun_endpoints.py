"""Serves the repetition of runs over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path

from platform_api.accounts.dependencies import RunActorDep
from platform_api.actions import reruns
from platform_api.actions.schemas import RerunRequest, RerunsRequest, RerunsResult
from platform_api.core.database import SessionDep
from platform_api.core.types import RunId
from platform_api.runs.about.names import about_runs
from platform_api.runs.schemas import RunRead

router = APIRouter(prefix="/actions/runs", tags=["runs"])


@router.post("/rerun/", summary="Start up to 100 runs again; each is answered by itself")
async def rerun_many(actor: RunActorDep, session: SessionDep, body: RerunsRequest) -> RerunsResult:
    run_ids = [RunId(run_id) for run_id in body.runs]
    return RerunsResult.of(await reruns.rerun_many(session, actor, run_ids, version=body.version))


@router.post("/{run}/rerun/", summary="Start a run again, with the same or another input; return the new run")
async def rerun(
    actor: RunActorDep,
    session: SessionDep,
    run: Annotated[str, Path(description="Id or task id of the run", max_length=100)],
    body: RerunRequest | None = None,
) -> RunRead:
    body = body or RerunRequest()
    new_run = await reruns.rerun(session, actor, run, version=body.version, event=body.event)
    about = await about_runs(session, actor, [new_run])
    return RunRead.from_run(new_run, about.get(new_run.id))

"""Serves the runner protocol over HTTP (docs/reference/runner-protocol.md). Only a runner token opens it."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Security
from fastapi.security import APIKeyHeader

from platform_api.accounts.authentication import Runner, authenticate_runner, read_authorization
from platform_api.accounts.dependencies import RunnerDep
from platform_api.core.database import Database, PlainSessionDep, SessionDep
from platform_api.core.errors import Forbidden
from platform_api.core.http.waiting import signalled_or_hung_up
from platform_api.core.services import services_of
from platform_api.core.settings import SandboxIsolation, Settings
from platform_api.core.types import RunId
from platform_api.runs import queue
from platform_api.runs.drafts import load_run_bundle
from platform_api.runs.logs import append_lines
from platform_api.runs.presence import note_heartbeat, note_runner
from platform_api.runs.runner_schemas import (
    BundleReply,
    Claim,
    ClaimReply,
    ClaimRequest,
    Fenced,
    Finish,
    FinishReply,
    HeartbeatReply,
    HeldRuns,
    Isolation,
    LogLines,
    LogReply,
    ReleaseReply,
    StartReply,
)
from platform_api.runs.signals import RunSignals

router = APIRouter(prefix="/runner", tags=["runner"])

RunReference = Annotated[int, Path(ge=1, le=2**63 - 1)]

_STRENGTH = {Isolation.NONE: 0, Isolation.LANDLOCK: 1, Isolation.BUBBLEWRAP: 2}
_REQUIRED = {
    SandboxIsolation.NONE: Isolation.NONE,
    SandboxIsolation.AUTO: Isolation.LANDLOCK,
    SandboxIsolation.LANDLOCK: Isolation.LANDLOCK,
    SandboxIsolation.BUBBLEWRAP: Isolation.BUBBLEWRAP,
}

_authorization = APIKeyHeader(name="Authorization", scheme_name="token", auto_error=False)


async def _waiting_runner(request: Request, authorization: Annotated[str | None, Security(_authorization)]) -> Runner:
    """Returns the runner, authenticated in its own transaction: a waiting claim must not hold a connection."""
    async with services_of(request)[Database].transaction() as session:
        return await authenticate_runner(session, read_authorization(authorization))


@router.post("/claim/", summary="Claim runs; waits for some")
async def claim(
    request: Request, runner: Annotated[Runner, Depends(_waiting_runner)], body: ClaimRequest
) -> ClaimReply:
    services = services_of(request)
    required = _REQUIRED[services[Settings].sandbox_isolation]
    if _STRENGTH[body.isolation] < _STRENGTH[required]:
        raise Forbidden(
            f"this installation runs code with the isolation {required} or stronger, not with {body.isolation};"
            " see SANDBOX_ISOLATION"
        )
    database = services[Database]
    async with database.transaction() as session:
        await note_runner(
            session, body.runner_id, body.isolation, free_slots=body.slots, runs_as_root=body.runs_as_root
        )
    until = time.monotonic() + body.wait_seconds
    with services[RunSignals].work.waiting() as work:
        while True:
            work.clear()
            if runs := await _claim_now(database, body):
                return ClaimReply(runs=runs)
            if not await signalled_or_hung_up(request, work, max(0.0, until - time.monotonic())):
                return ClaimReply(runs=[])


async def _claim_now(database: Database, body: ClaimRequest) -> list[Claim]:
    async with database.transaction() as session:
        return await queue.claim_runs(session, runner_id=body.runner_id, slots=body.slots, isolation=body.isolation)


@router.get("/bundles/{sha256}/", summary="Return the source tree and plugins that a run needs; immutable")
async def get_bundle(
    runner: RunnerDep, session: SessionDep, sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
) -> BundleReply:
    return BundleReply(files=await load_run_bundle(session, sha256))


@router.post("/runs/{run_id}/start/", summary="Record that a run's code starts now")
async def start(runner: RunnerDep, session: PlainSessionDep, run_id: RunReference, body: Fenced) -> StartReply:
    return StartReply(started_at=await queue.start_run(session, RunId(run_id), body.fence))


@router.post("/heartbeat/", summary="Renew the leases of runs")
async def heartbeat(runner: RunnerDep, session: PlainSessionDep, body: HeldRuns) -> HeartbeatReply:
    await note_heartbeat(session, body.runner_id)
    return HeartbeatReply(runs=await queue.renew_runs(session, body.runs))


@router.post("/runs/{run_id}/logs/", summary="Add lines to a run's log")
async def add_log_lines(
    runner: RunnerDep, session: PlainSessionDep, run_id: RunReference, body: LogLines
) -> LogReply:
    return LogReply(accepted=await append_lines(session, RunId(run_id), body))


@router.post("/runs/{run_id}/finish/", summary="Record how a run ended")
async def finish(runner: RunnerDep, session: SessionDep, run_id: RunReference, body: Finish) -> FinishReply:
    await queue.complete_run(session, RunId(run_id), body)
    return FinishReply()


@router.post("/release/", summary="Release claims that never started")
async def release(runner: RunnerDep, session: SessionDep, body: HeldRuns) -> ReleaseReply:
    return ReleaseReply(released=await queue.release_runs(session, body.runs))

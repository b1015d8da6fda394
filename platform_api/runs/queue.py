"""Keeps the queue of runs: runners claim, start, renew, complete and release them; stalled ones end or are retried.

Runners claim over HTTP, so runs have statements of their own. Words, errors and the rule that decides whether an
expired lease counts are those of `platform_api.work`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor, ActorKind
from platform_api.accounts.models import Role, Scope
from platform_api.accounts.tokens import end_run_tokens, issue_run_token
from platform_api.core.errors import Unprocessable
from platform_api.core.types import AppId, OrganizationId, RunId, UserId
from platform_api.integrations.access import connections_by_integration
from platform_api.runs.limits import RunLimits
from platform_api.runs.models import Cause, Run, RunState
from platform_api.runs.presence import PRESENT_SECONDS
from platform_api.runs.queries import QUERIES
from platform_api.runs.runner_schemas import Claim, Finish, HeartbeatRun, HeldRun, Isolation
from platform_api.runs.service import get_runs
from platform_api.runs.signals import announce_listed_changes, announce_work
from platform_api.work.errors import LeaseLost

log = structlog.stdlib.get_logger()

LEASE_SECONDS = 15
"""How long a runner may be silent at least: a lease is written again when only this much of it is left."""
_WRITTEN_SECONDS = 20
MAX_STARTS = 3
"""How often, at most, the user code of a run that allows retries is started."""
_TOKEN_MARGIN = timedelta(minutes=10)
_MAX_CONNECTIONS_TEXT = 100_000
"""A longer variable could not be handed to a process that a script starts."""
_MAX_CONNECTIONS = 10_000
"""Bounds what is read for one run: this many ids, with their organizations, come close to that length."""
_CONNECTIONS_LEFT_OUT = (
    f"more than {_MAX_CONNECTIONS} connections, or {_MAX_CONNECTIONS_TEXT} characters; ask for those of one"
    " integration: GET /api/integrations/{id}/table_connections/"
)


# grammar: a claim goes to the runner as the queue knows it
async def claim_runs(session: AsyncSession, *, runner_id: str, slots: int, isolation: Isolation) -> list[Claim]:
    """Claims up to `slots` waiting runs, each with a token of its own. Organizations take turns."""
    parameters = {
        "slots": slots,
        "runner_id": runner_id,
        "isolation": str(isolation),
        "written_seconds": _WRITTEN_SECONDS,
        "present_seconds": PRESENT_SECONDS,
    }
    claimed = (await session.scalars(QUERIES["claim"], parameters)).all()
    if not claimed:
        return []
    await announce_listed_changes(session, claimed)
    runs = await session.scalars(select(Run).where(Run.id.in_(claimed)).order_by(Run.id))
    surroundings = _Surroundings(session)
    return [await _claim(session, run, surroundings) for run in runs]


async def start_run(session: AsyncSession, run_id: RunId, fence: int) -> datetime:
    """Records that user code may run from now on; raises LeaseLost."""
    started_at: datetime | None = await session.scalar(QUERIES["start"], {"run_id": run_id, "fence": fence})
    if started_at is None:
        raise _lost(run_id)
    await announce_listed_changes(session, [run_id])
    return started_at


# grammar: the answer to a heartbeat is what the queue knows
async def renew_runs(session: AsyncSession, held: Sequence[HeldRun]) -> list[HeartbeatRun]:
    """Renews leases; returns which runs are still held, and which were cancelled."""
    seconds = {"lease_seconds": LEASE_SECONDS, "written_seconds": _WRITTEN_SECONDS}
    rows = await session.execute(QUERIES["renew"], {**_pairs(held), **seconds})
    cancelled = {(row.id, row.fence): row.cancel for row in rows}
    return [
        HeartbeatRun(
            run_id=run.run_id,
            held=(run.run_id, run.fence) in cancelled,
            cancel=cancelled.get((run.run_id, run.fence), False),
        )
        for run in held
    ]


async def complete_run(session: AsyncSession, run_id: RunId, finish: Finish) -> None:
    """Records how a run ended, once. The same report again changes nothing; any other raises LeaseLost."""
    result = _json_text(finish.result)
    digest = _digest(finish, result)
    known = {"run_id": run_id, "fence": finish.fence, "finish_digest": digest}
    if await session.scalar(QUERIES["is_completed_so"], known):
        return
    if finish.cause is Cause.RUNNER_LOST:
        held = [HeldRun(run_id=run_id, fence=finish.fence)]
        if not await _give_up(session, held, (RunState.CLAIMED, RunState.RUNNING), finish_digest=digest):
            raise _lost(run_id)
        await reap(session)
        return
    ended = await session.scalar(
        QUERIES["complete"],
        {
            **known,
            "state": finish.status,
            "cause": str(finish.cause),
            "result": result if finish.result is not None else None,
            "error": finish.error,
            "usage": finish.usage.model_dump_json(),
        },
    )
    if ended is None:
        raise _lost(run_id)
    await _after_end(session, [run_id])


async def release_runs(session: AsyncSession, held: Sequence[HeldRun]) -> int:
    """Releases claims that never started; returns how many there were."""
    released = await _give_up(session, held, (RunState.CLAIMED,))
    if released:
        await reap(session)
    return len(released)


async def reap(session: AsyncSession, horizon: datetime | None = None) -> int:
    """Ends or retries runs that were given up, and those whose lease expired up to `horizon`; returns how many.

    Any number of processes may do this at once.
    """
    rows = (await session.execute(QUERIES["reap"], {"max_starts": MAX_STARTS, "horizon": horizon})).all()
    if not rows:
        return 0
    ended = [RunId(row.id) for row in rows if RunState(row.state).has_ended]
    waiting = [RunId(row.id) for row in rows if not RunState(row.state).has_ended]
    for row in rows:
        log.warning("run.lease_lost", run_id=row.id, state=row.state, starts=row.starts)
    await _after_end(session, ended)
    if waiting:
        # The lost runner may still execute the script: its token must not work beside the next one's.
        await end_run_tokens(session, waiting)
        await announce_listed_changes(session, waiting)
        await announce_work(session)
    return len(rows)


async def cancel_run(session: AsyncSession, run: Run) -> Run:
    """Ends a run that has not started; requests the end of a running one. A run that has ended stays as it is."""
    state = await session.scalar(QUERIES["cancel"], {"run_id": run.id})
    if state is not None and RunState(state).has_ended:
        await _after_end(session, [run.id])
    elif state is not None:
        await announce_listed_changes(session, [run.id])
    await session.refresh(run)
    return run


async def cancel_runs(session: AsyncSession, actor: Actor, run_ids: Sequence[RunId]) -> dict[RunId, str | None]:
    """Cancels those of `run_ids` that `actor` may see; returns for each why it was not done, None if it was."""
    errors: dict[RunId, str | None] = {run_id: f"there is no run {run_id}" for run_id in run_ids}
    # In the order of their ids: two callers that cancel the same runs must not wait for each other.
    for run in await get_runs(session, actor, run_ids):
        has_ended = run.state.has_ended
        await cancel_run(session, run)
        # It may have ended in between, but not because of this request.
        is_cancelled = not has_ended and (run.cause is Cause.CANCELLED or not run.state.has_ended)
        errors[run.id] = None if is_cancelled else f"the run has ended already, as {run.state}"
    return errors


# grammar: a claim goes to the runner as the queue knows it
async def _claim(session: AsyncSession, run: Run, surroundings: "_Surroundings") -> Claim:
    limits = RunLimits.model_validate(run.limits)
    token = await issue_run_token(
        session,
        organization_id=run.organization_id,
        user_id=run.user_id,
        app_id=run.app_id,
        run_id=run.id,
        reaches_installs=run.reaches_installs,
        lifetime=timedelta(seconds=limits.wall_seconds) + _TOKEN_MARGIN,
    )
    return Claim(
        run_id=run.id,
        task_id=run.task_id,
        fence=run.fence,
        lease_seconds=LEASE_SECONDS,
        organization_id=run.organization_id,
        app_id=run.app_id,
        action_id=run.action_id,
        action_type=run.action_type,
        entry=run.entry,
        bundle=run.bundle,
        environment={**run.environment, **await surroundings.of(run)},
        run_token=token,
        event=run.event,
        limits=limits,
    )


class _Surroundings:
    """Knows what the scripts of one claim are told of whom they work for, as it is when they begin.

    Runs of one user for one app are told the same, which is read once: the claimed rows are locked meanwhile.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._told: dict[tuple[UserId, OrganizationId, AppId, bool], Mapping[str, str]] = {}

    async def of(self, run: Run) -> Mapping[str, str]:
        """Returns the variables that tell it."""
        key = (run.user_id, run.organization_id, run.app_id, run.reaches_installs)
        if (told := self._told.get(key)) is None:
            told = self._told[key] = {"ORGANIZATION_ID": str(run.organization_id), **await self._connections(run)}
        return told

    async def _connections(self, run: Run) -> Mapping[str, str]:
        actor = Actor(
            kind=ActorKind.RUN_TOKEN,
            user_id=run.user_id,
            organization_id=run.organization_id,
            role=Role.MEMBER,
            scopes=frozenset({Scope.DATA}),
            app_id=run.app_id,
            reaches_installs=run.reaches_installs,
        )
        connections = await connections_by_integration(self._session, actor, limit=_MAX_CONNECTIONS)
        if connections is not None and len(text := json.dumps(connections)) <= _MAX_CONNECTIONS_TEXT:
            return {"APP_CONNECTIONS_BY_INTEGRATION": text}
        return {"APP_CONNECTIONS_LEFT_OUT": _CONNECTIONS_LEFT_OUT}


async def _give_up(
    session: AsyncSession, held: Sequence[HeldRun], states: Sequence[RunState], *, finish_digest: bytes | None = None
) -> Sequence[int]:
    parameters = {**_pairs(held), "states": [str(state) for state in states], "finish_digest": finish_digest}
    return (await session.scalars(QUERIES["give_up"], parameters)).all()


async def _after_end(session: AsyncSession, run_ids: Sequence[RunId]) -> None:
    if run_ids:
        await end_run_tokens(session, run_ids)
        await announce_listed_changes(session, run_ids)


def _pairs(held: Sequence[HeldRun]) -> dict[str, list[int]]:
    return {"run_ids": [run.run_id for run in held], "fences": [run.fence for run in held]}


def _lost(run_id: RunId) -> LeaseLost:
    return LeaseLost(
        f"run {run_id} is not held under this fence: its lease ran out, it was cancelled or it has ended"
    )


def _json_text(value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError as error:
        raise Unprocessable(f"result: is not JSON ({error})", field="result") from error


def _digest(finish: Finish, result: str) -> bytes:
    report = [finish.status, finish.cause, finish.error, finish.usage.model_dump(), result]
    return hashlib.sha256(json.dumps(report).encode()).digest()

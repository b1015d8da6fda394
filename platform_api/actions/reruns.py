"""Repeats runs, with the same or another input, in the same or the latest version."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.actions.access import get_action
from platform_api.actions.code import repeated_code
from platform_api.actions.models import Rerun
from platform_api.actions.schemas import RunVersion
from platform_api.actions.service import start_action
from platform_api.apps.access import get_usable_app
from platform_api.core.errors import Conflict, NotFound, PlatformError
from platform_api.core.types import RunId
from platform_api.runs.models import Run, StartedRun
from platform_api.runs.service import get_run, get_runs

_CONNECTION = "CONNECTION_ID"


async def rerun(
    session: AsyncSession, actor: Actor, reference: str, *, version: RunVersion, event: dict[str, Any] | None
) -> Run:
    """Queues a run that repeats the one that `reference` names, with its event unless there is another.

    Raises NotFound unless `actor` sees the run and, now, its action; Forbidden for an app that they may not use;
    Conflict when the action is gone, or the draft that the run executed.
    """
    return await _repeat(session, actor, await get_run(session, actor, reference), version=version, event=event)


async def rerun_many(
    session: AsyncSession, actor: Actor, run_ids: Sequence[RunId], *, version: RunVersion
) -> list[Rerun]:
    """Repeats runs with their events; what cannot be done for one leaves the others alone."""
    results = {run_id: Rerun(run_id, error=f"there is no run {run_id}") for run_id in run_ids}
    runs = await get_runs(session, actor, run_ids)
    # Each run takes a number of its action: two callers take them in the same order, or would wait for each other.
    for run in sorted(runs, key=lambda run: (run.action_id or 0, run.id)):
        try:
            async with session.begin_nested():
                new_run = await _repeat(session, actor, run, version=version, event=None)
        except PlatformError as error:
            results[run.id] = Rerun(run.id, error=error.message)
        else:
            results[run.id] = Rerun(run.id, StartedRun(new_run.id, new_run.task_id, new_run.number))
            # Events may have megabytes: no more than one is kept.
            session.expunge(new_run)
        session.expunge(run)
    return list(results.values())


async def _repeat(
    session: AsyncSession, actor: Actor, run: Run, *, version: RunVersion, event: dict[str, Any] | None
) -> Run:
    if run.action_id is None:
        raise Conflict(f"the action of run {run.id} was deleted, so it cannot be run again")
    try:
        action, owner = await get_action(session, actor, str(run.action_id))
    except NotFound as error:
        raise NotFound(f"you may no longer start the action of run {run.id}") from error
    await get_usable_app(session, actor, owner.id)
    await session.refresh(run, ["event", "environment"])
    return await start_action(
        session,
        actor,
        action,
        owner,
        event=run.event if event is None else event,
        environment={_CONNECTION: run.environment[_CONNECTION]} if _CONNECTION in run.environment else {},
        repeated=run,
        code=await repeated_code(session, actor, run) if version is RunVersion.SAME else None,
    )

"""Starts a run once for all requests with the same key; the key is stored in the transaction that stores the run."""

import json

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.actions import service
from platform_api.actions.access import get_action
from platform_api.actions.models import Action
from platform_api.actions.schemas import RunRequest
from platform_api.core.errors import Gone, NotFound
from platform_api.idempotency.models import IdempotencyKey
from platform_api.idempotency.service import Claimed, Guarded, check_key, claim, digest_of, find, record
from platform_api.runs.models import Run
from platform_api.runs.service import visible_runs


class RunDeleted(Gone):
    """Reports that the run of a key was deleted; it is not started again."""

    code = "run_deleted"


async def run_once(
    session: AsyncSession, actor: Actor, reference: str, data: RunRequest, *, app: str | None, key: str | None
) -> Run:
    """Queues a run, or returns the one that a request with the same key has queued. Raises IdempotencyKeyReused."""
    if key is None:
        return await service.run_action(session, actor, reference, data, app=app)
    action, _ = await get_action(session, actor, reference, app=app)
    guarded = _guarded(action, key, data)
    claimed = await claim(session, actor, guarded)
    if not isinstance(claimed, Claimed):
        return await _run_of(session, actor, claimed)
    run = await service.run_action(session, actor, str(action.id), data)
    await record(session, claimed, json.dumps({"run_id": run.id}))
    return run


async def find_run(session: AsyncSession, actor: Actor, reference: str, *, key: str, app: str | None) -> Run:
    """Returns the run that a request of `actor`'s with this key has started. Raises NotFound, RunDeleted."""
    action, _ = await get_action(session, actor, reference, app=app)
    known = await find(session, actor, _guarded(action, key, RunRequest()))
    if known is None:
        raise NotFound(f"no run of the action {action.slug} was started with the key {key!r} in the last 24 hours")
    return await _run_of(session, actor, known)


def _guarded(action: Action, key: str, data: RunRequest) -> Guarded:
    return Guarded(
        app_id=action.app_id,
        subject=f"run:{action.id}",
        key=check_key(key),
        digest=digest_of(data.model_dump(mode="json")),
    )


async def _run_of(session: AsyncSession, actor: Actor, known: IdempotencyKey) -> Run:
    run_id = json.loads(known.outcome or "{}").get("run_id")
    run: Run | None = await session.scalar(select(Run).where(Run.id == run_id, visible_runs(actor)))
    if run is None:
        raise RunDeleted(f"the run of the key {known.key!r} was deleted; send a new key to run the action again")
    return run

"""Creates and finds runs as organizations see them, and records their progress."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, ScalarSelect, SQLColumnExpression, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_organization_ids
from platform_api.apps.models import App
from platform_api.apps.references import names_app
from platform_api.core.errors import NotFound
from platform_api.core.types import ActionId, AppId, OrganizationId, RunId, UserId
from platform_api.runs.drafts import Draft, store_draft
from platform_api.runs.limits import RunLimits
from platform_api.runs.models import CURRENT_TRANSACTION, BegunBy, Run, RunState
from platform_api.runs.signals import announce_listed_changes, announce_work

_MAX_ID = 2**63 - 1
_MAX_INFO_LENGTH = 1000
# Written out, because the planner proves the condition of the partial index from it.
_IS_OPEN = text("state in ('pending', 'claimed', 'running')")
UNLISTED = tuple(defer(column, raiseload=True) for column in (Run.event, Run.environment, Run.result))
"""What a list does not show, and what may have megabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """Holds what a run is created from."""

    action_id: ActionId
    action_type: str
    number: int
    app_id: AppId
    organization_id: OrganizationId
    user_id: UserId
    entry: str
    bundle: str
    event: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)
    limits: RunLimits = field(default_factory=RunLimits)
    reaches_installs: bool = False
    allows_retries: bool = False
    begun_by: BegunBy
    started_by_run_id: RunId | None = None
    rerun_of_run_id: RunId | None = None
    trigger_id: int | None = None
    draft: Draft | None = None
    """The unsaved source that it executes instead of `bundle`."""


async def create_run(session: AsyncSession, new: NewRun) -> Run:
    """Queues a run; a waiting runner is notified when `session` commits."""
    task_id = str(uuid4())
    environment = {
        "APP_ID": str(new.app_id),
        "ACTION_ID": str(new.action_id),
        "ACTION_TYPE": new.action_type,
        "TASK_ID": task_id,
        **new.environment,
    }
    run = Run(
        task_id=task_id,
        number=new.number,
        organization_id=new.organization_id,
        app_id=new.app_id,
        action_id=new.action_id,
        user_id=new.user_id,
        started_by_run_id=new.started_by_run_id,
        begun_by=new.begun_by,
        rerun_of_run_id=new.rerun_of_run_id,
        trigger_id=new.trigger_id,
        is_draft=new.draft is not None,
        action_type=new.action_type,
        reaches_installs=new.reaches_installs,
        entry=new.entry,
        bundle=new.bundle if new.draft is None else new.draft.digest,
        event=new.event,
        environment=environment,
        limits=new.limits.model_dump(),
        allows_retries=new.allows_retries,
    )
    session.add(run)
    await session.flush()
    if new.draft is not None:
        await store_draft(session, run, new.draft)
    await announce_work(session)
    await announce_listed_changes(session, [run.id])
    return run


def visible_runs(actor: Actor) -> ColumnElement[bool]:
    """Selects the runs `actor` may see: of the organization acted in, and of the app to which a token is bound."""
    # tenancy: one organization at most; as a value, and not a set, the indexes of runs give its runs in their order
    visible = Run.organization_id == visible_organization_ids(actor).scalar_subquery()
    return visible if actor.app_id is None else visible & (Run.app_id == actor.app_id)


async def get_run(session: AsyncSession, actor: Actor, reference: str) -> Run:
    """Returns a run by its id or its task id; raises NotFound when `actor` may not see one."""
    run: Run | None = await session.scalar(select(Run).where(_is_named(reference), visible_runs(actor)))
    if run is None:
        raise NotFound(f"there is no run {reference}")
    return run


async def get_runs(session: AsyncSession, actor: Actor, run_ids: Sequence[RunId]) -> Sequence[Run]:
    """Returns those of `run_ids` that `actor` may see, by their ids, without `UNLISTED`."""
    chosen = select(Run).where(Run.id.in_(run_ids), visible_runs(actor)).order_by(Run.id)
    return (await session.scalars(chosen.options(*UNLISTED))).all()


async def require_app(session: AsyncSession, run: Run, app: str) -> None:
    """Raises NotFound when `run`, which the caller may see, does not belong to the app that `app` names."""
    if await session.scalar(select(App.id).where(App.id == run.app_id, names_app(app))) is None:
        raise NotFound(f"there is no run {run.task_id} of the app {app}")


def under_way_up_to(actor: Actor, limit: int) -> ScalarSelect[int]:
    """Returns the part of a statement that counts the visible runs that a runner works on, and stops at `limit`."""
    # Written out, because the planner proves the condition of `ix_runs_lease` from it, which holds only such runs.
    is_under_way = text("state in ('claimed', 'running')")
    under_way = select(Run.id).where(visible_runs(actor), is_under_way).limit(limit)
    return select(func.count()).select_from(under_way.subquery()).scalar_subquery()


def has_open_runs_of(trigger_id: SQLColumnExpression[int]) -> ColumnElement[bool]:
    """Returns the condition that a run of a trigger has not ended, as `ix_runs_trigger_id` answers it."""
    return select(Run.id).where(Run.trigger_id == trigger_id, _IS_OPEN).exists()


async def open_run_ids(session: AsyncSession, trigger_id: int, *, limit: int) -> Sequence[RunId]:
    """Returns the oldest runs of a trigger that have not ended, at most `limit`."""
    # tenancy: the runs of one trigger
    statement = select(Run.id).where(Run.trigger_id == trigger_id, _IS_OPEN).order_by(Run.id).limit(limit)
    return (await session.scalars(statement)).all()


async def set_progress(
    session: AsyncSession, actor: Actor, task_id: str, *, progress: int, info: str, status: str
) -> bool:
    """Records how far a run is; returns false when there is no such run that is still open.

    A script may report progress of its own run only.
    """
    is_own = Run.task_id == task_id if actor.run_id is None else (Run.task_id == task_id) & (Run.id == actor.run_id)
    statement = (
        update(Run)
        .where(is_own, visible_runs(actor), Run.state.in_([RunState.PENDING, RunState.CLAIMED, RunState.RUNNING]))
        .values(
            progress=progress,
            progress_info=info[:_MAX_INFO_LENGTH],
            progress_status=status,
            changed_in=CURRENT_TRANSACTION,
        )
        .returning(Run.id)
        .execution_options(synchronize_session=False)
    )
    run_id = await session.scalar(statement)
    if run_id is None:
        return False
    await announce_listed_changes(session, [run_id])
    return True


def _is_named(reference: str) -> ColumnElement[bool]:
    name = reference.strip()
    if name.isascii() and name.isdecimal() and len(name) < 20:
        return Run.id == min(int(name), _MAX_ID)
    return Run.task_id == (name if "\x00" not in name else "")

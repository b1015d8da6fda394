"""Counts what an app holds, and deletes it."""

from dataclasses import dataclass

from sqlalchemy import Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Role
from platform_api.actions.models import Action
from platform_api.apps.access import get_buildable_app, get_own_app, is_own
from platform_api.apps.models import App, Install
from platform_api.core.types import AppId
from platform_api.files.models import File
from platform_api.runs.models import Run, RunState
from platform_api.tables.follow_up import MetadataFollowUp
from platform_api.tables.service import delete_tables
from platform_api.tables.sizes import StoredRows, estimate_rows

_OPEN = (RunState.PENDING, RunState.CLAIMED, RunState.RUNNING)


@dataclass(frozen=True, slots=True)
class AppContents:
    """Holds how much goes with an app, of every organization."""

    stored: StoredRows
    files: int
    file_bytes: int
    actions: int
    runs: int
    open_runs: int
    installs: int


async def read_contents(session: AsyncSession, actor: Actor, reference: int | str) -> AppContents:
    """Returns what an app of the caller's organization holds. Raises NotFound."""
    app = await get_own_app(session, actor, reference)
    files, file_bytes = (
        # tenancy: the app is the caller's; with it the files of all who installed it are deleted
        await session.execute(
            select(func.count(), func.coalesce(func.sum(File.size), 0)).select_from(File).where(File.app_id == app.id)
        )
    ).one()
    actions = select(func.count()).select_from(Action).where(Action.app_id == app.id)
    installs = select(func.count()).select_from(Install).where(Install.app_id == app.id)
    return AppContents(
        stored=await estimate_rows(session, actor, AppId(app.id)),
        files=files,
        file_bytes=int(file_bytes),
        actions=await session.scalar(actions) or 0,
        runs=await session.scalar(_count_runs(app)) or 0,
        open_runs=await session.scalar(_count_runs(app).where(Run.state.in_(_OPEN))) or 0,
        installs=await session.scalar(installs) or 0,
    )


async def delete_app(
    session: AsyncSession, actor: Actor, reference: int | str, *, follow_up: MetadataFollowUp
) -> None:
    """Deletes an app with its tables, rows, files, actions, runs and installs, for every organization.

    Tokens end with it, so an open run reaches nothing any more; its runner learns with the next heartbeat that it has
    lost it. Raises NotFound, Forbidden, and Conflict while one of its tables is in use.
    """
    app = await get_buildable_app(session, actor, reference)
    actor.require_role(Role.OWNER)
    await delete_tables(session, AppId(app.id), follow_up=follow_up)
    await session.execute(delete(App).where(App.id == app.id, is_own(actor)))


def _count_runs(app: App) -> Select[int]:
    return select(func.count()).select_from(Run).where(Run.app_id == app.id)

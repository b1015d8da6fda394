"""Finds the caller's own jobs."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.apps.models import App
from platform_api.csv.models import CsvExport, CsvImport
from platform_api.csv.service import MAX_OPEN_JOBS, J

MAX_LISTED = MAX_OPEN_JOBS
"""Of each kind: no open one is left out, since older ones than the newest that are open have ended."""
_LATELY = timedelta(days=1)


async def list_own_jobs(session: AsyncSession, actor: Actor) -> list[tuple[CsvImport | CsvExport, App]]:
    """Returns the caller's imports and exports that are open or ended in the last day, newest first."""
    found: list[tuple[CsvImport | CsvExport, App]] = [
        *await _newest(session, actor, CsvImport),
        *await _newest(session, actor, CsvExport),
    ]
    since = (await session.scalars(select(func.now() - _LATELY))).one()
    lately = [(job, app) for job, app in found if job.finished_at is None or job.finished_at > since]
    return sorted(lately, key=lambda item: item[0].created_at, reverse=True)


async def _newest(session: AsyncSession, actor: Actor, kind: type[J]) -> Sequence[tuple[J, App]]:
    statement = (
        select(kind, App)
        .join(App, App.id == kind.app_id)
        .where(visible_to(actor, kind.organization_id), kind.user_id == (actor.viewed_user_id or actor.user_id))
        .order_by(kind.id.desc())
        .limit(MAX_LISTED)
    )
    if actor.app_id is not None:
        statement = statement.where(kind.app_id == actor.app_id)
    return [(job, app) for job, app in (await session.execute(statement)).all()]

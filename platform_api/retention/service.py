"""Reads and stores how much of an app's history is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.apps.access import get_buildable_app
from platform_api.core.types import AppId
from platform_api.retention.limits import RetentionLimits, stored_limits
from platform_api.retention.models import AppRetention
from platform_api.retention.queries import QUERIES


@dataclass(frozen=True, slots=True)
class Retention:
    """Holds what the app says, what the installation allows at most, and what there is."""

    limits: RetentionLimits
    ceiling: RetentionLimits
    history: Mapping[str, Any]


async def read_retention(
    session: AsyncSession, actor: Actor, reference: int | str, *, ceiling: RetentionLimits
) -> Retention:
    """Returns how much of an app's history is kept. Raises NotFound, Forbidden."""
    app = await get_buildable_app(session, actor, reference)
    # tenancy: of the app that the caller builds, whoever used it
    stored = await session.scalar(select(AppRetention.limits).where(AppRetention.app_id == app.id))
    history = (await session.execute(QUERIES["usage"], {"app_id": AppId(app.id)})).mappings().one()
    return Retention(stored_limits(stored or {}), ceiling, dict(history))


async def save_retention(
    session: AsyncSession, actor: Actor, reference: int | str, limits: RetentionLimits, *, ceiling: RetentionLimits
) -> Retention:
    """Replaces the limits of an app, which is looked through soon. Raises NotFound, Forbidden."""
    app = await get_buildable_app(session, actor, reference)
    values = {"limits": limits.model_dump(exclude_none=True), "due_at": func.now(), "measured_at": None}
    await session.execute(
        insert(AppRetention)
        .values(app_id=app.id, **values)
        .on_conflict_do_update(index_elements=[AppRetention.app_id], set_=values)
    )
    return await read_retention(session, actor, reference, ceiling=ceiling)

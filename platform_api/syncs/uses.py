"""Finds the syncs that write to a column or a table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import func, not_, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.syncs.models import Sync
from platform_api.tables.plans.uses import MAX_USES, Departure, Use


async def find_syncs(session: AsyncSession, actor: Actor, departure: Departure) -> Sequence[Use]:
    """Returns the syncs into the table that use what goes: the caller's by name, and how many others have."""
    writing = [Sync.table_id == departure.table.id, departure.is_mentioned_in(Sync.declaration)]
    statement = select(Sync).where(*writing, visible_to(actor, Sync.organization_id)).order_by(Sync.name)
    syncs = await session.scalars(statement.limit(MAX_USES))
    uses = [
        Use(column, "sync", sync.name, id=sync.id) for sync in syncs for column in _used(sync.declaration, departure)
    ]
    # tenancy: counts the syncs of others, to whom the table belongs as well; says nothing else of them
    others = await session.scalar(
        select(func.count()).select_from(Sync).where(*writing, not_(visible_to(actor, Sync.organization_id)))
    )
    return [*uses, Use(None, "others_syncs", str(others))] if others else uses


def _used(declaration: Mapping[str, Any], departure: Departure) -> Iterator[str | None]:
    """Yields what goes and the declaration names as a column or as its table; None for the table."""
    tombstones = declaration.get("tombstones") or {}
    columns = {*declaration["mapping"], *declaration["key"], tombstones.get("column")}
    yield from (column for column in departure.columns if column in columns)
    if departure.is_table_gone:
        yield None

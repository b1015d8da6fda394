"""Adds the labels that an organization gives to tables it uses."""

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.tables.models import AppTable, TableTag
from platform_api.tables.schemas import TagCreate


async def add_tag(session: AsyncSession, actor: Actor, table: AppTable, data: TagCreate) -> TableTag:
    """Tags a table in the caller's organization; an existing tag of that name is counted again and updated."""
    values = {"color": data.color, "description": data.description}
    statement = insert(TableTag).values(
        organization_id=actor.organization_id, table_id=table.id, name=data.name, **values
    )
    given = {name: value for name, value in values.items() if value is not None}
    statement = statement.on_conflict_do_update(
        index_elements=[TableTag.organization_id, TableTag.table_id, TableTag.name],
        set_={"count": TableTag.count + 1, "updated_at": func.now(), **given},
    )
    tags = await session.scalars(statement.returning(TableTag), execution_options={"populate_existing": True})
    return tags.one()

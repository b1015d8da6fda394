"""Adds, lists and removes the labels that an organization gives to tables it uses."""

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.core.errors import NotFound
from platform_api.core.paging import Orders, Part, Window, contains, read_rows
from platform_api.core.types import AppId
from platform_api.tables.models import AppTable, TableTag
from platform_api.tables.schemas import TagCreate

_ORDERS = Orders(
    "tags",
    TableTag.id,
    name=func.lower(TableTag.name),
    count=TableTag.count,
    created_at=TableTag.id,
    updated_at=TableTag.updated_at,
)


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


async def list_tags(
    session: AsyncSession,
    actor: Actor,
    app_id: AppId,
    table: AppTable | None,
    *,
    search: str | None,
    order: str,
    window: Window,
) -> Part[tuple[TableTag, AppTable]]:
    """Returns a part of the tags that the caller's organization gave to tables of an app, or to `table` only."""
    statement = (
        select(TableTag, AppTable)
        .join(AppTable, AppTable.id == TableTag.table_id)
        .where(visible_to(actor, TableTag.organization_id), AppTable.app_id == app_id)
    )
    if table is not None:
        statement = statement.where(TableTag.table_id == table.id)
    if search:
        statement = statement.where(contains(search, TableTag.name))
    within = f"{app_id}/{'' if table is None else table.id}"
    return await read_rows(session, statement, _ORDERS.of(order, within=within), window)


async def remove_tag(session: AsyncSession, actor: Actor, tag_id: int) -> None:
    """Removes a tag of the caller's organization. Raises NotFound, also for a token that is bound to another app."""
    statement = (
        select(TableTag)
        .join(AppTable, AppTable.id == TableTag.table_id)
        .where(TableTag.id == tag_id, visible_to(actor, TableTag.organization_id))
    )
    if actor.app_id is not None:
        statement = statement.where(AppTable.app_id == actor.app_id)
    tag = await session.scalar(statement)
    if tag is None:
        raise NotFound(f"there is no tag {tag_id}")
    await session.delete(tag)
    await session.flush()

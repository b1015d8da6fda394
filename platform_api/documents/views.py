"""Keeps the saved views of tables: personal ones, and those that are shared with the organization.

Everybody who works with a table's rows saves views for themselves. To share one, or to change one that is shared,
takes its owner with the role builder, or any other builder: it changes what all others see.
"""

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Role
from platform_api.accounts.tenancy import lock_member, visible_to
from platform_api.core.errors import LimitReached, NameTaken, NotFound
from platform_api.core.paging import Orders, Part, Window, contains, read_items
from platform_api.documents.models import Document, DocumentKind
from platform_api.documents.revisions import require_base
from platform_api.documents.schemas import ViewEdit, ViewWrite
from platform_api.tables.models import AppTable

MAX_VIEWS = 200
"""Maximum views of one member on one table, shared ones included."""
_ORDERS = Orders(
    "views",
    Document.id,
    name=func.lower(Document.name),
    created_at=Document.id,
    updated_at=Document.updated_at,
)


async def list_views(
    session: AsyncSession, actor: Actor, table: AppTable, *, search: str | None, order: str, window: Window
) -> Part[Document]:
    """Returns a part of the views of a table that the caller sees: shared ones and their own."""
    statement = select(Document).where(
        Document.table_id == table.id,
        visible_to(actor, Document.organization_id),
        or_(Document.is_shared, Document.owner_id == actor.user_id),
    )
    if search:
        statement = statement.where(contains(search, Document.name))
    return await read_items(session, statement, _ORDERS.of(order, within=table.id), window)


async def create_view(session: AsyncSession, actor: Actor, table: AppTable, data: ViewWrite) -> Document:
    """Saves a view. Raises Forbidden to share one without the role builder, NameTaken, LimitReached."""
    if data.is_shared:
        actor.require_role(Role.BUILDER)
    await lock_member(session, actor, actor.user_id)
    own = select(func.count()).where(
        Document.table_id == table.id,
        visible_to(actor, Document.organization_id),
        Document.owner_id == actor.user_id,
    )
    if (await session.scalar(own) or 0) >= MAX_VIEWS:
        raise LimitReached(f"you have {MAX_VIEWS} views of the table {table.name} already; delete one first")
    view = Document(
        organization_id=actor.organization_id,
        owner_id=actor.user_id,
        app_id=table.app_id,
        table_id=table.id,
        kind=DocumentKind.VIEW,
        name=data.name,
        is_shared=data.is_shared,
        content=data.content,
    )
    session.add(view)
    await _flush(session, data.name)
    return view


async def get_view(
    session: AsyncSession, actor: Actor, table: AppTable, view_id: int, *, for_update: bool = False
) -> Document:
    """Returns a view that the caller sees; with `for_update`, other changes of it wait. Raises NotFound."""
    statement = select(Document).where(
        Document.id == view_id,
        Document.table_id == table.id,
        visible_to(actor, Document.organization_id),
        or_(Document.is_shared, Document.owner_id == actor.user_id),
    )
    view = await session.scalar(statement.with_for_update() if for_update else statement)
    if view is None:
        raise NotFound(f"the table {table.name} has no view {view_id}")
    return view


async def update_view(session: AsyncSession, actor: Actor, table: AppTable, view_id: int, data: ViewEdit) -> Document:
    """Changes a view. Raises Forbidden, NotFound, NameTaken, and StaleVersion when it was changed since."""
    view = await get_view(session, actor, table, view_id, for_update=True)
    _require_change(actor, view, will_be_shared=data.is_shared)
    require_base(view, data.base_revision)
    for field in ("name", "is_shared", "content"):
        if (value := getattr(data, field)) is not None:
            setattr(view, field, value)
    view.revision += 1
    await _flush(session, view.name)
    return view


async def delete_view(session: AsyncSession, actor: Actor, table: AppTable, view_id: int) -> None:
    """Deletes a view. Raises Forbidden, NotFound."""
    view = await get_view(session, actor, table, view_id, for_update=True)
    _require_change(actor, view)
    await session.delete(view)
    await session.flush()


def _require_change(actor: Actor, view: Document, *, will_be_shared: bool | None = None) -> None:
    if view.is_shared or will_be_shared:
        actor.require_role(Role.BUILDER)


async def _flush(session: AsyncSession, name: str) -> None:
    try:
        async with session.begin_nested():
            await session.flush()
    except IntegrityError as error:
        if "_views" not in str(error.orig):
            raise
        raise NameTaken(
            f"name: there is a view {name!r} of this table already; choose another name", field="name"
        ) from error

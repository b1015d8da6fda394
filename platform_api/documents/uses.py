"""Finds the saved views and drafts that use a column or a table."""

from collections.abc import Sequence

from sqlalchemy import func, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.documents.models import Document, DocumentKind
from platform_api.tables.plans.uses import MAX_USES, Departure, Use

_USING_KEYS = ("where", "order", "group")
"""Of a view; how wide a column was shown is no use of it."""


async def find_views(session: AsyncSession, actor: Actor, departure: Departure) -> Sequence[Use]:
    """Returns the views that filter, sort or group by what goes: those that the caller sees, and how many more."""
    if not departure.columns:
        return []
    shown = or_(Document.is_shared, Document.owner_id == actor.user_id)
    seen = visible_to(actor, Document.organization_id) & shown
    parts = (Document.content[key] for key in _USING_KEYS)
    mentioning = [Document.table_id == departure.table.id, departure.is_mentioned_in(*parts)]
    statement = select(Document).where(*mentioning, visible_to(actor, Document.organization_id), shown)
    uses = [
        Use(column, "view", view.name, id=view.id)
        for view in await session.scalars(statement.order_by(Document.id).limit(MAX_USES))
        for column in departure.columns_in({key: view.content.get(key) for key in _USING_KEYS})
        if column is not None
    ]
    # tenancy: counts the views of others, to whom the table belongs as well; says nothing else of them
    others = await session.scalar(select(func.count()).select_from(Document).where(*mentioning, not_(seen)))
    return [*uses, Use(None, "others_views", str(others))] if others else uses


async def find_drafts(session: AsyncSession, actor: Actor, departure: Departure) -> Sequence[Use]:
    """Returns the caller's own drafts in the app that mention what goes."""
    statement = select(Document).where(
        Document.kind == DocumentKind.DRAFT,
        visible_to(actor, Document.organization_id),
        Document.owner_id == actor.user_id,
        Document.app_id == departure.table.app_id,
        departure.is_mentioned_in(Document.content),
    )
    drafts = await session.scalars(statement.order_by(Document.id).limit(MAX_USES))
    return [
        Use(column, "draft", draft.name, id=draft.id)
        for draft in drafts
        for column in departure.columns_in(draft.content)
    ]

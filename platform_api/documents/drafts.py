"""Keeps drafts: what a person typed and has not saved, so that it is there on their next machine, too."""

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import lock_member, visible_to
from platform_api.apps.access import get_usable_app
from platform_api.core.errors import LimitReached, NotFound, StaleVersion
from platform_api.core.paging import Orders, Part, Window, contains, read_items
from platform_api.core.types import AppId
from platform_api.documents.models import Document, DocumentKind
from platform_api.documents.revisions import require_base
from platform_api.documents.schemas import DraftWrite

MAX_DRAFTS = 100
"""Maximum drafts of one member in one organization."""
_ORDERS = Orders("drafts", Document.id, created_at=Document.id, updated_at=Document.updated_at)


async def list_drafts(
    session: AsyncSession, actor: Actor, *, app: int | str | None, search: str | None, order: str, window: Window
) -> Part[Document]:
    """Returns a part of the caller's drafts in the organization, or of those that belong to `app`."""
    statement = _own(actor)
    app_id = actor.app_id if app is None else await _app_id(session, actor, app)
    if app_id is not None:
        statement = statement.where(Document.app_id == app_id)
    if search:
        statement = statement.where(contains(search, Document.name))
    return await read_items(session, statement, _ORDERS.of(order, within=app_id or ""), window)


async def save_draft(session: AsyncSession, actor: Actor, data: DraftWrite) -> Document:
    """Keeps a draft. Raises StaleVersion when another of the caller's windows kept one since, LimitReached."""
    app_id = await _app_id(session, actor, data.app)
    await lock_member(session, actor, actor.user_id)
    draft = await session.scalar(
        _own(actor).where(Document.app_id.is_not_distinct_from(app_id), Document.name == data.subject)
    )
    if draft is not None:
        require_base(draft, data.base_revision)
        draft.content = data.content
        draft.revision += 1
    else:
        if data.base_revision:
            raise StaleVersion(
                f"base_revision: there is no draft of {data.subject!r} any more; send 0 to keep this as a new one",
                field="base_revision",
                extra={"current_revision": 0},
            )
        await _require_room(session, actor)
        draft = Document(
            organization_id=actor.organization_id,
            owner_id=actor.user_id,
            app_id=app_id,
            kind=DocumentKind.DRAFT,
            name=data.subject,
            content=data.content,
        )
        session.add(draft)
    await session.flush()
    return draft


async def get_draft(session: AsyncSession, actor: Actor, draft_id: int) -> Document:
    """Returns a draft of the caller's. Raises NotFound."""
    draft = await session.scalar(_own(actor).where(Document.id == draft_id))
    if draft is None or (actor.app_id is not None and draft.app_id != actor.app_id):
        raise NotFound(f"you have no draft {draft_id}")
    return draft


async def delete_draft(session: AsyncSession, actor: Actor, draft_id: int) -> None:
    """Deletes a draft of the caller's. Raises NotFound."""
    await session.delete(await get_draft(session, actor, draft_id))
    await session.flush()


def _own(actor: Actor) -> Select[Document]:
    return select(Document).where(
        Document.kind == DocumentKind.DRAFT,
        visible_to(actor, Document.organization_id),
        Document.owner_id == actor.user_id,
    )


async def _app_id(session: AsyncSession, actor: Actor, app: int | str | None) -> AppId | None:
    if app is None:
        return actor.app_id
    return AppId((await get_usable_app(session, actor, app)).id)


async def _require_room(session: AsyncSession, actor: Actor) -> None:
    if (await session.scalar(select(func.count()).select_from(_own(actor).subquery())) or 0) >= MAX_DRAFTS:
        raise LimitReached(f"you have {MAX_DRAFTS} drafts in this organization; save or delete some first")

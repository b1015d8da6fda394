"""Serves documents over HTTP: views below their table, drafts by themselves."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query

from platform_api.accounts.actor import Actor
from platform_api.accounts.dependencies import DataActorDep
from platform_api.apps.access import get_usable_app
from platform_api.apps.parameters import AppQuery, AppReference
from platform_api.core.database import SessionDep
from platform_api.core.errors import Forbidden
from platform_api.core.http.pagination import NamedOrder, PartDep, SearchQuery
from platform_api.core.types import AppId
from platform_api.documents import drafts, views
from platform_api.documents.schemas import (
    DraftPage,
    DraftRead,
    DraftWrite,
    ViewEdit,
    ViewPage,
    ViewRead,
    ViewWrite,
    WholeDraftRead,
    draft_of,
)
from platform_api.tables.models import AppTable
from platform_api.tables.parameters import TableName
from platform_api.tables.repository import get_table

views_router = APIRouter(prefix="/apps/{app}/table/{table_name}/views", tags=["views"])
drafts_router = APIRouter(prefix="/drafts", tags=["drafts"])

DocumentId = Annotated[int, Path(ge=1, le=2**63 - 1)]


def _person(actor: DataActorDep) -> Actor:
    if actor.is_run:
        raise Forbidden("views and drafts are people's; a script cannot read or change them")
    return actor


PersonDep = Annotated[Actor, Depends(_person)]
DraftOrder = Literal["created_at", "-created_at", "updated_at", "-updated_at"]


@views_router.get("/", summary="List the views of a table: shared ones and the caller's own")
async def list_views(
    actor: PersonDep,
    session: SessionDep,
    app: AppReference,
    table_name: TableName,
    listing: PartDep,
    search: SearchQuery = None,
    order: NamedOrder = "name",
) -> ViewPage:
    table = await _table(actor, session, app, table_name)
    part = await views.list_views(session, actor, table, search=search, order=order, window=listing.window)
    return ViewPage(**listing.links(part), results=[ViewRead.of(view, actor.user_id) for view in part.items])


@views_router.post("/", status_code=201, summary="Save a view of a table")
async def create_view(
    actor: PersonDep, session: SessionDep, app: AppReference, table_name: TableName, body: ViewWrite
) -> ViewRead:
    table = await _table(actor, session, app, table_name)
    return ViewRead.of(await views.create_view(session, actor, table, body), actor.user_id)


@views_router.get("/{view_id}/", summary="Return a view")
async def get_view(
    actor: PersonDep, session: SessionDep, app: AppReference, table_name: TableName, view_id: DocumentId
) -> ViewRead:
    table = await _table(actor, session, app, table_name)
    return ViewRead.of(await views.get_view(session, actor, table, view_id), actor.user_id)


@views_router.patch("/{view_id}/", summary="Change a view; fields that are left out keep their values")
async def update_view(
    actor: PersonDep,
    session: SessionDep,
    app: AppReference,
    table_name: TableName,
    view_id: DocumentId,
    body: ViewEdit,
) -> ViewRead:
    table = await _table(actor, session, app, table_name)
    return ViewRead.of(await views.update_view(session, actor, table, view_id, body), actor.user_id)


@views_router.delete("/{view_id}/", status_code=204, summary="Delete a view")
async def delete_view(
    actor: PersonDep, session: SessionDep, app: AppReference, table_name: TableName, view_id: DocumentId
) -> None:
    table = await _table(actor, session, app, table_name)
    await views.delete_view(session, actor, table, view_id)


@drafts_router.get("/", summary="List the caller's drafts in the organization, without their contents")
async def list_drafts(
    actor: PersonDep,
    session: SessionDep,
    listing: PartDep,
    app: AppQuery = None,
    search: Annotated[SearchQuery, Query(description="Only drafts whose subject contains this")] = None,
    order: DraftOrder = "-updated_at",
) -> DraftPage:
    part = await drafts.list_drafts(session, actor, app=app, search=search, order=order, window=listing.window)
    return DraftPage(**listing.links(part), results=[draft_of(draft) for draft in part.items])


@drafts_router.put("/", summary="Keep a draft, new or in place of its last revision")
async def save_draft(actor: PersonDep, session: SessionDep, body: DraftWrite) -> DraftRead:
    return draft_of(await drafts.save_draft(session, actor, body))


@drafts_router.get("/{draft_id}/", summary="Return a draft with its content")
async def get_draft(actor: PersonDep, session: SessionDep, draft_id: DocumentId) -> WholeDraftRead:
    return WholeDraftRead.of(await drafts.get_draft(session, actor, draft_id))


@drafts_router.delete("/{draft_id}/", status_code=204, summary="Delete a draft")
async def delete_draft(actor: PersonDep, session: SessionDep, draft_id: DocumentId) -> None:
    await drafts.delete_draft(session, actor, draft_id)


async def _table(actor: PersonDep, session: SessionDep, app: int | str, name: str) -> AppTable:
    usable = await get_usable_app(session, actor, app)
    return await get_table(session, AppId(usable.id), name)

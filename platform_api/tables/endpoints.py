"""Serves tables and table tags over HTTP (contract §8, §11)."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from platform_api.accounts.dependencies import ActorDep, BuildActorDep, DataActorDep
from platform_api.apps.access import get_buildable_app, get_readable_app, get_usable_app
from platform_api.apps.parameters import AppReference
from platform_api.core.database import SessionDep
from platform_api.core.http.pagination import NamedOrder, PartDep, SearchQuery, WholeOrPartDep
from platform_api.core.types import AppId
from platform_api.tables import service, tags
from platform_api.tables.parameters import FollowUpDep, TableName
from platform_api.tables.reading import read_app_table, read_app_tables, with_present_state
from platform_api.tables.repository import get_table
from platform_api.tables.schemas import (
    TableConfiguration,
    TableCreate,
    TableEdit,
    TableList,
    TableRead,
    TagAdded,
    TagCreate,
    TagObject,
    TagOrder,
    TagPage,
)

tags_router = APIRouter(prefix="/apps/table-tags", tags=["tables"])
"""Before the apps' own router, whose `{app}` would take `table-tags`."""
router = APIRouter(prefix="/apps/{app}", tags=["tables"])


@router.post("/new_table/", summary="Create a table")
async def create_table(
    actor: BuildActorDep, session: SessionDep, follow_up: FollowUpDep, app: AppReference, body: TableCreate
) -> TableRead:
    found = await get_buildable_app(session, actor, app)
    table = await service.create_table(session, AppId(found.id), body, follow_up=follow_up)
    return await read_app_table(session, actor, table)


@router.put("/edit_table/", summary="Change a table and keep its rows; fields that are left out keep their values")
async def edit_table(
    actor: BuildActorDep, session: SessionDep, follow_up: FollowUpDep, app: AppReference, body: TableEdit
) -> TableRead:
    found = await get_buildable_app(session, actor, app)
    async with with_present_state(session, actor, AppId(found.id), body.name):
        table = await service.edit_table(session, AppId(found.id), body, follow_up=follow_up)
    return await read_app_table(session, actor, table)


@router.put("/table/{table_name}/configuration/", summary="Change a table named in the path; `name` renames it")
async def configure_table(
    actor: BuildActorDep,
    session: SessionDep,
    follow_up: FollowUpDep,
    app: AppReference,
    table_name: TableName,
    body: TableConfiguration,
) -> TableRead:
    found = await get_buildable_app(session, actor, app)
    edit = body.as_edit_of(table_name)
    async with with_present_state(session, actor, AppId(found.id), table_name):
        table = await service.edit_table(session, AppId(found.id), edit, follow_up=follow_up)
    return await read_app_table(session, actor, table)


@router.get("/tables/", summary="List the app's tables")
async def list_tables(
    actor: ActorDep,
    session: SessionDep,
    app: AppReference,
    listing: WholeOrPartDep,
    search: SearchQuery = None,
    order: NamedOrder = "created_at",
) -> TableList:
    found = await get_readable_app(session, actor, app)
    return await read_app_tables(session, actor, found, search=search, order=order, window=listing)


@router.get("/user_tables/", summary="List the app's tables, for callers who may work with their rows")
async def list_user_tables(
    actor: ActorDep,
    session: SessionDep,
    app: AppReference,
    listing: WholeOrPartDep,
    search: SearchQuery = None,
    order: NamedOrder = "created_at",
) -> TableList:
    found = await get_usable_app(session, actor, app)
    return await read_app_tables(session, actor, found, search=search, order=order, window=listing)


@router.get("/table/{table_name}/", summary="Return a table")
async def get_one_table(actor: ActorDep, session: SessionDep, app: AppReference, table_name: TableName) -> TableRead:
    found = await get_readable_app(session, actor, app)
    return await read_app_table(session, actor, await get_table(session, AppId(found.id), table_name))


@router.delete("/table/{table_name}/", status_code=204, summary="Delete a table with all its rows")
async def delete_table(
    actor: BuildActorDep, session: SessionDep, follow_up: FollowUpDep, app: AppReference, table_name: TableName
) -> None:
    found = await get_buildable_app(session, actor, app)
    await service.delete_table(session, AppId(found.id), table_name, follow_up=follow_up)


@tags_router.post("/{app}/{table_name}/add/", summary="Tag a table in the caller's organization")
async def add_tag(
    actor: DataActorDep, session: SessionDep, app: AppReference, table_name: TableName, body: TagCreate
) -> TagAdded:
    found = await get_usable_app(session, actor, app)
    table = await get_table(session, AppId(found.id), table_name)
    tag = await tags.add_tag(session, actor, table, body)
    return TagAdded.of(tag, table)


@tags_router.get("/{app}/", summary="List the tags that the organization gave to tables of an app, with their counts")
async def list_tags(
    actor: DataActorDep,
    session: SessionDep,
    app: AppReference,
    listing: PartDep,
    table: Annotated[str | None, Query(description="Only tags of this table", max_length=200)] = None,
    search: SearchQuery = None,
    order: TagOrder = "name",
) -> TagPage:
    found = await get_usable_app(session, actor, app)
    chosen = None if table is None else await get_table(session, AppId(found.id), table)
    part = await tags.list_tags(
        session, actor, AppId(found.id), chosen, search=search, order=order, window=listing.window
    )
    return TagPage(**listing.links(part), results=[TagObject.of(*tagged) for tagged in part.items])


@tags_router.delete("/tag/{tag_id}/", status_code=204, summary="Remove a tag from its table")
async def remove_tag(
    actor: DataActorDep, session: SessionDep, tag_id: Annotated[int, Path(ge=1, le=2**63 - 1)]
) -> None:
    await tags.remove_tag(session, actor, tag_id)

"""Serves permissions of tables over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query

from platform_api.accounts.dependencies import BuildActorDep, DataActorDep
from platform_api.accounts.models import Role
from platform_api.apps.access import get_buildable_app, get_usable_app
from platform_api.apps.parameters import AppReference
from platform_api.core.database import SessionDep
from platform_api.core.types import AppId
from platform_api.tables.parameters import FollowUpDep, TableName
from platform_api.tables.permissions import service
from platform_api.tables.permissions.definition import LimitedRole, Permission
from platform_api.tables.permissions.own_schemas import OwnPermission
from platform_api.tables.permissions.repository import own_rights
from platform_api.tables.permissions.schemas import PermissionRead, PermissionsRead, PermissionWrite
from platform_api.tables.repository import get_table

router = APIRouter(prefix="/apps/{app}/table/{table_name}/permissions", tags=["tables"])


@router.get("/", summary="List what roles may do with the rows of a table")
async def list_permissions(
    actor: BuildActorDep, session: SessionDep, app: AppReference, table_name: TableName
) -> PermissionsRead:
    found = await get_buildable_app(session, actor, app)
    table = await get_table(session, AppId(found.id), table_name)
    described = await service.list_permissions(session, table)
    return PermissionsRead(
        unlimited=[Role.OWNER, Role.BUILDER], roles=[PermissionRead.of(item) for item in described]
    )


@router.get("/mine/", summary="Return what the caller may do with the rows of a table")
async def get_own_permission(
    actor: DataActorDep, session: SessionDep, app: AppReference, table_name: TableName
) -> OwnPermission:
    found = await get_usable_app(session, actor, app)
    table = await get_table(session, AppId(found.id), table_name)
    return OwnPermission.of(actor.role, await own_rights(session, actor, table))


@router.put("/{role}/", summary="Set what a role may do with the rows of a table")
async def save_permission(
    actor: BuildActorDep,
    session: SessionDep,
    follow_up: FollowUpDep,
    app: AppReference,
    table_name: TableName,
    role: LimitedRole,
    body: PermissionWrite,
) -> PermissionRead:
    found = await get_buildable_app(session, actor, app)
    content = Permission.model_validate(body.model_dump(exclude={"base_revision"}))
    described = await service.save_permission(
        session,
        AppId(found.id),
        table_name,
        Role(role),
        content,
        base_revision=body.base_revision,
        follow_up=follow_up,
    )
    return PermissionRead.of(described)


@router.delete("/{role}/", status_code=204, summary="Delete the limits of a role on a table")
async def delete_permission(
    actor: BuildActorDep,
    session: SessionDep,
    follow_up: FollowUpDep,
    app: AppReference,
    table_name: TableName,
    role: LimitedRole,
    base_revision: Annotated[int | None, Query(ge=1, description="The revision to delete; 409 for another")] = None,
) -> None:
    found = await get_buildable_app(session, actor, app)
    await service.delete_permission(
        session, AppId(found.id), table_name, Role(role), base_revision=base_revision, follow_up=follow_up
    )

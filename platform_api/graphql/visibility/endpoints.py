"""Serves why a row is visible or not over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from platform_api.accounts.dependencies import BuildActorDep
from platform_api.apps.access import get_buildable_app
from platform_api.apps.parameters import AppReference
from platform_api.core.database import SessionDep
from platform_api.core.errors import Unprocessable
from platform_api.core.types import AppId
from platform_api.graphql.lifespan import GraphQLDep
from platform_api.graphql.visibility.schemas import VisibilityRead
from platform_api.graphql.visibility.service import explain_visibility
from platform_api.tables.parameters import TableName
from platform_api.tables.permissions.definition import LimitedRole
from platform_api.tables.repository import get_table

router = APIRouter(prefix="/apps/{app}/table/{table_name}/rows", tags=["tables"])


@router.get("/{row_id}/visibility/", summary="Return whether a role or a member sees a row, and why")
async def get_visibility(
    actor: BuildActorDep,
    session: SessionDep,
    graphql: GraphQLDep,
    app: AppReference,
    table_name: TableName,
    row_id: Annotated[str, Path(description="The row's id", max_length=100)],
    role: Annotated[LimitedRole | None, Query(description="A role, as whom the caller would look")] = None,
    user: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="A member of the organization, by id")] = None,
) -> VisibilityRead:
    target = role if user is None else str(user)
    if target is None or (role is not None and user is not None):
        raise Unprocessable("name either a role or a user", field="role")
    found = await get_buildable_app(session, actor, app)
    table = await get_table(session, AppId(found.id), table_name)
    visibility = await explain_visibility(session, graphql.backend, actor, found, table, row_id, target)
    return VisibilityRead.of(visibility)

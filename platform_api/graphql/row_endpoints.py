"""Serves rows of app tables over HTTP, beside GraphQL (contract §8)."""

from typing import Annotated

from fastapi import APIRouter, Body, Query

from platform_api.accounts.dependencies import DataActorDep
from platform_api.apps.access import get_usable_app
from platform_api.apps.parameters import AppReference
from platform_api.core.database import SessionDep
from platform_api.core.types import AppId
from platform_api.graphql.access import graphql_session
from platform_api.graphql.lifespan import GraphQLDep
from platform_api.graphql.rows import RowSelector, delete_rows, row_condition
from platform_api.tables.parameters import TableName
from platform_api.tables.repository import get_table

router = APIRouter(prefix="/apps/{app}", tags=["tables"])


@router.delete(
    "/table/{table_name}/delete-rows/", status_code=204, summary="Delete rows of the caller's organization"
)
async def delete_table_rows(
    actor: DataActorDep,
    session: SessionDep,
    graphql: GraphQLDep,
    app: AppReference,
    table_name: TableName,
    body: Annotated[RowSelector | None, Body()] = None,
    all_rows: Annotated[bool, Query(alias="all", description="Every row of the caller's organization")] = False,
) -> None:
    caller = await graphql_session(session, actor, app)
    found = await get_usable_app(session, actor, app)
    table = await get_table(session, AppId(found.id), table_name)
    selector = RowSelector(all=True) if body is None and all_rows else body
    await delete_rows(graphql.backend, caller, table.definition, row_condition(selector))

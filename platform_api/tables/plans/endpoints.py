"""Serves plans of changes of tables over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends

from platform_api.accounts.dependencies import BuildActorDep
from platform_api.apps.access import get_buildable_app
from platform_api.apps.parameters import AppReference
from platform_api.core.database import SessionDep
from platform_api.core.services import provided
from platform_api.core.types import AppId
from platform_api.tables.parameters import TableName
from platform_api.tables.plans.schemas import PlanRead, TableUses, UseRead
from platform_api.tables.plans.service import plan_edit, plan_new_table, uses_of_table
from platform_api.tables.plans.uses import UseFinders
from platform_api.tables.reading import with_present_state
from platform_api.tables.schemas import TableConfiguration, TableCreate

router = APIRouter(prefix="/apps/{app}", tags=["tables"])

UseFindersDep = Annotated[UseFinders, Depends(provided(UseFinders))]


@router.post("/new_table/plan/", summary="Plan a new table: return the SQL that would create it")
async def plan_of_new_table(
    actor: BuildActorDep, session: SessionDep, app: AppReference, body: TableCreate
) -> PlanRead:
    found = await get_buildable_app(session, actor, app)
    return PlanRead.of(await plan_new_table(session, AppId(found.id), body))


@router.post(
    "/table/{table_name}/plan/",
    summary="Plan a change of a table: its SQL, its locks, the rows that would fail",
)
async def plan_of_change(
    actor: BuildActorDep,
    session: SessionDep,
    use_finders: UseFindersDep,
    app: AppReference,
    table_name: TableName,
    body: TableConfiguration,
) -> PlanRead:
    found = await get_buildable_app(session, actor, app)
    async with with_present_state(session, actor, AppId(found.id), table_name):
        edit = body.as_edit_of(table_name)
        plan = await plan_edit(session, actor, AppId(found.id), edit, use_finders=use_finders)
    return PlanRead.of(plan)


@router.get("/table/{table_name}/uses/", summary="List what uses a table and would miss it")
async def list_uses(
    actor: BuildActorDep, session: SessionDep, use_finders: UseFindersDep, app: AppReference, table_name: TableName
) -> TableUses:
    found = await get_buildable_app(session, actor, app)
    uses = await uses_of_table(session, actor, AppId(found.id), table_name, use_finders=use_finders)
    return TableUses(uses=[UseRead.of(use) for use in uses])

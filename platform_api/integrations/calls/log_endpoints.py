"""Serves the log of calls, what was used of the month's budget, and the budget."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from platform_api.accounts.dependencies import BuildActorDep
from platform_api.core.database import SessionDep
from platform_api.core.http.pagination import PageDep
from platform_api.integrations.calls import usage
from platform_api.integrations.calls.schemas import BudgetWrite, LoggedCallPage, LoggedCallRead, Usage
from platform_api.integrations.calls.usage import CallFilter
from platform_api.integrations.lifespan import CallLogDep

router = APIRouter(prefix="/integrations/calls", tags=["integrations"])
"""Comes before the integrations' own router, whose `{integration_id}` would match `calls`."""


@router.get("/", summary="List the calls that were made, newest first")
async def list_calls(
    actor: BuildActorDep,
    session: SessionDep,
    page: PageDep,
    integration: Annotated[str | None, Query(max_length=100)] = None,
    connection: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    app_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    run_id: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    status: Annotated[int | None, Query(ge=0, le=999)] = None,
    ok: bool | None = None,
    search: Annotated[str | None, Query(max_length=200, description="Part of the endpoint")] = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> LoggedCallPage:
    chosen = CallFilter(
        integration=integration,
        connection=connection,
        app_id=app_id,
        run_id=run_id,
        status=status,
        ok=ok,
        search=search,
        since=since,
        until=until,
    )
    count, calls = await usage.list_calls(session, actor, chosen, page=page.page, per_page=page.per_page)
    return LoggedCallPage(
        count=count,
        next=page.next_url(count),
        previous=page.previous_url(),
        results=[LoggedCallRead.model_validate(call) for call in calls],
    )


@router.get("/usage/", summary="Return the number of calls this month, and the budget")
async def get_usage(actor: BuildActorDep, session: SessionDep) -> Usage:
    used = await usage.usage_of_month(session, actor)
    return Usage(month=f"{used.month:%Y-%m}", calls=used.calls, calls_per_month=used.budget)


@router.put("/budget/", summary="Set how many calls the organization may make in a month; null: any number")
async def set_budget(
    actor: BuildActorDep, session: SessionDep, call_log: CallLogDep, body: BudgetWrite
) -> BudgetWrite:
    await usage.set_budget(session, actor, call_log, body.calls_per_month)
    return body

"""The log of calls, what was used of the month's budget, and the budget."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from platform_api.accounts.dependencies import BuildActorDep
from platform_api.accounts.models import Role
from platform_api.accounts.tenancy import visible_to
from platform_api.core.database import SessionDep, after_commit
from platform_api.core.http.pagination import PageDep
from platform_api.integrations.calls.log import this_month
from platform_api.integrations.lifespan import CallLogDep
from platform_api.integrations.models import IntegrationBudget, IntegrationUsage, LoggedCall

router = APIRouter(prefix="/integrations/calls", tags=["integrations"])
"""Before the integrations' own router, whose `{integration_id}` would take `calls`."""


class LoggedCallRead(BaseModel):
    """One call: metadata only."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    created_at: datetime
    integration_id: str
    connection_id: int
    app_id: int | None = Field(description="The app that called, if any")
    user_id: int | None = Field(description="Null when a script of an installed app's owner called")
    run_id: int | None
    method: str
    endpoint: str
    status_code: int
    ok: bool
    elapsed_ms: int


class LoggedCallPage(BaseModel):
    count: int
    next: str | None
    previous: str | None
    results: list[LoggedCallRead]


class Usage(BaseModel):
    """Calls of the current calendar month (UTC); `calls_per_month` is null without a budget."""

    month: str
    calls: int
    calls_per_month: int | None


class BudgetWrite(BaseModel):
    model_config = ConfigDict(extra="forbid")

    calls_per_month: Annotated[int | None, Field(ge=0, le=2**62)]


@router.get("/", summary="Calls that were made, newest first")
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
    wanted = select(LoggedCall).where(visible_to(actor, LoggedCall.organization_id))
    equals = (
        (LoggedCall.integration_id, integration),
        (LoggedCall.connection_id, connection),
        (LoggedCall.app_id, app_id),
        (LoggedCall.run_id, run_id),
        (LoggedCall.status_code, status),
        (LoggedCall.ok, ok),
    )
    for column, value in equals:
        if value is not None:
            wanted = wanted.where(column == value)
    if search is not None:
        wanted = wanted.where(LoggedCall.endpoint.contains(search, autoescape=True))
    if since is not None:
        wanted = wanted.where(LoggedCall.created_at >= since)
    if until is not None:
        wanted = wanted.where(LoggedCall.created_at < until)
    count = await session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    found = await session.scalars(wanted.order_by(LoggedCall.id.desc()).limit(page.per_page).offset(page.offset))
    return LoggedCallPage(
        count=count,
        next=page.next_url(count),
        previous=page.previous_url(),
        results=[LoggedCallRead.model_validate(one) for one in found],
    )


@router.get("/usage/", summary="Calls of this month, and the budget")
async def get_usage(actor: BuildActorDep, session: SessionDep) -> Usage:
    month = this_month()
    calls = await session.scalar(
        select(IntegrationUsage.calls).where(
            visible_to(actor, IntegrationUsage.organization_id), IntegrationUsage.month == month
        )
    )
    budget = await session.scalar(
        select(IntegrationBudget.calls_per_month).where(visible_to(actor, IntegrationBudget.organization_id))
    )
    return Usage(month=f"{month:%Y-%m}", calls=calls or 0, calls_per_month=budget)


@router.put("/budget/", summary="Set how many calls the organization may make in a month; null: any number")
async def set_budget(
    actor: BuildActorDep, session: SessionDep, call_log: CallLogDep, body: BudgetWrite
) -> BudgetWrite:
    actor.require_role(Role.OWNER)
    if body.calls_per_month is None:
        await session.execute(delete(IntegrationBudget).where(visible_to(actor, IntegrationBudget.organization_id)))
    else:
        statement = insert(IntegrationBudget).values(
            organization_id=actor.organization_id, calls_per_month=body.calls_per_month
        )
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=[IntegrationBudget.organization_id], set_={"calls_per_month": body.calls_per_month}
            )
        )

    async def forget() -> None:
        call_log.forget(actor.organization_id)

    after_commit(session, forget)
    return body

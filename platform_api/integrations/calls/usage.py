"""Reads what an organization called: the log, how many calls this month, and the budget it set."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Role
from platform_api.accounts.tenancy import visible_to
from platform_api.core.database import after_commit
from platform_api.core.paging import paginate
from platform_api.integrations.calls.log import CallLog, this_month
from platform_api.integrations.models import IntegrationBudget, IntegrationUsage, LoggedCall


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Chooses the calls that are listed; what is None is not asked about."""

    integration: str | None = None
    connection: int | None = None
    app_id: int | None = None
    run_id: int | None = None
    status: int | None = None
    ok: bool | None = None
    search: str | None = None
    """Part of the endpoint."""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class MonthlyUsage:
    """Counts the calls of a calendar month (UTC), and how many it may have; None: any number."""

    month: date
    calls: int
    budget: int | None


async def list_calls(
    session: AsyncSession, actor: Actor, chosen: CallFilter, *, page: int, per_page: int
) -> tuple[int, Sequence[LoggedCall]]:
    """Returns how many calls the organization made that fit, and one page of them, newest first."""
    calls = select(LoggedCall).where(visible_to(actor, LoggedCall.organization_id))
    equals = (
        (LoggedCall.integration_id, chosen.integration),
        (LoggedCall.connection_id, chosen.connection),
        (LoggedCall.app_id, chosen.app_id),
        (LoggedCall.run_id, chosen.run_id),
        (LoggedCall.status_code, chosen.status),
        (LoggedCall.ok, chosen.ok),
    )
    for column, value in equals:
        if value is not None:
            calls = calls.where(column == value)
    if chosen.search is not None:
        calls = calls.where(LoggedCall.endpoint.contains(chosen.search, autoescape=True))
    if chosen.since is not None:
        calls = calls.where(LoggedCall.created_at >= chosen.since)
    if chosen.until is not None:
        calls = calls.where(LoggedCall.created_at < chosen.until)
    return await paginate(session, calls, LoggedCall.id.desc(), page=page, per_page=per_page)


async def usage_of_month(session: AsyncSession, actor: Actor) -> MonthlyUsage:
    """Returns what the organization used of the current month."""
    month = this_month()
    calls = await session.scalar(
        select(IntegrationUsage.calls).where(
            visible_to(actor, IntegrationUsage.organization_id), IntegrationUsage.month == month
        )
    )
    budget = await session.scalar(
        select(IntegrationBudget.calls_per_month).where(visible_to(actor, IntegrationBudget.organization_id))
    )
    return MonthlyUsage(month, calls or 0, budget)


async def set_budget(session: AsyncSession, actor: Actor, call_log: CallLog, calls_per_month: int | None) -> None:
    """Sets how many calls the organization may make in a month; None: any number. Raises Forbidden."""
    actor.require_role(Role.OWNER)
    if calls_per_month is None:
        await session.execute(delete(IntegrationBudget).where(visible_to(actor, IntegrationBudget.organization_id)))
    else:
        statement = insert(IntegrationBudget).values(
            organization_id=actor.organization_id, calls_per_month=calls_per_month
        )
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=[IntegrationBudget.organization_id], set_={"calls_per_month": calls_per_month}
            )
        )

    async def forget() -> None:
        call_log.forget(actor.organization_id)

    after_commit(session, forget)

"""Reads what an organization called: the log, how many calls this month, and the budget it set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Date, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Role
from platform_api.accounts.tenancy import visible_organization_ids, visible_to
from platform_api.core.database import after_commit
from platform_api.core.paging import paginate
from platform_api.integrations.calls.log import CallLog, this_month
from platform_api.integrations.models import IntegrationBudget, IntegrationUsage, LoggedCall

MAX_COUNTED = 100_000
"""Calls, the newest, that are counted by day."""


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


@dataclass(frozen=True, slots=True)
class DailyCalls:
    """Counts logged calls, and the failed ones of them, by day (UTC). Days before `counted_from` are not counted."""

    days: Mapping[date, tuple[int, int]]
    counted_from: date | None

    def on(self, day: date) -> tuple[int, int] | tuple[None, None]:
        """Returns how many calls there were on `day` and how many of them failed; None: not counted."""
        if self.counted_from is not None and day < self.counted_from:
            return (None, None)
        return self.days.get(day, (0, 0))


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


async def calls_by_day(session: AsyncSession, actor: Actor, since: datetime) -> DailyCalls:
    """Counts the organization's calls from `since` on, at most the newest `MAX_COUNTED`."""
    newest = (
        select(LoggedCall.created_at, LoggedCall.ok)
        # tenancy: one organization; as a value, and not a set, the index gives its calls in their order
        .where(LoggedCall.organization_id == visible_organization_ids(actor).scalar_subquery())
        .order_by(LoggedCall.id.desc())
        .limit(MAX_COUNTED)
        .subquery()
    )
    day = func.timezone("UTC", newest.c.created_at).cast(Date).label("day")
    statement = select(day, func.count(), func.count().filter(~newest.c.ok)).group_by(day)
    rows = [(row[0], row[1], row[2]) for row in await session.execute(statement)]
    is_complete = sum(calls for _, calls, _ in rows) < MAX_COUNTED
    # The oldest counted day may be counted in part.
    counted_from = None if is_complete else min(day for day, _, _ in rows) + timedelta(days=1)
    return DailyCalls({day: (calls, failed) for day, calls, failed in rows if day >= since.date()}, counted_from)


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

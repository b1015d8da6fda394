"""Defines how requests filter runs, and how a stream names the organization it is about."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query
from pydantic import AfterValidator, AwareDatetime, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.dependencies import RunActorDep
from platform_api.apps.access import get_usable_app
from platform_api.apps.parameters import AppQuery
from platform_api.core.database import SessionDep
from platform_api.core.paging import MAX_SEARCH_CHARS
from platform_api.core.types import ActionId, AppId, UserId
from platform_api.runs.listing.filters import RunFilters
from platform_api.runs.models import BegunBy, RunState

_MAX_ID = 2**31 - 1


def _in_utc(at: datetime) -> datetime:
    """Returns the moment in UTC; refuses years that would overflow in some zone or some calculation."""
    if not 1970 <= at.year <= 9000:
        raise ValueError("must be in the years 1970 to 9000")
    return at.astimezone(UTC)


_Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
_ActionQuery = Annotated[int | None, Query(ge=1, le=_MAX_ID)]
_StateQuery = Annotated[
    list[RunState] | None, Query(max_length=len(RunState), description="Only runs in these states")
]
_UserQuery = Annotated[int | None, Query(ge=1, le=_MAX_ID, description="Only runs of this user (id)")]
_CauseQuery = Annotated[
    list[BegunBy] | None, Query(max_length=len(BegunBy), description="Only runs that were begun so (`begun_by`)")
]
_FromQuery = Annotated[
    _Moment | None, Query(alias="from", description="Only runs created then or later; with its zone")
]
_ToQuery = Annotated[_Moment | None, Query(alias="to", description="Only runs created before; with its zone")]
_TextQuery = Annotated[
    Annotated[str, StringConstraints(max_length=MAX_SEARCH_CHARS, pattern=r"^[^\x00]*$")] | None,
    Query(description="Only runs whose id, error or action's name contains this, whatever the case of letters"),
]


class FilterQuery:
    """Holds the filters of a request as they were sent; the app is looked up for the caller."""

    def __init__(
        self,
        app: AppQuery = None,
        action: _ActionQuery = None,
        state: _StateQuery = None,
        user: _UserQuery = None,
        cause: _CauseQuery = None,
        since: _FromQuery = None,
        until: _ToQuery = None,
        text: _TextQuery = None,
    ) -> None:
        self.app = app
        self._filters = RunFilters(
            action_id=None if action is None else ActionId(action),
            user_id=None if user is None else UserId(user),
            states=state or (),
            begun_by=cause or (),
            since=since,
            until=until,
            text=text or None,
        )

    async def filters(self, session: AsyncSession, actor: Actor) -> RunFilters:
        """Returns the filters for `actor`. Raises NotFound and Forbidden for an app that they may not use."""
        if self.app is None:
            return self._filters
        app = await get_usable_app(session, actor, self.app)
        return replace(self._filters, app_id=AppId(app.id))


FilterQueryDep = Annotated[FilterQuery, Depends()]


async def _run_filters(actor: RunActorDep, session: SessionDep, query: FilterQueryDep) -> RunFilters:
    return await query.filters(session, actor)


RunFiltersDep = Annotated[RunFilters, Depends(_run_filters)]

"""Reads lists of runs, newest first, with a bounded effort however many runs there are.

A part of a list looks at no more than a fixed number of runs, in an index, and says how to go on from there. So a
filter that hardly any run passes costs the caller requests, and nobody else.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import Select, func, select, text, tuple_
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_organization_ids
from platform_api.core.errors import Unprocessable
from platform_api.core.paging import (
    AfterCursor,
    NumberedPage,
    Order,
    Part,
    SortKey,
    Window,
    count_rows,
    read_cursor,
    write_cursor,
)
from platform_api.core.types import RunId
from platform_api.runs.listing.filters import RunFilters, admits
from platform_api.runs.models import Run
from platform_api.runs.service import get_runs, visible_runs

MAX_LOOKED_AT = 500_000
"""Runs at whose index entries one part of a list looks."""
MAX_SEARCHED = 100_000
"""The same with a text, for which the errors of runs are read."""
MAX_OF_A_TIME = 20_000
"""Runs of a time up to which the first and the last of them are looked for."""
_MAX_SECONDS = 5
_MAX_ID = 2**63 - 1

_NEWEST_FIRST = Order("runs", (SortKey(Run.id, is_descending=True),))


async def list_runs(session: AsyncSession, actor: Actor, filters: RunFilters, window: Window) -> Part[Run]:
    """Returns a part of the runs that `actor` may see and `filters` admit, newest first.

    A part after a cursor may have fewer runs than its limit, even none, although there are more: the list ends where
    there is no `next_cursor`. Raises Unprocessable for a wrong cursor, and when the search takes too long.
    """
    async with bounded_time(session):
        # The index is read in its order until there are enough: whoever sorts must have read all.
        await session.execute(text("set local enable_sort = off"))
        if isinstance(window, NumberedPage):
            return await _numbered_page(session, actor, filters, window)
        return await _part_after(session, actor, filters, window)


@asynccontextmanager
async def bounded_time(session: AsyncSession) -> AsyncIterator[None]:
    """Ends statements, from here to the end of the transaction, that take longer than 5 seconds.

    Raises Unprocessable for one of the block.
    """
    await session.execute(text(f"set local statement_timeout = '{_MAX_SECONDS}s'"))
    try:
        yield
    except DBAPIError as error:
        if isinstance(getattr(error.orig, "__cause__", None), asyncpg.QueryCanceledError):
            message = f"the search took longer than {_MAX_SECONDS} s; choose a shorter time with `from` and `to`"
            raise Unprocessable(message) from error
        raise


def narrow_columns() -> list[InstrumentedAttribute[Any]]:
    """Returns the columns that the indexes of lists hold, on which filters work."""
    return [Run.id, Run.created_at, Run.state, Run.app_id, Run.action_id, Run.user_id, Run.begun_by]


async def _numbered_page(session: AsyncSession, actor: Actor, filters: RunFilters, page: NumberedPage) -> Part[Run]:
    chosen = _newest(actor, _Reach(), Run.id).where(admits(actor, Run.__table__.c, filters))
    count = await count_rows(session, chosen)
    ids = await session.scalars(chosen.limit(page.per_page).offset((page.page - 1) * page.per_page))
    return Part(await _load(session, actor, ids.all()), count=count)


async def _part_after(session: AsyncSession, actor: Actor, filters: RunFilters, window: AfterCursor) -> Part[Run]:
    before = read_cursor(window.cursor, _NEWEST_FIRST)[0] if window.cursor else None
    reach = await _reach(session, actor, filters, before)
    if reach is None:
        return Part([])
    max_runs = MAX_LOOKED_AT if filters.text is None else MAX_SEARCHED
    looked_at = _newest(actor, reach, Run.organization_id, *narrow_columns()).limit(max_runs).subquery()
    chosen = select(looked_at.c.id).where(admits(actor, looked_at.c, filters))
    # As it is inside, or the planner would sort.
    chosen = chosen.order_by(looked_at.c.organization_id.desc(), looked_at.c.id.desc())
    ids = (await session.scalars(chosen.limit(window.limit + 1))).all()
    if len(ids) > window.limit:
        ids = ids[: window.limit]
        last = ids[-1]
    else:
        last = await session.scalar(_newest(actor, reach, Run.id).offset(max_runs - 1).limit(1))
    cursor = None if last is None else write_cursor([last], _NEWEST_FIRST)
    return Part(await _load(session, actor, ids), next_cursor=cursor)


@dataclass(frozen=True, slots=True)
class _Reach:
    """Holds the first and the last id of runs that are looked at."""

    first: int = 0
    last: int = _MAX_ID


async def _reach(session: AsyncSession, actor: Actor, filters: RunFilters, before: int | None) -> _Reach | None:
    """Returns between which ids to look for the runs of the filters' time, before `before`; None: there are none.

    The ends are known where the time has few runs. Where it has many, finding them would cost more than to look at
    runs in the order of their ids until there are enough.
    """
    reach = _Reach()
    if filters.since is not None or filters.until is not None:
        time = RunFilters(since=filters.since, until=filters.until)
        columns = Run.__table__.c
        newest = select(Run.id).where(visible_runs(actor), admits(actor, columns, time))
        newest = newest.order_by(Run.organization_id.desc(), Run.created_at.desc(), Run.id.desc())
        looked_at = newest.limit(MAX_OF_A_TIME + 1).subquery()
        ends = select(func.min(looked_at.c.id), func.max(looked_at.c.id), func.sum(1))
        first, last, runs = (await session.execute(ends)).one()
        if runs is None:
            return None
        reach = _Reach(first, last) if runs <= MAX_OF_A_TIME else reach
    return reach if before is None else _Reach(reach.first, min(reach.last, before - 1))


def _newest(actor: Actor, reach: _Reach, *columns: InstrumentedAttribute[Any]) -> Select[Any]:
    """Selects `columns` of the actor's runs within `reach`, newest first.

    The organization is written as a range, and is part of the order: only the index of an organization's runs can
    serve that. With an equation the planner may go through the runs of all organizations in the order of their ids.
    """
    # tenancy: the caller's own, as in `visible_runs`
    organization = visible_organization_ids(actor).scalar_subquery()
    place = tuple_(Run.organization_id, Run.id)
    statement = (
        select(*columns)
        .where(place >= tuple_(organization, reach.first), place <= tuple_(organization, reach.last))
        .order_by(Run.organization_id.desc(), Run.id.desc())
    )
    return statement if actor.app_id is None else statement.where(Run.app_id == actor.app_id)


async def _load(session: AsyncSession, actor: Actor, ids: Sequence[RunId]) -> list[Run]:
    return list(reversed(await get_runs(session, actor, ids))) if ids else []

"""Reads lists of runs, newest first, with a bounded effort however many runs there are.

A part of a list looks at no more than a fixed number of runs, in an index, and says how to go on from there. So a
filter that hardly any run passes costs the caller requests, and nobody else.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import ColumnElement, Select, and_, func, select, text, true
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from platform_api.accounts.actor import Actor
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
from platform_api.runs.service import visible_runs

MAX_LOOKED_AT = 1_000_000
"""Runs at whose index entries one part of a list looks."""
MAX_SEARCHED = 100_000
"""The same with a text, for which the errors of runs are read."""
_MAX_SECONDS = 5

_NEWEST_FIRST = Order("runs", (SortKey(Run.id, is_descending=True),))


async def list_runs(session: AsyncSession, actor: Actor, filters: RunFilters, window: Window) -> Part[Run]:
    """Returns a part of the runs that `actor` may see and `filters` admit, newest first.

    A part after a cursor may have fewer runs than its limit, even none, although there are more: the list ends where
    there is no `next_cursor`. Raises Unprocessable for a wrong cursor, and when the search takes too long.
    """
    async with bounded_time(session):
        if isinstance(window, NumberedPage):
            return await _numbered_page(session, actor, filters, window)
        return await _part_after(session, actor, filters, window)


@asynccontextmanager
async def bounded_time(session: AsyncSession) -> AsyncIterator[None]:
    """Ends statements of the block that take longer than 5 seconds. Raises Unprocessable then."""
    await session.execute(text(f"set local statement_timeout = '{_MAX_SECONDS}s'"))
    try:
        yield
    except DBAPIError as error:
        if isinstance(getattr(error.orig, "__cause__", None), asyncpg.QueryCanceledError):
            message = f"the search took longer than {_MAX_SECONDS} s; choose a shorter time with `from` and `to`"
            raise Unprocessable(message) from error
        raise
    await session.execute(text("set local statement_timeout to default"))


def narrow_columns() -> list[InstrumentedAttribute[Any]]:
    """Returns the columns that the indexes of lists hold, on which filters work."""
    return [Run.id, Run.created_at, Run.state, Run.app_id, Run.action_id, Run.user_id, Run.begun_by]


async def _numbered_page(session: AsyncSession, actor: Actor, filters: RunFilters, page: NumberedPage) -> Part[Run]:
    chosen = select(Run.id).where(visible_runs(actor), admits(actor, Run.__table__.c, filters))
    count = await count_rows(session, chosen)
    ids = await session.scalars(
        chosen.order_by(Run.id.desc()).limit(page.per_page).offset((page.page - 1) * page.per_page)
    )
    return Part(await _load(session, actor, ids.all()), count=count)


async def _part_after(session: AsyncSession, actor: Actor, filters: RunFilters, window: AfterCursor) -> Part[Run]:
    reach = await _reach(session, actor, filters)
    if reach is None:
        return Part([])
    place = reach.condition()
    if window.cursor:
        place &= Run.id < read_cursor(window.cursor, _NEWEST_FIRST)[0]
    max_runs = MAX_LOOKED_AT if filters.text is None else MAX_SEARCHED
    looked_at = _newest(actor, place).limit(max_runs).subquery()
    chosen = select(looked_at.c.id).where(admits(actor, looked_at.c, filters))
    ids = (await session.scalars(chosen.order_by(looked_at.c.id.desc()).limit(window.limit + 1))).all()
    cursor = None
    if len(ids) > window.limit:
        ids = ids[: window.limit]
        cursor = write_cursor([ids[-1]], _NEWEST_FIRST)
    else:
        last = await session.scalar(_newest(actor, place).with_only_columns(Run.id).offset(max_runs - 1).limit(1))
        cursor = None if last is None else write_cursor([last], _NEWEST_FIRST)
    return Part(await _load(session, actor, ids), next_cursor=cursor)


@dataclass(frozen=True, slots=True)
class _Reach:
    """Holds the first and the last id that a time can have."""

    first: int | None = None
    last: int | None = None

    def condition(self) -> ColumnElement[bool]:
        conditions = [] if self.first is None else [Run.id >= self.first]
        return and_(true(), *conditions, *([] if self.last is None else [Run.id <= self.last]))


async def _reach(session: AsyncSession, actor: Actor, filters: RunFilters) -> _Reach | None:
    """Returns the ids between which all runs of the filters' time are; None when there are none."""
    if filters.since is None and filters.until is None:
        return _Reach()
    time = RunFilters(since=filters.since, until=filters.until)
    statement = select(func.min(Run.id), func.max(Run.id)).where(
        visible_runs(actor), admits(actor, Run.__table__.c, time)
    )
    first, last = (await session.execute(statement)).one()
    return None if first is None else _Reach(first, last)


def _newest(actor: Actor, place: ColumnElement[bool]) -> Select[Any]:
    return select(*narrow_columns()).where(visible_runs(actor), place).order_by(Run.id.desc())


async def _load(session: AsyncSession, actor: Actor, ids: Sequence[RunId]) -> list[Run]:
    if not ids:
        return []
    runs = await session.scalars(select(Run).where(Run.id.in_(ids), visible_runs(actor)).order_by(Run.id.desc()))
    return list(runs)

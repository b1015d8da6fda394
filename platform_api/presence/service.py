"""Keeps account of presences, across all processes of the control plane."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import ColumnElement, column, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import User
from platform_api.accounts.tenancy import visible_to
from platform_api.core.errors import TooManyRequests
from platform_api.core.types import UserId
from platform_api.presence.access import visible_columns
from platform_api.presence.models import Cell, Person, Place, Presence, Visit

CHANNEL = "automio_presence"
"""Carries the key of a place where somebody came or went."""
ALIVE_SECONDS = 6.0
"""A process that holds connections shows every two seconds that it is there."""
MAX_OF_USER = 40
MAX_OF_ORGANIZATION = 500
_MAX_SHOWN = 50
_MAX_AT_ONCE = 1000


async def require_room(session: AsyncSession, actor: Actor) -> None:
    """Raises TooManyRequests when the user, or their organization, has as many documents open as it may have."""
    of_user = func.count().filter(Presence.user_id == actor.user_id)
    counts = select(of_user, func.count()).where(visible_to(actor, Presence.organization_id), _is_alive())
    by_user, by_all = (await session.execute(counts)).one()
    if by_user >= MAX_OF_USER:
        raise TooManyRequests(f"you have {MAX_OF_USER} documents open; close some", retry_after=30)
    if by_all >= MAX_OF_ORGANIZATION:
        message = f"your organization has {MAX_OF_ORGANIZATION} documents open; close some"
        raise TooManyRequests(message, retry_after=30)


async def renew(session: AsyncSession, visits: Sequence[Visit]) -> None:
    """Records that the connections of `visits` are there, and tells others of those that were not known."""
    for begin in range(0, len(visits), _MAX_AT_ONCE):
        rows = [_row(visit) for visit in visits[begin : begin + _MAX_AT_ONCE]]
        statement = insert(Presence).values(rows)
        now = {"seen_at": func.now(), **{name: statement.excluded[name] for name in ("edited_row", "edited_column")}}
        renewed = statement.on_conflict_do_update(index_elements=[Presence.id], set_=now)
        is_new = column("xmax") == 0
        places = await session.execute(renewed.returning(Presence.place_key, is_new.label("is_new")))
        await _announce(session, {row.place_key for row in places if row.is_new})


async def note_edit(session: AsyncSession, visit: Visit) -> None:
    """Records which cell is edited in a visit, and tells others."""
    await renew(session, [visit])
    await _announce(session, {visit.place.key})


async def leave(session: AsyncSession, visit: Visit) -> None:
    """Forgets a presence, and tells others."""
    await session.execute(delete(Presence).where(Presence.id == visit.id))
    await _announce(session, {visit.place.key})


async def forget_lost(session: AsyncSession) -> None:
    """Forgets the presences of processes that are gone, and tells others."""
    # tenancy: a matter of processes; whose presences they were does not count
    ids = select(Presence.id).where(~_is_alive()).with_for_update(skip_locked=True)
    lost = delete(Presence).where(Presence.id.in_(ids)).returning(Presence.place_key)
    await _announce(session, set(await session.scalars(lost)))


async def others_at(session: AsyncSession, actor: Actor, place: Place) -> Sequence[Person]:
    """Returns who else has the document open, by name; at most 50. Of what they edit, what `actor` may see."""
    name = func.coalesce(func.nullif(User.name, ""), User.email).label("name")
    present = (
        select(User.id, name, Presence.edited_row, Presence.edited_column)
        .join(User, User.id == Presence.user_id)
        .where(
            visible_to(actor, Presence.organization_id),
            Presence.place_key == place.key,
            Presence.app_id == place.app_id,
            Presence.document == place.document,
            Presence.user_id != actor.user_id,
            _is_alive(),
        )
        .distinct()
        .order_by(name, User.id)
        .limit(MAX_OF_ORGANIZATION)
    )
    people: dict[UserId, Person] = {}
    edited: dict[UserId, set[Cell]] = {}
    for row in await session.execute(present):
        people.setdefault(row.id, Person(row.id, row.name))
        if row.edited_row is not None and row.edited_column is not None:
            edited.setdefault(row.id, set()).add(Cell(row.edited_row, row.edited_column))
    shown = list(people.values())[:_MAX_SHOWN]
    if not edited:
        return shown
    columns = await visible_columns(session, actor, place)
    return [
        replace(
            person,
            edited=tuple(sorted(cell for cell in edited.get(person.id, ()) if cell.column in columns)),
        )
        for person in shown
    ]


def _row(visit: Visit) -> dict[str, object]:
    place = visit.place
    return {
        "id": visit.id,
        "organization_id": place.organization_id,
        "app_id": place.app_id,
        "user_id": visit.user_id,
        "document": place.document,
        "place_key": place.key,
        "edited_row": visit.edited.row if visit.edited else None,
        "edited_column": visit.edited.column if visit.edited else None,
    }


def _is_alive() -> ColumnElement[bool]:
    return Presence.seen_at > func.now() - timedelta(seconds=ALIVE_SECONDS)


async def _announce(session: AsyncSession, keys: Collection[int]) -> None:
    for key in keys:
        await session.execute(select(func.pg_notify(CHANNEL, str(key))))

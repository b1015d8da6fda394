"""Writes rows of a page in the transaction that stores how far the walk is.

The statements go to the app table itself, as the role that owns it, whatever engine serves GraphQL: only so are rows
and checkpoint one commit. The organization and the connection are always those of the run. A batch that PostgreSQL
refuses is halved until the faulty items are alone; the others are stored.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    TableClause,
    Text,
    Uuid,
    and_,
    cast,
    column,
    delete,
    func,
    or_,
    select,
    table,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.core.database import as_engine_role
from platform_api.core.types import ConnectionId, OrganizationId
from platform_api.syncs.errors import ItemRejected, RunFailed
from platform_api.syncs.rows.target import Change, Key, Refused, Target
from platform_api.tables.ddl.column_types import POSTGRES_TYPES, ColumnType

_BATCH = 500
_MAX_PARAMETERS = 30_000  # the protocol counts them with 16 bits
_SCHEMA = "public"
T = TypeVar("T")
_Work = Callable[[Sequence[T]], Awaitable[None]]


@dataclass(slots=True)
class Tally:
    """Counts what was done with the items of a page. `ids` are the rows that exist now."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    refused: list[Refused] = field(default_factory=list)
    ids: set[UUID] = field(default_factory=set)


class RowWriter:
    """Writes rows of one table for one connection of one organization."""

    def __init__(self, target: Target, organization_id: OrganizationId, connection_id: ConnectionId) -> None:
        self._target = target
        self._organization_id = organization_id
        self._connection_id = connection_id
        definition = target.definition
        self._table: TableClause = table(
            definition.physical.table,
            column("id", Uuid()),
            column("organization_id", Integer()),
            column("connection_id", BigInteger()),
            *(
                column(
                    item.name, JSONB(none_as_null=True) if item.type is ColumnType.JSON else POSTGRES_TYPES[item.type]
                )
                for item in definition.columns
            ),
            schema=_SCHEMA,
        )
        width = len(target.sources) + 4
        self._batch = max(1, min(_BATCH, _MAX_PARAMETERS // width))

    async def write(self, session: AsyncSession, changes: Sequence[Change]) -> Tally:
        """Inserts, updates and tombstones rows in the transaction of `session`. Raises RunFailed."""
        tally = Tally()
        rows = [change for change in changes if change.row is not None]
        deleted = [change for change in changes if change.row is None]

        async def upsert(part: Sequence[Change]) -> None:
            await self._upsert(session, part, tally)

        async def remove(part: Sequence[Change]) -> None:
            keys = self._has_key([change.key for change in part])
            tally.deleted += await self._remove(session, keys)

        def refuse(change: Change, error: ItemRejected) -> None:
            tally.refused.append(Refused(change.number, change.key, error.reason, error.column))

        await self._in_batches(session, rows, upsert, refuse)
        await self._in_batches(session, deleted, remove, refuse)
        return tally

    async def remove_rows(self, session: AsyncSession, ids: Sequence[UUID]) -> tuple[int, list[tuple[UUID, str]]]:
        """Tombstones rows by id; returns how many, and the rows for which it failed, with the reason."""
        removed, refused = 0, []

        async def remove(part: Sequence[UUID]) -> None:
            nonlocal removed
            removed += await self._remove(session, self._table.c.id.in_(part))

        await self._in_batches(session, ids, remove, lambda row_id, error: refused.append((row_id, error.reason)))
        return removed, refused

    async def find_ids(self, session: AsyncSession, keys: Sequence[Key]) -> set[UUID]:
        """Returns the ids of the rows with these keys: their items were seen, though they could not be stored."""
        ids: set[UUID] = set()
        async with as_engine_role(session):
            for start in range(0, len(keys), _BATCH):
                condition = self._has_key(keys[start : start + _BATCH])
                ids |= set(await session.scalars(select(self._table.c.id).where(self._is_ours(), condition)))
        return ids

    async def _in_batches(
        self,
        session: AsyncSession,
        items: Sequence[T],
        work: Callable[[Sequence[T]], Awaitable[None]],
        refuse: Callable[[T, ItemRejected], object],
    ) -> None:
        waiting = [items[start : start + self._batch] for start in range(0, len(items), self._batch)]
        waiting.reverse()
        while waiting:
            part = waiting.pop()
            try:
                async with session.begin_nested(), as_engine_role(session):
                    await work(part)
            except DBAPIError as error:
                fault = self._fault(error)
                if len(part) == 1:
                    refuse(part[0], fault)
                    continue
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]

    async def _upsert(self, session: AsyncSession, changes: Sequence[Change], tally: Tally) -> None:
        rows = [{**(change.row or {}), "organization_id": self._organization_id} for change in changes]
        insertion = insert(self._table).values(rows)
        fixed = {"organization_id", *self._target.key}
        statement = insertion.on_conflict_do_update(
            constraint=self._target.constraint,
            set_={name: insertion.excluded[name] for name in rows[0] if name not in fixed or name == "connection_id"},
            where=self._is_of_connection(or_null=True),
        ).returning(
            self._table.c.id,
            (cast(column("xmax"), Text) == "0").label("is_new"),
            *(self._table.c[name].label(f"key_{number}") for number, name in enumerate(self._target.key)),
        )
        written = set()
        inserted = updated = 0
        ids = set()
        for row_id, is_new, *key in await session.execute(statement):
            written.add(tuple(key))
            ids.add(row_id)
            inserted, updated = inserted + bool(is_new), updated + (not is_new)
        tally.inserted += inserted
        tally.updated += updated
        tally.ids |= ids
        if len(written) < len(changes):
            reason = "a row with this key belongs to another connection; put connection_id into the unique key"
            tally.refused += [
                Refused(change.number, change.key, reason) for change in changes if change.key not in written
            ]

    async def _remove(self, session: AsyncSession, condition: ColumnElement[bool]) -> int:
        where = and_(self._is_ours(), condition)
        marked = self._target.tombstone_column
        if marked is None:
            statement: Any = delete(self._table).where(where)
        else:
            place = self._table.c[marked.name]
            is_boolean = marked.type is ColumnType.BOOLEAN
            not_marked = place.is_not(True) if is_boolean else place.is_(None)
            statement = (
                update(self._table).where(where, not_marked).values({place: True if is_boolean else func.now()})
            )
        return len((await session.scalars(statement.returning(self._table.c.id))).all())

    def _has_key(self, keys: Sequence[Key]) -> ColumnElement[bool]:
        return tuple_(*(self._table.c[name] for name in self._target.key)).in_(keys)

    def _is_ours(self) -> ColumnElement[bool]:
        # tenancy: the run's own organization; the run names it, no caller does
        return and_(self._table.c.organization_id == self._organization_id, self._is_of_connection())

    def _is_of_connection(self, *, or_null: bool = False) -> ColumnElement[bool]:
        ours = self._table.c.connection_id == self._connection_id
        return or_(ours, self._table.c.connection_id.is_(None)) if or_null else ours

    def _fault(self, error: DBAPIError) -> ItemRejected:
        """Returns why rows were refused. Raises RunFailed if the table changed, the error itself if it is unknown."""
        cause = error.orig.__cause__ if error.orig is not None else None
        if isinstance(
            cause, asyncpg.UndefinedTableError | asyncpg.UndefinedColumnError | asyncpg.UndefinedObjectError
        ):
            raise RunFailed(f"the table was changed during the run: {cause.args[0]}") from error
        if isinstance(cause, asyncpg.IntegrityConstraintViolationError):
            return self._explained(cause)
        if isinstance(cause, asyncpg.DataError):
            return ItemRejected(f"PostgreSQL cannot store it: {str(cause)[:200]}")
        if isinstance(cause, asyncpg.ProgramLimitExceededError):
            return ItemRejected(f"too large: {str(cause)[:200]}")
        raise error

    def _explained(self, cause: asyncpg.IntegrityConstraintViolationError) -> ItemRejected:
        definition, physical = self._target.definition, self._target.definition.physical
        constraint = cause.constraint_name or ""
        if isinstance(cause, asyncpg.NotNullViolationError):
            return ItemRejected("a value is required", cause.column_name)
        for reference in definition.references:
            if constraint == physical.foreign_key(reference.column):
                return ItemRejected("the row it refers to does not exist", reference.column)
        for key in definition.unique:
            if constraint == physical.unique_key(key.columns, name=key.name):
                return ItemRejected(f"another row has this {', '.join(key.columns)}")
        if isinstance(cause, asyncpg.ForeignKeyViolationError | asyncpg.RestrictViolationError):
            return ItemRejected("other rows refer to this row, so it cannot be deleted")
        return ItemRejected(f"it violates the constraint {constraint}"[:200])

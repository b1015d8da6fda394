"""Finds rows whose time has come, each for one process only, with organizations taking turns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

AT_ONCE = 20
"""Rows of one transaction: what fails in it is repeated with it."""
_LOOKED_AT = 1000

RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True)
class DueRows(Generic[RowT]):
    """Describes rows with a next time: which column has it, which rows count, and between whom it is shared out."""

    model: type[RowT]
    key: InstrumentedAttribute[Any]
    next_at: InstrumentedAttribute[Any]
    share: InstrumentedAttribute[Any]
    is_on: ColumnElement[bool]

    async def lock(self, session: AsyncSession) -> Sequence[RowT]:
        """Locks and returns at most `AT_ONCE` rows that are due and no other process has at hand.

        The earliest of each organization come first: a thousand of one keep nobody else's waiting. Whoever moves
        `next_at` in the same transaction does for each time what is to be done exactly once.
        """
        is_due = self.is_on & (self.next_at <= func.now())
        earliest = (
            select(self.key.label("key"), self.next_at.label("next_at"), self.share.label("share"))
            .where(is_due)
            .order_by(self.next_at)
            .limit(_LOOKED_AT)
            .subquery()
        )
        turn = func.row_number().over(partition_by=earliest.c.share, order_by=earliest.c.next_at)
        ranked = select(earliest.c.key, turn.label("turn")).subquery()
        statement = (
            select(self.model)
            .join(ranked, ranked.c.key == self.key)
            # Again, of the row as it is once it is locked.
            .where(is_due)
            .order_by(ranked.c.turn, self.next_at)
            .limit(AT_ONCE)
            .with_for_update(of=self.model, skip_locked=True)
        )
        return (await session.scalars(statement)).all()


async def database_time(session: AsyncSession) -> datetime:
    """Returns when the transaction began, by the database's clock: all processes plan by the same one."""
    return (await session.scalars(select(func.now()))).one()

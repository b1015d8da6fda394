"""Reads lists in numbered pages, as the contract has them."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import Select, SQLColumnExpression, func, select
from sqlalchemy.ext.asyncio import AsyncSession

T = TypeVar("T")


async def count_rows(session: AsyncSession, chosen: Select[*tuple[Any, ...]]) -> int:
    """Returns how many rows a query has."""
    return await session.scalar(select(func.count()).select_from(chosen.order_by(None).subquery())) or 0


async def paginate(
    session: AsyncSession, chosen: Select[T], *order: SQLColumnExpression[Any], page: int, per_page: int
) -> tuple[int, Sequence[T]]:
    """Returns how many items there are, and those of one page; pages count from 1."""
    items = chosen.order_by(*order).limit(per_page).offset((page - 1) * per_page)
    return await count_rows(session, chosen), (await session.scalars(items)).all()

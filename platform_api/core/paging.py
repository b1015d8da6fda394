"""Reads lists in parts: numbered pages with a count, as the contract has them, or from a cursor on, without a count.

A numbered page counts all rows and skips those before it, so it grows slower with the list, and rows that come or go
between two pages are read twice or not at all. A cursor holds the sort values of the last row that was read; the
next part is what sorts after them. It costs the same at any depth, and a row that stays is read exactly once, as
long as its own sort values stay.

A cursor grants nothing: who may see which rows is part of the statement, never of the cursor. Its checksum tells a
caller about a mistake (a damaged cursor, or one of another list or order) and keeps no secret: whoever computes one
gets to a place of the same list.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, Literal, TypeAlias, TypeVar, TypeVarTuple, cast
from uuid import UUID

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    SQLColumnExpression,
    and_,
    false,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeEngine

from platform_api.core.errors import Unprocessable

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MAX_CURSOR_CHARS = 4096
MAX_SEARCH_CHARS = 100

_CHECKSUM_BYTES = 12


@dataclass(frozen=True, slots=True)
class SortKey:
    """Describes one column of an order. `nulls` says where NULLs are; None when the column holds none."""

    column: SQLColumnExpression[Any]
    is_descending: bool = False
    nulls: Literal["first", "last"] | None = None

    def reversed(self) -> "SortKey":
        """Returns the key of the opposite order, NULLs at the other end, so that one index serves both."""
        nulls: dict[str | None, Literal["first", "last"]] = {"first": "last", "last": "first"}
        return replace(self, is_descending=not self.is_descending, nulls=nulls.get(self.nulls))

    def clause(self) -> ColumnElement[Any]:
        """Returns the key as it stands in ORDER BY."""
        clause = self.column.desc() if self.is_descending else self.column.asc()
        if self.nulls is None:
            return clause
        return clause.nulls_first() if self.nulls == "first" else clause.nulls_last()

    def equals(self, value: Any) -> ColumnElement[bool]:
        """Returns the condition that a row has `value`, which may be None."""
        return self.column.is_(None) if value is None else self.column == self.literal(value)

    def follows(self, value: Any) -> ColumnElement[bool]:
        """Returns the condition that a row sorts after `value` by this key alone."""
        if value is None:
            return self.column.is_not(None) if self.nulls == "first" else false()
        bound = self.literal(value)
        follows = self.column < bound if self.is_descending else self.column > bound
        return or_(follows, self.column.is_(None)) if self.nulls == "last" else follows

    def literal(self, value: Any) -> ColumnElement[Any]:
        """Returns `value` as the statement's parameter, of the column's type."""
        return literal(value, self.type)

    @property
    def type(self) -> TypeEngine[Any]:
        """Returns the column's type."""
        return cast("ColumnElement[Any]", self.column).type


@dataclass(frozen=True, slots=True)
class Order:
    """Describes a total order of a list: the last key is unique and holds no NULLs. `name` tells it from others."""

    name: str
    keys: tuple[SortKey, ...]

    def clauses(self) -> list[ColumnElement[Any]]:
        """Returns the terms of ORDER BY."""
        return [key.clause() for key in self.keys]

    def follows(self, values: Sequence[Any]) -> ColumnElement[bool]:
        """Returns the condition that a row comes after the one with the sort values `values`."""
        directions = {key.is_descending for key in self.keys}
        if len(directions) == 1 and all(key.nulls is None for key in self.keys):
            # One comparison of rows, which an index on the keys answers as a range.
            left = tuple_(*[key.column for key in self.keys])
            right = tuple_(*[key.literal(value) for key, value in zip(self.keys, values, strict=True)])
            return left < right if self.keys[0].is_descending else left > right
        alternatives = []
        for position, key in enumerate(self.keys):
            before = [key.equals(value) for key, value in zip(self.keys[:position], values, strict=False)]
            alternatives.append(and_(*before, key.follows(values[position])))
        # The first condition follows from the rest; an index on the first key can use it.
        first = or_(self.keys[0].follows(values[0]), self.keys[0].equals(values[0]))
        return and_(first, or_(*alternatives))


class Orders:
    """Holds the orders that a list offers: each word, and with `-` before it the reverse; ties by the unique `key`.

    A list whose rows have an ascending id gives `created_at` as that id: the primary key serves it.
    """

    def __init__(
        self, list_name: str, key: SQLColumnExpression[Any], **words: SortKey | SQLColumnExpression[Any]
    ) -> None:
        self._list_name = list_name
        self._key = SortKey(key)
        self._words = {word: key if isinstance(key, SortKey) else SortKey(key) for word, key in words.items()}

    def of(self, word: str, *, within: object = "") -> Order:
        """Returns the order of `word`; `within` names what the list belongs to, for instance an app's id."""
        name = f"{self._list_name}:{within}:{word}"
        first = self._words[word.removeprefix("-")]
        keys = (first,) if first.column is self._key.column else (first, self._key)
        return Order(name, tuple(key.reversed() for key in keys) if word.startswith("-") else keys)


@dataclass(frozen=True, slots=True)
class NumberedPage:
    """Requests the part of a list by its number; pages count from 1."""

    page: int
    per_page: int


@dataclass(frozen=True, slots=True)
class AfterCursor:
    """Requests at most `limit` items after `cursor`, or the first ones."""

    limit: int
    cursor: str | None = None


Window: TypeAlias = NumberedPage | AfterCursor


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """Holds a part of a list. `count` of a numbered page is the length of the list; else there is `next_cursor`."""

    items: list[T]
    count: int | None = None
    next_cursor: str | None = None


async def read_rows(session: AsyncSession, chosen: Select[*Ts], order: Order, window: Window) -> Part[tuple[*Ts]]:
    """Returns a part of the rows of `chosen`, which has no order of its own.

    Raises Unprocessable for a cursor that is damaged or belongs to another list or order.
    """
    ordered = chosen.order_by(None).order_by(*order.clauses())
    if isinstance(window, NumberedPage):
        statement = ordered.limit(window.per_page).offset((window.page - 1) * window.per_page)
        count = await count_rows(session, chosen)
        return Part([cast("tuple[*Ts]", tuple(row)) for row in await session.execute(statement)], count=count)
    if window.cursor:
        ordered = ordered.where(order.follows(read_cursor(window.cursor, order)))
    # One row more than is returned tells whether there is a next part.
    labels: list[ColumnElement[Any]] = [
        key.column.label(f"sort_key_{number}") for number, key in enumerate(order.keys)
    ]
    rows = [tuple(row) for row in await session.execute(ordered.add_columns(*labels).limit(window.limit + 1))]
    cursor = None
    if len(rows) > window.limit:
        rows.pop()
        cursor = write_cursor(rows[-1][-len(labels) :], order)
    return Part([cast("tuple[*Ts]", row[: -len(labels)]) for row in rows], next_cursor=cursor)


async def read_items(session: AsyncSession, chosen: Select[T], order: Order, window: Window) -> Part[T]:
    """Returns a part of a list as `read_rows` does, for a statement that selects one thing."""
    part = await read_rows(session, chosen, order, window)
    return Part([row[0] for row in part.items], part.count, part.next_cursor)


async def count_rows(session: AsyncSession, chosen: Select[*tuple[Any, ...]]) -> int:
    """Returns how many rows a query has."""
    return await session.scalar(select(func.count()).select_from(chosen.order_by(None).subquery())) or 0


async def paginate(
    session: AsyncSession, chosen: Select[T], *order: SQLColumnExpression[Any], page: int, per_page: int
) -> tuple[int, Sequence[T]]:
    """Returns how many items there are, and those of one page; pages count from 1."""
    items = chosen.order_by(*order).limit(per_page).offset((page - 1) * per_page)
    return await count_rows(session, chosen), (await session.scalars(items)).all()


def contains(search: str, *columns: SQLColumnExpression[str]) -> ColumnElement[bool]:
    """Returns the condition that one of `columns` contains `search` literally, whatever the case of letters."""
    return or_(*[column.icontains(search, autoescape=True) for column in columns])


def write_cursor(values: Sequence[Any], order: Order) -> str:
    """Returns the cursor of the row with the sort values `values`."""
    content = orjson.dumps([str(value) if isinstance(value, Decimal | UUID) else value for value in values])
    return base64.urlsafe_b64encode(_checksum(content, order) + content).decode().rstrip("=")


def read_cursor(cursor: str, order: Order) -> list[Any]:
    """Returns the sort values in a cursor, each of its column's type. Raises Unprocessable."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        content = raw[_CHECKSUM_BYTES:]
        # A cursor has one spelling, so the unused bits of its last character count as well.
        canonical = base64.urlsafe_b64encode(raw).decode().rstrip("=") == cursor
        if not canonical or raw[:_CHECKSUM_BYTES] != _checksum(content, order):
            raise ValueError
        values = orjson.loads(content)
        if not isinstance(values, list) or len(values) != len(order.keys):
            raise ValueError
        return [_typed(value, key) for value, key in zip(values, order.keys, strict=True)]
    except (ValueError, OverflowError, InvalidOperation, binascii.Error):
        raise Unprocessable(
            "cursor: it is damaged or belongs to another list or order; send `next_cursor` of the part before"
            " unchanged, with the same `order`, or begin without a cursor"
        ) from None


def _checksum(content: bytes, order: Order) -> bytes:
    shape = [order.name, *[f"{key.is_descending}{key.nulls}{key.column}" for key in order.keys]]
    return hashlib.sha256(orjson.dumps(shape) + content).digest()[:_CHECKSUM_BYTES]


def _typed(value: Any, key: SortKey) -> Any:
    """Returns a value of a cursor as its column's type, in the column's range: the driver must not fail on it."""
    if value is None:
        if key.nulls is None:
            raise ValueError
        return None
    expected = key.type.python_type
    if expected is int:
        bits = 63 if isinstance(key.type, BigInteger) else 31
        if type(value) is not int or not -(2**bits) <= value < 2**bits:
            raise ValueError
        return value
    if expected is bool:
        if type(value) is not bool:
            raise ValueError
        return value
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError
    if expected is datetime:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError
        return at.astimezone(UTC)
    if expected is Decimal:
        number = Decimal(value)
        if not number.is_finite() or abs(number.adjusted()) > 1000:
            raise ValueError
        return number
    return UUID(value) if expected is UUID else value

"""Keyset lists: the pages are the sorted list, whatever the order, the page size and what changes meanwhile."""

import asyncio
import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cmp_to_key
from typing import Any, Literal, cast
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Boolean, Column, MetaData, Table, Text, Uuid, delete, insert, select
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.core.database import Database
from platform_api.core.errors import Unprocessable
from platform_api.core.paging import (
    AfterCursor,
    Order,
    Orders,
    SortKey,
    _checksum,
    read_cursor,
    read_items,
    read_rows,
    write_cursor,
)

THINGS = Table(
    "things",
    MetaData(),
    Column("id", BigInteger, primary_key=True),
    Column("name", Text(collation="C"), nullable=False),
    Column("rank", BigInteger, nullable=True),
    Column("seen_at", TIMESTAMP(timezone=True), nullable=True),
    Column("is_done", Boolean, nullable=False),
    Column("uid", Uuid, nullable=False),
    prefixes=["temporary"],
)
NULLABLE = ("rank", "seen_at")
Thing = dict[str, Any]
Nulls = Literal["first", "last"]

_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3)
_content = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["", "a", "A", "ä", "%_", "\U0001f600"]) | _text,
        "rank": st.none() | st.integers(-1, 1) | st.sampled_from([-(2**63), 2**63 - 1]),
        "seen_at": st.none() | st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),
        "is_done": st.booleans(),
        "uid": st.uuids() | st.just(UUID(int=0)),
    }
)
_rows = st.lists(_content, max_size=12)


@st.composite
def _keys(draw: st.DrawFn) -> tuple[SortKey, ...]:
    names = draw(st.lists(st.sampled_from(["name", "rank", "seen_at", "is_done", "uid"]), unique=True, max_size=3))
    keys = []
    for name in [*names, "id"]:
        nulls: Nulls | None = draw(st.sampled_from(["first", "last"])) if name in NULLABLE else None
        keys.append(SortKey(THINGS.c[name], draw(st.booleans()), nulls))
    return tuple(keys)


@dataclass(frozen=True)
class _Session:
    """A session whose temporary table lasts for one example."""

    loop: asyncio.Runner
    database: Database

    def run(self, example: Any) -> None:
        async def run() -> None:
            async with self.database.sessions() as session:
                await session.run_sync(lambda sync: THINGS.create(sync.connection()))
                await example(session)

        self.loop.run(run())


@pytest.fixture(scope="module")
def session(module_database_url: str) -> Iterator[_Session]:
    with asyncio.Runner() as loop:
        database = Database(module_database_url, pool_size=1)
        yield _Session(loop, database)
        loop.run(database.close())


def _sorted(rows: list[Thing], keys: tuple[SortKey, ...]) -> list[int]:
    """Ids in the order of `keys`, as Python sorts them."""

    def compare(left: Thing, right: Thing) -> int:
        for key in keys:
            name = cast("Column[Any]", key.column).name
            a, b = left[name], right[name]
            if a == b:
                continue
            if a is None or b is None:
                return 1 if (a is None) == (key.nulls == "last") else -1
            return 1 if (a > b) != key.is_descending else -1
        return 0

    return [row["id"] for row in sorted(rows, key=cmp_to_key(compare))]


async def _store(session: AsyncSession, rows: list[Thing]) -> None:
    if rows:
        await session.execute(insert(THINGS), rows)


@given(_rows, _keys(), st.integers(1, 5))
def test_the_pages_are_the_sorted_list(
    session: _Session, contents: list[Thing], keys: tuple[SortKey, ...], limit: int
) -> None:
    rows = [{"id": number, **content} for number, content in enumerate(contents)]
    order = Order("things", keys)

    async def example(open_session: AsyncSession) -> None:
        await _store(open_session, rows)
        pages, cursor = [], None
        while True:
            part = await read_items(open_session, select(THINGS.c.id), order, AfterCursor(limit, cursor))
            assert part.count is None
            pages.append(part.items)
            cursor = part.next_cursor
            if cursor is None:
                break
        assert [item for page in pages for item in page] == _sorted(rows, keys)
        assert all(len(page) == limit for page in pages[:-1])
        assert pages[-1] or len(pages) == 1, "no empty page at the end"

    session.run(example)


@given(_rows, _keys(), st.integers(1, 3), st.lists(st.tuples(_rows, st.sets(st.integers(0, 11))), max_size=5))
def test_rows_that_stay_are_read_once_while_others_come_and_go(
    session: _Session,
    contents: list[Thing],
    keys: tuple[SortKey, ...],
    limit: int,
    changes: list[tuple[list[Thing], set[int]]],
) -> None:
    order = Order("things", keys)

    async def example(open_session: AsyncSession) -> None:
        ever = [{"id": number * 7, **content} for number, content in enumerate(contents)]
        staying = {row["id"] for row in ever}
        await _store(open_session, ever)
        read: list[int] = []
        cursor, pending = None, list(changes)
        while True:
            part = await read_items(open_session, select(THINGS.c.id), order, AfterCursor(limit, cursor))
            read += part.items
            cursor = part.next_cursor
            if cursor is None:
                break
            if pending:
                added, removed = pending.pop()
                # Also the row that the cursor was taken from may go.
                gone = {number * 7 for number in removed} | ({part.items[-1]} if len(removed) % 2 else set())
                staying -= gone
                await open_session.execute(delete(THINGS).where(THINGS.c.id.in_(gone)))
                new = [{"id": 1 + len(ever) * 7 + number, **content} for number, content in enumerate(added)]
                await _store(open_session, new)
                ever += new
        assert len(set(read)) == len(read)
        assert staying <= set(read)
        by_id = {row["id"]: row for row in ever}
        assert _sorted([by_id[item] for item in read], keys) == read

    session.run(example)


def test_a_part_keeps_the_columns_of_the_statement(session: _Session) -> None:
    row = {"id": 1, "name": "a", "rank": None, "seen_at": None, "is_done": True, "uid": UUID(int=7)}

    async def example(open_session: AsyncSession) -> None:
        await _store(open_session, [row, {**row, "id": 2}])
        order = Orders("things", THINGS.c.id, name=THINGS.c.name).of("-name")
        part = await read_rows(open_session, select(THINGS.c.name, THINGS.c.uid), order, AfterCursor(1))
        assert part.items == [("a", UUID(int=7))]
        assert part.next_cursor is not None

    session.run(example)


ORDERS = Orders(
    "things",
    THINGS.c.id,
    created_at=THINGS.c.id,
    name=THINGS.c.name,
    rank=SortKey(THINGS.c.rank, nulls="last"),
    seen_at=SortKey(THINGS.c.seen_at, nulls="last"),
    is_done=THINGS.c.is_done,
    uid=THINGS.c.uid,
)


def _cursor() -> str:
    return write_cursor(["name", 12], ORDERS.of("name"))


@given(st.data())
def test_a_changed_cursor_is_refused(data: st.DataObject) -> None:
    cursor = _cursor()
    at = data.draw(st.integers(0, len(cursor) - 1))
    changed = cursor[:at] + data.draw(st.text(max_size=2)) + cursor[at + data.draw(st.integers(0, 2)) :]
    if changed == cursor:
        assert read_cursor(changed, ORDERS.of("name")) == ["name", 12]
        return
    with pytest.raises(Unprocessable, match="damaged or belongs to another"):
        read_cursor(changed, ORDERS.of("name"))


@pytest.mark.parametrize(
    "order",
    [
        ORDERS.of("-name"),
        ORDERS.of("created_at"),
        ORDERS.of("name", within=7),
        Orders("others", THINGS.c.id, name=THINGS.c.name).of("name"),
    ],
)
def test_a_cursor_of_another_list_or_order_is_refused(order: Order) -> None:
    with pytest.raises(Unprocessable, match="damaged or belongs to another"):
        read_cursor(_cursor(), order)


_json = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=5)
)
_hostile = st.sampled_from(
    ["\0", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2020-01-01", "{", "1e999", str(2**70)]
)


@given(
    st.sampled_from(["created_at", "name", "-rank", "seen_at", "is_done", "uid"]),
    st.lists(_json | _hostile | st.lists(st.none(), max_size=2), max_size=3),
)
def test_a_forged_checksum_gets_a_place_in_the_list_or_a_refusal(
    session: _Session, word: str, values: list[Any]
) -> None:
    """What a caller computes himself never makes the database or the driver fail."""
    order = ORDERS.of(word)
    try:
        content = orjson.dumps(values)
    except TypeError:  # half of a surrogate pair, which JSON cannot carry
        return
    cursor = base64.urlsafe_b64encode(_checksum(content, order) + content).decode().rstrip("=")

    async def example(open_session: AsyncSession) -> None:
        try:
            part = await read_items(open_session, select(THINGS.c.id), order, AfterCursor(5, cursor))
        except Unprocessable:
            return
        assert part.items == []

    session.run(example)

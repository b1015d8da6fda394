"""Streams by columns of every type that has an order: each row once, none held up by rows without a value."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.hasura.engine.serving.clients import Client, client_of
from tests.hasura.engine.serving.conftest import Served


@dataclass(frozen=True, slots=True)
class Cursor:
    """A column's type and its values in their order, as PostgreSQL writes them."""

    type: str
    values: tuple[str, str, str]


_CURSORS = {
    "number": Cursor("numeric", ("1.10", "12345678901234567890.5", "NaN")),
    "big": Cursor("bigint", ("-1", "9007199254740993", "9223372036854775807")),
    "ratio": Cursor("double precision", ("-Infinity", "0.1", "NaN")),
    "cash": Cursor("money", ("-$1.00", "$1.50", "$1,234.50")),
    "day": Cursor("date", ("0044-03-15 BC", "2024-02-29", "infinity")),
    "moment": Cursor("timestamptz", ("-infinity", "2024-01-01 00:00:00.000001+00", "2024-01-01 00:00:00.000002+00")),
    "clock": Cursor("time", ("00:00:00", "12:34:56.789", "24:00:00")),
    "wait": Cursor("interval", ("-1 days", "00:00:01", "1 mon")),
    "key": Cursor(
        "uuid",
        (
            "00000000-0000-0000-0000-000000000001",
            "00000000-0000-0000-0000-000000000002",
            "a0000000-0000-0000-0000-000000000000",
        ),
    ),
    "words": Cursor("text", ("", "it's", "zebra")),
    "folded": Cursor("citext", ("a", "B", "c")),
    "padded": Cursor("char(3)", ("a  ", "b  ", "c  ")),
    "bytes": Cursor("bytea", ("\\x", "\\x00", "\\xff")),
    "flag": Cursor("bit(2)", ("00", "01", "11")),
    "host": Cursor("inet", ("10.0.0.1", "10.0.0.2", "::1")),
    "label": Cursor("stage", ("new", "in progress", "done")),
    "pair": Cursor("pair", ("(1,a)", "(1,b)", "(2,)")),
    "names": Cursor("text[]", ("{}", "{a}", "{a,NULL}")),
    "grid": Cursor("integer[]", ("{{1,2},{3,4}}", "{{1,2},{3,5}}", "{{2,2},{3,4}}")),
    "span": Cursor("int4range", ("empty", "[1,5)", "[2,3)")),
    "spans": Cursor("datemultirange", ("{}", "{[2024-01-01,2024-01-02)}", "{[2024-01-01,2024-01-03)}")),
    "document": Cursor("jsonb", ('"a"', "1", '{"a": 1}')),
    "way": Cursor("ltree", ("a", "a.b", "b")),
}


@pytest.fixture
def cursors(serve: Callable[..., Served]) -> Served:
    served = serve(streaming_refetch_seconds=0.05)
    columns = ", ".join(f"{name} {cursor.type}" for name, cursor in _CURSORS.items())
    served.sql(
        "create extension if not exists citext; create extension if not exists ltree;"
        "create type stage as enum ('new', 'in progress', 'done'); create type pair as (a integer, b text);"
        f"create table cursors (id integer primary key, {columns})"
    )
    for place in range(3):
        values = ", ".join("'" + cursor.values[place].replace("'", "''") + "'" for cursor in _CURSORS.values())
        served.sql(f"insert into cursors values ({place}, {values})")
    served.sql("insert into cursors (id) values (3), (4)")
    served.metadata("pg_track_table", table="cursors")
    return served


def _ids(client: Client, name: str, arguments: str, count: int) -> Iterator[int]:
    client.start(name, f"subscription {{ rows: cursors_stream({arguments}) {{ id }} }}")
    seen = 0
    while seen < count:
        rows = client.next_data(name, 5)["data"]["rows"]
        seen += len(rows)
        yield from (row["id"] for row in rows)
    client.stop(name)


def test_every_row_comes_once_in_either_order_and_none_without_a_value(cursors: Served) -> None:
    with client_of(cursors) as client:
        for name in _CURSORS:
            for batch, ordering, expected in ((1, "ASC", [0, 1, 2]), (10, "ASC", [0, 1, 2]), (1, "DESC", [2, 1, 0])):
                start = f"cursor: {{initial_value: {{{name}: null}}, ordering: {ordering}}}"
                identifier = f"{name} {batch} {ordering}"
                found = list(_ids(client, identifier, f"batch_size: {batch}, {start}", 3))

                assert found == expected, identifier

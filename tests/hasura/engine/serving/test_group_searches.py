"""The first few of the many rows of each key that pass a filter: the same rows, however few or many pass."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.hasura.engine.serving.conftest import Served

_ROWS, _SHELVES = 60_000, 30
# Half of all books are of kind 1, one in a hundred of kind 2, four of kind 3. Shelf 2 has no books of kind 1, shelf 3
# only three books, all of kind 1.
_DDL = f"""
create table kind (id integer primary key, name text);
create table shelf (id integer primary key, name text);
create table book (id integer primary key, shelf_id integer, kind_id integer references kind, place integer);
create table loan (id integer primary key, shelf_id integer, kind_id integer);
insert into kind values (1, 'frequent'), (2, 'middling'), (3, 'rare'), (4, 'other'), (5, 'absent');
insert into shelf select n, 'Shelf ' || n from generate_series(1, {_SHELVES + 1}) n;
insert into book select n, case when n <= 3 then 3 when n % 7 = 0 then null else 4 + n * 7 % ({_SHELVES} - 3) end,
  case when n <= 3 then 1 when n in (30000, 30001, 50000, 50001) then 3 when n % 100 = 13 then 2
       when n % 2 = 0 then 1 else 4 end, {_ROWS} - n from generate_series(1, {_ROWS}) n;
update book set shelf_id = 2 where kind_id <> 1 and id % 13 = 0;
insert into loan select id, shelf_id, kind_id from book;
create index on book (shelf_id, id);
create index on book (shelf_id, place);
create index on book (kind_id);
analyze;
"""


@pytest.fixture
def library(serve: Callable[..., Served]) -> Served:
    served = serve()
    served.sql(_DDL)
    for table in ("kind", "shelf", "book", "loan"):
        served.metadata("pg_track_table", source="default", table=table)
    of_kind = {"foreign_key_constraint_on": "kind_id"}
    served.metadata("pg_create_object_relationship", source="default", table="book", name="kind", using=of_kind)
    for name, table in (("books", "book"), ("loans", "loan")):
        using = {"manual_configuration": {"remote_table": table, "column_mapping": {"id": "shelf_id"}}}
        served.metadata("pg_create_array_relationship", source="default", table="shelf", name=name, using=using)
    return served


def _statement(served: Served, query: str) -> str:
    body = {"query": {"query": query}}
    (root,) = served.client.post("/v1/graphql/explain", json=body, headers=served.admin_headers()).json()
    text: str = root["sql"]
    return text


def _ids(served: Served, nested: str, shelves: int = 20) -> list[list[int]]:
    query = f"{{ shelf(order_by: {{id: asc}}, limit: {shelves}) {{ rows: {nested} {{ id kind {{ name }} }} }} }}"
    answer = served.graphql(query)
    assert "errors" not in answer, answer
    return [[row["id"] for row in shelf["rows"]] for shelf in answer["data"]["shelf"]]


def _is_searched(served: Served, nested: str, shelves: int = 20) -> bool:
    query = f"{{ shelf(order_by: {{id: asc}}, limit: {shelves}) {{ rows: {nested} {{ id }} }} }}"
    return " not in (select * from " in _statement(served, query)


@pytest.mark.parametrize(
    "where", ["{kind: {name: {_eq: NAME}}}", "{kind_id: {_eq: NUMBER}}"], ids=["relationship", "column"]
)
def test_the_first_rows_of_each_key_are_those_of_the_whole_list(library: Served, where: str) -> None:
    names = ["frequent", "middling", "rare", "other", "absent"]
    for number, name in enumerate(names, start=1):
        condition = where.replace("NAME", f'"{name}"').replace("NUMBER", str(number))
        for order in ("{id: asc}", "{id: desc}", "[{place: asc}, {id: asc}]"):
            whole = _ids(library, f"books(where: {condition}, order_by: {order})")
            assert any(whole) == (name != "absent")
            for limit, offset in ((1, 0), (5, 0), (2, 3)):
                nested = f"books(where: {condition}, order_by: {order}, limit: {limit}, offset: {offset})"

                assert _is_searched(library, nested)
                assert _ids(library, nested) == [rows[offset : offset + limit] for rows in whole], nested
        counts = [len(rows) for rows in _ids(library, f"books(where: {condition}, limit: 3)")]
        assert counts == [min(3, len(rows)) for rows in whole]


def test_rows_of_a_large_table_are_read_row_by_row_only_where_a_key_has_few_and_an_index(library: Served) -> None:
    def is_grouped(nested: str, shelves: int) -> bool:
        query = f"{{ shelf(order_by: {{id: asc}}, limit: {shelves}) {{ {nested} {{ id }} }} }}"
        return " group by " in _statement(library, query)

    filtered = 'books(where: {kind: {name: {_eq: "rare"}}}, order_by: ORDER, limit: LIMIT)'
    # No index has the rows of a shelf in this order, and a shelf has some 2,000.
    unordered = filtered.replace("ORDER", "{kind_id: asc}").replace("LIMIT", "3")
    assert is_grouped(unordered, 3) and not _is_searched(library, unordered)
    # The limit is larger than what is worth trying.
    many = filtered.replace("ORDER", "{id: asc}").replace("LIMIT", "500")
    assert is_grouped(many, 3) and not _is_searched(library, many)
    # Without a filter, each shelf's rows come from the index; without an index, never.
    assert not is_grouped("books(order_by: {id: asc}, limit: 3)", 3)
    assert is_grouped("loans(order_by: {id: asc}, limit: 3)", 3)
    assert is_grouped("loans(where: {kind_id: {_eq: 1}}, limit: 3)", 3)
    library.sql("create index on loan (shelf_id); update book set shelf_id = id / 6; analyze book")
    library.metadata("reload_metadata", reload_sources=True)

    assert not is_grouped("loans(order_by: {id: asc}, limit: 3)", 3)
    # Six books a shelf: few in all of few shelves.
    assert not is_grouped(unordered, 30)
    assert is_grouped(unordered, 1000)


def test_an_index_of_all_rows_that_have_a_key_finds_them(library: Served) -> None:
    nested = "loans(order_by: {id: asc}, limit: 3)"
    query = f"{{ shelf(order_by: {{id: asc}}, limit: 5) {{ {nested} {{ id }} }} }}"
    for definition, is_found in (
        ("(kind_id, shelf_id)", False),
        ("(shelf_id) where kind_id = 1", False),
        ("((shelf_id + 1), shelf_id)", False),
        ("(shelf_id) where shelf_id is not null", True),
        ("using hash (shelf_id)", True),
    ):
        library.sql(f"create index made on loan {definition}")
        library.metadata("reload_metadata", reload_sources=True)

        assert (" group by " not in _statement(library, query)) == is_found, definition
        library.sql("drop index made")


def test_rows_of_a_shelf_are_not_read_to_their_end(library: Served) -> None:
    answer: Any = library.graphql(
        "{ shelf(where: {id: {_in: [1, 2, 3, 4]}}, order_by: {id: asc}, limit: 4)"
        ' { books(where: {kind: {name: {_eq: "frequent"}}}, order_by: {id: asc}, limit: 2) { id } } }'
    )

    assert [len(shelf["books"]) for shelf in answer["data"]["shelf"]] == [0, 0, 2, 2]

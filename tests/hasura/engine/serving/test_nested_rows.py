"""Nested rows read for all their parents at once: the same rows in the same order as read parent by parent."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.hasura.engine.serving.conftest import Served

_DDL = """
create table shelf (id integer primary key, name text, room integer);
create table book (id integer primary key, shelf_id integer, room integer, pages text, kind integer);
create table kind (id integer primary key, name text);
insert into kind values (1, 'Novel'), (2, 'Atlas');
insert into shelf values (3, 'C', null), (1, 'A', 7), (2, 'B', 7), (4, 'D', 9);
insert into book values
  (9, 1, 7, '10', 1), (2, 1, 7, '20', 1), (5, 2, null, '30', 2), (4, 1, 7, '40', 2), (8, null, 7, 'many', 1),
  (7, 2, 9, '60', 1);
create function book_pages(b book) returns integer language sql stable as $$ select b.pages::integer $$;
create view seen_book as select * from book;
"""


def _make(serve: Callable[[], Served]) -> Served:
    served = serve()
    served.sql(_DDL)
    for table in ("shelf", "book", "kind", "seen_book"):
        served.metadata("pg_track_table", source="default", table=table)

    def relationship(kind: str, table: str, name: str, remote: str, mapping: dict[str, str]) -> None:
        using = {"manual_configuration": {"remote_table": remote, "column_mapping": mapping}}
        served.metadata(f"pg_create_{kind}_relationship", source="default", table=table, name=name, using=using)

    relationship("array", "shelf", "books", "book", {"id": "shelf_id"})
    relationship("array", "shelf", "seen", "seen_book", {"id": "shelf_id"})
    relationship("array", "shelf", "in_room", "book", {"room": "room"})
    relationship("array", "shelf", "own", "book", {"id": "shelf_id", "room": "room"})
    relationship("object", "book", "shelf", "shelf", {"shelf_id": "id"})
    relationship("object", "book", "of_kind", "kind", {"kind": "id"})
    relationship("array", "kind", "books", "book", {"id": "kind"})
    served.metadata(
        "pg_add_computed_field",
        source="default",
        table="book",
        name="number",
        definition={"function": "book_pages"},
    )
    return served


@pytest.fixture(scope="module")
def library(module_serve: Callable[[], Served]) -> Served:
    return _make(module_serve)


@pytest.fixture
def own_library(serve: Callable[..., Served]) -> Served:
    """For a test that changes something."""
    return _make(serve)


def _statement(served: Served, query: str) -> str:
    answer = served.client.post(
        "/v1/graphql/explain", json={"query": {"query": query}}, headers=served.admin_headers()
    )
    assert answer.status_code == 200, answer.text
    (root,) = answer.json()
    text: str = root["sql"]
    return text


def _shelves(served: Served, nested: str, arguments: str = "(order_by: {id: asc})") -> dict[int, list[Any]]:
    query = f"{{ shelf{arguments} {{ id rows: {nested} }} }}"
    answer = served.graphql(query)
    assert "errors" not in answer, answer
    return {row["id"]: row["rows"] for row in answer["data"]["shelf"]}


def _ids(rows: dict[int, list[Any]]) -> dict[int, list[int]]:
    return {key: [row["id"] for row in nested] for key, nested in rows.items()}


def test_rows_without_an_order_are_in_that_of_their_places(library: Served) -> None:
    nested = "books { id }"

    assert "group by" in _statement(library, f"{{ shelf {{ {nested} }} }}")
    assert _ids(_shelves(library, nested, "")) == {3: [], 1: [9, 2, 4], 2: [5, 7], 4: []}
    assert list(_shelves(library, nested, "")) == [3, 1, 2, 4]


def test_several_rows_of_one_key_have_the_same_nested_rows_and_one_without_has_none(library: Served) -> None:
    nested = "in_room(order_by: {id: desc}) { id of_kind { name } shelf { id } }"

    rows = _shelves(library, nested)

    assert "group by" in _statement(library, f"{{ shelf {{ {nested} }} }}")
    assert _ids(rows) == {1: [9, 8, 4, 2], 2: [9, 8, 4, 2], 3: [], 4: [7]}
    assert rows[4] == [{"id": 7, "of_kind": {"name": "Novel"}, "shelf": {"id": 2}}]


def test_a_relationship_over_two_columns_needs_both(library: Served) -> None:
    assert _ids(_shelves(library, "own(order_by: {id: asc}) { id }")) == {1: [2, 4, 9], 2: [], 3: [], 4: []}


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ("limit: 1", {1: [2], 2: [7], 3: [], 4: []}),
        ("limit: 0", {1: [], 2: [], 3: [], 4: []}),
        ("limit: 2000", {1: [2, 9], 2: [7], 3: [], 4: []}),
        ("offset: 1", {1: [9], 2: [], 3: [], 4: []}),
        ("offset: 9223372036854775807, limit: 1000", {1: [], 2: [], 3: [], 4: []}),
    ],
)
def test_a_limit_is_one_of_each_row(library: Served, arguments: str, found: dict[int, list[int]]) -> None:
    nested = f'books(where: {{of_kind: {{name: {{_eq: "Novel"}}}}}}, order_by: {{id: asc}}, {arguments}) {{ id }}'

    assert "partition by" in _statement(library, f"{{ shelf {{ {nested} }} }}")
    assert _ids(_shelves(library, nested)) == found


def test_rows_that_the_filter_asks_for_are_found_once(library: Served) -> None:
    kind = '{of_kind: {name: {_eq: "Novel"}}}'
    nested = f"books(where: {kind}, order_by: {{id: asc}}, limit: 1) {{ id }}"

    found = _ids(_shelves(library, nested, f"(where: {{books: {kind}}})"))

    statement = _statement(library, f"{{ shelf(where: {{books: {kind}}}) {{ {nested} }} }}")
    assert found == {1: [2], 2: [7]}
    assert statement.count('"public"."kind"') == 1
    both = f"(where: {{books: {kind}, id: {{_gt: 1}}}})"
    assert _ids(_shelves(library, nested, both)) == {2: [7]}


@pytest.mark.parametrize("limit", ["", ", limit: 1", ", limit: 5000"])
def test_a_row_that_the_filter_asks_for_and_that_is_shown_is_joined_once(library: Served, limit: str) -> None:
    arguments = f'where: {{of_kind: {{name: {{_eq: "Novel"}}}}}}, order_by: {{id: asc}}{limit}'
    nested = f"books({arguments}) {{ id of_kind {{ name }} }}"

    rows = _shelves(library, nested)

    assert _statement(library, f"{{ shelf {{ {nested} }} }}").count('"public"."kind"') == 1
    assert rows[1][0] == {"id": 2, "of_kind": {"name": "Novel"}}
    assert rows[2] == [{"id": 7, "of_kind": {"name": "Novel"}}]
    assert rows[3] == rows[4] == []


def test_a_row_that_the_filter_asks_for_may_still_not_be_shown(own_library: Served) -> None:
    # The filter of the role looks at kinds that the role itself does not see.
    filters = {"shelf": {}, "book": {"of_kind": {"name": {"_neq": "Atlas"}}}, "kind": {"name": {"_eq": "Essay"}}}
    for table, row_filter in filters.items():
        permission = {"columns": "*", "filter": row_filter}
        own_library.metadata(
            "pg_create_select_permission", source="default", table=table, role="guest", permission=permission
        )
    headers = own_library.admin_headers(X_Hasura_Role="guest")

    query = "{ shelf(order_by: {id: asc}) { books(order_by: {id: asc}) { id of_kind { name } } } }"
    answer = own_library.graphql(query, headers=headers)

    assert answer["data"]["shelf"][:2] == [
        {"books": [{"id": 2, "of_kind": None}, {"id": 9, "of_kind": None}]},
        {"books": [{"id": 7, "of_kind": None}]},
    ]


def test_another_filter_than_that_of_the_nested_rows_is_asked_beside_it(library: Served) -> None:
    nested = 'books(where: {of_kind: {name: {_eq: "Novel"}}}, order_by: {id: asc}, limit: 1) { id }'

    found = _ids(
        _shelves(library, nested, '(where: {books: {of_kind: {name: {_eq: "Atlas"}}}}, order_by: {id: asc})')
    )

    assert found == {1: [2], 2: [7]}


def test_of_a_large_table_a_limit_leaves_few_rows_to_read(own_library: Served) -> None:
    own_library.sql(
        "insert into book select n, n, 1, '1', 1 from generate_series(1000, 61000) n;"
        "create index on book (shelf_id); analyze book"
    )
    own_library.metadata("reload_metadata", reload_sources=True)
    nested = "books(where: {kind: {_eq: 1}}, order_by: {id: asc}, limit: 2) { id }"

    few = "(order_by: {id: asc}, limit: 20)"

    assert "partition by" not in _statement(own_library, f"{{ shelf{few} {{ {nested} }} }}")
    assert "partition by" in _statement(own_library, f"{{ shelf {{ {nested} }} }}")
    assert (
        _ids(_shelves(own_library, nested, few))
        == _ids(_shelves(own_library, nested))
        == {1: [2, 9], 2: [7], 3: [], 4: []}
    )


@pytest.mark.parametrize(
    "nested",
    [
        "books(where: {number: {_gt: 15}}, order_by: {id: asc}) { id }",
        "books(distinct_on: kind, order_by: [{kind: asc}, {id: asc}]) { id }",
        "seen(order_by: {id: asc}) { id }",
    ],
    ids=["a filter that may fail of other rows", "distinct", "a view"],
)
def test_what_cannot_be_read_together_is_read_row_by_row(own_library: Served, nested: str) -> None:
    own_library.sql("insert into shelf values (5, 'E', 1)")

    rows = _ids(_shelves(own_library, nested))

    assert "group by" not in _statement(own_library, f"{{ shelf {{ {nested} }} }}")
    assert set(rows) == {1, 2, 3, 4, 5}
    assert set(rows[1]) <= {2, 4, 9} and rows[1]


def test_a_computed_field_is_made_only_of_rows_that_are_shown(library: Served) -> None:
    answer = library.graphql("{ shelf(order_by: {id: asc}) { books(order_by: {number: desc}) { id number } } }")

    assert [[row["number"] for row in shelf["books"]] for shelf in answer["data"]["shelf"]] == [
        [40, 20, 10],
        [60, 30],
        [],
        [],
    ]


def test_what_is_nested_in_a_joined_row_belongs_to_that_row(library: Served) -> None:
    answer = library.graphql(
        "{ shelf(order_by: {id: asc}) { id books(order_by: {id: asc}) { id"
        " of_kind { name books(order_by: {id: asc}) { id shelf { id } } } } } }"
    )

    shelf = answer["data"]["shelf"][1]
    assert shelf == {
        "id": 2,
        "books": [
            {
                "id": 5,
                "of_kind": {
                    "name": "Atlas",
                    "books": [{"id": 4, "shelf": {"id": 1}}, {"id": 5, "shelf": {"id": 2}}],
                },
            },
            {
                "id": 7,
                "of_kind": {
                    "name": "Novel",
                    "books": [
                        {"id": 2, "shelf": {"id": 1}},
                        {"id": 7, "shelf": {"id": 2}},
                        {"id": 8, "shelf": None},
                        {"id": 9, "shelf": {"id": 1}},
                    ],
                },
            },
        ],
    }


def test_what_is_nested_in_joined_rows_is_read_only_of_rows_that_are_there_and_shown(own_library: Served) -> None:
    # Of shelf 5 the role does not know, shelf 99 does not exist, and no number can be made of their pages.
    own_library.sql(
        "insert into shelf values (5, 'E', null);"
        "insert into book select n, 1, null, '70', 1 from generate_series(100, 150) n;"
        "insert into book values (90, 99, null, 'many', 1), (91, 5, null, 'many', 1); analyze"
    )
    own_library.metadata("reload_metadata", reload_sources=True)
    for table, row_filter in (("shelf", {"id": {"_neq": 5}}), ("book", {})):
        permission = {"columns": "*", "filter": row_filter, "computed_fields": ["number"] if table == "book" else []}
        own_library.metadata(
            "pg_create_select_permission", source="default", table=table, role="guest", permission=permission
        )
    query = "{ book(order_by: {id: asc}) { id shelf { books(order_by: {id: asc}) { number } } } }"

    answer = own_library.graphql(query, headers=own_library.admin_headers(X_Hasura_Role="guest"))

    assert "select distinct" in _statement(own_library, query)
    shelves = {book["id"]: book["shelf"] for book in answer["data"]["book"]}
    assert shelves[90] is shelves[91] is shelves[8] is None
    numbers = [20, 40, 10, *[70] * 51]
    assert shelves[9] == shelves[150] == {"books": [{"number": number} for number in numbers]}
    assert shelves[5] == shelves[7] == {"books": [{"number": 30}, {"number": 60}]}


@pytest.mark.parametrize("nodes", ["", " nodes { id }"])
def test_nested_aggregates_are_computed_once_for_all_rows(library: Served, nodes: str) -> None:
    nested = f"in_room_aggregate(order_by: {{id: desc}}) {{ aggregate {{ count max {{ id }} }}{nodes} }}"
    ids: dict[int, list[int]] = {1: [9, 8, 4, 2], 2: [9, 8, 4, 2], 3: [], 4: [7]}

    rows = _shelves(library, nested)

    assert "group by" in _statement(library, f"{{ shelf {{ {nested} }} }}")
    for shelf, aggregate in rows.items():
        books = ids[shelf]
        assert aggregate["aggregate"] == {"count": len(books), "max": {"id": max(books, default=None)}}
        assert aggregate.get("nodes", []) == ([{"id": number} for number in books] if nodes else [])


@pytest.mark.parametrize("arguments", ["limit: 1", "offset: 1", "distinct_on: kind"])
def test_aggregates_of_some_rows_of_each_are_computed_row_by_row(library: Served, arguments: str) -> None:
    nested = f"books_aggregate({arguments}, order_by: [{{kind: asc}}, {{id: asc}}]) {{ aggregate {{ count }} }}"

    assert "group by" not in _statement(library, f"{{ shelf {{ {nested} }} }}")
    counts = {key: each["aggregate"]["count"] for key, each in _shelves(library, nested).items()}
    assert (
        counts
        == {
            "limit: 1": {1: 1, 2: 1, 3: 0, 4: 0},
            "offset: 1": {1: 2, 2: 1, 3: 0, 4: 0},
            "distinct_on: kind": {1: 2, 2: 2, 3: 0, 4: 0},
        }[arguments]
    )


def test_the_limit_and_the_filter_of_a_role_are_those_of_each_row(own_library: Served) -> None:
    permissions = {"shelf": {}, "book": {"of_kind": {"name": {"_eq": "Novel"}}}}
    for table, row_filter in permissions.items():
        permission: dict[str, Any] = {"columns": "*", "filter": row_filter}
        if table == "book":
            permission["limit"] = 1
        own_library.metadata(
            "pg_create_select_permission", source="default", table=table, role="guest", permission=permission
        )
    headers = own_library.admin_headers(X_Hasura_Role="guest")

    answer = own_library.graphql(
        "{ shelf(order_by: {id: asc}) { books(order_by: {id: asc}) { id } } }", headers=headers
    )

    assert answer["data"]["shelf"] == [{"books": [{"id": 2}]}, {"books": [{"id": 7}]}, {"books": []}, {"books": []}]

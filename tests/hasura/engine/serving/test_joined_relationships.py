"""Object relationships as left joins: never more rows, another order or another error than one look-up a row."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.hasura.engine.serving.conftest import Served

_DDL = """
create table place (id integer, name text, grade text, parent_id integer{key});
create table visit (id integer primary key, place_id integer, at integer);
insert into place values (1, 'One', '10', null), (2, 'Two', 'bad', 1), (3, 'Three', '7', 2);
insert into visit values (1, 1, 5), (2, 1, 5), (3, null, 5), (4, 9, 5), (5, 3, 5);
create function place_grade(p place) returns integer language sql stable as $$ select p.grade::integer $$;
"""

_KEY = ", constraint place_key primary key (id)"


def _places(serve: Callable[..., Served], key: str = _KEY, more: str = "") -> Served:
    served = serve()
    served.sql(_DDL.format(key=key) + more)
    for table in ("place", "visit"):
        served.metadata("pg_track_table", source="default", table=table)

    def relationship(table: str, name: str, remote: str, mapping: dict[str, str]) -> None:
        served.metadata(
            "pg_create_object_relationship",
            source="default",
            table=table,
            name=name,
            using={"manual_configuration": {"remote_table": remote, "column_mapping": mapping}},
        )

    relationship("visit", "place", "place", {"place_id": "id"})
    relationship("place", "parent", "place", {"parent_id": "id"})
    served.metadata(
        "pg_add_computed_field",
        source="default",
        table="place",
        name="number",
        definition={"function": "place_grade"},
    )
    return served


def _statement(served: Served, query: str) -> str:
    headers = served.admin_headers()
    answer = served.client.post("/v1/graphql/explain", json={"query": {"query": query}}, headers=headers)
    assert answer.status_code == 200, answer.text
    (root,) = answer.json()
    text: str = root["sql"]
    return text


def _visits(served: Served, selection: str, arguments: str = "(order_by: {id: asc})") -> list[Any]:
    answer = served.graphql(f"{{ visit{arguments} {{ {selection} }} }}")
    assert "errors" not in answer, answer
    rows: list[Any] = answer["data"]["visit"]
    return rows


def test_a_row_that_is_not_there_is_null(serve: Callable[..., Served]) -> None:
    served = _places(serve)

    rows = _visits(served, "id place { __typename } named: place { name parent { id } }")

    assert "left join" in _statement(served, "{ visit { id place { name } } }")
    assert rows == [
        {"id": 1, "place": {"__typename": "place"}, "named": {"name": "One", "parent": None}},
        {"id": 2, "place": {"__typename": "place"}, "named": {"name": "One", "parent": None}},
        {"id": 3, "place": None, "named": None},
        {"id": 4, "place": None, "named": None},
        {"id": 5, "place": {"__typename": "place"}, "named": {"name": "Three", "parent": {"id": 2}}},
    ]


@pytest.mark.parametrize(
    ("key", "more"),
    [
        ("", "insert into place values (1, 'Another', '1', null);"),
        (
            _KEY,
            "create table heir () inherits (place); insert into heir values (1, 'Another', '1', null);",
        ),
        (", constraint place_key unique (id) deferrable initially deferred", ""),
    ],
    ids=["no key", "a table that inherits", "a key that may be broken for a while"],
)
def test_what_is_not_sure_to_be_one_row_is_no_join(serve: Callable[..., Served], key: str, more: str) -> None:
    served = _places(serve, key, more)

    rows = _visits(served, "id place { id }")

    assert [row["id"] for row in rows] == [1, 2, 3, 4, 5]
    assert "left join" not in _statement(served, "{ visit { id place { id } } }")


def test_a_value_that_cannot_be_made_is_made_only_of_rows_that_are_shown(serve: Callable[..., Served]) -> None:
    served = _places(serve)

    rows = _visits(served, "id place { number }", "(where: {place_id: {_in: [1, 3]}}, order_by: {id: asc})")

    assert [row["place"]["number"] for row in rows] == [10, 10, 7]


def test_a_permission_that_cannot_be_evaluated_of_each_row_is_asked_of_those_shown(
    serve: Callable[..., Served],
) -> None:
    served = _places(serve)
    for table, rows in (("visit", {}), ("place", {"number": {"_gt": 8}})):
        permission = {"columns": "*", "filter": rows}
        served.metadata(
            "pg_create_select_permission", source="default", table=table, role="guest", permission=permission
        )
    headers = served.admin_headers(X_Hasura_Role="guest")

    answer = served.graphql("{ visit(order_by: {id: asc}) { id place { name } } }", headers=headers)

    assert [row["place"] for row in answer["data"]["visit"]] == [{"name": "One"}, {"name": "One"}, None, None, None]


def test_a_chain_longer_than_what_is_planned_together_is_answered(serve: Callable[..., Served]) -> None:
    served = _places(serve)
    chain = "id"
    for _ in range(12):
        chain = f"id parent {{ {chain} }}"
    query = f"{{ visit(where: {{id: {{_eq: 5}}}}) {{ place {{ {chain} }} }} }}"

    answer = served.graphql(query)

    assert answer["data"]["visit"][0]["place"]["parent"]["parent"] == {"id": 1, "parent": None}
    # Each level of subqueries has its own joins, at most seven.
    assert _statement(served, query).count("left join") <= 12


def test_rows_keep_the_order_in_which_they_are_read_whatever_the_plan(serve: Callable[..., Served]) -> None:
    served = _places(serve)
    # The other table far smaller or far larger than this one: PostgreSQL may hash either side.
    served.sql(
        "insert into visit select n, 1 + n % 3, 5 from generate_series(6, 3000) n;"
        "insert into place select n, 'P' || n, '1', null from generate_series(4, 30000) n;"
        "analyze place; analyze visit"
    )

    for arguments in ("", "(limit: 2500)", "(order_by: {at: asc}, limit: 2000)"):
        assert [row["id"] for row in _visits(served, "id place { name }", arguments)] == [
            row["id"] for row in _visits(served, "id", arguments)
        ]


def test_a_computed_field_of_a_row_beside_a_joined_one_gets_the_row(serve: Callable[..., Served]) -> None:
    served = _places(serve)
    served.sql("alter table place add gone text; alter table place drop gone; alter table place add late text")
    served.metadata("reload_metadata", reload_sources=True)

    answer = served.graphql(
        "{ place(where: {id: {_neq: 2}}, order_by: {id: asc}, limit: 2) { number parent { name } } }"
    )

    assert answer["data"]["place"] == [
        {"number": 10, "parent": None},
        {"number": 7, "parent": {"name": "Two"}},
    ]


def test_an_order_by_the_related_row_is_a_join_and_the_rows_are_the_same(serve: Callable[..., Served]) -> None:
    served = _places(serve)
    query = (
        "{ visit(order_by: [{place: {parent: {name: desc_nulls_last}}}, {place: {name: asc}}, {id: desc}]) { id } }"
    )

    answer = served.graphql(query)

    assert [row["id"] for row in answer["data"]["visit"]] == [5, 2, 1, 4, 3]
    assert "limit 1" not in _statement(served, query)

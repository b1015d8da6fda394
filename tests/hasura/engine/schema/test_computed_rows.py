"""A computed field whose function returns one row (`returns painting`, no SETOF) is a list of that row or of none."""

from typing import Any

import pytest

from hasura.engine.execution.operations import parse_request
from hasura.engine.session import Session
from tests.hasura.engine.schema.conftest import Gallery


def _titles(body: dict[str, Any]) -> list[list[str]]:
    return [[row["title"] for row in artist["favourite"]] for artist in body["data"]["artist"]]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", [["Sea at night"], ["Stone"], []]),
        ("(args: {above: 7})", [["Sea at night"], [], []]),
        ("(where: {status: {_eq: shown}}, limit: 5, order_by: {title: asc})", [[], ["Stone"], []]),
        ("(limit: 0)", [[], [], []]),
        ("(offset: 1)", [[], [], []]),
    ],
)
def test_it_is_read_like_any_list_of_rows(gallery: Gallery, arguments: str, expected: list[list[str]]) -> None:
    body = gallery.run(f"{{ artist(order_by: {{id: asc}}) {{ favourite{arguments} {{ title }} }} }}")

    assert _titles(body) == expected


def test_the_permission_on_the_rows_applies(gallery: Gallery) -> None:
    body = gallery.run("{ artist(order_by: {id: asc}) { favourite { title } } }", role="visitor")

    assert _titles(body) == [[], ["Stone"]]


def test_its_type_is_a_list_with_the_arguments_of_a_list(gallery: Gallery) -> None:
    body = gallery.run('{ __type(name: "artist") { fields { name type { kind ofType { kind } } args { name } } } }')

    (field,) = [item for item in body["data"]["__type"]["fields"] if item["name"] == "favourite"]
    assert field["type"] == {"kind": "LIST", "ofType": {"kind": "NON_NULL"}}
    assert [item["name"] for item in field["args"]] == [
        "args",
        "distinct_on",
        "limit",
        "offset",
        "order_by",
        "where",
    ]


def test_filters_and_orders_know_no_row_where_there_is_none(gallery: Gallery) -> None:
    gallery.call("pg_add_computed_field", _COMPUTED)
    try:
        absent = gallery.run('{ artist(where: {best: {title: {_neq: "x"}}}, order_by: {id: asc}) { id } }')
        negated = gallery.run('{ artist(where: {best: {_not: {title: {_eq: "x"}}}}, order_by: {id: asc}) { id } }')
        ordered = gallery.run("{ artist(order_by: [{best_aggregate: {count: asc}}, {id: asc}]) { id } }")
    finally:
        gallery.call("pg_drop_computed_field", {"table": "artist", "name": "best"})

    # Cleo (3) has no painting, and so no best one.
    assert [row["id"] for row in absent["data"]["artist"]] == [1, 2]
    assert [row["id"] for row in negated["data"]["artist"]] == [1, 2]
    assert [row["id"] for row in ordered["data"]["artist"]] == [3, 1, 2]


@pytest.mark.parametrize(
    "query",
    [
        "{ painting { words } }",
        "{ painting(where: {words: {_gt: 1}}) { id } }",
        "{ painting(order_by: {words: asc}) { id } }",
        "{ painting_aggregate { aggregate { max { words } } } }",
        "{ artist(where: {works: {id: {_is_null: false}}}) { id } }",
        "{ artist(order_by: {works_aggregate: {count: asc}}) { id } }",
        "{ artist(where: {paintings_aggregate: {count: {predicate: {_gt: 0}, filter: {words: {_gt: 1}}}}}) { id } }",
    ],
)
def test_wherever_one_stands_a_plan_knows_that_it_may_read_other_tables(gallery: Gallery, query: str) -> None:
    request, cache = parse_request({"query": query}), gallery.engine.schema_cache

    plan, _ = gallery.engine.operations.plan(cache, request, Session.admin())

    assert plan.calls_functions


_COMPUTED = {"table": "artist", "name": "best", "definition": {"function": "artist_best"}}

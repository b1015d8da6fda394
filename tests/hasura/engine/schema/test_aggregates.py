"""What may stand in `aggregate`: columns and scalar computed fields, by type and by permission."""

from typing import Any

import pytest

from tests.hasura.engine.schema.conftest import Gallery

_NUMERIC = ("avg", "stddev", "stddev_pop", "stddev_samp", "sum", "var_pop", "var_samp", "variance")


@pytest.mark.parametrize("function", [*_NUMERIC, "max", "min"])
@pytest.mark.parametrize(
    ("field", "by_hand"),
    [("words", "painting_words(p)"), ("worth", "painting_worth(p)"), ("worth(args: {factor: 2})", "p.price * 2")],
)
def test_a_computed_field_is_aggregated_like_a_column(
    gallery: Gallery, function: str, field: str, by_hand: str
) -> None:
    body = gallery.run(
        f"{{ painting_aggregate {{ aggregate {{ {function} {{ value: {field} }} }} }} }}",
        after=f"select {function}({by_hand})::float8 from painting p",
    )

    ((expected,),) = body["rows"]
    value = body["data"]["painting_aggregate"]["aggregate"][function]["value"]
    assert value == pytest.approx(expected)


def test_beside_columns_and_counts_with_limits_and_nodes(gallery: Gallery) -> None:
    body = gallery.run(
        """{ painting_aggregate(order_by: {title: asc}, limit: 3) {
             aggregate { count count_of: count(columns: status, distinct: true)
               max { title words __typename } sum { price worth words } }
             nodes { title words worth(args: {factor: 3}) } } }"""
    )

    assert body["data"]["painting_aggregate"] == {
        "aggregate": {
            "count": 3,
            "count_of": 2,
            "max": {"title": "Stone", "words": 3, "__typename": "painting_max_fields"},
            "sum": {"price": 45, "worth": 45, "words": 5},
        },
        "nodes": [
            {"title": "Sea", "words": 1, "worth": 30},
            {"title": "Sea at night", "words": 3, "worth": 90},
            {"title": "Stone", "words": 1, "worth": 15},
        ],
    }


def test_of_related_rows_and_of_what_a_function_returns(gallery: Gallery) -> None:
    body = gallery.run(
        """query ($ids: _uuid!, $factor: numeric) {
          artist(order_by: {id: asc}) { paintings_aggregate { aggregate { avg { words } } } }
          paintings_among_aggregate(args: {ids: $ids}) { aggregate { sum { worth(args: {factor: $factor}) } } } }""",
        variables={"ids": ["00000000-0000-0000-0000-000000000001"], "factor": 7},
    )

    assert body["data"] == {
        "artist": [
            {"paintings_aggregate": {"aggregate": {"avg": {"words": 2}}}},
            {"paintings_aggregate": {"aggregate": {"avg": {"words": 1}}}},
            {"paintings_aggregate": {"aggregate": {"avg": {"words": None}}}},
        ],
        "paintings_among_aggregate": {"aggregate": {"sum": {"worth": 70}}},
    }


def test_a_role_aggregates_its_computed_fields_in_its_rows(gallery: Gallery) -> None:
    body = gallery.run("{ painting_aggregate { aggregate { sum { words } } } }", role="visitor")
    refused = gallery.run("{ painting_aggregate { aggregate { sum { worth } } } }", role="visitor")

    # Of the three paintings that are shown.
    assert body == {"data": {"painting_aggregate": {"aggregate": {"sum": {"words": 4}}}}}
    assert refused["errors"][0]["message"] == "field 'worth' not found in type: 'painting_sum_fields'"


def test_an_inherited_role_aggregates_values_only_in_rows_where_it_may_see_them(gallery: Gallery) -> None:
    shown, every = {"status": {"_eq": "shown"}}, dict[str, Any]()
    for role, rules in (
        ("measurer", {"columns": ["id", "width"], "computed_fields": ["words"], "filter": shown}),
        ("reader", {"columns": ["id", "title"], "filter": every}),
    ):
        permission = {**rules, "allow_aggregations": True}
        gallery.call("pg_create_select_permission", {"table": "painting", "role": role, "permission": permission})
    gallery.call("add_inherited_role", {"role_name": "both", "role_set": ["measurer", "reader"]})
    try:
        body = gallery.run(
            "{ painting_aggregate { aggregate { count sum { width words } max { title } } } }", role="both"
        )
    finally:
        gallery.restore()

    # 3 wide and 3 words long is the draft, which only the reader sees.
    assert body["data"]["painting_aggregate"]["aggregate"] == {
        "count": 4,
        "sum": {"width": 11, "words": 4},
        "max": {"title": "Two trees"},
    }


def test_an_inherited_role_aggregates_only_rows_of_parents_that_may_aggregate(gallery: Gallery) -> None:
    for role, status, allow in (("counter", "shown", True), ("drafter", "draft", False)):
        permission = {"columns": "*", "filter": {"status": {"_eq": status}}, "allow_aggregations": allow}
        gallery.call("pg_create_select_permission", {"table": "painting", "role": role, "permission": permission})
    gallery.call(
        "pg_create_select_permission",
        {"table": "artist", "role": "counter", "permission": {"columns": "*", "filter": {}}},
    )
    gallery.call("add_inherited_role", {"role_name": "both", "role_set": ["counter", "drafter"]})
    counts = """{ painting_aggregate { aggregate { count } nodes { status } }
      artist { paintings_aggregate { aggregate { count } } } }"""
    many = "{ artist(where: {paintings_aggregate: {count: {predicate: {_gte: 1}}}}) { name } }"
    try:
        bodies = [gallery.run(counts, role=role) for role in ("both", "counter")]
        rows = gallery.run("{ painting { status } }", role="both")
        found = [gallery.run(many, role=role) for role in ("both", "counter")]
    finally:
        gallery.restore()

    assert {row["status"] for row in rows["data"]["painting"]} == {"shown", "draft"}
    assert bodies[0] == bodies[1]
    assert {row["status"] for row in bodies[0]["data"]["painting_aggregate"]["nodes"]} == {"shown"}
    assert found[0] == found[1] and found[0]["data"]["artist"]


def _fields(gallery: Gallery, name: str) -> Any:
    body = gallery.run(
        f'{{ __type(name: "{name}") {{ fields {{ name description type {{ name }} args {{ name }} }} }} }}'
    )
    return {
        item["name"]: (item["type"]["name"], [argument["name"] for argument in item["args"]], item["description"])
        for item in body["data"]["__type"]["fields"]
    }


def test_a_computed_field_keeps_its_type_arguments_and_description(gallery: Gallery) -> None:
    for function in ("avg", "max"):
        fields = _fields(gallery, f"painting_{function}_fields")
        assert fields["words"] == ("Int", [], "How many words the title has")
        assert fields["worth"] == ("numeric", ["args"], 'A computed field, executes function "painting_worth"')


@pytest.mark.parametrize("name", ["painting_max_fields", "painting_min_fields"])
def test_columns_that_refer_to_an_enum_table_have_no_least_and_no_greatest(gallery: Gallery, name: str) -> None:
    fields = _fields(gallery, name)

    assert "title" in fields and "status" not in fields


@pytest.mark.parametrize(
    ("sql_type", "has_max"),
    [
        *(
            (name, True)
            for name in ("int", "numeric", "text", "uuid", "date", "timestamptz", "timetz", "mood", "text[]", "size")
        ),
        *((name, False) for name in ("bool", "jsonb", "inet", "interval", "time", "bytea", "tsvector", "int4range")),
    ],
)
def test_types_that_hasura_does_not_know_have_none_either(gallery: Gallery, sql_type: str, has_max: bool) -> None:
    gallery.sql(f"create table one (id int primary key, value {sql_type})")
    gallery.call("pg_track_table", {"table": "one"})
    try:
        assert ("value" in _fields(gallery, "one_max_fields")) is has_max
    finally:
        gallery.restore()
        gallery.sql("drop table one")


def test_nor_are_rows_ordered_by_them(gallery: Gallery) -> None:
    body = gallery.run('{ __type(name: "painting_max_order_by") { inputFields { name } } }')

    assert [item["name"] for item in body["data"]["__type"]["inputFields"]] == [
        "artist_id",
        "height",
        "id",
        "price",
        "tags",
        "title",
        "width",
    ]

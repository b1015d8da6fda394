"""Columns of PostgreSQL's own enum types: scalars in the schema, whose labels may be bare names."""

from typing import Any

import pytest

from tests.hasura.engine.schema.conftest import Gallery

_QUERIES = [
    ("{ artist(where: {mood: {_eq: $L}}) { id } }", [1]),
    ("{ artist(where: {_or: [{mood: {_in: [$L]}}]}) { id } }", [1]),
    ("{ artist(where: {mood: {_in: $L}}) { id } }", [1]),
    ("{ artist(where: {_not: {mood: {_nin: [$L]}}}) { id } }", [1]),
    ("{ artist(where: {moods: {_contains: [$L]}}) { id } }", [1]),
    ("{ artist(where: {moods: {_eq: [$L, happy]}}) { id } }", [1]),
    ("{ artist: artists_in(args: {feeling: $L}) { id } }", [1]),
]


@pytest.mark.parametrize("label", ["ok", '"ok"'])
@pytest.mark.parametrize(("query", "expected"), _QUERIES)
def test_a_label_is_a_bare_name_or_a_text(gallery: Gallery, label: str, query: str, expected: list[int]) -> None:
    body = gallery.run(query.replace("$L", label))

    assert [row["id"] for row in body["data"]["artist"]] == expected


def test_a_label_comes_by_variable_as_text(gallery: Gallery) -> None:
    body = gallery.run(
        "query ($one: mood!, $many: [mood!]) { artist(where: {mood: {_eq: $one, _in: $many}}) { id } }",
        variables={"one": "ok", "many": ["ok", "sad"]},
    )

    assert body == {"data": {"artist": [{"id": 1}]}}


_MUTATIONS = [
    'insert_artist_one(object: {name: "New", mood: $L, moods: [$L]}) { mood moods }',
    'insert_artist_one(object: {id: 1, name: "Ada", mood: $L, moods: [$L]}, on_conflict: {constraint: artist_pkey, '
    "update_columns: [mood, moods], where: {mood: {_neq: $L}}}) { mood moods }",
    "update_artist_by_pk(pk_columns: {id: 1}, _set: {mood: $L, moods: [$L]}) { mood moods }",
]


@pytest.mark.parametrize("label", ["sad", '"sad"'])
@pytest.mark.parametrize("mutation", _MUTATIONS)
def test_labels_are_written_either_way(gallery: Gallery, label: str, mutation: str) -> None:
    body = gallery.run(f"mutation {{ answer: {mutation.replace('$L', label)} }}")

    assert body == {"data": {"answer": {"mood": "sad", "moods": ["sad"]}}}


def test_nested_inserts_and_many_updates_take_bare_names(gallery: Gallery) -> None:
    body = gallery.run(
        """mutation {
          insert_painting_one(object: {title: "Moon", artist: {data: {name: "New", mood: happy}}}) { artist { mood } }
          update_artist_many(updates: [{where: {mood: {_eq: ok}}, _set: {mood: sad}}]) { affected_rows }
        }"""
    )

    assert body == {
        "data": {
            "insert_painting_one": {"artist": {"mood": "happy"}},
            "update_artist_many": [{"affected_rows": 1}],
        }
    }


def test_a_label_that_the_type_does_not_have_is_the_databases_to_refuse(gallery: Gallery) -> None:
    bodies = [gallery.run(f"{{ artist(where: {{mood: {{_eq: {word}}}}}) {{ id }} }}") for word in ("odd", '"odd"')]

    assert bodies[0] == bodies[1]
    (error,) = bodies[0]["errors"]
    assert error["message"] == 'invalid input value for enum mood: "odd"'
    assert error["extensions"]["code"] == "data-exception"


@pytest.mark.parametrize(
    ("column", "expected"), [("id", "a 32-bit integer for type 'Int'"), ("name", "a string for type 'String'")]
)
def test_graphqls_own_scalars_take_no_bare_names(gallery: Gallery, column: str, expected: str) -> None:
    body = gallery.run(f"{{ artist(where: {{{column}: {{_eq: ok}}}}) {{ id }} }}")

    assert [error["message"] for error in body["errors"]] == [f"expected {expected}, but found an enum value"]


def test_a_native_enum_is_a_scalar_of_its_own_name(gallery: Gallery) -> None:
    def kind(name: str) -> Any:
        return gallery.run(f'{{ __type(name: "{name}") {{ kind inputFields {{ name }} }} }}')["data"]["__type"]

    assert kind("mood")["kind"] == "SCALAR"
    assert [item["name"] for item in kind("mood_comparison_exp")["inputFields"]] == [
        "_eq",
        "_gt",
        "_gte",
        "_in",
        "_is_null",
        "_lt",
        "_lte",
        "_neq",
        "_nin",
    ]

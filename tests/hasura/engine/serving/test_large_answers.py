"""Answers with keys longer than PostgreSQL's identifiers, and with more members than its functions take arguments."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.hasura.engine.serving.conftest import Served
from tests.hasura.engine.serving.positions import RESET, make_library

_LONG = "k" * 70


@pytest.fixture
def library(serve: Callable[..., Served]) -> Iterator[Served]:
    served = serve()
    make_library(served)
    yield served


# `$` stands for a prefix of response keys.
_DOCUMENTS = [
    "{ $a: book(order_by: {id: asc}) { $b: id $c: shelf { $d: name } $e: label $f: rivals { $g: id } $h: raw } }",
    "{ $a: shelf(order_by: {id: asc}) { $b: books(order_by: {id: asc}) { $c: id $d: __typename } } }",
    "{ $a: shelf(order_by: {id: asc}) { $b: books_aggregate { $c: aggregate { $d: count $e: max { $f: n $g: title } }"
    " $h: nodes { $i: id } } } }",
    "{ $a: book_aggregate { $b: aggregate { $c: count $d: sum { $e: n $f: price } $g: avg { $h: n } $i: __typename }"
    " $j: nodes { $k: title } $l: __typename } }",
    "mutation { $a: update_book(where: {}, _set: {n: 5}) { $b: affected_rows $c: __typename"
    " $d: returning { $e: id $f: shelf { $g: name } } } }",
    'mutation { $a: insert_shelf(objects: {id: 7, name: "new"}) { $b: affected_rows $c: returning { $d: id } } }',
    'mutation { $a: insert_shelf_one(object: {id: 7, name: "new"}) { $b: id $c: name } }',
    "mutation { $a: update_book_many(updates: [{where: {id: {_eq: 1}}, _set: {n: 9}}])"
    " { $b: affected_rows $c: returning { $d: n } } }",
    "mutation { $a: delete_book(where: {id: {_eq: 1}}) { $b: affected_rows $c: returning { $d: id $e: title } } }",
    "mutation { $a: delete_book_by_pk(id: 1) { $b: id $c: title } }",
]


def _short(answer: Any) -> Any:
    """Every long key as the short one; in order, for that is a part of the answer."""
    if isinstance(answer, dict):
        return [(key.removeprefix(_LONG), _short(value)) for key, value in answer.items()]
    return [_short(item) for item in answer] if isinstance(answer, list) else answer


@pytest.mark.parametrize("document", _DOCUMENTS)
def test_a_key_of_any_length_is_the_key_of_the_answer(library: Served, document: str) -> None:
    answers = []
    for prefix in ("", _LONG):
        library.sql(RESET)
        answers.append(library.graphql(document.replace("$", prefix)))

    assert "data" in answers[0]
    assert _short(answers[1]) == _short(answers[0])


def test_long_keys_keep_their_order_and_the_text_of_json(library: Served) -> None:
    library.sql("""update book set raw = '{"b": 1, "a": 1, "a": 2}' where id = 1""")
    keys = [f"{_LONG}{number}" for number in range(200, 0, -1)]
    query = f"{{ book_by_pk(id: 1) {{ {' '.join(f'{key}: id' for key in keys)} raw }} }}"

    sent = library.client.post("/v1/graphql", json={"query": query}, headers=library.admin_headers())

    assert list(sent.json()["data"]["book_by_pk"]) == [*keys, "raw"]
    assert '{"b": 1, "a": 1, "a": 2}' in sent.text


@pytest.mark.parametrize("count", [1, 100, 101, 500])
def test_any_number_of_updates_is_answered(library: Served, count: int) -> None:
    updates = [{"where": {"id": {"_eq": 1}}, "_set": {"n": number}} for number in range(count)]

    answer = library.graphql(
        "mutation ($updates: [book_updates!]!) {"
        " update_book_many(updates: $updates) { affected_rows returning { n } } }",
        variables={"updates": updates},
    )

    assert answer["data"]["update_book_many"] == [
        {"affected_rows": 1, "returning": [{"n": number}]} for number in range(count)
    ]

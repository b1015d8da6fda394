"""`null` for an argument that may be null is no argument, wherever it comes from, over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.hasura.engine.serving.conftest import Served

ARGUMENTS = {
    "where": "article_bool_exp",
    "order_by": "[article_order_by!]",
    "distinct_on": "[article_select_column!]",
    "limit": "Int",
    "offset": "Int",
}


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    return serve()


def test_null_for_an_argument_that_may_be_null_is_no_argument(served: Served) -> None:
    everything: dict[str, Any] = served.graphql("{ article { id } }")
    assert len(everything["data"]["article"]) == 3

    for name, kind in ARGUMENTS.items():
        query = f"query ($v: {kind}) {{ article({name}: $v) {{ id }} }}"
        answers = {
            "literal": served.graphql(f"{{ article({name}: null) {{ id }} }}"),
            "sent": served.graphql(query, variables={"v": None}),
            "not sent": served.graphql(query),
            "default": served.graphql(query.replace(f"$v: {kind}", f"$v: {kind} = null")),
        }
        assert {way: answer for way, answer in answers.items() if answer != everything} == {}, name


def test_null_is_refused_where_it_would_select_everything(served: Served) -> None:
    for query in (
        "{ article(where: {id: {_eq: null}}) { id } }",
        "mutation { delete_article(where: null) { affected_rows } }",
        "mutation { update_article(where: null, _set: {rating: 1}) { affected_rows } }",
    ):
        answer = served.graphql(query)
        assert answer["errors"][0]["extensions"]["code"] == "validation-failed", query
    assert len(served.graphql("{ article(where: {rating: {_gt: 1}}) { id } }")["data"]["article"]) == 3

"""Aggregates of related rows in `where`: against what PostgreSQL itself says, and within a role's rights."""

from itertools import product
from typing import Any

import pytest

from tests.hasura.engine.schema.conftest import Gallery

_ONE = ("avg", "max", "min", "stddev_samp", "sum", "var_samp")
_TWO = ("corr", "covar_samp")


def _artists(gallery: Gallery, predicate: str, role: str = "admin") -> list[int]:
    where = f"{{paintings_aggregate: {{{predicate}}}}}"
    body = gallery.run(f"{{ artist(where: {where}, order_by: {{id: asc}}) {{ id }} }}", role=role)
    assert "data" in body, body
    return [row["id"] for row in body["data"]["artist"]]


def _by_hand(gallery: Gallery, call: str, restriction: str = "true") -> list[int]:
    query = f"""select a.id from artist a where
        (select {call} from painting p where p.artist_id = a.id and {restriction}) > 2 order by a.id"""
    found: list[tuple[int]] = gallery.run("{ __typename }", after=query)["rows"]
    return [row[0] for row in found]


_CASES = [
    (function, is_distinct, is_filtered)
    for function, is_distinct, is_filtered in product(_ONE + _TWO, (False, True), (False, True))
]


@pytest.mark.parametrize(("function", "is_distinct", "is_filtered"), _CASES)
def test_an_aggregate_means_what_the_database_means_by_it(
    gallery: Gallery, function: str, is_distinct: bool, is_filtered: bool
) -> None:
    arguments, columns = ("{X: width, Y: height}", "p.width, p.height") if function in _TWO else ("width", "p.width")
    parts = [f"arguments: {arguments}", "predicate: {_gt: 2}"]
    parts += ["distinct: true"] if is_distinct else []
    parts += ["filter: {status: {_eq: shown}}"] if is_filtered else []

    found = _artists(gallery, f"{function}: {{{', '.join(parts)}}}")

    call = f"{function}({'distinct ' if is_distinct else ''}{columns})"
    assert found == _by_hand(gallery, call, "p.status = 'shown'" if is_filtered else "true")


def test_they_combine_with_each_other_and_with_connectives(gallery: Gallery) -> None:
    shown = "avg: {arguments: width, predicate: {_gt: 1}}, count: {predicate: {_lt: 3}}"
    assert _artists(gallery, shown) == [2]
    body = gallery.run(
        """query ($least: float8!) { artist(order_by: {id: asc}, where: {_or: [
              {_not: {paintings_aggregate: {sum: {arguments: width, predicate: {_gt: $least}}}}},
              {_and: [{paintings_aggregate: {max: {arguments: height, predicate: {_eq: 6}}}}]}]}) { id } }""",
        variables={"least": 1.5},
    )
    # Not more than 1.5 in sum: nobody (of no rows it is unknown); the highest painting is Ada's.
    assert body == {"data": {"artist": [{"id": 1}]}}


def test_of_no_rows_it_is_null(gallery: Gallery) -> None:
    assert _artists(gallery, "avg: {arguments: width, predicate: {_is_null: true}}") == [3]


def test_arguments_come_by_variable_too(gallery: Gallery) -> None:
    body = gallery.run(
        "query ($where: artist_bool_exp!) { artist(where: $where) { id } }",
        variables={
            "where": {
                "paintings_aggregate": {
                    "corr": {"arguments": {"X": "width", "Y": "height"}, "predicate": {"_lt": 0.98}}
                }
            }
        },
    )

    assert body == {"data": {"artist": [{"id": 1}]}}


def test_a_role_aggregates_only_its_columns_and_rows(gallery: Gallery) -> None:
    # Of Ada's paintings a visitor sees those that are shown, 1 and 8 wide.
    assert _artists(gallery, "sum: {arguments: width, predicate: {_eq: 9}}", role="visitor") == [1]
    refused = gallery.run(
        "{ artist(where: {paintings_aggregate: {sum: {arguments: height, predicate: {_gt: 1}}}}) { id } }",
        role="visitor",
    )
    assert "expected one of the values ['width']" in refused["errors"][0]["message"]


@pytest.mark.parametrize(
    ("predicate", "message"),
    [
        ("corr: {arguments: {X: width}, predicate: {_gt: 1}}", "missing required field 'Y'"),
        ("corr: {arguments: width, predicate: {_gt: 1}}", "expected an object"),
        ("avg: {predicate: {_gt: 1}}", "missing required field 'arguments'"),
        ("avg: {arguments: price, predicate: {_gt: 1}}", "expected one of the values ['height', 'width']"),
        ("", "exactly one predicate should be specified"),
        ("median: {arguments: width, predicate: {_gt: 1}}", "field 'median' not found"),
    ],
)
def test_what_does_not_fit_is_refused(gallery: Gallery, predicate: str, message: str) -> None:
    body = gallery.run(f"{{ artist(where: {{paintings_aggregate: {{{predicate}}}}}) {{ id }} }}")

    assert message in body["errors"][0]["message"]


def _fields(gallery: Gallery, name: str, role: str = "admin") -> Any:
    body = gallery.run(
        f'{{ __type(name: "{name}") {{ inputFields {{ name type {{ name kind ofType {{ name }} }} }} }} }}',
        role=role,
    )
    return {
        item["name"]: item["type"]["name"] or item["type"]["ofType"]["name"]
        for item in body["data"]["__type"]["inputFields"]
    }


def test_each_has_its_types(gallery: Gallery) -> None:
    assert list(_fields(gallery, "painting_aggregate_bool_exp")) == sorted(
        [*_ONE, *_TWO, "bool_and", "bool_or", "count"]
    )
    assert _fields(gallery, "painting_aggregate_bool_exp_corr") == {
        "arguments": "painting_aggregate_bool_exp_corr_arguments",
        "distinct": "Boolean",
        "filter": "painting_bool_exp",
        "predicate": "float8_comparison_exp",
    }
    columns = "painting_select_column_painting_aggregate_bool_exp_corr_arguments_columns"
    assert _fields(gallery, "painting_aggregate_bool_exp_corr_arguments") == {"X": columns, "Y": columns}
    assert list(_fields(gallery, "painting_aggregate_bool_exp", "visitor")) == sorted([*_ONE, *_TWO, "count"])

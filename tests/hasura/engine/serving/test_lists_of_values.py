"""`_in` and `_nin` over columns of every kind: the same rows however the list comes, and a list is read only once."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.hasura.engine.serving.clients import client_of
from tests.hasura.engine.serving.conftest import Served

_UUIDS = [f"00000000-0000-4000-8000-00000000000{digit}" for digit in range(4)]
_TEXTS = ["plain", 'quote " and \\ backslash', "comma, {brace}", "NULL", "", " ż\n\t'"]
# Of each column its values, the last of which no list names.
_VALUES: dict[str, tuple[str, list[Any]]] = {
    "small": ("smallint", [-(2**15), 0, 7]),
    "whole": ("integer", [-(2**31), 0, 2**31 - 1]),
    "big": ("bigint", [str(-(2**63)), "12345678901", str(2**63 - 1)]),
    "exact": ("numeric", ["12345678901234567.89", "-0.5", "3"]),
    "double": ("double precision", [1.5, -2, 1e300]),
    "flag": ("boolean", [True, False]),
    "key": ("uuid", _UUIDS),
    "words": ("text", _TEXTS),
    "short": ("varchar(40)", _TEXTS),
    "day": ("date", ["2024-02-29", "1999-12-31", "2000-01-01"]),
    "moment": ("timestamptz", ["2024-02-29T12:00:00+02:00", "1999-12-31T23:59:59.5Z", "2000-01-01T00:00:00Z"]),
    "mood": ("mood", ["happy", 'it\'s, "so"', "sad"]),
}


@pytest.fixture(scope="module")
def values(module_serve: Callable[[], Served]) -> Served:
    served = module_serve()
    columns = ", ".join(f"{name} {type_name}" for name, (type_name, _) in _VALUES.items())
    served.sql("create type mood as enum ('happy', 'it''s, \"so\"', 'sad');")
    served.sql(f"create table item (id integer generated always as identity primary key, {columns});")
    for name, (_, members) in _VALUES.items():
        rows = json.dumps([{name: member} for member in members]).replace("'", "''")
        served.sql(f"insert into item ({name}) select {name} from json_populate_recordset(null::item, '{rows}');")
    served.metadata("pg_track_table", source="default", table="item")
    return served


def _answers(served: Served, column: str, operator: str, members: list[Any]) -> list[Any]:
    """The answers to the list as a variable, as a default and as a literal."""
    field = f"item(where: {{{column}: {{{operator}: LIST}}}}, order_by: {{id: asc}}) {{ {column} }}"
    type_name = f"[{'mood' if column == 'mood' else _scalar(column)}!]"
    literal = json.dumps(members)
    return [
        served.graphql(
            f"query ($list: {type_name}) {{ {field.replace('LIST', '$list')} }}", variables={"list": members}
        ),
        served.graphql(f"query ($list: {type_name} = {literal}) {{ {field.replace('LIST', '$list')} }}"),
        served.graphql(f"{{ {field.replace('LIST', literal)} }}"),
    ]


def _scalar(column: str) -> str:
    own = {"smallint": "smallint", "integer": "Int", "double precision": "float8", "boolean": "Boolean"}
    own |= {"text": "String", "varchar(40)": "String"}
    return own.get(_VALUES[column][0], _VALUES[column][0])


@pytest.mark.parametrize("column", _VALUES)
def test_a_list_finds_its_members_and_no_others(values: Served, column: str) -> None:
    members = _VALUES[column][1]
    for answer in _answers(values, column, "_in", members[:-1]):
        assert len(answer["data"]["item"]) == len(members) - 1, answer
    for answer in _answers(values, column, "_nin", members[:-1]):
        assert len(answer["data"]["item"]) == 1, answer
    for answer in _answers(values, column, "_in", []):
        assert answer == {"data": {"item": []}}


def test_live_queries_share_a_statement_whatever_their_lists(values: Served) -> None:
    query = """subscription ($words: [String!]!, $keys: [uuid!]!, $whole: [Int!]!) {
      item(where: {_or: [{words: {_in: $words}}, {key: {_in: $keys}}, {whole: {_in: $whole}}]}, order_by: {id: asc})
        { words key whole } }"""
    with client_of(values) as client:
        for number, text in enumerate(_TEXTS):
            variables = {"words": [text], "keys": _UUIDS[number % 4 : number % 4 + 1], "whole": [0] * (number % 2)}
            client.start(str(number), query, variables=variables)
        for number, text in enumerate(_TEXTS):
            rows = client.next_data(str(number))["data"]["item"]
            whole = [{"words": None, "key": None, "whole": 0}] * (number % 2)
            key = {"words": None, "key": _UUIDS[number % 4], "whole": None}
            assert rows == [*whole, key, {"words": text, "key": None, "whole": None}]


@pytest.mark.parametrize("column", ["whole", "key", "words", "exact", "moment", "mood"])
@pytest.mark.parametrize("operator", ["_in", "_nin"])
def test_a_list_is_not_read_again_for_each_row(values: Served, column: str, operator: str) -> None:
    members = _VALUES[column][1]
    query = f"query {{ item(where: {{{column}: {{{operator}: {json.dumps(members)}}}}}) {{ id }} }}"
    body = {"query": {"query": query}}
    (root,) = values.client.post("/v1/graphql/explain", json=body, headers=values.admin_headers()).json()

    literal = "{" + ",".join(json.dumps(str(member), ensure_ascii=False) for member in members) + "}"
    argument = members if column in ("whole", "key", "words") else literal
    text = f"explain (verbose, format json) {root['sql']}"
    (plan,) = json.loads(asyncio.run(values.fetch_value(text, argument)))

    filters = [node["Filter"] for node in _nodes(plan["Plan"]) if "Filter" in node]
    assert filters
    # A constant or the result of a plan that ran once, not a cast.
    assert not any("text)::" in one for one in filters), filters


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)

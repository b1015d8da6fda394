"""What stands in the path or query string of a REST endpoint, as a value of its variable's type."""

from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

from tests.hasura.engine.serving.conftest import Served

_UUID = "1" * 32
_COLUMNS = {
    "text": ("String", "12"),
    "citext": ("citext", "12"),
    "bpchar": ("bpchar", "true"),
    "uuid": ("uuid", _UUID),
    "date": ("date", "20240102"),
    "ltree": ("ltree", "12"),
    "bigint": ("bigint", "9007199254740993"),
    "numeric": ("numeric", "12345678901234567.89"),
    "boolean": ("Boolean", "true"),
    "jsonb": ("jsonb", '{"a": 1}'),
    "int": ("Int", "12"),
    "double precision": ("float8", "1.5"),
    "smallint": ("smallint", "12"),
}


@pytest.fixture(scope="module")
def columns() -> list[tuple[str, str, str]]:
    return [(f"c{index}", kind, text) for index, (kind, (_, text)) in enumerate(_COLUMNS.items())]


@pytest.fixture
def served(serve: Callable[..., Served], columns: list[tuple[str, str, str]]) -> Iterator[Served]:
    engine = serve()
    engine.sql("create extension citext; create extension ltree")
    engine.sql(f"create table thing (id integer, {', '.join(f'{name} {kind}' for name, kind, _ in columns)})")
    engine.sql(f"insert into thing values (1, {', '.join(repr(text) for _, _, text in columns)})")
    engine.metadata("pg_track_table", source="default", table="thing")
    yield engine


def _endpoint(served: Served, name: str, url: str, query: str) -> None:
    definition = {"query": {"collection_name": name, "query_name": name}}
    served.metadata("create_query_collection", name=name, definition={"queries": [{"name": name, "query": query}]})
    served.metadata("create_rest_endpoint", name=name, url=url, methods=["GET", "POST"], definition=definition)


def test_every_type_is_read_from_path_and_query_string(served: Served, columns: list[tuple[str, str, str]]) -> None:
    for name, kind, text in columns:
        query = f"query ($v: {_COLUMNS[kind][0]}!) {{ thing(where: {{{name}: {{_eq: $v}}}}) {{ id }} }}"
        _endpoint(served, f"{name}_path", f"{name}/:v", query)
        _endpoint(served, f"{name}_query", name, query)
        for address in (f"{name}/{quote(text, safe='')}", f"{name}?v={quote(text, safe='')}"):
            answer = served.client.get(f"/api/rest/{address}", headers=served.admin_headers())
            assert (answer.status_code, answer.json()) == (200, {"thing": [{"id": 1}]}), (kind, answer.text)


@pytest.mark.parametrize(
    ("kind", "sent", "found"),
    [
        ("_text", "v=a&v=b", True),
        ("[String!]", "v=a&v=b", True),
        ("_text", "v={a,b}", True),
        ("_text", 'v=["a","b"]', True),
        ("_text", "v=b&v=a", False),
    ],
)
def test_a_parameter_that_is_repeated_is_an_array(served: Served, kind: str, sent: str, found: bool) -> None:
    served.sql("alter table thing add column names text[]; update thing set names = '{a,b}'")
    served.metadata("reload_metadata")
    _endpoint(served, "names", "names", f"query ($v: {kind}) {{ thing(where: {{names: {{_eq: $v}}}}) {{ id }} }}")
    answer = served.client.get(f"/api/rest/names?{sent}", headers=served.admin_headers())
    assert answer.json() == {"thing": [{"id": 1}] if found else []}


def test_a_form_is_one_however_its_type_is_written(served: Served) -> None:
    _endpoint(served, "form", "form", "query ($v: Int!) { thing(where: {id: {_eq: $v}}) { id } }")
    headers = served.admin_headers(Content_Type="Application/X-WWW-Form-Urlencoded; charset=UTF-8")
    answer = served.client.post("/api/rest/form", content="v=1", headers=headers)
    assert answer.json() == {"thing": [{"id": 1}]}


def test_an_address_may_have_any_letters(served: Served) -> None:
    _endpoint(served, "letters", "füße/:v", "query ($v: Int) { thing(where: {id: {_eq: $v}}) { id } }")

    answer = served.client.get("/api/rest/füße/1", headers=served.admin_headers())

    assert answer.json() == {"thing": [{"id": 1}]}


@pytest.mark.parametrize("methods", [[], ["get"], ["GET", "OPTIONS"]])
def test_an_endpoint_that_no_request_can_reach_is_refused(served: Served, methods: list[str]) -> None:
    _endpoint(served, "letters", "letters", "{ thing { id } }")
    definition = {"query": {"collection_name": "letters", "query_name": "letters"}}
    answer = served.client.post(
        "/v1/metadata",
        json={
            "type": "create_rest_endpoint",
            "args": {"name": "unreachable", "url": "unreachable", "methods": methods, "definition": definition},
        },
        headers=served.admin_headers(),
    )

    assert answer.status_code == 400
    assert ("expected one of GET, POST" if methods else "unexpected empty list") in answer.json()["error"]

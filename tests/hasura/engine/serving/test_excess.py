"""What is too much of anything is refused with the reason, by every way in: never an internal error."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from hasura.engine import exact_json
from tests.hasura.engine.serving.clients import LEGACY, TRANSPORT, client_of
from tests.hasura.engine.serving.conftest import Served
from tests.hasura.engine.serving.positions import make_library
from tests.lengths import at_length

Serve = Callable[..., Served]
_DIGITS = "1" * 200_000
_DEEP = 1500
_INTEGER = "found an integer"


def _fragments(count: int) -> str:
    chain = "".join(f" fragment f{number} on query_root {{ ...f{number + 1} }}" for number in range(count))
    return "{ ...f0 }" + chain + f" fragment f{count} on query_root {{ book {{ id }} }}"


def _wrapped(before: str, inner: str, after: str, count: int = _DEEP) -> str:
    return before * count + inner + after * count


def _aliases(of: str, count: int = 5000) -> str:
    return " ".join(f"a{number}: {of}" for number in range(count))


def _doubling(field: str, kind: str, levels: int) -> str:
    """Fragments that each select the next one twice."""
    return "".join(
        f" fragment f{level} on {kind} {{ a: {field.replace('INNER', f'...f{level + 1}')}"
        f" b: {field.replace('INNER', f'...f{level + 1}')} }}"
        for level in range(levels)
    )


_TOO_DEEP = ("validation-failed", "deeply")
_TOO_MANY = ("validation-failed", "at most 1600")
# Document, code and a part of the message.
_DOCUMENTS = {
    "fragments": (_fragments(_DEEP), "validation-failed", "nested too deeply"),
    "inline fragments": (
        "{" + _wrapped("... on query_root {", "book { id }", "}") + "}",
        *_TOO_DEEP,
    ),
    "levels": ("{ book {" + _wrapped("shelf { books {", "id", "} }") + "} }", *_TOO_DEEP),
    "objects": (f"{{ book(where: {_wrapped('{_not: ', '{}', '}')}) {{ id }} }}", *_TOO_DEEP),
    "lists": (
        f"{{ book(where: {{doc: {{_eq: {_wrapped('[', '', ']')}}}}}) {{ id }} }}",
        *_TOO_DEEP,
    ),
    "default": (
        f"query ($v: jsonb = {_wrapped('[', '', ']')}) {{ book(where: {{doc: {{_eq: $v}}}}) {{ id }} }}",
        *_TOO_DEEP,
    ),
    "tokens": (f"{{ book {{ {'id ' * 60_000} }} }}", "validation-failed", "tokens"),
    "limit": (f"{{ book(limit: {_DIGITS}) {{ id }} }}", "validation-failed", _INTEGER),
    "default limit": (f"query ($v: Int = {_DIGITS}) {{ book(limit: $v) {{ id }} }}", "validation-failed", _INTEGER),
    "offset": (f"{{ book(offset: {_DIGITS}) {{ id }} }}", "validation-failed", _INTEGER),
    "Int": (f"{{ book(where: {{n: {{_eq: -{_DIGITS}}}}}) {{ id }} }}", "validation-failed", _INTEGER),
    "bigint": (f"{{ book(where: {{big: {{_eq: {_DIGITS}}}}}) {{ id }} }}", "parse-failed", "outside the bounds"),
    "numeric": (f"{{ book(where: {{price: {{_eq: {_DIGITS}}}}}) {{ id }} }}", "data-exception", "overflows"),
    "double": ("{ book(where: {ratio: {_eq: 1e400}}) { id } }", "data-exception", "out of range"),
    "inserted double": (
        'mutation { insert_book_one(object: {id: 7, title: "t", ratio: 1e400}) { id } }',
        "data-exception",
        "out of range",
    ),
    "exponent": ("{ book(where: {price: {_eq: 1e999999999999}}) { id } }", "data-exception", ""),
    "columns": (f"{{ book {{ {_aliases('id')} }} }}", *_TOO_MANY),
    "objects of a row": (f"{{ book {{ {_aliases('shelf { id }', 2000)} }} }}", *_TOO_MANY),
    "columns of nodes": (
        f"{{ book_aggregate {{ nodes {{ {_aliases('id')} }} }} }}",
        *_TOO_MANY,
    ),
    "aggregates": (
        f"{{ book_aggregate {{ aggregate {{ {_aliases('count')} }} }} }}",
        *_TOO_MANY,
    ),
    "aggregates together": (
        f"{{ book_aggregate {{ aggregate {{ sum {{ {_aliases('n', 900)} }} avg {{ {_aliases('n', 900)} }} }} }} }}",
        *_TOO_MANY,
    ),
    "returning": (
        f"mutation {{ delete_book(where: {{id: {{_eq: 0}}}}) {{ returning {{ {_aliases('id')} }} }} }}",
        *_TOO_MANY,
    ),
    "array": (
        f"{{ book(where: {{tags: {{_in: {_wrapped('[', '', ']', 40)}}}}}) {{ id }} }}",
        "data-exception",
        "dimensions",
    ),
    "zero byte": (r'{ book(where: {title: {_eq: "a\u0000"}}) { id } }', "parse-failed", "cannot hold"),
    "zero byte in a path": (r'{ book { doc(path: "a\u0000") } }', "parse-failed", "cannot hold"),
    "zero byte in JSON": (r'{ book(where: {doc: {_eq: "a\u0000"}}) { id } }', "data-exception", "Unicode"),
    "zero byte inserted": (
        r'mutation { insert_book_one(object: {id: 7, title: "\u0000"}) { id } }',
        "data-exception",
        "Unicode",
    ),
    "surrogate": (r'{ book(where: {title: {_eq: "\ud800"}}) { id } }', "validation-failed", "not a valid"),
    "no operator": ("{ book(where: {raw: {_eq: 1}}) { id } }", "not-supported", "operator does not exist"),
    "no order": ("{ book(order_by: {raw: asc}) { id } }", "not-supported", "ordering operator"),
    "no equality": ("{ book(distinct_on: raw) { id } }", "not-supported", "equality operator"),
    "twice": (
        'mutation { insert_shelf(objects: [{id: 7, name: "a"}, {id: 7, name: "b"}],'
        " on_conflict: {constraint: shelf_pkey, update_columns: name}) { affected_rows } }",
        "data-exception",
        "a second time",
    ),
    "doubling fragments": (
        "{ shelf { ...f0 } }" + _doubling("books { shelf { INNER } }", "shelf", 40) + " fragment f40 on shelf { id }",
        "validation-failed",
        "selects more than 50000 fields",
    ),
    "doubling introspection": (
        "query { __schema { types { ...f0 } } }"
        + _doubling("fields { type { INNER ofType { INNER } } }", "__Type", 15)
        + " fragment f15 on __Type { name }",
        "validation-failed",
        "nested too deeply",
    ),
    "nothing": ("{ }", "validation-failed", "not a valid"),
    "nothing of a book": ("{ book { } }", "validation-failed", "not a valid"),
}


def _nested(levels: int, wrap: Callable[[Any], Any]) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = wrap(value)
    return value


_BODIES = {
    "not UTF-8": (b'{"query": "\xff"}', "invalid-json", "UTF-8"),
    "NaN": (b'{"query": "{ __typename }", "variables": {"v": NaN}}', "invalid-json", ""),
    "Infinity": (b'{"query": "{ __typename }", "variables": {"v": -Infinity}}', "invalid-json", ""),
    "surrogate": (b'{"query": "{ __typename }", "variables": {"v": "\\ud800"}}', "invalid-json", ""),
    "zero byte": (b'{"query": "{ \x00 }"}', "invalid-json", ""),
    "levels": (b"[" * 100_000, "invalid-json", "deeply"),
    "digits": (
        b'{"query": "query ($v: Int) { book(limit: $v) { id } }", "variables": {"v": %s}}' % _DIGITS.encode(),
        "invalid-json",
        "digits",
    ),
    "deep condition": (
        json.dumps(
            {
                "query": "query ($v: book_bool_exp) { book(where: $v) { id } }",
                "variables": {"v": _nested(400, lambda inner: {"_not": inner})},
            }
        ).encode(),
        *_TOO_DEEP,
    ),
    "deep JSON": (
        json.dumps(
            {
                "query": 'mutation ($v: jsonb) { insert_book_one(object: {id: 7, title: "t", doc: $v}) { id } }',
                "variables": {"v": _nested(900, lambda inner: [inner])},
            }
        ).encode(),
        *_TOO_DEEP,
    ),
    "double": (
        b'{"query": "query ($v: float8) { book(where: {ratio: {_eq: $v}}) { id } }", "variables": {"v": 1e400}}',
        "data-exception",
        "out of range",
    ),
}


@pytest.fixture
def library(serve: Serve) -> Iterator[Served]:
    served = serve()
    make_library(served)
    yield served


def _check(name: str, errors: list[dict[str, Any]], code: str, part: str) -> None:
    (error,) = errors
    assert (error["extensions"]["code"], part in error["message"]) == (code, True), (name, error)
    assert len(error["message"]) < 500, name


def test_documents_beyond_all_bounds_are_refused_with_the_reason(library: Served) -> None:
    for name, (document, code, part) in _DOCUMENTS.items():
        _check(name, library.graphql(document)["errors"], code, part)


def test_a_role_with_limits_is_refused_with_the_reason(library: Served) -> None:
    """Limits of depth and nodes, and the list of allowed operations, look at the document before anything else."""
    library.metadata("set_api_limits", disabled=False, depth_limit={"global": 5}, node_limit={"global": 50})
    user = library.admin_headers(X_Hasura_Role="user", X_Hasura_User_Id="2")
    for document in (_fragments(_DEEP), _wrapped("{ a ", "", "}"), f"{{ article {{ {'id ' * 60_000} }} }}"):
        (error,) = library.graphql(document, headers=user)["errors"]
        assert error["extensions"]["code"] == "validation-failed"


def test_bodies_beyond_all_bounds_are_refused_with_the_reason(library: Served) -> None:
    for name, (body, code, part) in _BODIES.items():
        answer = library.client.post("/v1/graphql", content=body, headers=library.admin_headers())
        assert answer.status_code == 200
        _check(name, answer.json()["errors"], code, part)
    for path in ("/v1/metadata", "/v2/query", "/v1/graphql/explain"):
        for body in (b"\xff", b"[" * 100_000, b"1", b'{"type": 1e400, "args": {}}', b'{"query": 7}'):
            answer = library.client.post(path, content=body, headers=library.admin_headers())
            assert answer.status_code == 400, (path, body[:9], answer.text)
            assert answer.json()["code"] != "unexpected", (path, body[:9], answer.text)


@pytest.mark.parametrize("protocol", [TRANSPORT, LEGACY])
def test_they_are_refused_over_a_websocket_and_the_connection_goes_on(library: Served, protocol: str) -> None:
    # Both protocols lead to the same refusals.
    count = len(_DOCUMENTS) if protocol == TRANSPORT else at_length(10, full=len(_DOCUMENTS))
    with client_of(library, protocol) as client:
        for name, (document, code, part) in itertools.islice(_DOCUMENTS.items(), count):
            documents = [document]
            if document.startswith("{"):
                documents.append("subscription " + document.replace("on query_root", "on subscription_root"))
            for one in documents:
                client.start(name, one)
                message = client.receive()
                assert message["id"] == name
                errors = message["payload"]
                if message["type"] == client.data:
                    errors = errors["errors"]
                    client.stop(name)
                    if protocol == LEGACY or not one.startswith("subscription"):
                        assert client.receive()["type"] == "complete"
                _check(name, errors if isinstance(errors, list) else [errors], code, part)
        client.start("last", "{ book_by_pk(id: 1) { id } }")
        assert client.next_data("last") == {"data": {"book_by_pk": {"id": 1}}}


def test_they_are_refused_by_a_saved_operation(library: Served) -> None:
    def call(number: int, document: str) -> httpx.Response:
        """Saves and runs it; what cannot even be parsed is not saved."""
        name = f"saved{number}"
        calls = [
            {
                "type": "create_query_collection",
                "args": {"name": name, "definition": {"queries": [{"name": name, "query": document}]}},
            },
            {
                "type": "create_rest_endpoint",
                "args": {
                    "name": name,
                    "url": f"{name}/:id",
                    "methods": ["POST"],
                    "definition": {"query": {"collection_name": name, "query_name": name}},
                },
            },
        ]
        saved = library.client.post(
            "/v1/metadata", json={"type": "bulk", "args": calls}, headers=library.admin_headers()
        )
        if saved.status_code != 200:
            return saved
        return library.client.post(f"/api/rest/{name}/1", headers=library.admin_headers())

    chosen = ("fragments", "columns", "double", "zero byte", "no operator", "nothing")
    for number, (document, code, _) in enumerate(_DOCUMENTS[name] for name in chosen):
        answer = call(number, document)
        assert answer.status_code == 400, (document[:100], answer.text)
        assert answer.json()["code"] in (code, "parse-failed"), (document[:100], answer.text)
    for body in (b"\xff", b"[" * 100_000, b'{"id": NaN}', b"1"):
        answer = library.client.post("/api/rest/saved0/1", content=body, headers=library.admin_headers())
        assert answer.json()["code"] != "unexpected", answer.text


def test_what_is_just_not_too_much_is_answered(library: Served) -> None:
    columns = library.graphql(f"{{ book_by_pk(id: 1) {{ {_aliases('id', 1600)} }} }}")
    assert len(columns["data"]["book_by_pk"]) == 1600
    assert library.graphql(_fragments(200))["data"]["book"]
    deep = _nested(200, lambda inner: [inner])
    query = "query ($v: jsonb) { book_by_pk(id: 1) { id } book(where: {doc: {_eq: $v}}) { id } }"
    assert library.graphql(query, variables={"v": deep})["data"]["book"] == []
    written = 'mutation { insert_book_one(object: {id: 7, title: "t", price: %s}) { id } }' % ("9" * 5000)
    assert "errors" not in library.graphql(written)
    answer = library.client.post(
        "/v1/graphql", json={"query": "{ book_by_pk(id: 7) { price } }"}, headers=library.admin_headers()
    )
    assert b"9" * 5000 in answer.content
    with pytest.raises(exact_json.EngineError, match="more than 4300 digits"):
        exact_json.loads(answer.content)

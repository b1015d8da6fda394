"""A literal, the default of a variable and a value sent mean the same: in every position, by every way in."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from hasura.engine import exact_json
from tests.hasura.engine.serving.clients import LEGACY, TRANSPORT, Client, client_of
from tests.hasura.engine.serving.conftest import Served
from tests.hasura.engine.serving.positions import (
    INTROSPECTION,
    MUTATIONS,
    QUERIES,
    RESET,
    STATE,
    STREAMS,
    Position,
    make_library,
)
from tests.lengths import at_length

Serve = Callable[..., Served]
Ask = Callable[[str, dict[str, Any]], Any]


def _post(served: Served, path: str, payload: object) -> Any:
    answer = served.client.post(path, content=exact_json.dumps(payload), headers=served.admin_headers())
    return exact_json.loads(answer.content)


def _by_http(served: Served) -> Ask:
    return lambda query, variables: _post(served, "/v1/graphql", {"query": query, "variables": variables})


def _by_batch(served: Served) -> Ask:
    first = {"query": "query ($v: Int = 3) { __typename }"}
    return lambda query, variables: _post(served, "/v1/graphql", [first, {"query": query, "variables": variables}])[1]


def _by_rest(served: Served) -> Ask:
    # All at once: each change of the metadata makes a snapshot.
    documents = [document for position in QUERIES + INTROSPECTION + MUTATIONS for document in position.documents()]
    names = {document: f"saved{number}" for number, document in enumerate(dict.fromkeys(documents))}
    queries = [{"name": name, "query": document} for document, name in names.items()]
    served.metadata("create_query_collection", name="saved", definition={"queries": queries})
    served.metadata_bulk(
        [
            {
                "type": "create_rest_endpoint",
                "args": {
                    "name": name,
                    "url": name,
                    "methods": ["POST"],
                    "definition": {"query": {"collection_name": "saved", "query_name": name}},
                },
            }
            for name in names.values()
        ]
    )

    def ask(query: str, variables: dict[str, Any]) -> Any:
        answer = _post(served, f"/api/rest/{names[query]}", variables)
        return {"errors": [answer]} if "error" in answer else {"data": answer}

    return ask


@contextmanager
def _by_websocket(served: Served, protocol: str) -> Iterator[Ask]:
    numbers = itertools.count()
    with client_of(served, protocol) as client:

        def ask(query: str, variables: dict[str, Any]) -> Any:
            return _first_answer(client, str(next(numbers)), query, variables)

        yield ask


def _first_answer(client: Client, identifier: str, query: str, variables: dict[str, Any]) -> Any:
    client.start(identifier, query, variables=variables)
    while True:
        message = client.receive()
        # What streams that were stopped still send is none of ours.
        if message.get("id") == identifier and message["type"] != "complete":
            client.stop(identifier)
            return message["payload"] if message["type"] == client.data else {"errors": message["payload"]}


def _disagreements(ask: Ask, position: Position, after: Callable[[Any], Any]) -> list[str]:
    """Where the ways to give a value differ; `after` adds to an answer what it left behind."""
    expected = after(ask(position.with_literal(), {}))
    if "data" not in expected[0]:
        return [f"{position.name}: the literal is refused: {expected[0]}"]
    _, with_default, without, with_other = position.documents()
    sent = {"v": position.value}
    others = {
        "default": (with_default, {}),
        "sent": (without, sent),
        "sent, with another default": (with_other, sent),
    }
    found = []
    for name, (query, variables) in others.items():
        answer = after(ask(query, variables))
        if answer != expected:
            found.append(f"{position.name}, {name}: {answer} instead of {expected}")
    return found


def _check_all(served: Served, ask: Ask, positions: list[Position]) -> None:
    state = _by_http(served)
    untouched = state(STATE, {})

    def after(answer: Any) -> Any:
        return (answer, None)

    def after_mutation(answer: Any) -> Any:
        left = state(STATE, {})
        if left != untouched:
            served.sql(RESET)
        return (answer, left)

    assert [
        one
        for position in positions
        for one in _disagreements(ask, position, after_mutation if position.kind == "mutation" else after)
    ] == []


def _library(serve: Serve) -> Served:
    served = serve()
    make_library(served)
    return served


@pytest.mark.parametrize("way", [_by_http, _by_batch, _by_rest])
def test_literals_defaults_and_values_mean_the_same(serve: Serve, way: Callable[[Served], Ask]) -> None:
    served = _library(serve)
    _check_all(served, way(served), QUERIES + INTROSPECTION + MUTATIONS)


@pytest.mark.parametrize("protocol", [TRANSPORT, LEGACY])
def test_they_mean_the_same_over_a_websocket(serve: Serve, protocol: str) -> None:
    served = _library(serve)
    with _by_websocket(served, protocol) as ask:
        _check_all(served, ask, QUERIES + INTROSPECTION + MUTATIONS)


@pytest.mark.parametrize("protocol", [TRANSPORT, LEGACY])
def test_they_mean_the_same_in_subscriptions_and_streams(serve: Serve, protocol: str) -> None:
    served = _library(serve)
    with _by_websocket(served, protocol) as ask:
        # Both protocols lead to the same positions.
        step = 1 if protocol == TRANSPORT else at_length(4, full=1)
        _check_all(served, ask, ([position.as_subscription() for position in QUERIES] + STREAMS)[::step])


def test_they_mean_the_same_when_prepared_again_after_a_change_of_the_schema(serve: Serve) -> None:
    served = _library(serve)
    ask = _by_http(served)
    positions = (QUERIES + MUTATIONS)[:: at_length(4, full=1)]
    _check_all(served, ask, positions)
    # After a change of another table what was prepared goes on; after one of its own it is prepared anew.
    for tables in (["author"], ["book", "shelf"]):
        for table in tables:
            served.sql(f"alter table {table} add column later integer")
        served.metadata("reload_metadata")
        _check_all(served, ask, positions)


def test_a_default_is_explained_as_what_it_is(serve: Serve) -> None:
    served = _library(serve)
    position = next(position for position in QUERIES if position.name == "by_pk")
    plans = [
        _post(served, "/v1/graphql/explain", {"query": {"query": query, "variables": variables}})
        for query, variables in (
            (position.with_variable("2"), {}),
            (position.with_variable(), {"v": 2}),
            (position.as_subscription().with_variable("2"), {}),
        )
    ]
    assert plans[0] == plans[1]
    assert "plan" in plans[0][0] and "plan" in plans[2]

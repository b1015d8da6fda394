"""A source's namespace on every way a request comes in: HTTP, batch, REST, live query, stream, explain."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.hasura.engine.serving.conftest import Served
from tests.hasura.engine.serving.test_websockets import client_of

Serve = Callable[..., Served]
_STREAM = "article_stream(batch_size: 5, cursor: {initial_value: {id: 1}, ordering: ASC}) { id }"


def _served(serve: Serve, **options: Any) -> Served:
    served = serve(**options)
    customization = {"root_fields": {"namespace": "blog"}}
    served.metadata("pg_set_source_customization", source="default", customization=customization)
    return served


def test_a_request_and_a_batch(serve: Serve) -> None:
    served = _served(serve)
    query = "{ blog { author_by_pk(id: 1) { name } } }"
    batch = [{"query": query}, {"query": "{ author { id } }"}]
    answers = served.client.post("/v1/graphql", json=batch, headers=served.admin_headers()).json()

    assert served.graphql(query) == answers[0] == {"data": {"blog": {"author_by_pk": {"name": "Ada"}}}}
    assert answers[1]["errors"][0]["message"] == "field 'author' not found in type: 'query_root'"


def test_a_rest_endpoint(serve: Serve) -> None:
    served = _served(serve)
    query = "query ($id: Int!) { blog { author_by_pk(id: $id) { name } } }"
    served.metadata(
        "create_query_collection", name="saved", definition={"queries": [{"name": "one", "query": query}]}
    )
    served.metadata(
        "create_rest_endpoint",
        name="one",
        url="author/:id",
        methods=["GET"],
        definition={"query": {"collection_name": "saved", "query_name": "one"}},
    )

    answer = served.client.get("/api/rest/author/2", headers=served.admin_headers())

    assert answer.json() == {"blog": {"author_by_pk": {"name": "Bert"}}}


def test_a_live_query_follows_changes(serve: Serve) -> None:
    served = _served(serve)
    with client_of(served) as client:
        client.start("1", "subscription { here: blog { names: author(order_by: {id: asc}) { name } } }")
        assert client.next_data("1") == {"data": {"here": {"names": [{"name": "Ada"}, {"name": "Bert"}]}}}
        served.sql("delete from article; delete from author where id = 2")
        assert client.next_data("1") == {"data": {"here": {"names": [{"name": "Ada"}]}}}


def test_a_stream_goes_on(serve: Serve) -> None:
    served = _served(serve)
    with client_of(served) as client:
        client.start("1", f"subscription {{ blog {{ rows: {_STREAM} }} }}")
        assert client.next_data("1") == {"data": {"blog": {"rows": [{"id": 2}, {"id": 3}]}}}
        served.sql("insert into article values (4, 'Four', 1)")
        assert client.next_data("1") == {"data": {"blog": {"rows": [{"id": 4}]}}}


@pytest.mark.parametrize(
    "fields", ["blog { author { id } article { id } }", "a: blog { author { id } } b: blog { article { id } }"]
)
def test_a_subscription_has_one_field_below_it(serve: Serve, fields: str) -> None:
    served = _served(serve)
    with client_of(served) as client:
        client.start("1", f"subscription {{ {fields} }}")
        message = client.receive()

    assert message["type"] == "error"
    assert "subscriptions must select one top level field" in str(message["payload"])


def test_explain_names_the_field_below_it(serve: Serve) -> None:
    served = _served(serve)
    payload = {"query": {"query": "{ blog { author { id } } }"}}
    answer = served.client.post("/v1/graphql/explain", json=payload, headers=served.admin_headers())

    assert [item["field"] for item in answer.json()] == ["blog.author"]

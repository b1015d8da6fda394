"""GraphQL over websockets: both protocols, live queries that follow changes, streams, hostile clients."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from graphql import build_client_schema, get_introspection_query, print_schema
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.connections import END_OTHER_CONNECTIONS
from tests.hasura.engine.serving.clients import LEGACY, TRANSPORT, Client, client_of
from tests.hasura.engine.serving.conftest import SECRET, Served
from tests.waiting import wait_until

Serve = Callable[..., Served]
_ENGINES = "from pg_stat_activity where datname = current_database() and application_name = 'automio-engine'"


@pytest.mark.parametrize("protocol", [TRANSPORT, LEGACY])
def test_a_query_is_answered_and_completed(serve: Serve, protocol: str) -> None:
    with client_of(serve(), protocol) as client:
        client.start("1", "query ($id: Int!) { author_by_pk(id: $id) { name } }", variables={"id": 1})
        assert client.next_data("1") == {"data": {"author_by_pk": {"name": "Ada"}}}
        assert client.receive() == {"id": "1", "type": "complete"}


@pytest.mark.parametrize("protocol", [TRANSPORT, LEGACY])
def test_a_live_query_follows_changes_of_other_programs(serve: Serve, protocol: str) -> None:
    served = serve()
    with client_of(served, protocol) as client:
        client.start("1", "subscription { author(order_by: {id: asc}) { name } }")
        assert len(client.next_data("1")["data"]["author"]) == 2
        served.sql("insert into author values (3, 'Cleo', '')")
        assert [row["name"] for row in client.next_data("1")["data"]["author"]] == ["Ada", "Bert", "Cleo"]
        client.stop("1")
        served.sql("delete from author where id = 3")
        if protocol == LEGACY:
            assert client.receive() == {"id": "1", "type": "complete"}
        assert client.is_silent(0.4)


def test_a_change_is_pushed_without_polling_and_silence_costs_no_sql(serve: Serve) -> None:
    # With an hour between two looks, only a told change can bring the answer.
    served = serve(live_query_refetch_seconds=3600.0)
    with client_of(served) as client:
        client.start("1", "subscription { author_aggregate { aggregate { count } } }")
        client.next_data("1")
        wait_until(
            lambda: _is_idle(served), what=lambda: "the engine keeps asking the database although nothing changes"
        )
        served.sql("insert into author values (3, 'Cleo', '')")
        assert client.next_data("1")["data"]["author_aggregate"]["aggregate"]["count"] == 3


async def _is_idle(served: Served) -> bool:
    """Returns true when none of the engine's connections has run anything for half a second."""
    recent = f"select count(*) {_ENGINES} and state_change > clock_timestamp() - interval '0.5 s'"
    return not await served.fetch_value(recent)


def test_a_view_is_followed_by_looking_again(serve: Serve) -> None:
    served = serve(live_query_refetch_seconds=0.1)
    with client_of(served) as client:
        client.start("1", "subscription { published(order_by: {id: asc}) { id } }")
        assert client.next_data("1") == {"data": {"published": [{"id": 1}, {"id": 3}]}}
        served.sql("update article set is_published = true where id = 2")
        assert client.next_data("1") == {"data": {"published": [{"id": 1}, {"id": 2}, {"id": 3}]}}


def test_subscribers_of_different_sessions_share_a_query_and_never_rows(serve: Serve) -> None:
    served = serve(live_query_refetch_seconds=3600.0)
    query = (
        "subscription ($min: Int!) { article(where: {rating: {_gte: $min}}, order_by: {id: asc}) { id author_id } }"
    )
    with (
        client_of(served, role="user", User_Id="1") as ada,
        client_of(served, role="user", User_Id="2") as bert,
        client_of(served, role="user", User_Id="1") as strict,
    ):
        for client, least in ((ada, 0), (bert, 0), (strict, 4)):
            client.start("1", query, variables={"min": least})
        assert [row["id"] for row in ada.next_data("1")["data"]["article"]] == [1, 2]
        assert [row["id"] for row in bert.next_data("1")["data"]["article"]] == [3]
        assert [row["id"] for row in strict.next_data("1")["data"]["article"]] == [1]
        served.sql("insert into article values (4, 'Four', 2, false, 1)")
        assert [row["id"] for row in bert.next_data("1")["data"]["article"]] == [3, 4]
        assert ada.is_silent(0.3)
        assert strict.is_silent(0.1)


def test_live_queries_survive_lost_database_connections(serve: Serve) -> None:
    served = serve(live_query_refetch_seconds=3600.0)
    with client_of(served) as client:
        client.start("1", "subscription { author_aggregate { aggregate { count } } }")
        client.next_data("1")
        for number in range(3, 9):
            served.sql(END_OTHER_CONNECTIONS)
            served.sql(f"insert into author values ({number}, 'Cleo', '')")
            assert client.next_data("1")["data"]["author_aggregate"]["aggregate"]["count"] == number


def test_a_live_query_ends_with_an_error_when_its_table_is_untracked(serve: Serve) -> None:
    served = serve(live_query_refetch_seconds=0.1)
    with client_of(served) as client:
        client.start("1", "subscription { published { id } }")
        client.next_data("1")
        served.metadata("pg_untrack_table", source="default", table="published")
        assert "errors" in client.next_data("1")


def test_a_stream_gives_each_row_once_and_goes_on_with_new_ones(serve: Serve) -> None:
    served = serve(streaming_refetch_seconds=3600.0)
    query = (
        "subscription { article_stream(batch_size: 2, cursor: {initial_value: {id: 0}, ordering: ASC}) { id title } }"
    )
    with client_of(served) as client:
        client.start("1", query)
        assert [row["id"] for row in client.next_data("1")["data"]["article_stream"]] == [1, 2]
        assert [row["id"] for row in client.next_data("1")["data"]["article_stream"]] == [3]
        served.sql("insert into article values (4, 'Four', 2, false, 1)")
        assert client.next_data("1")["data"]["article_stream"] == [{"id": 4, "title": "Four"}]
        assert client.is_silent(0.2)


def test_a_stream_survives_lost_database_connections(serve: Serve) -> None:
    served = serve(streaming_refetch_seconds=3600.0)
    with client_of(served) as client:
        client.start(
            "1",
            "subscription { author_stream(batch_size: 9, cursor: {initial_value: {id: 0}, ordering: ASC}) { id } }",
        )
        assert [row["id"] for row in client.next_data("1")["data"]["author_stream"]] == [1, 2]
        for number in range(3, 9):
            served.sql(END_OTHER_CONNECTIONS)
            served.sql(f"insert into author values ({number}, 'Cleo', '')")
            assert client.next_data("1")["data"]["author_stream"] == [{"id": number}]


async def _lose_a_look_under_way(database_url: str) -> None:
    """Ends the engine's connections, and once more while the next look waits for a lock on the table."""
    # One holds the lock, the other looks: within a transaction pg_stat_activity does not change.
    holder, other = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    try:
        async with holder.transaction():
            await holder.execute("lock table author in access exclusive mode")
            await other.execute(f"select pg_terminate_backend(pid) {_ENGINES}")
            for _ in range(3000):
                await asyncio.sleep(0.02)
                if await other.fetchval(f"select count(*) {_ENGINES} and wait_event_type = 'Lock'"):
                    break
            else:
                raise AssertionError("the engine did not look again")
            await other.execute(f"select pg_terminate_backend(pid) {_ENGINES}")
            await asyncio.sleep(0.1)
    finally:
        await holder.close()
        await other.close()


@pytest.mark.parametrize(
    "field", ["author(order_by: {id: asc})", "author_stream(batch_size: 9, cursor: {initial_value: {id: 0}})"]
)
def test_a_subscription_survives_the_loss_of_a_look_under_way(serve: Serve, field: str) -> None:
    served = serve(live_query_refetch_seconds=3600.0, streaming_refetch_seconds=3600.0)
    with client_of(served) as client:
        client.start("1", f"subscription {{ rows: {field} {{ id }} }}")
        assert client.next_data("1")["data"]["rows"] == [{"id": 1}, {"id": 2}]
        asyncio.run(_lose_a_look_under_way(served.database_url))
        served.sql("insert into author values (3, 'Cleo', '')")
        assert client.next_data("1")["data"]["rows"][-1] == {"id": 3}


@pytest.mark.parametrize("protocol", [TRANSPORT, LEGACY])
@pytest.mark.parametrize("kind", ["query", "subscription"])
def test_an_operation_that_fails_while_it_runs_has_null_data(serve: Serve, protocol: str, kind: str) -> None:
    with client_of(serve(), protocol) as client:
        client.start("1", f'{kind} {{ author(where: {{name: {{_regex: "("}}}}) {{ id }} }}')
        answer = client.next_data("1")
    assert answer["data"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["bad-request"]


def test_errors_come_with_the_operation_they_belong_to(serve: Serve) -> None:
    with client_of(serve()) as client:
        client.start("1", "subscription { nothing { id } }")
        error = client.receive()
        assert (error["id"], error["type"]) == ("1", "error")
        assert error["payload"][0]["extensions"]["code"] == "validation-failed"
        client.start("2", "{ author { id } }")
        assert client.next_data("2")["data"]


_BAD_BOOLEAN = {"X-Hasura-Admin-Secret": SECRET, "X-Hasura-Use-Backend-Only-Permissions": "maybe"}


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"type": "subscribe", "id": "1", "payload": {"query": "{ author { id } }"}}], 4401),
        (["not json"], 4400),
        ([["a list"]], 4400),
        ([{"type": "connection_init", "payload": {"headers": {"X-Hasura-Admin-Secret": "wrong"}}}], 4403),
        ([{"type": "connection_init"}], 4403),
        # Neither what is sent nor how long it is keeps the code from coming.
        ([{"type": "ż" * 200}], 4400),
        ([{"type": "connection_init", "payload": {"headers": _BAD_BOOLEAN}}], 4400),
    ],
)
def test_a_client_that_breaks_the_protocol_is_closed_with_its_code(
    serve: Serve, messages: list[Any], code: int
) -> None:
    served = serve()
    with connect(served.websocket_url, subprotocols=[TRANSPORT], open_timeout=240) as socket:  # type: ignore[list-item]
        for message in messages:
            socket.send(message if isinstance(message, str) else json.dumps(message))
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                socket.recv(30)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == code


def test_the_older_protocol_refuses_a_message_once(serve: Serve) -> None:
    with client_of(serve(), LEGACY) as client:
        client.socket.send("not json")
        assert client.receive()["type"] == "connection_error"
        client.start("1", "{ __typename }")
        assert client.next_data("1") == {"data": {"__typename": "query_root"}}


@pytest.mark.parametrize(
    ("value", "found"), [("1", [1, 2]), (1, [1, 2]), (True, None), (None, None), (["1"], None), ({"a": 1}, None)]
)
def test_a_header_of_the_payload_is_its_text(serve: Serve, value: Any, found: list[int] | None) -> None:
    served = serve()
    headers = {"X-Hasura-Admin-Secret": SECRET, "X-Hasura-Role": "user", "X-Hasura-User-Id": value}
    with connect(served.websocket_url, subprotocols=[TRANSPORT], open_timeout=240) as socket:  # type: ignore[list-item]
        client = Client(socket, TRANSPORT)
        client.send(type="connection_init", payload={"headers": headers})
        assert client.receive() == {"type": "connection_ack"}
        client.start("1", "{ article(order_by: {id: asc}) { id } }")
        answer = client.next_data("1")
    if found is not None:
        assert answer == {"data": {"article": [{"id": number} for number in found]}}
    elif value is None:
        assert answer["errors"][0]["message"] == 'missing session variable: "x-hasura-user-id"'
    else:
        assert json.dumps(value, separators=(",", ":")) in answer["errors"][0]["message"]


def test_a_second_operation_with_the_same_id_closes_the_connection(serve: Serve) -> None:
    with client_of(serve()) as client:
        client.start("1", "subscription { author { id } }")
        client.next_data("1")
        client.start("1", "subscription { author { id } }")
        with pytest.raises(ConnectionClosed) as closed:
            client.receive()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4409


def test_an_unknown_subprotocol_is_refused(serve: Serve) -> None:
    from websockets.exceptions import InvalidStatus

    with pytest.raises(InvalidStatus):
        connect(serve().websocket_url, subprotocols=["soap"])  # type: ignore[list-item]


def test_the_published_gql_client_queries_and_subscribes(serve: Serve) -> None:
    from gql import Client as GqlClient
    from gql import gql
    from gql.transport.httpx import HTTPXAsyncTransport
    from gql.transport.websockets import WebsocketsTransport

    served = serve()
    headers = {"X-Hasura-Admin-Secret": SECRET}

    async def run() -> tuple[Any, Any]:
        http = HTTPXAsyncTransport(f"{served.url}/v1/graphql", headers=headers)
        async with GqlClient(transport=http, fetch_schema_from_transport=True) as session:
            found = await session.execute(gql("{ author(limit: 1, order_by: {id: asc}) { name articles { id } } }"))
        socket = WebsocketsTransport(
            served.websocket_url,
            init_payload={"headers": headers},
            subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
        )
        async with GqlClient(transport=socket) as session:
            async for event in session.subscribe(gql("subscription { author_aggregate { aggregate { count } } }")):
                return found, event
        raise AssertionError("no event came")

    found, event = asyncio.run(run())
    assert found["author"][0]["name"] == "Ada"
    assert event == {"author_aggregate": {"aggregate": {"count": 2}}}


def test_graphql_core_builds_a_schema_from_the_introspection(serve: Serve) -> None:
    served = serve()
    for role in ("admin", "user", "anonymous"):
        headers = served.admin_headers(X_Hasura_Role=role, X_Hasura_User_Id="1")
        answer = served.client.post(
            f"{served.url}/v1/graphql",
            json={"query": get_introspection_query(input_value_deprecation=False)},
            headers=headers,
        )
        schema = build_client_schema(answer.json()["data"])
        text = print_schema(schema)
        assert "type article" in text
        assert ("secret" in text) == (role == "admin")


def test_everybody_who_joins_at_the_same_time_gets_a_first_answer(serve: Serve) -> None:
    served = serve(live_query_refetch_seconds=3600.0)
    query = "subscription ($min: Int!) { article(where: {rating: {_gte: $min}}) { id } }"
    with client_of(served) as client:
        for number in range(30):
            client.start(str(number), query, variables={"min": number % 10})
        answered = {client.receive()["id"] for _ in range(30)}
    assert answered == {str(number) for number in range(30)}

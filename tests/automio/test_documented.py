"""What the published client's documentation shows, also where its code disagrees (contract §14), and the rest."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from automio import AsyncAPI, GraphQLRequest, IntegrationAccessDeniedError, MockTransport, NotFound, Tag
from automio.wrapper import API
from tests.automio.conftest import QUICK
from tests.automio.loopback import Answer, Loopback, Seen, Stream, api_response, events

SHOP = {"integration_id": "shop", "name": "Shop", "version": "1", "connected_accounts": [5, 6]}
CONNECTIONS = {"2": [{"id": 5, "name": "a@shop"}], "3": [{"id": 6, "name": "b@shop"}]}


def envelope(data: Any, connection_id: int = 5, status: int = 200) -> dict[str, Any]:
    response = api_response(status, json.dumps(data))
    return {"api_data": data, "api_response": response, "connection_id": connection_id, "organization_id": 2}


@pytest.fixture
def shop(server: Loopback, api: API) -> Any:
    server.on("GET /api/integrations/shop/", SHOP)
    return api.integrations.get_integration("shop")


# all_connections


def test_all_connections_takes_an_integration_or_its_id_with_or_without_a_table(
    server: Loopback, api: API, shop: Any
) -> None:
    server.on("GET /api/integrations/shop/table_connections/", CONNECTIONS)
    for find, query in (
        (lambda: api.integrations.all_connections("shop", "products"), {"app_id": "7", "table": "products"}),
        (lambda: api.integrations.all_connections(shop), {"app_id": "7"}),
        (lambda: api.integrations.all_connections(shop, "app_7_t", app_id=9), {"app_id": "9", "table": "app_7_t"}),
        (lambda: api.integrations.table_connections(9, "shop", "t"), {"app_id": "9", "table": "t"}),
    ):
        connections = find()
        assert server.requests[-1].query == query
        assert [(connection.id, connection.name) for connection in connections] == [(5, "a@shop"), (6, "b@shop")]
        assert {organization: [c["id"] for c in found] for organization, found in connections.items()} == {
            "2": [5],
            "3": [6],
        }


def test_my_connections_has_its_older_name_too(server: Loopback, api: API) -> None:
    server.on("GET /api/integrations/shop/get_connections/", [{"id": 5, "name": "a"}])
    assert [c.id for c in api.integrations.my_connections("shop")] == [5]
    assert [c["name"] for c in api.integrations.get_connections("shop")] == ["a"]


# call


@pytest.mark.parametrize("connection_id", [5, "5", "user@domain.com", None])
def test_a_connection_is_named_by_number_text_or_account(
    server: Loopback, api: API, shop: Any, connection_id: Any
) -> None:
    server.on("POST /api/integrations/shop/call/", envelope({"login": "octocat"}))
    data, response = api.integrations.call(shop, method="GET", endpoint="/user", connection_id=connection_id)
    assert (data, response.ok, response.status_code, response.json()) == ({"login": "octocat"}, True, 200, data)
    expected = {} if connection_id is None else {"connection_id": str(connection_id)}
    assert server.requests[-1].query == expected
    assert server.requests[-1].headers["authorization"] == "App-Token app-token"
    assert server.requests[-1].json == {
        "method": "GET",
        "endpoint": "/user",
        "request_headers": {},
        "request_params": {},
        "data": {},
    }


def test_a_call_carries_all_it_is_given(server: Loopback, api: API) -> None:
    server.on("POST /api/integrations/shop/call/", envelope(None, status=404))
    data, response = api.integrations.call(
        "shop",
        method="post",
        endpoint="/messages",
        json={"subject": None},
        params={"limit": 10},
        headers={"X-A": "b"},
        organization_id=2,
        table="app_7_orders",
    )
    assert (data, response.ok, response.status_code) == (None, False, 404)
    assert server.requests[-1].query == {"organization_id": "2", "table": "app_7_orders"}
    assert server.requests[-1].json == {
        "method": "POST",
        "endpoint": "/messages",
        "request_headers": {"X-A": "b"},
        "request_params": {"limit": 10},
        "data": {"subject": None},
    }
    with pytest.raises(TypeError, match="either `data` or `json`"):
        api.integrations.call("shop", data={}, json={})


# Parallel calls


def test_parallel_calls_as_documented(server: Loopback, api: API, shop: Any) -> None:
    def answer(request: Seen) -> Any:
        items = request.json["data_list"]
        return {"responses": [envelope(item["url_params"], item.get("connection_id", 5)) for item in items]}

    server.on("POST /api/integrations/shop/parallel_call/", answer)
    data_list = [
        {
            "connection_id": 5,
            "organization_id": 2,
            "url_params": {"offerId": "o/1"},
            "params": {"include": "details"},
        },
        {"connection_id": 6, "organization_id": 3, "url_params": {"offerId": "o2"}, "data": {"expand": True}},
        {"url_params": {"offerId": "without a connection"}},
    ]
    responses = api.integrations.parallel_call(
        shop, method="GET", endpoint="/offers/{offerId}", data_list=data_list, table="app_123_products"
    )
    assert [(r.connection_id, r.organization_id, r.api_response.ok) for r in responses][:2] == [
        (5, 2, True),
        (6, 2, True),
    ]
    assert responses[0].api_data == {"offerId": "o/1"}
    assert server.requests[-1].query == {"table": "app_123_products"}
    assert server.requests[-1].json["data_list"] == data_list
    assert api.integrations.parallel_call(shop, "GET", "/x", []) == []


def test_parallel_calls_for_one_connection(server: Loopback, api: API, shop: Any) -> None:
    route = "POST /api/integrations/shop/parallel_call_for_connection/"
    server.on(route, {"responses": [envelope(1), envelope(2)], "connection_id": "5"})
    responses = api.integrations.parallel_call_for_connection(
        shop,
        method="GET",
        endpoint="/offers/{offerId}",
        data_list=[{"url_params": {"offerId": "1"}}, {"url_params": {"offerId": "2"}}],
        connection_id="user@domain.com",
        organization_id=123,
        table="app_124_offers",
    )
    assert [response.api_data for response in responses] == [1, 2]
    assert server.requests[-1].query == {
        "connection_id": "user@domain.com",
        "organization_id": "123",
        "table": "app_124_offers",
    }
    assert api.connection_id == 5


def test_a_refusal_of_parallel_calls_is_an_access_error(server: Loopback, api: API) -> None:
    refused = Answer(403, json={"detail": "not for this app"})
    for name in ("parallel_call", "parallel_call_for_connection"):
        server.on(f"POST /api/integrations/shop/{name}/", refused)
    with pytest.raises(IntegrationAccessDeniedError):
        api.integrations.parallel_call("shop", "GET", "/x", [{}])
    with pytest.raises(IntegrationAccessDeniedError):
        api.integrations.parallel_call_for_connection("shop", "GET", "/x", [{}], 5)


def test_the_stream_hands_out_what_is_documented_and_the_connection(server: Loopback, api: API) -> None:
    item = {
        "index": 0,
        "total": 1,
        "completed": 1,
        "connection_id": 6,
        "organization_id": 2,
        "response": envelope("x"),
    }
    stream = Stream(events(item, {"completed": True, "total_processed": 1}))
    server.on("POST /api/integrations/shop/parallel_call/", stream)
    seen = []
    for result in api.integrations.parallel_call_stream("shop", "GET", "/x", [{}], connection_id=6, params={"a": 1}):
        if result.get("final"):
            assert result["total_processed"] == 1
            break
        seen.append((result["index"], result["data"], result["response"].ok, result["connection_id"]))
    assert seen == [(0, "x", True, 6)]
    assert server.requests[-1].query == {"connection_id": "6"}
    assert (server.requests[-1].json["streaming"], server.requests[-1].json["request_params"]) == (True, {"a": 1})
    assert api.connection_id == 6


# Cache, progress, notifications


def test_the_cache_service_gives_the_value_and_on_request_the_envelope(server: Loopback, cached_api: API) -> None:
    stored = {"key": "api_data", "value": {"rates": [1.2]}, "exists": True, "ttl": 300}
    server.on("GET /cache/get/api_data/", stored)
    assert cached_api.app_cache.get(key="api_data") == {"rates": [1.2]}
    entry = cached_api.user_cache.get_entry("api_data")
    assert entry is not None and (entry.value, entry.ttl, entry.exists) == ({"rates": [1.2]}, 300, True)
    app, org = server.requests
    assert app.query == {"task_id": "task-1", "cache_type": "app", "action_id": "9"}
    assert org.query == {"task_id": "task-1", "cache_type": "org"}
    assert app.headers["authorization"] == "Bearer cache-token"
    server.on("GET /cache/get/api_data/", None)
    assert cached_api.app_cache.get("api_data") is None


def test_cache_writes_have_the_published_shape(server: Loopback, cached_api: API) -> None:
    server.on("POST /cache/set/", {"success": True})
    server.on("DELETE /cache/delete/k/", {"success": True, "deleted": False})
    assert cached_api.app_cache.set(key="k", value="ż", ttl=300) is True
    assert cached_api.user_cache.set("k", None) is True
    assert cached_api.app_cache.delete(key="k") is False
    assert [json.loads(request.body) for request in server.requests[:2]] == [
        {"action": "9", "key": "k", "value": "ż", "ttl": 300},
        {"key": "k", "value": None, "ttl": None},
    ]


@pytest.mark.parametrize("status", ["pending", "in_progress", "running", "completed", "failed"])
def test_progress_takes_every_documented_state(server: Loopback, cached_api: API, status: Any) -> None:
    server.on("POST /cache/set-progress/task-1/", {"success": True})
    cached_api.task.set_progress(33.4, "Working", status)
    assert server.requests[-1].json == {"progress": 33, "info": "Working", "status": status}


def test_values_that_json_cannot_hold_are_named(cached_api: API) -> None:
    with pytest.raises(TypeError, match="set cannot be sent as JSON"):
        cached_api.app_cache.set("k", {1, 2})
    with pytest.raises(ValueError, match="JSON compliant"):
        cached_api.app_cache.set("k", float("nan"))
    for key in ("", None, 5):
        with pytest.raises(ValueError, match="cache key"):
            cached_api.app_cache.get(key)  # type: ignore[arg-type]


def test_notify_me(server: Loopback, api: API) -> None:
    route = "POST /api/integrations/mailer/notify-me/"
    server.on(route, {"detail": "sent"})
    assert api.notify_me(subject="s", text="t", html="<b>t</b>") == {"detail": "sent"}
    assert server.requests[-1].json == {"subject": "s", "text": "t", "html": "<b>t</b>"}
    server.on(route, Answer(200, body=b"queued", headers={"Content-Type": "text/plain"}))
    assert api.notify_me("s", "t") == "queued"
    with pytest.raises(ValueError, match="`text` or `html`"):
        api.notify_me("s", None)


# Tables and actions


def test_tags_are_objects_that_also_read_like_dictionaries(server: Loopback, api: API) -> None:
    tag = {"id": 3, "name": "late", "color": "#fff", "count": 0, "createdAt": "2026-01-02T03:04:05Z"}
    server.on("POST /api/apps/table-tags/7/orders/add/", {"_id": "3", "name": "late", "tag": tag})
    created = api.tables.create_tag("orders", "late")
    assert (created.id, created["id"], created["createdAt"]) == (3, 3, "2026-01-02T03:04:05Z")
    assert created.created_at is not None
    assert api.tables.add_tag(7, "orders", Tag(name="late", color="#fff")).name == "late"
    assert server.requests[-1].json == {"name": "late", "color": "#fff"}


def test_the_playground_is_a_page(server: Loopback, api: API) -> None:
    page = Answer(200, body="<html>ż</html>".encode(), headers={"Content-Type": "text/html"})
    server.on("GET /api/apps/graphql/", page)
    assert api.tables.apps_graphql_playground(app="acme/orders", table="orders") == "<html>ż</html>"
    assert server.requests[-1].query == {"app": "acme/orders", "table": "orders"}
    assert server.requests[-1].headers["accept"] == "text/html"


def test_rows_may_hold_dates_decimals_and_uuids(server: Loopback, api: API) -> None:
    from datetime import UTC, date, datetime
    from decimal import Decimal
    from uuid import UUID

    server.on("POST /api/apps/graphql/", {"data": {}})
    row = {
        "at": datetime(2026, 1, 2, tzinfo=UTC),
        "on": date(2026, 1, 2),
        "value": Decimal("1.10"),
        "id": UUID(int=1),
        "nothing": None,
    }
    api.tables.apps_graphql_query(7, "orders", GraphQLRequest("mutation { x }", {"row": row}, operation_name="x"))
    assert server.requests[-1].json == {
        "query": "mutation { x }",
        "operationName": "x",
        "variables": {
            "row": {
                "at": "2026-01-02T00:00:00+00:00",
                "on": "2026-01-02",
                "value": "1.10",
                "id": "00000000-0000-0000-0000-000000000001",
                "nothing": None,
            }
        },
    }


def test_a_run_is_started_followed_and_cancelled(server: Loopback, api: API) -> None:
    server.on("POST /api/actions/4/run/", {"run_id": 5, "task_id": "t", "run_number": 1})
    server.on("POST /api/actions/runs/5/cancel/", Answer(200, json={}))
    run = api.actions.run(4, selected_rows=["a"], user_input={"x": None}, connection_id=5)  # type: ignore[arg-type]
    assert (run.run_id, run.task_id, run.run_number) == (5, "t", 1)
    assert server.requests[-1].json == {"selected_rows": ["a"], "user_input": {"x": None}, "connection_id": "5"}
    api.actions.run(4)
    assert (server.requests[-1].json, server.requests[-1].query) == ({}, {})
    server.on("POST /api/actions/import/run/", {"run_id": 5, "task_id": "t", "run_number": 1})
    api.actions.run("import")
    assert server.requests[-1].query == {"app": "7"}
    api.actions.cancel(run.run_id)
    with pytest.raises(NotFound):
        api.actions.cancel(6)


def test_log_lines_are_asked_for_as_documented(server: Loopback, api: API) -> None:
    server.on(
        "GET /api/actions/run-code-stream/", lambda request: Stream([b"data: a\n\n", b"event: x\ndata:  b  \n\n"])
    )
    assert list(api.actions.stream_logs("t", skip_existing=True)) == ["a", "b"]
    assert list(api.actions.streamLogs("t")) == ["a", "b"]
    assert [request.query for request in server.requests] == [
        {"task_id": "t", "app": "7", "skip_existing": "1"},
        {"task_id": "t", "app": "7"},
    ]
    with pytest.raises(ValueError, match="task_id"):
        next(api.actions.stream_logs(""))


# The asynchronous twin


def test_the_asynchronous_client_streams_pages_and_steps(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_SERVICE_URL", f"{server.url}/cache")
    monkeypatch.setenv("CACHE_SERVICE_TOKEN", "cache-token")
    item = {"index": 0, "response": envelope("x")}
    server.on("GET /api/actions/run-code-stream/", lambda request: Stream([b"data: a\n\n", b"data: b"]))
    server.on("GET /cache/get/k/", {"key": "k", "value": 1, "exists": True, "ttl": -1})
    page = {"count": 1, "next": None, "results": [SHOP]}
    server.on("GET /api/integrations/", page)

    def parallel(request: Seen) -> Any:
        if request.json["streaming"]:
            return Stream(events(item, {"completed": True}))
        return {"responses": [envelope(entry["params"]["n"]) for entry in request.json["data_list"]]}

    server.on("POST /api/integrations/shop/parallel_call/", parallel)

    async def main() -> None:
        async with AsyncAPI(base_url=server.url, token="t", app_id=7, retry=QUICK) as api:
            assert [line async for line in api.actions.stream_logs("t")] == ["a", "b"]
            assert await api.app_cache.get("k") == 1
            assert [shop.name async for shop in api.integrations.iterate_integrations()] == ["Shop"]
            stream = api.integrations.parallel_call_stream("shop", "GET", "/x", [{}])
            assert [result.get("data") async for result in stream] == ["x", None]
            items = [{"params": {"n": n}} for n in range(5)]
            responses = await api.integrations.parallel_call("shop", "GET", "/x", items, concurrency=2)
            assert [response.api_data for response in responses] == [0, 1, 2, 3, 4]

    asyncio.run(main())


def test_the_asynchronous_client_uses_a_local_redis(redis_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_PORT", str(redis_port))

    async def main() -> None:
        async with AsyncAPI(base_url="http://platform.test", token="t", app_id=91) as api:
            await api.app_cache.set("k", {"a": 1}, ttl=30)
            assert await api.app_cache.get("k") == {"a": 1}
            assert await api.app_cache.delete("k") is True

    asyncio.run(main())


# The mock transport


@pytest.fixture
def create_mocked() -> Iterator[Callable[[Any], tuple[API, MockTransport]]]:
    made: list[API] = []

    def create(answers: Any) -> tuple[API, MockTransport]:
        transport = MockTransport(answers)
        made.append(API(base_url="http://platform", token="test", app_id=1, transport=transport, retry=QUICK))
        return made[-1], transport

    yield create
    for api in made:
        api.close()


def test_a_mock_platform_answers_from_a_mapping(create_mocked: Callable[[Any], tuple[API, MockTransport]]) -> None:
    import httpx

    api, transport = create_mocked(
        {
            "GET /api/actions/": [{"id": 1, "name": "Import"}],
            "POST /api/actions/1/run/": lambda request: {"run_id": 1, "task_id": request.method, "run_number": 1},
            "GET /api/actions/runs/1/status/": httpx.Response(200, json={"status": "running"}),
        }
    )
    assert [action.name for action in api.actions.list()] == ["Import"]
    assert api.actions.run(1).task_id == "POST"
    assert api.actions.run_status(1).status == "running"
    with pytest.raises(NotFound, match="no answer for GET /api/actions/runs/2/status/"):
        api.actions.run_status(2)
    assert len(transport.requests) == 4


def test_a_mock_platform_works_for_the_asynchronous_client() -> None:
    transport = MockTransport(lambda request: [{"id": 1, "name": request.url.path}])

    async def main() -> None:
        async with AsyncAPI(base_url="http://platform", token="test", app_id=1, transport=transport) as api:
            assert [action.name for action in await api.actions.list()] == ["/api/actions/"]

    asyncio.run(main())

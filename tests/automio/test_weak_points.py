"""The weak points of the published clients that this one must not have, by their number in the contract (§15)."""

import asyncio
import gc
import inspect
import io
import json
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import automio
from automio import (
    AsyncAPI,
    AutomioError,
    CacheUnavailable,
    CapabilityNotImplemented,
    ConfigurationError,
    GraphqlException,
    GraphQLRequest,
    IntegrationAccessDeniedError,
    IntegrationHasNoConnections,
    IntegrationNotFound,
    NotEnoughCredits,
    PluginNotFound,
    RateLimited,
    RequestTimeout,
    RetryPolicy,
    ServerError,
    StreamInterrupted,
    Unauthorized,
)
from automio.wrapper import API
from tests.automio.conftest import QUICK
from tests.automio.loopback import Answer, InTurn, Loopback, Reset, Seen, Stream, api_response, events

CALL = "POST /api/integrations/shop/call/"
PARALLEL = "POST /api/integrations/shop/parallel_call/"
ENVELOPE = {"api_data": {"n": 1}, "api_response": api_response(), "connection_id": 5, "organization_id": 2}


def answered(index: int, data: Any = None, connection_id: int = 5) -> dict[str, Any]:
    return {
        "index": index,
        "total": 3,
        "completed": index + 1,
        "connection_id": connection_id,
        "organization_id": 2,
        "response": {"api_data": data, "api_response": api_response()},
    }


# 1. Retries


def test_contract_15_01_a_wrong_token_fails_at_once(server: Loopback, api: API) -> None:
    server.on(CALL, Answer(401, json={"detail": "unknown token"}, headers={"X-Request-Id": "r-1"}))
    with pytest.raises(Unauthorized, match="unknown token") as caught:
        api.integrations.call("shop", endpoint="/x")
    assert len(server.requests) == 1
    assert (caught.value.status, caught.value.request_id) == (401, "r-1")
    assert "automio whoami" in str(caught.value)


def test_contract_15_01_a_post_is_not_repeated_and_a_get_is(server: Loopback, api: API) -> None:
    server.on(CALL, InTurn(Answer(503, json={"detail": "busy"}), ENVELOPE))
    with pytest.raises(ServerError, match="busy"):
        api.integrations.call("shop", "POST", "/x")
    assert len(server.requests) == 1
    server.on(CALL, InTurn(Answer(503, json={"detail": "busy"}), Reset(), ENVELOPE))
    assert api.integrations.call("shop", "GET", "/x")[0] == {"n": 1}
    assert len(server.requests) == 4


def test_contract_15_01_retry_after_is_honoured_and_bounded(server: Loopback, create_api: Callable[..., API]) -> None:
    api = create_api(retry=RetryPolicy(attempts=5, total_seconds=60, first_wait=0.01))
    server.on("GET /api/actions/", InTurn(Answer(429, headers={"Retry-After": "0.4"}, json={"detail": "slow"}), []))
    started = time.monotonic()
    assert api.actions.list() == []
    assert time.monotonic() - started >= 0.4
    assert len(server.requests) == 2

    server.on("GET /api/actions/", Answer(429, headers={"Retry-After": "3600"}, json={"detail": "slow"}))
    # A wait beyond the deadline is not begun.
    with pytest.raises(RateLimited, match="slow"):
        api.actions.list()
    assert len(server.requests) == 3


def test_contract_15_01_waits_differ(server: Loopback) -> None:
    from automio._retry import backoff

    waits = {backoff(RetryPolicy(), 2) for _ in range(50)}
    assert len(waits) > 40
    assert all(0.25 <= wait <= 0.5 for wait in waits)


# 2. Every call has the same retry


def test_contract_15_02_an_outage_is_survived_by_every_kind_of_call(server: Loopback, cached_api: API) -> None:
    outage = Answer(503, json={"detail": "restarting"})
    server.on(PARALLEL, InTurn(outage, {"responses": [ENVELOPE]}))
    server.on("POST /api/apps/graphql/", InTurn(outage, {"data": {"a": 1}}))
    server.on("GET /api/plugins/plugins/get_list/orders/", InTurn(outage, [{"id": "shop", "connection_ids": [5]}]))
    server.on("GET /cache/get/k/", InTurn(outage, None))
    server.on("POST /cache/set/", InTurn(outage, {"success": True}))
    server.on("GET /api/actions/run-code-stream/", InTurn(outage, Stream([b"data: line\n\n"])))
    assert cached_api.integrations.parallel_call("shop", "GET", "/x", [{}])[0].api_data == {"n": 1}
    assert cached_api.tables.graphql("orders", "{ a }").data == {"a": 1}
    assert cached_api.plugins.get_list("orders")[0].connection_ids == (5,)
    assert cached_api.app_cache.get("k") is None
    assert cached_api.app_cache.set("k", 1) is True
    assert list(cached_api.actions.stream_logs("t")) == ["line"]
    assert len(server.requests) == 12


def test_contract_15_02_a_mutation_is_not_repeated(server: Loopback, api: API) -> None:
    server.on("POST /api/apps/graphql/", Answer(503, json={"error": "restarting"}))
    with pytest.raises(ServerError):
        api.tables.graphql("orders", 'mutation { insert_app_7_orders_one(object: {a: "{"}) { id } }')
    assert len(server.requests) == 1
    with pytest.raises(ServerError):
        api.tables.graphql("orders", 'query { app_7_orders(where: {a: {_eq: "mutation"}}) { id } }')
    assert len(server.requests) == 1 + QUICK.attempts


# 3. Credits


@pytest.mark.parametrize("action_type", ["user_action", "app_action"])
def test_contract_15_03_no_credits_is_an_error_everywhere(
    server: Loopback, create_api: Callable[..., API], monkeypatch: pytest.MonkeyPatch, action_type: str
) -> None:
    monkeypatch.setenv("ACTION_TYPE", action_type)
    api = create_api()
    refused = Answer(402, json={"detail": "no credits left"})
    for route in (CALL, PARALLEL, "POST /api/integrations/shop/parallel_call_for_connection/"):
        server.on(route, refused)
    server.on("POST /api/actions/4/run/", refused)
    server.on("POST /api/apps/graphql/", refused)
    calls: list[Callable[[], object]] = [
        lambda: api.integrations.call("shop", endpoint="/x"),
        lambda: api.integrations.parallel_call("shop", "GET", "/x", [{}]),
        lambda: api.integrations.parallel_call_for_connection("shop", "GET", "/x", [{}], 5),
        lambda: list(api.integrations.parallel_call_stream("shop", "GET", "/x", [{}])),
        lambda: api.actions.run(4),
        lambda: api.tables.graphql("orders", "{ a }"),
    ]
    for call in calls:
        with pytest.raises(NotEnoughCredits, match="no credits left"):
            call()


# 4. Run status


def test_contract_15_04_run_status_works(server: Loopback, api: API) -> None:
    server.on("GET /api/actions/runs/5/status/", {"status": "completed", "progress": 100, "result": {"rows": 3}})
    for status in (
        api.actions.run_status(5),
        api.actions.runStatus("5"),
        api.actions.actions_runs_status_retrieve(id=5),
    ):
        assert (status.status, status.progress, status.result, status.is_finished) == (
            "completed",
            100,
            {"rows": 3},
            True,
        )


# 5. Multipart


def test_contract_15_05_multipart_keeps_values_and_repeats_whole_files(server: Loopback, api: API) -> None:
    part_read = io.BytesIO(b"skipped,content of the file")
    part_read.seek(8)
    for file in (io.BytesIO(b"content of the file"), part_read, _Pipe(b"content of the file")):
        _upload_twice(server, api, file)


class _Pipe(io.RawIOBase):
    """A file that can be read once."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._content.readinto(buffer)


def _upload_twice(server: Loopback, api: API, file: Any) -> None:
    server.requests.clear()
    server.on(CALL, InTurn(Reset(), ENVELOPE))
    api.integrations.call(
        "shop",
        "PUT",
        "/upload",
        files={"document": ("a.txt", file, "text/plain")},
        data={"k": "ü"},
        params={"p": 1},
        headers={"X-Kind": "test"},
    )
    first, second = server.requests
    for request in (first, second):
        assert b"content of the file" in request.body and b"skipped" not in request.body
        assert b'filename="a.txt"' in request.body and b"Content-Type: text/plain" in request.body
        for name, value in {
            "data": {"k": "ü"},
            "request_params": {"p": 1},
            "request_headers": {"X-Kind": "test"},
        }.items():
            assert json.loads(_form_field(request, name)) == value
        assert _form_field(request, "method") == "PUT"


def _form_field(request: Seen, name: str) -> str:
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    part = next(part for part in request.body.split(b"--" + boundary) if f'name="{name}"'.encode() in part)
    return part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n").decode()


# 6. Streams


def test_contract_15_06_streams_keep_every_character(server: Loopback, api: API) -> None:
    text = "żółw \u2028 \u0085 😀"
    payloads = events(answered(0, {"text": text}), {"completed": True, "total_processed": 1})
    split = [payloads[0][:40], payloads[0][40:41], payloads[0][41:], payloads[1]]
    server.on(PARALLEL, Stream(split, headers={"Content-Type": "text/event-stream"}))
    first, last = api.integrations.parallel_call_stream("shop", "GET", "/x", [{}])
    assert first["data"] == {"text": text}
    assert last == {"final": True, "total_processed": 1}

    server.on("GET /api/actions/run-code-stream/", Stream([b": ping\n\n", f"data:{text}\r\n\r\n".encode()]))
    assert list(api.actions.stream_logs("t")) == [text]

    server.on("GET /api/actions/run-code-stream/", Stream([b"data: no blank line at the end"]))
    assert list(api.actions.stream_logs("t")) == ["no blank line at the end"]


def test_contract_15_06_answers_arrive_before_the_stream_ends(server: Loopback, api: API) -> None:
    seen_by_client = threading.Event()

    def chunks() -> Any:
        yield events(answered(0))[0]
        assert seen_by_client.wait(60)
        yield events({"completed": True, "total_processed": 1})[0]

    server.on(PARALLEL, lambda request: Stream(chunks()))
    stream = api.integrations.parallel_call_stream("shop", "GET", "/x", [{}])
    assert next(stream)["index"] == 0
    seen_by_client.set()
    assert next(stream) == {"final": True, "total_processed": 1}


def test_contract_15_06_a_broken_log_stream_is_taken_up_with_the_last_event_id(server: Loopback, api: API) -> None:
    server.on(
        "GET /api/actions/run-code-stream/",
        InTurn(Stream([b"id: 1\ndata: one\n\n"], breaks=True), Stream([b"id: 2\ndata: two\n\n"])),
    )
    assert list(api.actions.stream_logs("t", skip_existing=True)) == ["one", "two"]
    assert [request.headers.get("last-event-id") for request in server.requests] == [None, "1"]


def test_contract_15_06_a_broken_log_stream_without_ids_repeats_no_line(server: Loopback, api: API) -> None:
    lines = [b"data: one\n\n", b"data: two\n\n"]
    server.on(
        "GET /api/actions/run-code-stream/", InTurn(Stream(lines, breaks=True), Stream([*lines, b"data: three\n\n"]))
    )
    assert list(api.actions.stream_logs("t")) == ["one", "two", "three"]


def test_contract_15_06_a_broken_parallel_stream_asks_again_only_for_what_is_open(server: Loopback, api: API) -> None:
    server.on(
        PARALLEL,
        InTurn(
            Stream(events(answered(1, "b")), breaks=True),
            Stream(events(answered(1, "c"), answered(0, "a"), {"completed": True, "total_processed": 2})),
        ),
    )
    items = [{"params": {"n": number}} for number in range(3)]
    results = list(api.integrations.parallel_call_stream("shop", "GET", "/x", items))
    assert [(item["index"], item["data"]) for item in results[:-1]] == [(1, "b"), (2, "c"), (0, "a")]
    assert results[-1] == {"final": True, "total_processed": 3}
    assert server.requests[1].json["data_list"] == [items[0], items[2]]


def test_contract_15_06_a_broken_stream_of_posts_names_the_open_requests(server: Loopback, api: API) -> None:
    server.on(PARALLEL, Stream(events(answered(1, "b")), breaks=True))
    with pytest.raises(StreamInterrupted):
        list(api.integrations.parallel_call_stream("shop", "POST", "/x", [{}, {}, {}]))
    assert len(server.requests) == 1
    server.on(PARALLEL, Stream(events(answered(1, "b"))))
    with pytest.raises(StreamInterrupted, match="indexes 0, 2"):
        list(api.integrations.parallel_call_stream("shop", "POST", "/x", [{}, {}, {}]))


# 7. and 8. Caches


def test_contract_15_07_the_user_cache_does_not_depend_on_the_run(
    create_api: Callable[..., API], redis_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_PORT", str(redis_port))
    monkeypatch.setenv("TASK_ID", "run-1")
    create_api(app_id=1).user_cache.set("shared", {"a": 1}, ttl=60)
    monkeypatch.setenv("TASK_ID", "run-2")
    second = create_api(app_id=2)
    assert second.user_cache.get("shared") == {"a": 1}
    assert second.org_cache.get("shared") == {"a": 1}
    assert second.app_cache.get("shared") is None


def test_contract_15_08_the_local_cache_gives_back_what_was_stored(
    create_api: Callable[..., API], redis_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_PORT", str(redis_port))
    cache = create_api(app_id=81).app_cache
    for value in ({"rates": [1.2]}, "text", 0, False, None, [], ""):
        cache.set("k", value, ttl=300)
        assert cache.get("k") == value
        entry = cache.get_entry("k")
        assert entry is not None and entry.value == value and 298 <= entry.ttl <= 300
    cache.set("k", 1)
    entry = cache.get_entry("k")
    assert entry is not None and entry.ttl == -1
    assert (cache.delete("k"), cache.delete("k"), cache.get_entry("k")) == (True, False, None)


def test_contract_15_08_a_ttl_of_zero_is_refused(cached_api: API) -> None:
    for ttl in (0, -1, 0.5, float("nan"), True, "60"):
        with pytest.raises(ValueError, match="None for no expiry"):
            cached_api.app_cache.set("k", 1, ttl=ttl)  # type: ignore[arg-type]


def test_contract_15_08_cache_errors_are_raised(server: Loopback, cached_api: API) -> None:
    server.on("GET /cache/get/k/", Answer(401, json={"detail": "revoked"}))
    server.on("DELETE /cache/delete/k/", Answer(401, json={"detail": "revoked"}))
    with pytest.raises(Unauthorized, match="revoked"):
        cached_api.app_cache.get("k")
    with pytest.raises(Unauthorized, match="revoked"):
        cached_api.app_cache.delete("k")


def test_contract_15_08_keys_are_encoded(server: Loopback, cached_api: API) -> None:
    for key, path in {
        "a/b": "a%2Fb",
        "a b": "a%20b",
        "what?": "what%3F",
        "#1": "%231",
        "100%": "100%25",
        "ż": "%C5%BC",
        "..": "%2E%2E",
    }.items():
        server.on(f"GET /cache/get/{path}/", {"key": key, "value": key, "exists": True, "ttl": -1})
        assert cached_api.app_cache.get(key) == key


def test_contract_15_08_a_silent_cache_service_times_out(
    server: Loopback, create_api: Callable[..., API], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHE_SERVICE_URL", f"{server.url}/cache")
    monkeypatch.setenv("CACHE_SERVICE_TOKEN", "cache-token")
    release = threading.Event()
    server.on("GET /cache/get/k/", lambda request: release.wait(5))
    api = create_api(timeout=0.1, retry=RetryPolicy(attempts=1))
    with pytest.raises(RequestTimeout):
        api.app_cache.get("k")
    release.set()


# 9. Timeouts and pooling


def test_contract_15_09_every_call_has_a_timeout(server: Loopback, create_api: Callable[..., API]) -> None:
    release = threading.Event()
    api = create_api(timeout=0.1, retry=RetryPolicy(attempts=1))
    for route in (CALL, "POST /api/integrations/mailer/notify-me/", "GET /api/actions/"):
        server.on(route, lambda request: release.wait(5))
    for call in (
        lambda: api.integrations.call("shop", endpoint="/x", timeout=0.1),
        lambda: api.notify_me("subject", "text"),
        lambda: api.actions.list(),
    ):
        with pytest.raises(RequestTimeout):
            call()
    release.set()


def test_contract_15_09_calls_and_clients_share_connections(server: Loopback, create_api: Callable[..., API]) -> None:
    server.on(CALL, ENVELOPE)
    for api in (create_api(), create_api()):
        for _ in range(5):
            api.integrations.call("shop", endpoint="/x")
    assert len({request.connection for request in server.requests}) == 1


@pytest.mark.slow
def test_contract_15_09_a_forked_child_has_connections_of_its_own(server: Loopback) -> None:
    server.on("GET /api/actions/", [])
    script = f"""
        import os
        from automio.wrapper import API
        api = API(base_url={server.url!r}, token="t", app_id=7)
        api.actions.list()
        if (child := os.fork()) == 0:
            api.actions.list()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        api.actions.list()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)
    parent, child, parent_again = (request.connection for request in server.requests)
    assert parent == parent_again != child


# 10. Asynchronous, concurrency, progress


def test_contract_15_10_async_calls_run_at_once(server: Loopback) -> None:
    barrier = threading.Barrier(5, timeout=240)

    def together(request: Seen) -> Any:
        barrier.wait()
        return {**ENVELOPE, "api_data": request.json["endpoint"]}

    server.on(CALL, together)

    async def main() -> list[Any]:
        async with AsyncAPI(base_url=server.url, token="app-token", app_id=7, retry=QUICK) as api:
            answers = await asyncio.gather(*(api.integrations.call("shop", endpoint=f"/{n}") for n in range(5)))
        return [data for data, _ in answers]

    assert asyncio.run(main()) == [f"/{n}" for n in range(5)]


def test_contract_15_10_concurrency_bounds_what_is_under_way_and_progress_is_told(server: Loopback, api: API) -> None:
    def answer(request: Seen) -> Any:
        return {"responses": [{**ENVELOPE, "api_data": item["params"]["n"]} for item in request.json["data_list"]]}

    server.on(PARALLEL, answer)
    told: list[tuple[int, int]] = []
    responses = api.integrations.parallel_call(
        "shop",
        "GET",
        "/x",
        [{"params": {"n": n}} for n in range(7)],
        concurrency=3,
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert [response.api_data for response in responses] == list(range(7))
    assert max(len(request.json["data_list"]) for request in server.requests) == 3
    assert told == [(3, 7), (6, 7), (7, 7)]


# 11. The sticky connection

INSERT = (
    "mutation ($objects: [app_7_orders_insert_input!]!) { insert_app_7_orders(objects: $objects) { affected_rows } }"
)


def _inserted(server: Loopback) -> list[dict[str, Any]]:
    return server.seen("POST /api/apps/graphql/")[-1].json["variables"]["objects"]  # type: ignore[no-any-return]


def test_contract_15_11_the_latest_connection_fills_rows_but_overwrites_none(server: Loopback, api: API) -> None:
    server.on(CALL, ENVELOPE)
    server.on("POST /api/apps/graphql/", {"data": {}})
    rows = [{"a": 1}, {"a": 2, "connection_id": 8}, {"a": 3, "connection_id": None}]
    api.tables.graphql("orders", INSERT, {"objects": rows})
    assert _inserted(server) == rows
    api.integrations.call("shop", endpoint="/x")
    api.tables.graphql("orders", INSERT, {"objects": rows})
    assert _inserted(server) == [{"connection_id": 5, "a": 1}, *rows[1:]]
    assert rows[0] == {"a": 1}
    api.connection_id = None
    api.tables.graphql("orders", INSERT, {"objects": rows})
    assert _inserted(server) == rows


def test_contract_15_11_conditions_are_not_touched(server: Loopback, api: API) -> None:
    server.on("POST /api/apps/graphql/", {"data": {}})
    api.connection_id = 5
    query = "query ($any: [app_7_orders_bool_exp!]) { app_7_orders(where: {_or: $any}) { id } }"
    variables = {"any": [{"a": {"_eq": 1}}]}
    api.tables.graphql("orders", query, variables)
    assert server.requests[-1].json["variables"] == variables


def test_contract_15_11_threads_and_tasks_do_not_disturb_each_other(server: Loopback, api: API) -> None:
    api.connection_id = 5
    seen: list[Any] = []

    def other() -> None:
        seen.append(api.connection_id)
        api.connection_id = 6

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert (seen, api.connection_id) == ([None], 5)

    async def task(number: int) -> Any:
        api.connection_id = number
        await asyncio.sleep(0)
        return api.connection_id

    async def main() -> list[Any]:
        return await asyncio.gather(*(task(number) for number in range(4)))

    assert asyncio.run(main()) == [0, 1, 2, 3]


def test_contract_15_11_connection_id_of_the_environment_wins(
    server: Loopback, create_api: Callable[..., API], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTION_ID", "77")
    api = create_api()
    server.on(CALL, ENVELOPE)
    server.on("POST /api/apps/graphql/", {"data": {}})
    api.integrations.call("shop", endpoint="/x")
    api.tables.graphql("orders", INSERT, {"objects": [{"a": 1}]})
    assert _inserted(server) == [{"connection_id": "77", "a": 1}]


# 12. Arguments of parallel calls


def test_contract_15_12_parallel_calls_ignore_nothing(server: Loopback, api: API) -> None:
    server.on(PARALLEL, {"responses": [ENVELOPE, ENVELOPE]})
    items = [{"params": {"b": 2}, "data": [1, 2]}, {"json": {"x": 1}}]
    api.integrations.parallel_call("shop", "OPTIONS", "/x", items, params={"a": 1, "b": 1}, json={"default": True})
    body = server.requests[-1].json
    assert body["method"] == "OPTIONS"
    assert body["data_list"] == [
        {"params": {"a": 1, "b": 2}, "data": [1, 2]},
        {"params": {"a": 1, "b": 1}, "data": {"x": 1}},
    ]
    with pytest.raises(TypeError, match=r"data_list\[1\] has both `data` and `json`"):
        api.integrations.parallel_call("shop", "GET", "/x", [{}, {"data": 1, "json": 2}])
    with pytest.raises(TypeError, match=r"data_list\[0\] must be a mapping, not a str"):
        api.integrations.parallel_call("shop", "GET", "/x", ["offer"])  # type: ignore[list-item]
    for wrong in ({"files": {}}, {"param": {}}):
        with pytest.raises(TypeError):
            api.integrations.parallel_call("shop", "GET", "/x", [{}], **wrong)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        api.integrations.parallel_call("shop", "GET", "/x", [{}], "app_7_orders", "extra")  # type: ignore[call-arg]


# 13. Import and construction


@pytest.mark.slow
def test_contract_15_13_importing_and_constructing_have_no_side_effects(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("API_BASE_URL=http://127.0.0.1:9\nAPP_TOKEN=from-file\n")
    script = """
        import logging, os, sys
        before = dict(os.environ)
        import automio.wrapper, automio
        assert not logging.getLogger().handlers
        assert "gql" not in sys.modules and "redis" not in sys.modules and "pydantic" not in sys.modules
        api = automio.wrapper.API(app_id=1)
        assert api.settings.token == "from-file"
        assert dict(os.environ) == before
        assert not logging.getLogger().handlers
        api.app_cache, api.user_cache, api.task
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_contract_15_13_an_unreachable_redis_is_named_when_it_is_used(
    create_api: Callable[..., API], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_PORT", "1")
    api = create_api()
    with pytest.raises(CacheUnavailable, match=r"localhost:1 .*REDIS_HOST"):
        api.app_cache.get("k")


@pytest.mark.parametrize("has_package", [True, False])
def test_progress_without_redis_is_shown_with_one_warning_and_fails_nothing(
    tmp_path: Path, has_package: bool
) -> None:
    script = f"""
        import asyncio, sys
        if not {has_package}:
            sys.modules["redis"] = None
        from automio import AsyncAPI
        from automio.wrapper import API
        settings = {{"base_url": "http://127.0.0.1:1", "token": "t", "app_id": 1}}
        with API(**settings) as api:
            for percent in (10, 20):
                api.task.set_progress(percent, "at it", "running")
        async def main():
            async with AsyncAPI(**settings) as api:
                await api.task.set_progress(30, "at it", "running")
        asyncio.run(main())
        print("done")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PATH": "", "REDIS_PORT": "1"},
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    warnings = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 1 and "progress is only shown here" in warnings[0]
    assert has_package or "`pip install -r http://127.0.0.1:1/client/requirements.txt`" in warnings[0]
    progress = [line for line in done.stderr.splitlines() if line not in warnings]
    assert progress == [f" {percent} % at it (running)" for percent in (10, 20, 30)]


# 14. get_integration


def test_contract_15_14_get_integration_raises(server: Loopback, api: API) -> None:
    shop = {"integration_id": "shop", "name": "Shop", "version": "1", "connected_accounts": [5, 6]}
    server.on("GET /api/integrations/shop/", shop)
    server.on("GET /api/integrations/empty/", {**shop, "connected_accounts": []})
    assert list(api.integrations.get_integration("shop", connection_id=5).connected_accounts) == [5, 6]
    assert server.requests[-1].query == {"connection_id": "5"}
    assert server.requests[-1].headers["x-app-id"] == "7"
    with pytest.raises(IntegrationNotFound):
        api.integrations.get_integration("absent")
    with pytest.raises(IntegrationHasNoConnections, match="no connected accounts"):
        api.integrations.get_integration("empty")


def test_contract_15_14_strict_exit_keeps_the_documented_messages(
    server: Loopback, create_api: Callable[..., API], capsys: pytest.CaptureFixture[str]
) -> None:
    api = create_api(strict_exit=True)
    server.on("GET /api/integrations/empty/", {"integration_id": "empty", "name": "E", "version": "1"})
    for integration_id in ("absent", "empty"):
        with pytest.raises(SystemExit) as caught:
            api.integrations.get_integration(integration_id)
        assert caught.value.code == 1
    assert capsys.readouterr().out.splitlines() == [
        "Integration 'absent' does not exist.",
        "Integration 'empty' has no connected accounts. "
        "Please ensure you have set up a connection and activated it for this app.",
    ]


# 15. App slugs


def test_contract_15_15_app_slugs_work_everywhere(
    server: Loopback, create_api: Callable[..., API], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORG_SLUG", "acme")
    monkeypatch.setenv("APP_SLUG", "orders")
    api = create_api(app_id=None)
    server.on("GET /api/integrations/shop/table_connections/", {"2": [{"id": 5, "name": "a"}]})
    server.on(
        "POST /api/apps/table-tags/orders/orders/add/",
        {"_id": "1", "name": "n", "tag": {"id": 1, "name": "n"}},
    )
    assert [connection.id for connection in api.integrations.all_connections("shop", "orders")] == [5]
    assert server.requests[-1].query == {"app_id": "acme/orders", "table": "orders"}
    assert api.tables.create_tag("orders", "n").id == 1


# 16. GraphQL errors


def test_contract_15_16_graphql_errors_keep_path_and_extensions(server: Loopback, api: API) -> None:
    error = {
        "message": "Uniqueness violation.",
        "path": ["insert", "objects", 0],
        "extensions": {"code": "constraint-violation", "path": "$"},
    }
    server.on("POST /api/apps/graphql/", {"errors": [error]})
    response = api.tables.apps_graphql_query(app=7, table="orders", graph_ql_request=GraphQLRequest(query="{ a }"))
    assert response.errors is not None and response.data is None
    assert (response.errors[0].path, response.errors[0].code) == (["insert", "objects", 0], "constraint-violation")
    with pytest.raises(GraphqlException, match="Uniqueness violation") as caught:
        api.tables.graphql("orders", "{ a }")
    assert caught.value.code == "constraint-violation"
    assert caught.value.errors[0].extensions == error["extensions"]


# 17. Plugins


@pytest.fixture
def plugin_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    directory = tmp_path / "plugins"
    directory.mkdir()
    (directory / "__init__.py").touch()
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "plugins"}
    for name in before:
        del sys.modules[name]
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield directory
    for name in [name for name in sys.modules if name.partition(".")[0] == "plugins"]:
        del sys.modules[name]
    sys.modules.update(before)


def test_contract_15_17_errors_of_plugin_code_arrive_unchanged(api: API, plugin_directory: Path) -> None:
    (plugin_directory / "orders_shop.py").write_text(
        "def imports(connection_ids): import absent_module\n"
        "def attribute(connection_ids): return None.nothing\n"
        "def unfinished(connection_ids): raise NotImplementedError('later')\n"
    )
    (plugin_directory / "orders_broken.py").write_text("import absent_module\n")
    with pytest.raises(ModuleNotFoundError, match="absent_module") as caught:
        api.plugins.invoke("orders.imports", "shop")
    assert not isinstance(caught.value, PluginNotFound)
    with pytest.raises(AttributeError) as attribute:
        api.plugins.invoke("orders.attribute", "shop")
    assert not isinstance(attribute.value, CapabilityNotImplemented)
    with pytest.raises(NotImplementedError, match="later"):
        api.plugins.invoke("orders.unfinished", "shop")
    with pytest.raises(ModuleNotFoundError, match="absent_module"):
        api.plugins.invoke("orders.anything", "broken")
    with pytest.raises(PluginNotFound, match="orders_other"):
        api.plugins.invoke("orders.anything", "other")
    with pytest.raises(CapabilityNotImplemented, match="'absent'"):
        api.plugins.invoke("orders.absent", "shop")
    with pytest.raises(ValueError, match=r"namespace>\.<capability"):
        api.plugins.invoke("orders.a.b", "shop")


def test_contract_15_17_connections_are_fresh_api_is_there_and_changes_are_seen(
    api: API, plugin_directory: Path
) -> None:
    module = plugin_directory / "orders_my-shop.py"
    module.write_text(
        "def foo(connection_ids, **payload):\n    connection_ids.append(1)\n    return connection_ids, payload, api\n"
    )
    assert api.plugins.invoke("orders.foo", "my-shop") == ([1], {}, api)
    assert api.plugins.invoke("orders.foo", "my-shop", x=2) == ([1], {"x": 2}, api)
    given = (7,)
    assert api.plugins.invoke("orders.foo", "my-shop", connection_ids=given)[0] == [7, 1]
    module.write_text("def foo(connection_ids):\n    return 'the new code'\n")
    assert api.plugins.invoke("orders.foo", "my-shop") == "the new code"


# 18. Dependencies


@pytest.mark.slow
def test_contract_15_18_everything_imported_is_declared() -> None:
    script = "import sys; old = {*sys.modules}; import automio.wrapper, automio._gql; print(*{*sys.modules} - old)"
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    imported = {name.partition(".")[0] for name in done.stdout.split()} - set(sys.stdlib_module_names)
    distributions = packages_distributions()
    # httpx imports the libraries of its own command line where they happen to be installed.
    allowed = _closure("automio-platform") | _closure("rich")
    owners = {name: {canonicalize_name(owner) for owner in distributions.get(name, [])} for name in imported}
    assert {name for name, names in owners.items() if names and not names & allowed} == set()


def _closure(distribution: str) -> set[str]:
    """Returns a distribution and what it requires, without extras it does not ask for."""
    known: set[str] = set()
    queue = [Requirement(distribution)]
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        for text in requires(name) or []:
            needed = Requirement(text)
            applies = needed.marker is None or any(
                needed.marker.evaluate({"extra": extra}) for extra in ("", *requirement.extras)
            )
            if applies and canonicalize_name(needed.name) not in known:
                queue.append(needed)
        known.add(name)
    return known


# 19. Missing configuration


def test_contract_15_19_missing_configuration_fails_early_and_is_never_sent(
    server: Loopback, create_api: Callable[..., API]
) -> None:
    with pytest.raises(ConfigurationError, match="API_BASE_URL"):
        API(token="t")
    with pytest.raises(ConfigurationError, match="APP_TOKEN"):
        API(base_url=server.url)
    api = create_api(app_id=None)
    for call in (
        lambda: api.integrations.call("shop", endpoint="/x"),
        lambda: api.integrations.get_integration("shop"),
        lambda: api.tables.graphql("orders", "{ a }"),
        lambda: api.tables.create_tag("orders", "n"),
        lambda: api.actions.list(),
    ):
        with pytest.raises(ConfigurationError, match="APP_ID"):
            call()
    assert server.requests == []


def test_contract_15_19_a_cache_service_without_token_is_named(
    server: Loopback, create_api: Callable[..., API], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHE_SERVICE_URL", server.url)
    with pytest.raises(ConfigurationError, match="CACHE_SERVICE_TOKEN"):
        create_api().app_cache.get("k")


# 20. Local progress


def test_contract_15_20_local_progress_says_when(
    create_api: Callable[..., API],
    redis_port: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from datetime import UTC, datetime, timedelta

    import redis

    monkeypatch.setenv("REDIS_PORT", str(redis_port))
    monkeypatch.setenv("TASK_ID", "run-20")
    create_api().task.set_progress(150, "Nearly", "in_progress")
    with redis.Redis(port=redis_port) as client:
        stored = json.loads(client.get("task:progress:run-20"))  # type: ignore[arg-type]
    assert (stored["progress"], stored["info"], stored["status"]) == (100, "Nearly", "in_progress")
    assert datetime.now(UTC) - datetime.fromisoformat(stored["updated_at"]) < timedelta(seconds=10)
    assert capsys.readouterr().err == "100 % Nearly (in_progress)\n"


# 21. Closing


def test_contract_15_21_clients_are_context_managers(server: Loopback) -> None:
    server.on("GET /api/actions/", [])
    with API(base_url=server.url, token="t", app_id=7) as api, API(base_url=server.url, token="t", app_id=7) as other:
        api.actions.list()
        api.close()
        api.close()
        assert other.actions.list() == []
        with pytest.raises(AutomioError, match="was closed"):
            api.actions.list()

    async def main() -> None:
        async with AsyncAPI(base_url=server.url, token="t", app_id=7) as client:
            await client.actions.list()
        with pytest.raises(AutomioError, match="was closed"):
            await client.actions.list()

    asyncio.run(main())


def test_contract_15_21_a_forgotten_client_gives_its_connections_back(server: Loopback) -> None:
    from automio._http import shared_clients

    server.on("GET /api/actions/", [])
    api = API(base_url=server.url, token="t", app_id=7)
    api.actions.list()
    assert shared_clients._clients
    del api
    gc.collect()
    assert not shared_clients._clients


# 22. Pages


def test_contract_15_22_all_pages_are_iterated(server: Loopback, api: API) -> None:
    def page(request: Seen) -> Any:
        number = int(request.query["page"])
        items = [{"integration_id": f"i{number}{n}", "name": "n", "version": "1"} for n in range(2)]
        return {"count": 6, "next": "more" if number < 3 else None, "previous": None, "results": items}

    server.on("GET /api/integrations/", page)
    assert [item.integration_id for item in api.integrations.iterate_integrations(per_page=2)] == [
        "i10", "i11", "i20", "i21", "i30", "i31",
    ]  # fmt: skip
    server.on(
        "GET /api/plugins/plugin-interfaces/orders/plugins/",
        lambda request: {"count": 1, "next": None, "previous": None, "results": [{"id": 3, "code": "x"}]},
    )
    assert [plugin.id for plugin in api.plugins.iterate_plugins("orders")] == [3]
    assert api.integrations.get_integrations(page=1).count == 6


def test_every_number_of_the_contract_has_a_test() -> None:
    names = [name for name, value in globals().items() if inspect.isfunction(value)]
    for number in range(1, 23):
        assert any(name.startswith(f"test_contract_15_{number:02}_") for name in names), number


def test_a_refused_call_is_told_from_a_service_that_forbids(server: Loopback, api: API) -> None:
    server.on(CALL, Answer(403, json={"detail": "not installed"}))
    with pytest.raises(IntegrationAccessDeniedError, match="not installed"):
        api.integrations.call("shop", endpoint="/x")
    server.on(CALL, Answer(403, json={**ENVELOPE, "api_data": None, "api_response": api_response(403, "no")}))
    data, response = api.integrations.call("shop", endpoint="/x")
    assert (data, response.status_code, response.ok) == (None, 403, False)
    assert automio.IntegrationAccessDeniedError is IntegrationAccessDeniedError

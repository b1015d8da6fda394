"""A call with a key is made once: again, at once, in two processes, and where its process died in between."""

import asyncio
import base64
from typing import Any

import pytest
from sqlalchemy import text

from platform_api.accounts.models import Role
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform
from tests.platform_api.integrations.raw_upstream import RawUpstream, connect_raw, raw_upstream

pytestmark = pytest.mark.anyio
POST = {"method": "POST", "endpoint": "/orders", "data": {"amount": 3}}
CALL = "/api/integrations/raw/call/"


async def _call(
    platform: Platform, caller: Caller, key: str | None, body: dict[str, Any], *, path: str = CALL
) -> dict[str, Any]:
    headers = {} if key is None else {"Idempotency-Key": key}
    async with platform.client(caller, headers=headers) as client:
        reply = await client.post(path, json=body)
    assert reply.status_code == 200, reply.text
    called: dict[str, Any] = reply.json()
    return called


async def test_a_repeated_call_is_answered_as_the_first_one(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, caller, upstream.url)
        upstream.answer(b'{"id": 1.50, "n": 12345678901234567890.5}', content_type="application/json", x_one="1")
        upstream.answer(b'{"id": 2}', content_type="application/json")
        first = await _call(shared_platform, caller, "order-1", POST)
        assert await _call(shared_platform, caller, "order-1", POST) == first
        assert len(upstream.arrived) == 1
        assert (first["outcome"], first["business_ok"], first["may_have_executed"]) == ("succeeded", True, True)
        other = await _call(shared_platform, caller, "order-2", POST)
        assert other["api_data"] == {"id": 2}
        assert other["invocation_id"] != first["invocation_id"]
        keyless = await _call(shared_platform, caller, None, POST)
        assert keyless["invocation_id"] is None
        assert len(upstream.arrived) == 3


async def test_a_key_with_another_call_is_refused(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, caller, upstream.url)
        await _call(shared_platform, caller, "k", POST)
        async with shared_platform.client(caller, headers={"Idempotency-Key": "k"}) as client:
            refused = await client.post(CALL, json={**POST, "data": {"amount": 4}})
        assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_key_reused")
        assert len(upstream.arrived) == 1


async def test_twenty_at_once_in_two_processes_are_one_call(platform_database_url: str) -> None:
    settings = make_settings(platform_database_url)
    async with running_platform(settings) as one, running_platform(settings) as other, raw_upstream() as upstream:
        caller = await one.create_caller()
        await connect_raw(one, caller, upstream.url)
        called = await asyncio.gather(
            *(_call(platform, caller, "at-once", POST) for platform in (one, other) for _ in range(20))
        )
        assert len(upstream.arrived) == 1
        assert {answer["invocation_id"] for answer in called} == {called[0]["invocation_id"]}


async def _lose(platform: Platform, caller: Caller) -> None:
    """Leaves the keys of a caller as a process does that died before the answer came."""
    async with platform.database.transaction() as session:
        await session.execute(
            text(
                "update platform.idempotency_keys set outcome = null, ended_at = null,"
                " lease_expires_at = clock_timestamp() where organization_id = :organization"
            ),
            {"organization": caller.organization_id},
        )


async def _hold(platform: Platform, caller: Caller) -> None:
    """Makes the calls of a caller's organization look as while they are made."""
    async with platform.database.transaction() as session:
        await session.execute(
            text(
                "update platform.idempotency_keys set outcome = null, ended_at = null,"
                " lease_expires_at = clock_timestamp() + interval '1 hour' where organization_id = :organization"
            ),
            {"organization": caller.organization_id},
        )


async def test_where_the_process_died_nobody_knows_and_no_second_call_is_made(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, caller, upstream.url)
        first = await _call(shared_platform, caller, "lost", POST)
        await _lose(shared_platform, caller)
        for _ in range(2):
            again = await _call(shared_platform, caller, "lost", POST)
            assert (again["outcome"], again["business_ok"], again["may_have_executed"]) == ("unknown", None, True)
            assert again["api_response"]["ok"] is False
            assert again["invocation_id"] == first["invocation_id"]
        assert len(upstream.arrived) == 1


@pytest.mark.parametrize(("seconds", "outcome", "logged"), [(1.0, "succeeded", 1), (20.0, "unknown", 0)])
async def test_stopping_waits_for_a_call_whose_reader_has_left(
    platform_database_url: str, monkeypatch: pytest.MonkeyPatch, seconds: float, outcome: str, logged: int
) -> None:
    monkeypatch.setattr("platform_api.integrations.invocations.sending._CLOSING_SECONDS", 3.0)
    settings = make_settings(platform_database_url)
    arrived = asyncio.Event()

    async def answer_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        await asyncio.sleep(seconds)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()

    async with await asyncio.start_server(answer_late, "127.0.0.1", 0) as server:
        async with running_platform(settings) as platform:
            caller = await platform.create_caller()
            await connect_raw(platform, caller, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            reading = asyncio.create_task(_call(platform, caller, "left", POST))
            await arrived.wait()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            stopping = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - stopping < 10
    async with running_platform(settings) as platform:
        again = await _call(platform, caller, "left", POST)
        assert again["outcome"] == outcome
        async with platform.database.transaction() as session:
            calls = text("select count(*) from platform.integration_calls where organization_id = :organization")
            assert await session.scalar(calls, {"organization": caller.organization_id}) == logged


async def test_what_only_reads_is_called_again_where_the_process_died(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, caller, upstream.url)
        get = {"method": "GET", "endpoint": "/orders"}
        await _call(shared_platform, caller, "read", get)
        await _lose(shared_platform, caller)
        again = await _call(shared_platform, caller, "read", get)
        assert again["outcome"] == "succeeded"
        assert await _call(shared_platform, caller, "read", get) == again
        assert len(upstream.arrived) == 2


async def test_a_call_that_was_not_sent_leaves_its_key_free(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, caller, upstream.url)
        url = upstream.url
    unreachable = await _call(shared_platform, caller, "k", POST)
    assert (unreachable["outcome"], unreachable["may_have_executed"]) == ("failed", False)
    assert unreachable["invocation_id"] is None, f"nothing listens at {url}"
    async with shared_platform.client(caller, headers={"Idempotency-Key": "k"}) as client:
        malformed = await client.post(CALL, json={"endpoint": "/../x"})
        assert malformed.status_code == 400
    assert (await _call(shared_platform, caller, "k", {**POST, "data": 1}))["outcome"] == "failed"


async def test_a_repeat_that_waits_ends_with_its_callers_membership(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    builder = await shared_platform.create_colleague(owner, Role.BUILDER)
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, owner, upstream.url)
        await _call(shared_platform, builder, "removed", POST)
        await _hold(shared_platform, owner)
        async with shared_platform.client(builder, headers={"Idempotency-Key": "removed"}) as client:
            waiting = asyncio.create_task(client.post(CALL, json=POST))
            await asyncio.sleep(0.3)
            assert not waiting.done()
            async with shared_platform.database.transaction() as session:
                await session.execute(
                    text("delete from platform.memberships where user_id = :user"), {"user": builder.user_id}
                )
            async with asyncio.timeout(10):
                refused = await waiting
            keyless = await client.post(CALL, json=POST, headers={"Idempotency-Key": ""})
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
        assert (keyless.status_code, keyless.json()["detail"]) == (401, refused.json()["detail"])
        assert len(upstream.arrived) == 1


async def test_an_answer_too_large_to_keep_is_not_made_up(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, caller, upstream.url)
        upstream.answer(b'"' + b"x" * 2_000_000 + b'"', content_type="application/json")
        first = await _call(shared_platform, caller, "large", POST)
        async with shared_platform.client(caller, headers={"Idempotency-Key": "large"}) as client:
            again = await client.post(CALL, json=POST)
        assert (again.status_code, again.json()["code"]) == (409, "answer_not_kept")
        assert again.json()["invocation_id"] == first["invocation_id"]
        assert len(upstream.arrived) == 1


async def test_each_item_of_many_calls_is_made_once(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        connection = await connect_raw(shared_platform, caller, upstream.url)
        items = [{"data": {"n": 1}}, {"data": {"n": 2}}]
        body = {"method": "POST", "endpoint": "/orders", "data_list": items}
        for path in ("parallel_call/", f"parallel_call_for_connection/?connection_id={connection}"):
            before = len(upstream.arrived)
            url = f"/api/integrations/raw/{path}"
            first = await _call(shared_platform, caller, f"many {before}".replace(" ", "-"), body, path=url)
            again = await _call(shared_platform, caller, f"many {before}".replace(" ", "-"), body, path=url)
            assert again == first
            assert len({one["invocation_id"] for one in first["responses"]}) == 2
            assert len(upstream.arrived) == before + 2


async def test_an_item_that_was_made_is_told_as_made(
    shared_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform_api.integrations.invocations.sending._MAX_WAIT_SECONDS", 0.1)
    caller = await shared_platform.create_caller()
    body = {"method": "POST", "endpoint": "/orders", "data_list": [{"data": {"n": 1}}]}
    url = "/api/integrations/raw/parallel_call/"
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, caller, upstream.url)
        upstream.answer(b'"' + b"x" * 2_000_000 + b'"', content_type="application/json")
        [first] = (await _call(shared_platform, caller, "large", body, path=url))["responses"]
        [again] = (await _call(shared_platform, caller, "large", body, path=url))["responses"]
        assert (again["api_response"]["ok"], again["api_response"]["status_code"]) == (False, 409)
        assert "was made before" in again["api_response"]["text"]
        for name in ("invocation_id", "outcome", "business_ok", "may_have_executed"):
            assert again[name] == first[name], name
        assert (again["outcome"], again["may_have_executed"]) == ("succeeded", True)
        await _hold(shared_platform, caller)
        [waiting] = (await _call(shared_platform, caller, "large", body, path=url))["responses"]
        assert "send the same request again after 15 seconds" in waiting["api_response"]["text"]
        assert (waiting["outcome"], waiting["business_ok"], waiting["may_have_executed"]) == ("unknown", None, True)
        assert waiting["invocation_id"] == first["invocation_id"]
        assert len(upstream.arrived) == 1


async def test_a_call_is_looked_up_by_whoever_made_it(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, caller, upstream.url)
        upstream.answer(b"\x89PNG\r\n\x1a\n\x00\xff", content_type="image/png")
        async with shared_platform.client(caller, headers={"Idempotency-Key": "image"}) as client:
            reply = await client.post(CALL, json=POST)
            assert (reply.content, reply.headers["content-type"]) == (b"\x89PNG\r\n\x1a\n\x00\xff", "image/png")
            enveloped = await client.post(CALL, json=POST, headers={"Accept": "application/json"})
            called = enveloped.json()
            assert base64.b64decode(called["api_response"]["content_base64"]) == reply.content
            url = f"/api/integrations/raw/invocations/{called['invocation_id']}/"
            found = (await client.get(url)).json()
            assert (found["outcome"], found["is_under_way"], found["business_ok"]) == ("succeeded", False, True)
            file = found["result_file"]
            assert (file["content_type"], file["size"]) == ("image/png", 10)
            downloaded = await client.get(file["download_path"])
            assert (downloaded.content, downloaded.headers["content-type"]) == (reply.content, "image/png")
    colleague = await shared_platform.create_colleague(caller, Role.OWNER)
    stranger = await shared_platform.create_caller()
    for other in (colleague, stranger):
        async with shared_platform.client(other) as client:
            assert (await client.get(url)).status_code == 404
            assert (await client.get(f"/api{file['download_path']}")).status_code == 404


async def test_bytes_are_sent_as_they_are(shared_platform: Platform) -> None:
    """As the published client sends `raw_body`: in a form, of which the upstream must see nothing."""
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, caller, upstream.url)
        form = {"method": "PUT", "endpoint": "/image", "request_headers": '{"Content-Type": "image/jpeg"}'}
        form["request_params"] = '{"size": 3}'
        files = {"__raw_body__": ("__raw_body__", b"\xff\xd8\x00", "image/jpeg")}
        async with shared_platform.client(caller, headers={"Idempotency-Key": "raw"}) as client:
            for _ in range(2):
                assert (await client.post(CALL, data=form, files=files)).status_code == 200
            files["__raw_body__"] = ("__raw_body__", b"\xff\xd8\x01", "image/jpeg")
            assert (await client.post(CALL, data=form, files=files)).status_code == 409
        [arrived] = upstream.arrived
        assert (arrived.method, arrived.target, arrived.body) == ("PUT", "/image?size=3", b"\xff\xd8\x00")
        assert arrived.header("Content-Type") == "image/jpeg"


DOCUMENT = {
    "openapi": "3.0.0",
    "info": {"title": "Raw", "version": "1"},
    "paths": {
        "/orders/{order}/lines": {
            "post": {
                "operationId": "addLine",
                "parameters": [
                    {"name": "order", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "notify", "in": "query", "schema": {"type": "boolean"}},
                    {"name": "X-Reason", "in": "header", "schema": {"type": "string"}},
                ],
                "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
                "responses": {"200": {"description": "ok"}},
            }
        }
    },
}


async def _import(platform: Platform, caller: Caller, upstream: RawUpstream) -> None:
    async with platform.client(caller) as client:
        body = {"document": {**DOCUMENT, "servers": [{"url": upstream.url}]}, "id": "raw", "auth": {"type": "none"}}
        imported = await client.post("/api/integrations/import/", json=body)
        assert imported.status_code in (200, 201), imported.text
        connected = await client.post("/api/integrations/raw/connections/", json={"name": "main"})
        assert connected.status_code == 201, connected.text


async def test_an_operation_is_called_by_its_id(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await _import(shared_platform, caller, upstream)
        arguments = {"order": "a/b", "notify": True, "X-Reason": "r", "sku": "s", "count": 2}
        # The published client sends the operation also as the endpoint.
        body = {"method": "POST", "endpoint": "addLine", "operation": "addLine", "arguments": arguments}
        called = await _call(shared_platform, caller, "op", body)
        assert called["outcome"] == "succeeded"
        [arrived] = upstream.arrived
        assert (arrived.method, arrived.target) == ("POST", "/orders/a%2Fb/lines?notify=true")
        assert (arrived.header("X-Reason"), arrived.body) == ("r", b'{"sku":"s","count":2}')
        async with shared_platform.client(caller) as client:
            unknown = await client.post(CALL, json={**body, "operation": "noSuch"})
            assert (unknown.status_code, unknown.json()["fields"][0]["path"]) == (404, "operation")
            lacking = await client.post(CALL, json={**body, "arguments": {}})
            assert (lacking.status_code, lacking.json()["fields"][0]["path"]) == (422, "arguments")
        assert len(upstream.arrived) == 1

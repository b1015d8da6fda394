"""The live log: chunks as they come, across processes, resumed, ended with the run; and who may read it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import delete

from platform_api.accounts.models import Membership, Organization, Role, Scope, User
from platform_api.core.http import live_events
from tests.connections import END_LISTENING_CONNECTIONS, END_OTHER_CONNECTIONS
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform
from tests.platform_api.graphql.serving import serve_app
from tests.platform_api.runs.working import ProtocolRunner, Workshop, create_workshop

pytestmark = pytest.mark.anyio


async def _running(platform: Platform, runner: ProtocolRunner) -> tuple[Workshop, dict, dict]:
    workshop = await create_workshop(platform)
    started = await workshop.run()
    claim = await runner.claim_one()
    await runner.start(claim)
    return workshop, started, claim


@asynccontextmanager
async def _stream(
    platform: Platform, caller: Caller, task_id: str, *, headers: dict[str, str] | None = None, **query: str
) -> AsyncIterator[httpx.Response]:
    async with (
        serve_app(platform.app) as base_url,
        httpx.AsyncClient(base_url=base_url, timeout=240) as client,
        client.stream(
            "GET",
            "/api/actions/run-code-stream/",
            params={"task_id": task_id, **query},
            headers={**caller.headers, **(headers or {})},
        ) as response,
    ):
        yield response


async def _data(lines: AsyncIterator[str], count: int | None = None) -> list[str]:
    """The payloads of the next `count` data lines, or of all until the end."""
    found: list[str] = []
    while count is None or len(found) < count:
        try:
            line = await asyncio.wait_for(anext(lines), 240)
        except StopAsyncIteration:
            break
        if line.startswith("data: "):
            found.append(line.removeprefix("data: "))
    return found


async def test_lines_arrive_as_they_are_written_and_the_stream_ends_with_the_run(
    platform: Platform, runner: ProtocolRunner
) -> None:
    workshop, started, claim = await _running(platform, runner)
    await runner.log(claim, "before")
    async with _stream(platform, workshop.caller, started["task_id"], app=str(workshop.app.id)) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["transfer-encoding"] == "chunked"
        assert response.headers["x-accel-buffering"] == "no"
        lines = response.aiter_lines()
        assert await _data(lines, 1) == ["before"]
        await runner.log(claim, "zażółć", "  indented", first=2)
        assert await _data(lines, 2) == ["zażółć", "  indented"]
        await runner.log(claim, "last", first=4)
        await runner.finish(claim)
        assert await _data(lines) == ["last"]


async def test_lines_that_another_process_received_arrive(platform: Platform, runner: ProtocolRunner) -> None:
    workshop, started, claim = await _running(platform, runner)
    async with (
        running_platform(make_settings(platform.settings.database_url)) as other,
        _stream(other, workshop.caller, started["task_id"]) as response,
    ):
        lines = response.aiter_lines()
        for number in range(1, 4):
            await runner.log(claim, f"line {number}", first=number)
            assert await asyncio.wait_for(_data(lines, 1), 240) == [f"line {number}"]
        await runner.finish(claim)
        assert await asyncio.wait_for(_data(lines), 240) == []


async def test_a_stream_goes_on_after_the_listen_connection_was_killed(
    platform: Platform, runner: ProtocolRunner
) -> None:
    workshop, started, claim = await _running(platform, runner)
    async with _stream(platform, workshop.caller, started["task_id"]) as response:
        lines = response.aiter_lines()
        await runner.log(claim, "one")
        assert await _data(lines, 1) == ["one"]
        connection = await platform.database.connect()
        assert await connection.fetchval(END_LISTENING_CONNECTIONS) >= 1
        await connection.close()
        await runner.log(claim, "two", first=2)
        assert await asyncio.wait_for(_data(lines, 1), 240) == ["two"]


async def test_skipping_existing_lines_and_resuming_after_an_event(
    platform: Platform, runner: ProtocolRunner
) -> None:
    workshop, started, claim = await _running(platform, runner)
    await runner.log(claim, "one", "two", "three")
    async with _stream(platform, workshop.caller, started["task_id"], skip_existing="1") as response:
        lines = response.aiter_lines()
        await runner.log(claim, "four", first=4)
        assert await _data(lines, 1) == ["four"]
    for last, expected in (
        ("1", ["four"]),
        ("3", ["two", "three", "four"]),
        ("1000", ["one", "two", "three", "four"]),
    ):
        async with _stream(platform, workshop.caller, started["task_id"], last=last) as response:
            assert await _data(response.aiter_lines(), len(expected)) == expected
    resumed = {"Last-Event-ID": "1-2"}
    async with _stream(platform, workshop.caller, started["task_id"], headers=resumed, skip_existing="1") as response:
        assert await _data(response.aiter_lines(), 2) == ["three", "four"]
    await runner.finish(claim)
    async with _stream(platform, workshop.caller, started["task_id"], skip_existing="1") as response:
        assert await _data(response.aiter_lines()) == []


async def test_a_line_with_unusual_separators_loses_nothing_in_clients_that_split_there(
    platform: Platform, runner: ProtocolRunner
) -> None:
    workshop, started, claim = await _running(platform, runner)
    await runner.log(claim, "left\u2028right", "a\x85b", "", "carriage\rreturn", "data: forged\n\nid: 9-9")
    await runner.finish(claim)
    async with _stream(platform, workshop.caller, started["task_id"]) as response:
        # As the published clients do: str.splitlines, then only what begins with `data:`.
        text = (await response.aread()).decode()
    payloads = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
    assert [payload for payload in payloads if payload] == [
        "left", "right", "a", "b", "carriage", "return", "data: forged", "id: 9-9",
    ]  # fmt: skip
    assert "1-5" in text
    assert "\nid: 9-9" not in text


async def test_every_event_is_a_chunk_of_its_own(platform: Platform, runner: ProtocolRunner) -> None:
    workshop, started, claim = await _running(platform, runner)
    await runner.log(claim, *[f"line {number}" for number in range(1, 601)])
    await runner.finish(claim)
    async with serve_app(platform.app) as base_url:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(base_url).port)
        writer.write(
            f"GET /api/actions/run-code-stream/?task_id={started['task_id']} HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: App-Token {workshop.caller.token}\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"200 OK" in head
        chunks: list[bytes] = []
        while size := int(await reader.readuntil(b"\r\n"), 16):
            chunks.append((await reader.readexactly(size + 2))[:-2])
        writer.close()
    events = [chunk for chunk in chunks if chunk.startswith(b"id: ")]
    assert events[0] == b"id: 1-1\ndata: line 1\n\n"
    assert len(events) == 600
    assert all(chunk.count(b"\n\n") == 1 for chunk in chunks)


async def test_a_silent_stream_is_kept_alive(
    platform: Platform, runner: ProtocolRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform_api.core.http.event_stream.KEEP_ALIVE_SECONDS", 0.2)
    workshop, started, _ = await _running(platform, runner)
    async with _stream(platform, workshop.caller, started["task_id"]) as response:
        lines = response.aiter_lines()
        comments = [line async for line in _first(lines, 6)]
    assert comments.count(": keep-alive") >= 2


async def _first(lines: AsyncIterator[str], count: int) -> AsyncIterator[str]:
    for _ in range(count):
        yield await asyncio.wait_for(anext(lines), 240)


async def test_streams_hold_no_database_connection(platform: Platform, runner: ProtocolRunner) -> None:
    workshop, started, claim = await _running(platform, runner)
    async with serve_app(platform.app) as base_url, httpx.AsyncClient(base_url=base_url, timeout=240) as client:

        async def read() -> list[str]:
            url = f"/api/actions/run-code-stream/?task_id={started['task_id']}"
            async with client.stream("GET", url, headers=workshop.caller.headers) as response:
                return await _data(response.aiter_lines())

        # More than the pool and its overflow together.
        readers = [asyncio.create_task(read()) for _ in range(15)]
        await asyncio.sleep(0.5)
        await runner.log(claim, "to everybody")
        await runner.finish(claim)
        assert await asyncio.gather(*readers) == [["to everybody"]] * 15


async def test_another_organization_reads_and_stops_nothing(platform: Platform, runner: ProtocolRunner) -> None:
    workshop, started, claim = await _running(platform, runner)
    await runner.log(claim, "secret")
    stranger = await platform.create_caller()
    other_app = await platform.create_app(workshop.caller)
    bound_elsewhere = await platform.create_colleague(workshop.caller, Role.OWNER, app_id=other_app.id)
    for caller in (stranger, bound_elsewhere):
        async with platform.client(caller) as client:
            for name in (started["run_id"], started["task_id"]):
                replies = [
                    await client.get(f"/api/actions/runs/{name}/"),
                    await client.get(f"/api/actions/runs/{name}/status/"),
                    await client.get(f"/api/actions/runs/{name}/logs/"),
                    await client.post(f"/api/actions/runs/{name}/cancel/"),
                    await client.get("/api/actions/run-code-stream/", params={"task_id": name}),
                ]
                assert [reply.status_code for reply in replies] == [404] * 5
            assert (await client.get("/api/actions/runs/")).json()["count"] == 0
    async with platform.client() as client:
        anonymous = await client.get("/api/actions/run-code-stream/", params={"task_id": started["task_id"]})
        assert anonymous.status_code == 401
    async with platform.client(workshop.caller) as client:
        elsewhere = {"task_id": started["task_id"], "app": other_app.slug}
        assert (await client.get("/api/actions/run-code-stream/", params=elsewhere)).status_code == 404


async def test_a_stream_of_another_organization_of_the_user_is_named_in_the_query(
    platform: Platform, runner: ProtocolRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop, started, claim = await _running(platform, runner)
    await runner.log(claim, "one")
    guest = await platform.create_caller()
    stranger = await platform.create_caller()
    async with platform.database.transaction() as session:
        organization = await session.get_one(Organization, workshop.caller.organization_id)
        user = await session.get_one(User, guest.user_id)
        home = await session.get_one(Organization, guest.organization_id)
    await platform.add_member(organization, user, Role.MEMBER)
    bare = await platform.create_token(home, user, scopes=[Scope.RUN])
    url = "/api/actions/run-code-stream/"
    slug = workshop.caller.organization_slug
    async with platform.client(guest) as client:
        at_home = await client.get(url, params={"task_id": started["task_id"]})
        header_wins = await client.get(
            url,
            params={"task_id": started["task_id"], "organization": slug},
            headers={"X-Organization-Id": guest.organization_slug},
        )
    assert [at_home.status_code, header_wins.status_code] == [404, 404]
    for headers in (stranger.headers, {"Authorization": f"Bearer {bare}"}):
        async with platform.client(headers=headers) as client:
            refused = await client.get(url, params={"task_id": started["task_id"], "organization": slug})
        assert (refused.status_code, refused.json()["code"]) == (403, "not_your_organization")
    monkeypatch.setattr(live_events, "POLL_SECONDS", 3600.0)
    by_id = str(workshop.caller.organization_id)
    async with _stream(platform, guest, started["task_id"], organization=by_id) as response:
        assert await _data(response.aiter_lines(), 1) == ["one"]
    async with _stream(platform, guest, started["task_id"], organization=slug) as response:
        lines = response.aiter_lines()
        assert await _data(lines, 1) == ["one"]
        # It goes on while they are members there, wherever else their token is at home.
        await runner.log(claim, "two", first=2)
        assert await _data(lines, 1) == ["two"]
        async with platform.database.transaction() as session:
            there = (Membership.user_id == user.id, Membership.organization_id == organization.id)
            await session.execute(delete(Membership).where(*there))
        assert await asyncio.wait_for(_data(lines), 240) == []


async def test_runs_are_listed_and_read_with_their_log(platform: Platform, runner: ProtocolRunner) -> None:
    workshop, started, claim = await _running(platform, runner)
    await runner.log(claim, "one", "two", "three")
    waiting = await workshop.run(user_input={"a": 1})
    async with platform.client(workshop.caller) as client:
        listed = (await client.get("/api/actions/runs/", params={"app": workshop.app.slug, "per_page": 1})).json()
        assert (listed["count"], [run["id"] for run in listed["results"]]) == (2, [waiting["run_id"]])
        running = (await client.get("/api/actions/runs/", params={"state": "running"})).json()["results"]
        assert [(run["id"], run["status"], run["runner"]) for run in running] == [
            (started["run_id"], "running", "runner-1")
        ]
        of_action = (await client.get("/api/actions/runs/", params={"action": workshop.action["id"]})).json()
        assert of_action["count"] == 2
        detail = (await client.get(f"/api/actions/runs/{waiting['task_id']}/")).json()
        assert (detail["event"]["user_input"], detail["state"]) == ({"a": 1}, "pending")
        url = f"/api/actions/runs/{started['run_id']}/logs/"
        page = (await client.get(url, params={"limit": 2})).json()
        assert ([line["text"] for line in page["lines"]], page["has_ended"]) == (["one", "two"], False)
        rest = (await client.get(url, params={"after": page["lines"][-1]["position"]})).json()
        assert [line["text"] for line in rest["lines"]] == ["three"]
        await runner.finish(claim)
        assert (await client.get(url)).json()["has_ended"] is True
        for wrong in ("0", "9" * 19, "x" * 50, "a%00b"):
            assert (await client.get(f"/api/actions/runs/{wrong}/status/")).status_code == 404


async def test_a_stream_ends_when_its_readers_token_is_revoked(
    platform: Platform, runner: ProtocolRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform_api.core.http.live_events.POLL_SECONDS", 3600.0)
    workshop, started, claim = await _running(platform, runner)
    reader = await platform.create_colleague(workshop.caller, Role.MEMBER)
    async with _stream(platform, reader, started["task_id"]) as response:
        lines = response.aiter_lines()
        await runner.log(claim, "before")
        assert await _data(lines, 1) == ["before"]
        async with platform.client(workshop.caller) as client:
            token_id = next(
                token["id"]
                for token in (await client.get("/api/tokens/")).json()["results"]
                if reader.token.startswith(token["hint"])
            )
            assert (await client.delete(f"/api/tokens/{token_id}/")).status_code < 300
        await asyncio.sleep(0.2)
        await runner.log(claim, "secret", first=2)
        assert await _data(lines) == []


async def test_a_stream_outlives_broken_database_connections(platform: Platform, runner: ProtocolRunner) -> None:
    workshop, started, claim = await _running(platform, runner)
    async with _stream(platform, workshop.caller, started["task_id"]) as response:
        lines = response.aiter_lines()
        for number in range(1, 4):
            connection = await platform.database.connect()
            await connection.execute(END_OTHER_CONNECTIONS)
            await connection.close()
            for _ in range(20):
                if (await runner.log(claim, f"line {number}", first=number)).status_code == 200:
                    break
            assert await asyncio.wait_for(_data(lines, 1), 240) == [f"line {number}"]


async def test_work_queued_through_one_process_wakes_a_claim_that_waits_in_another(
    platform: Platform, runner: ProtocolRunner
) -> None:
    workshop = await create_workshop(platform)
    async with (
        running_platform(make_settings(platform.settings.database_url)) as other,
        other.client(headers=runner.client.headers) as client,
    ):
        waiting = asyncio.create_task(ProtocolRunner(client, "elsewhere").claim(wait_seconds=20))
        await asyncio.sleep(0.3)
        started = await workshop.run()
        [claim] = await asyncio.wait_for(waiting, 240)
    assert claim["run_id"] == started["run_id"]


async def _named_events(lines: AsyncIterator[str]) -> list[tuple[str, dict[str, Any] | str]]:
    """The events of a stream until its end: the name and the content of each, a line of the log without a name."""
    events: list[tuple[str, dict[str, Any] | str]] = []
    fields: dict[str, str] = {}
    async for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            continue
        if "data" in fields:
            name = fields.get("event", "")
            assert ("id" in fields) is not bool(name), "only lines of the log are places to go on from"
            events.append((name, json.loads(fields["data"]) if name else fields["data"]))
        fields = {}
    return events


async def _set_progress(platform: Platform, workshop: Workshop, task_id: str, progress: int, info: str) -> None:
    async with platform.client(headers={"Authorization": f"Bearer {workshop.caller.token}"}) as client:
        body = {"progress": progress, "info": info, "status": "in_progress"}
        assert (await client.post(f"/cache/set-progress/{task_id}/", json=body)).status_code == 200


async def test_progress_and_the_end_are_events_for_whoever_asks_for_them(
    platform: Platform, runner: ProtocolRunner
) -> None:
    workshop, started, claim = await _running(platform, runner)
    await runner.log(claim, "one")
    await _set_progress(platform, workshop, started["task_id"], 40, "left\u2028right")
    async with _stream(platform, workshop.caller, started["task_id"], events="1") as response:
        lines = response.aiter_lines()
        assert await _data(lines, 2) == [
            "one",
            '{"progress": 40, "info": "left\\u2028right", "has_started": true}',
        ]
        await runner.log(claim, "two", first=2)
        assert await _data(lines, 1) == ["two"]
        await _set_progress(platform, workshop, started["task_id"], 80, "nearly")
        assert await _data(lines, 1) == ['{"progress": 80, "info": "nearly", "has_started": true}']
        await runner.finish(claim, status="failed", cause="exception", error="KeyError: 'id'")
        [(name, end)] = await asyncio.wait_for(_named_events(lines), 240)
    assert isinstance(end, dict)
    assert (name, end["run_id"], end["status"], end["cause"], end["error"]) == (
        "end", started["run_id"], "failed", "exception", "KeyError: 'id'",
    )  # fmt: skip
    # Whoever comes later, and resumes after a line, hears of the progress once and of the end at last.
    resumed = {"Last-Event-ID": "1-1"}
    async with _stream(platform, workshop.caller, started["task_id"], headers=resumed, events="1") as response:
        events = await asyncio.wait_for(_named_events(response.aiter_lines()), 240)
    assert [name for name, _ in events] == ["", "progress", "end"]
    # The published clients take each `data:` for a line, whatever the event: for them there are lines only.
    async with _stream(platform, workshop.caller, started["task_id"]) as response:
        assert await _data(response.aiter_lines()) == ["one", "two"]

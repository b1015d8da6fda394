"""The application around the domains: errors, request ids, slashes, limits, transactions."""

import asyncio
import logging
from typing import Any

import pytest
from fastapi import APIRouter
from sqlalchemy import text

from platform_api.core.database import Database, SessionDep, after_commit, driver_connection
from platform_api.core.errors import Conflict
from tests.connections import END_OTHER_CONNECTIONS
from tests.platform_api.conftest import Platform, make_settings, running_platform

pytestmark = pytest.mark.anyio


async def test_every_answer_carries_a_request_id_or_a_plain_one_of_the_callers(
    shared_platform: Platform,
) -> None:
    async with shared_platform.client() as client:
        given = await client.get("/api/me/", headers={"X-Request-Id": "mine-1"})
        hostile = await client.get("/api/me/", headers={"X-Request-Id": "a b\tc"})
    assert given.headers["X-Request-Id"] == "mine-1"
    assert hostile.headers["X-Request-Id"].startswith("req_")


async def test_an_unknown_path_and_a_wrong_method_say_so_in_detail(shared_platform: Platform) -> None:
    async with shared_platform.client() as client:
        unknown = await client.get("/api/nothing/here/")
        wrong = await client.put("/api/me/")
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "there is nothing at /api/nothing/here/")
    assert wrong.status_code == 405
    assert "allowed: GET" in wrong.json()["detail"]


@pytest.mark.parametrize("path", ["/api/me/", "//api/me/", "/api/me", "/api//me//", "/me/", "/me"])
async def test_a_path_is_answered_without_redirect_whatever_its_slashes(shared_platform: Platform, path: str) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        reply = await client.get(f"http://platform.test{path}")
    assert reply.status_code == 200, reply.text
    assert reply.json()["user"]["email"] == caller.email


async def test_head_is_answered_as_get_without_the_body(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        for path in ("/health", "/", "/docs", "/api/me/", "/static/page.css"):
            full, head = await client.get(path), await client.head(path)
            assert (head.status_code, head.content) == (200, b""), path
            assert head.headers["content-type"] == full.headers["content-type"]


async def test_a_body_over_the_limit_is_refused_announced_or_not(platform_database_url: str) -> None:
    async with running_platform(make_settings(platform_database_url, max_body_bytes=2048)) as platform:

        async def chunks() -> Any:
            for _ in range(5):
                yield b"x" * 1024

        async with platform.client() as client:
            announced = await client.post("/api/sessions/", content=b"x" * 5000)
            chunked = await client.post(
                "/api/sessions/", content=chunks(), headers={"Content-Type": "application/json"}
            )
    for reply in (announced, chunked):
        assert reply.status_code == 413
        assert "larger than 2048 bytes" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "a JSON body is required"),
        (b"{", "the body is not valid JSON"),
        (b'{"email": 5, "password": "x"}', "email: input should be a valid string"),
        (b'{"email": "a@b.example"}', "password: field required"),
    ],
)
async def test_a_malformed_body_is_described_in_one_sentence(
    shared_platform: Platform, body: bytes, detail: str
) -> None:
    async with shared_platform.client() as client:
        reply = await client.post("/api/sessions/", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 422
    assert detail in reply.json()["detail"]


RAN: list[str] = []


def _own_routes() -> APIRouter:
    router = APIRouter(prefix="/test")

    @router.post("/write/")
    async def write(session: SessionDep, fail: bool = False) -> dict[str, str]:
        await session.execute(text("create table if not exists platform.written (n int)"))
        await session.execute(text("insert into platform.written values (1)"))

        async def note() -> None:
            RAN.append("noted")

        async def broken() -> None:
            raise RuntimeError("the listener is away")

        after_commit(session, broken)
        after_commit(session, note)
        if fail:
            raise Conflict("changed my mind")
        return {"wrote": "1"}

    @router.post("/deferred/")
    async def deferred(session: SessionDep) -> dict[str, str]:
        await session.execute(text("create table platform.one (n int unique deferrable initially deferred)"))
        await session.execute(text("insert into platform.one values (1), (1)"))
        return {"acknowledged": "yes"}

    @router.get("/fault/")
    async def fault() -> None:
        raise ZeroDivisionError("secret internals")

    @router.get("/lose/{sqlstate}/")
    async def lose(session: SessionDep, sqlstate: str) -> None:
        await session.execute(text(f"do $$ begin raise exception 'lost' using errcode = '{sqlstate}'; end $$"))

    @router.get("/until-lost/")
    async def until_lost(session: SessionDep) -> None:
        while True:
            await session.execute(text("select 1"))

    return router


@pytest.fixture(scope="module")
async def own_routes(shared_platform: Platform) -> Platform:
    """The module's platform with routes of this test, which do what no endpoint should."""
    shared_platform.app.api.include_router(_own_routes())
    return shared_platform


async def _count(database: Database) -> int:
    async with database.transaction() as session:
        return int(await session.scalar(text("select count(*) from platform.written")) or 0)


async def test_a_request_is_one_transaction_committed_before_the_answer(own_routes: Platform) -> None:
    async with own_routes.client() as client:
        assert (await client.post("/test/write/")).status_code == 200
        assert await _count(own_routes.database) == 1
        assert RAN == ["noted"], "an action after the commit runs, also when one before it failed"
        assert (await client.post("/test/write/?fail=true")).status_code == 409
        assert await _count(own_routes.database) == 1
        assert RAN == ["noted"], "what follows a change is dropped with it"
        refused = await client.post("/test/deferred/")
    assert refused.status_code == 409, "a commit that fails is never acknowledged"


async def test_a_fault_answers_500_without_internals_and_is_logged(
    own_routes: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    async with own_routes.client() as client:
        with caplog.at_level(logging.ERROR):
            reply = await client.get("/test/fault/", headers={"X-Request-Id": "fault-1"})
    assert reply.status_code == 500
    assert reply.json() == {
        "detail": "an unexpected error happened; its request id is fault-1",
        "code": "internal",
        "fields": [],
        "request_id": "fault-1",
    }
    assert reply.headers["X-Request-Id"] == "fault-1"
    [logged] = [record for record in caplog.records if record.message == "request.unexpected_error"]
    assert logged.exc_info is not None and logged.exc_info[0] is ZeroDivisionError


async def test_a_lost_database_answers_503_and_recovers(platform: Platform) -> None:
    caller = await platform.create_caller()
    async with platform.client(caller) as client:
        assert (await client.get("/api/me/")).status_code == 200
        killer = await platform.database.connect()
        await killer.execute(END_OTHER_CONNECTIONS)
        await killer.close()
        statuses = [(await client.get("/api/me/")).status_code for _ in range(3)]
    assert statuses[-1] == 200
    assert set(statuses) <= {200, 503}


async def test_a_connection_lost_at_any_moment_answers_503(platform: Platform) -> None:
    platform.app.api.include_router(_own_routes())
    caller = await platform.create_caller()
    async with platform.client(caller) as client:
        for _ in range(5):
            # Statement after statement, so that some come between a connection's last message and its end.
            asking = asyncio.gather(*[client.get("/test/until-lost/") for _ in range(8)])
            while not asking.done():
                await asyncio.sleep(0.05)
                killer = await platform.database.connect()
                await killer.execute(END_OTHER_CONNECTIONS)
                await killer.close()
            assert [reply.status_code for reply in await asking] == [503] * 8
        assert (await client.get("/api/me/")).status_code == 200


async def test_without_a_database_the_answer_is_503_and_shows_no_address(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await platform.create_caller()
    await platform.database.engine.dispose()
    monkeypatch.setattr(platform.database, "url", "postgresql://u:p@/x?host=/nowhere/at/all")
    async with platform.client(caller) as client:
        reply = await client.get("/api/me/")
        health = await client.get("/health")
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
    assert "/nowhere" not in reply.text
    assert (health.status_code, health.json()["parts"]["database"]) == (503, "unavailable")


async def test_a_statement_that_lost_against_another_is_to_be_repeated(own_routes: Platform) -> None:
    async with own_routes.client() as client:
        for sqlstate in ("40001", "40P01", "55P03", "57014", "53300"):
            reply = await client.get(f"/test/lose/{sqlstate}/")
            assert reply.status_code == 503, (sqlstate, reply.text)
            assert "lost" not in reply.text


async def test_the_driver_connection_is_inside_the_sessions_transaction(platform: Platform) -> None:
    with pytest.raises(Conflict):
        async with platform.database.transaction() as session:
            driver = await driver_connection(session)
            assert driver.is_in_transaction()
            await driver.execute("create table platform.never (n int)")
            raise Conflict("roll back")
    async with platform.database.transaction() as session:
        assert await session.scalar(text("select to_regclass('platform.never')")) is None


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/apps/%00/", b""),
        ("GET", "/api/apps/%ff%fe/", b""),
        ("GET", "/api/apps/" + "9" * 5000 + "/", b""),
        ("GET", "/api/apps/?page=99999999999999999999", b""),
        ("GET", "/api/organizations/%F0%9F%92%A3/", b""),
        ("POST", "/api/apps/", b"[" * 100_000),
        ("POST", "/api/apps/", b'{"name": ' + b'{"a":' * 50_000),
        ("POST", "/api/apps/", b'{"name": "x", "forked_from": ' + b"9" * 5000 + b"}"),
        ("POST", "/api/apps/", b'{"name": "\\ud800"}'),
        ("POST", "/api/apps/", b'{"name": "\\u0000"}'),
        ("POST", "/api/apps/", b'{"name": NaN}'),
        ("POST", "/api/apps/", b"\xff\xfe"),
        ("POST", "/api/tokens/", b'{"organization_id": -1}'),
    ],
)
async def test_hostile_input_is_refused_with_a_reason_and_no_fault(
    shared_platform: Platform, method: str, path: str, body: bytes
) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        reply = await client.request(method, path, content=body, headers={"Content-Type": "application/json"})
        assert 400 <= reply.status_code < 500, reply.text[:300]
        assert isinstance(reply.json()["detail"], str)
        assert len(reply.text) < 1000
        assert (await client.get("/api/me/")).status_code == 200

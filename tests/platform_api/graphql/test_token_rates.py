"""The rate of a token on the GraphQL endpoints, shared by two control planes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import aiohttp
import httpx
import pytest

from platform_api.graphql import token_rates
from tests.platform_api.cache.redis_server import redis_server
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform
from tests.platform_api.graphql.serving import serve_app

pytestmark = pytest.mark.anyio

LIMIT = 40
QUERY = {"query": "{ __typename }"}


@pytest.fixture(scope="module", params=["postgresql", "redis"])
def redis_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "postgresql":
        yield None
        return
    with redis_server() as url:
        yield url


@pytest.fixture(scope="module")
async def planes(
    module_database_url: str, redis_url: str | None, anyio_backend: str
) -> AsyncIterator[tuple[Platform, Platform]]:
    settings = make_settings(module_database_url, redis_url=redis_url, graphql_requests_per_minute=LIMIT)
    async with AsyncExitStack() as stack:
        yield (
            await stack.enter_async_context(running_platform(settings)),
            await stack.enter_async_context(running_platform(settings)),
        )


@pytest.fixture(autouse=True)
def one_long_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """No minute ends during a test."""
    monkeypatch.setattr(token_rates, "WINDOW_SECONDS", 10**6)


async def app_path(platform: Platform, caller: Caller) -> str:
    app = await platform.create_app(caller)
    return f"/api/apps/{app.id}/v1/graphql"


async def post(platform: Platform, caller: Caller, path: str) -> httpx.Response:
    async with platform.client(caller) as client:
        return await client.post(path, json=QUERY)


async def test_two_control_planes_share_a_tokens_rate(planes: tuple[Platform, Platform]) -> None:
    caller = await planes[0].create_caller()
    path = await app_path(planes[0], caller)
    answers = [await post(planes[number % 2], caller, path) for number in range(LIMIT + 10)]
    assert [answer.status_code for answer in answers] == [200] * LIMIT + [429] * 10
    assert {answer.headers["ratelimit-limit"] for answer in answers} == {str(LIMIT)}
    remaining = [int(answer.headers["ratelimit-remaining"]) for answer in answers]
    assert remaining[0] == LIMIT - 1
    assert remaining[LIMIT:] == [0] * 10
    assert all(0 < int(answer.headers["ratelimit-reset"]) <= 10**6 for answer in answers)
    refused = answers[-1]
    assert refused.headers["retry-after"] == refused.headers["ratelimit-reset"]
    [error] = refused.json()["errors"]
    assert error["extensions"] == {"path": "$", "code": "rate-limit-exceeded"}
    assert f"limit of {LIMIT} requests per minute" in error["message"]


async def test_many_at_once_are_counted_exactly(planes: tuple[Platform, Platform]) -> None:
    caller = await planes[0].create_caller()
    path = await app_path(planes[0], caller)
    answers = await asyncio.gather(*(post(planes[0], caller, path) for _ in range(LIMIT + 20)))
    assert [answer.status_code for answer in answers].count(200) == LIMIT


async def test_each_token_has_its_own_rate_however_it_is_written(planes: tuple[Platform, Platform]) -> None:
    caller = await planes[0].create_caller()
    path = await app_path(planes[0], caller)
    for number in range(LIMIT + 1):
        scheme = ("App-Token ", "Bearer ", "bearer  ", "Bearer" + " " * number)[number % 4]
        headers = {"Authorization": scheme + caller.token, "Cookie": f"other={number}"}
        async with planes[0].client(headers=headers) as client:
            answer = await client.post(path, json=QUERY)
        assert answer.status_code == (200 if number < LIMIT else 429)
    other = await planes[0].create_caller()
    assert (await post(planes[0], other, await app_path(planes[0], other))).status_code == 200


async def test_the_documented_endpoint_and_websockets_count_too(planes: tuple[Platform, Platform]) -> None:
    caller = await planes[0].create_caller()
    path = await app_path(planes[0], caller)
    documented = f"/api/apps/graphql/?app={path.split('/')[3]}"
    first = await post(planes[0], caller, documented)
    assert (first.status_code, first.headers["ratelimit-remaining"]) == (200, str(LIMIT - 1))
    async with serve_app(planes[0].app) as url, aiohttp.ClientSession() as session:

        async def connect() -> aiohttp.WSMsgType:
            socket = await session.ws_connect(url + path, protocols=["graphql-transport-ws"])
            await socket.send_json({"type": "connection_init", "payload": {"headers": caller.headers}})
            kind = (await socket.receive(timeout=240)).type
            await socket.close()
            return kind

        assert await connect() is aiohttp.WSMsgType.TEXT
        for _ in range(LIMIT - 2):
            assert (await post(planes[0], caller, documented)).status_code == 200
        refused = await post(planes[0], caller, documented)
        assert (refused.status_code, refused.json()["error"]) == (429, refused.json()["detail"])
        assert int(refused.headers["retry-after"]) > 0
        assert await connect() is aiohttp.WSMsgType.CLOSE


async def test_tokens_that_do_not_hold_are_not_counted(planes: tuple[Platform, Platform]) -> None:
    caller = await planes[0].create_caller()
    path = await app_path(planes[0], caller)
    connection = await planes[0].database.connect()
    before = await connection.fetchval("select count(*) from platform.rate_counters")
    async with planes[0].client(headers={"Authorization": "App-Token amt_" + "a" * 43}) as client:
        for _ in range(LIMIT + 1):
            assert (await client.post(path, json=QUERY)).status_code == 401
    assert await connection.fetchval("select count(*) from platform.rate_counters") == before
    await connection.close()


async def test_a_new_minute_begins_anew(planes: tuple[Platform, Platform], monkeypatch: pytest.MonkeyPatch) -> None:
    caller = await planes[0].create_caller()
    path = await app_path(planes[0], caller)
    for _ in range(LIMIT):
        await post(planes[0], caller, path)
    assert (await post(planes[0], caller, path)).status_code == 429
    monkeypatch.setattr(token_rates, "WINDOW_SECONDS", 10**5)  # the present one has another number now
    assert (await post(planes[0], caller, path)).status_code == 200


async def test_without_a_limit_there_are_no_headers_and_nothing_is_counted(platform: Platform) -> None:
    caller = await platform.create_caller()
    answer = await post(platform, caller, await app_path(platform, caller))
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("ratelimit")]
    connection = await platform.database.connect()
    assert await connection.fetchval("select count(*) from platform.rate_counters") == 0
    await connection.close()

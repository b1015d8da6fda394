"""Rate limits of connections, shared by two control planes, and the share of an organization."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from platform_api.core.errors import TooManyRequests
from platform_api.core.types import ConnectionId, OrganizationId
from platform_api.integrations.calls.admission import Admission, rate_of
from platform_api.integrations.definitions.definition import RateLimit
from platform_api.limits.rates import Rate
from platform_api.mock_shop.faults import Fault
from tests.platform_api.cache.redis_server import redis_server
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform
from tests.platform_api.integrations.conftest import RunningShop
from tests.waiting import eventually

pytestmark = pytest.mark.anyio


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
    """Two control planes on one database (and one Redis)."""
    settings = make_settings(module_database_url, redis_url=redis_url, database_pool_size=1)
    async with AsyncExitStack() as stack:
        yield (
            await stack.enter_async_context(running_platform(settings)),
            await stack.enter_async_context(running_platform(settings)),
        )


async def connect(platform: Platform, shop: RunningShop, rate_limit: dict[str, Any] | None, **fields: Any) -> Caller:
    """A new organization with a connection to the shop under `rate_limit`."""
    caller = await platform.create_caller()
    definition = {
        "id": "shop",
        "name": "Shop",
        "base_url": shop.url,
        "auth": {"type": "api_key", "location": "header", "name": "X-Api-Key"},
        "status_check_url": "/me",
        "retry": {"attempts": 1},
        "rate_limit": rate_limit,
        **fields,
    }
    async with platform.client(caller) as client:
        (await client.post("/api/integrations/", json=definition)).raise_for_status()
        body = {"name": "anna", "credentials": {"api_key": "shop-key-anna"}}
        (await client.post("/api/integrations/shop/connections/", json=body)).raise_for_status()
    return caller


async def call(platform: Platform, caller: Caller) -> dict[str, Any]:
    async with platform.client(caller, timeout=240) as client:
        answer = await client.post("/api/integrations/shop/call/", json={"endpoint": "/me"})
    assert answer.status_code == 200, answer.text
    response: dict[str, Any] = answer.json()["api_response"]
    return response


async def test_two_control_planes_share_a_connections_limit(
    planes: tuple[Platform, Platform], shop: RunningShop
) -> None:
    caller = await connect(planes[0], shop, {"requests": 5, "seconds": 600})
    answers = await asyncio.gather(*(call(planes[number % 2], caller) for number in range(20)))
    assert [answer["status_code"] for answer in answers].count(200) == 5
    for answer in answers:
        if answer["status_code"] != 200:
            assert (answer["status_code"], answer["ok"]) == (429, False)
            assert 500 < int(answer["headers"]["Retry-After"]) <= 600 * 4
            assert "limit of 5 calls in 600 seconds" in answer["text"]
            assert "try again in" in answer["text"]


async def test_a_call_beyond_the_limit_waits_for_its_turn(
    planes: tuple[Platform, Platform], shop: RunningShop
) -> None:
    caller = await connect(planes[0], shop, {"requests": 4, "seconds": 1})
    answers = await asyncio.gather(*(call(planes[number % 2], caller) for number in range(10)))
    assert [answer["status_code"] for answer in answers] == [200] * 10


async def test_connections_of_one_integration_have_limits_of_their_own(
    planes: tuple[Platform, Platform], shop: RunningShop
) -> None:
    for _ in range(2):
        caller = await connect(planes[0], shop, {"requests": 1, "seconds": 600})
        assert (await call(planes[0], caller))["status_code"] == 200
        assert (await call(planes[1], caller))["status_code"] == 429


async def test_the_items_of_parallel_calls_and_connection_tests_keep_the_limit(
    planes: tuple[Platform, Platform], shop: RunningShop
) -> None:
    caller = await connect(planes[0], shop, {"requests": 3, "seconds": 600})
    async with planes[0].client(caller, timeout=240) as client:
        body: dict[str, Any] = {"endpoint": "/me", "data_list": [{}] * 4}
        collected = (await client.post("/api/integrations/shop/parallel_call/", json=body)).json()
        assert [one["api_response"]["status_code"] for one in collected["responses"]].count(200) == 3
        streamed = await client.post("/api/integrations/shop/parallel_call/", json={**body, "streaming": True})
        events = [json.loads(line[6:]) for line in streamed.text.splitlines() if line.startswith("data: ")]
        assert [event["response"]["api_response"]["status_code"] for event in events[:-1]] == [429] * 4
        assert events[-1] == {"completed": True, "total_processed": 4}
        [connection] = (await client.get("/api/integrations/shop/connections/")).json()["results"]
        path = f"/api/integrations/shop/parallel_call_for_connection/?connection_id={connection['id']}"
        chosen = (await client.post(path, json=body)).json()
        assert {one["api_response"]["status_code"] for one in chosen["responses"]} == {429}
        tested = (await client.post(f"/api/integrations/shop/connections/{connection['id']}/test/")).json()
        assert (tested["ok"], tested["status_code"]) == (False, 429)
        assert "used up" in tested["message"]


async def test_each_try_counts(planes: tuple[Platform, Platform], shop: RunningShop) -> None:
    caller = await connect(planes[0], shop, {"requests": 2, "seconds": 600}, retry={"attempts": 2})
    shop.shop.faults.add(Fault("status", path="/me", status=503, retry_after=0.01))
    assert (await call(planes[0], caller))["status_code"] == 200
    assert (await call(planes[0], caller))["status_code"] == 429


async def test_those_who_wait_hold_no_database_connection_and_block_nobody(
    planes: tuple[Platform, Platform], shop: RunningShop
) -> None:
    slow = await connect(planes[0], shop, {"requests": 1, "seconds": 25})
    quick = await connect(planes[0], shop, None)
    assert (await call(planes[0], slow))["status_code"] == 200
    waiting = [asyncio.create_task(call(planes[0], slow)) for _ in range(3)]
    try:
        await asyncio.wait(waiting, timeout=0.3)
        # The pool has two connections; each of these needs one.
        answers = await asyncio.gather(*(call(planes[0], quick) for _ in range(10)))
        assert {answer["status_code"] for answer in answers} == {200}
        assert not any(task.done() for task in waiting)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_without_a_limit_nothing_is_counted(platform: Platform, shop: RunningShop) -> None:
    caller = await connect(platform, shop, None)
    assert (await call(platform, caller))["status_code"] == 200
    connection = await platform.database.connect()
    assert await connection.fetchval("select count(*) from platform.rate_counters") == 0
    await connection.close()


async def test_an_organization_has_so_many_calls_under_way_and_others_theirs(
    platform_database_url: str, shop: RunningShop
) -> None:
    async with running_platform(make_settings(platform_database_url, integration_calls_in_flight=2)) as platform:
        busy, other = await connect(platform, shop, None), await connect(platform, shop, None)
        shop.shop.faults.add(Fault("never", path="/me", times=2))
        stuck = [asyncio.create_task(call(platform, busy)) for _ in range(2)]
        await eventually(lambda: not shop.shop.faults.pending, what=lambda: "they are not under way")
        third = asyncio.create_task(call(platform, busy))
        assert (await call(platform, other))["status_code"] == 200
        assert not third.done()
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
        assert (await third)["status_code"] == 200


@pytest.mark.parametrize(
    ("requests", "seconds", "expected"),
    [
        (5, 1.0, Rate(5, 1)),
        (5, 1.5, Rate(5, 2)),
        (5, 0.5, Rate(10, 1)),
        (5, 0.3, Rate(15, 1)),
        (50_000, 86_400, Rate(10_000, 17_280)),
        (10**12, 1, Rate(10_000, 1)),
        (1, 31 * 86_400, Rate(1, 31 * 86_400)),
    ],
)
def test_a_limit_becomes_a_rate_that_can_be_kept(requests: int, seconds: float, expected: Rate) -> None:
    assert rate_of(RateLimit(requests=requests, seconds=seconds)) == expected


class _ScriptedRates:
    """Lets through when it was asked often enough."""

    def __init__(self, *waits: float) -> None:
        self.waits = list(waits)
        self.asked = 0

    async def take(self, namespace: str, key: str, rate: Rate) -> float:
        self.asked += 1
        return self.waits.pop(0) if self.waits else 0.0


async def test_the_first_who_waits_asks_for_all(shop: RunningShop) -> None:
    rates = _ScriptedRates(0.05, 0.05)
    admission = Admission(rates, max_per_organization=9, max_in_total=9)  # type: ignore[arg-type]  # scripted
    limit = RateLimit(requests=2, seconds=1)

    async def enter() -> None:
        await admission.enter(OrganizationId(1), ConnectionId(1), limit, seconds=30)
        admission.leave(OrganizationId(1))

    await asyncio.gather(*(enter() for _ in range(10)))
    assert rates.asked == 12


async def test_who_cannot_be_served_in_time_is_told_at_once(shop: RunningShop) -> None:
    admission = Admission(_ScriptedRates(20.0), max_per_organization=9, max_in_total=9)  # type: ignore[arg-type]  # scripted
    limit = RateLimit(requests=1, seconds=40)
    first = asyncio.create_task(admission.enter(OrganizationId(1), ConnectionId(1), limit, seconds=60))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(admission.enter(OrganizationId(1), ConnectionId(1), limit, seconds=60))
    await asyncio.sleep(0.01)
    with pytest.raises(TooManyRequests, match="try again in 80 seconds"):
        await admission.enter(OrganizationId(1), ConnectionId(1), limit, seconds=60)
    assert not first.done() and not second.done()
    for task in (first, second):
        task.cancel()
    await asyncio.gather(first, second, return_exceptions=True)

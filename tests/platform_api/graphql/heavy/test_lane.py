"""Heavy requests: they answer what others do, in a process of their own, and stand in nobody's way."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
import pytest
from asyncpg import Connection

from platform_api.core.errors import TooManyRequests, Unavailable
from platform_api.graphql.backends.embedded import MAX_BATCH_OPERATIONS, MAX_SMALL_BYTES, EmbeddedBackend
from platform_api.graphql.heavy.lane import PLACES, HeavyLane
from platform_api.graphql.lifespan import GraphQLServices
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform
from tests.platform_api.graphql.serving import serve_app
from tests.platform_api.graphql.shop import Shop, open_shop
from tests.waiting import eventually

pytestmark = pytest.mark.anyio

FILL = "x" * (MAX_SMALL_BYTES + 1)


@pytest.fixture(scope="module")
async def heavy_platform(module_database_url: str, anyio_backend: str) -> AsyncIterator[Platform]:
    settings = make_settings(module_database_url, graphql_max_subscriptions=3, graphql_max_body_bytes=1024 * 1024)
    async with running_platform(settings) as platform:
        yield platform


@pytest.fixture
async def shop(heavy_platform: Platform) -> Shop:
    return await open_shop(heavy_platform)


def backend_of(shop: Shop) -> EmbeddedBackend:
    backend = shop.platform.app.services[GraphQLServices].backend
    assert isinstance(backend, EmbeddedBackend)
    return backend


def lane_of(shop: Shop) -> HeavyLane:
    return backend_of(shop)._lane


def pid_of(shop: Shop) -> int:
    process = lane_of(shop)._process
    assert process is not None
    return process._process.pid


async def both_ways(shop: Shop, caller: Caller, query: str, variables: dict[str, Any]) -> tuple[Any, Any]:
    """The answers to a request that is small and to the same one with so long a comment that it is not."""
    small = await shop.post(caller, query, **variables)
    large = await shop.post(caller, f"{query} # {FILL}", **variables)
    assert small.status_code == large.status_code == 200
    return small.json(), large.json()


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ ORDERS(order_by: {orderId: asc}) { orderId total } }", {}),
        ("query ($w: ORDERS_bool_exp) { ORDERS(where: $w) { orderId } }", {"w": {"orderId": {"_in": ["1", "9"]}}}),
        ("{ ORDERS { nothing } }", {}),
        ("{ ORDERS(where: {total: {_eq: 12345678901234567.890}}) { orderId } }", {}),
        ("query ($n: Int!) { ORDERS(limit: $n) { orderId } }", {}),
        ("{ LINES { id } __typename }", {}),
    ],
)
async def test_a_large_request_is_answered_as_a_small_one(shop: Shop, query: str, variables: dict[str, Any]) -> None:
    await shop.add_order(shop.owner, "1", total=3)
    await shop.add_order(shop.installer, "2")
    for caller in (shop.owner, shop.installer):
        small, large = await both_ways(shop, caller, query, variables)
        assert small == large
    assert pid_of(shop) != os.getpid()


async def test_large_changes_are_of_the_tokens_organization_only(shop: Shop) -> None:
    rows = [{"orderId": str(number), "total": number} for number in range(1000)]
    document = "mutation ($rows: [ORDERS_insert_input!]!) { insert_ORDERS(objects: $rows) { affected_rows } }"
    data = await shop.run(shop.installer, document, rows=rows)
    assert data[f"insert_{shop.orders}"] == {"affected_rows": 1000}
    assert await shop.order_numbers(shop.owner) == []
    assert len(await shop.order_numbers(shop.installer)) == 1000
    foreign = [{**row, "organization_id": shop.owner.organization_id} for row in rows]
    assert "check constraint" in (await shop.fail(shop.installer, document, rows=foreign))["message"]
    delete = f"mutation {{ delete_ORDERS(where: {{}}) {{ affected_rows }} }} # {FILL}"
    assert (await shop.run(shop.owner, delete))[f"delete_{shop.orders}"] == {"affected_rows": 0}


async def test_the_process_knows_a_table_as_soon_as_the_platform_does(shop: Shop) -> None:
    await shop.run(shop.owner, f"{{ ORDERS {{ id }} }} # {FILL}")
    for number in range(5):
        async with shop.platform.client(shop.owner) as client:
            table = {"name": f"later_{number}", "columns": [{"name": "n", "type": "integer"}]}
            assert (await client.post(f"/api/apps/{shop.app}/new_table/", json=table)).status_code == 200
        assert await shop.run(shop.owner, f"{{ later_{number} {{ n }} }} # {FILL}") == {f"later_{number}": []}


async def test_after_the_process_was_killed_the_next_request_starts_another(shop: Shop) -> None:
    await shop.run(shop.owner, f"{{ ORDERS {{ id }} }} # {FILL}")
    before = pid_of(shop)
    os.kill(before, signal.SIGKILL)
    process = lane_of(shop)._process
    assert process is not None
    await eventually(lambda: process.has_ended)
    assert await shop.run(shop.owner, f"{{ ORDERS {{ id }} }} # {FILL}") == {shop.orders: []}
    assert pid_of(shop) != before


async def test_whoever_waits_when_the_process_ends_is_told(shop: Shop) -> None:
    await shop.run(shop.owner, f"{{ ORDERS {{ id }} }} # {FILL}")
    connection: Connection[Any] = await shop.platform.database.connect()
    try:
        async with connection.transaction():
            await connection.execute(f'lock table public."{shop.orders}" in access exclusive mode')
            waiting = asyncio.create_task(shop.post(shop.owner, f"{{ ORDERS {{ id }} }} # {FILL}"))
            await asyncio.sleep(0.5)
            os.kill(pid_of(shop), signal.SIGKILL)
            answer = await waiting
    finally:
        await connection.close()
    assert answer.status_code == 503
    assert "is not known" in answer.json()["errors"][0]["message"]


async def test_a_change_that_the_process_cannot_read_is_answered_and_read_later(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = f"{{ ORDERS {{ id }} }} # {FILL}"
    await shop.run(shop.owner, document)
    before, version_of = pid_of(shop), lane_of(shop)._resource_version
    monkeypatch.setattr(lane_of(shop), "_resource_version", lambda: version_of() + 1)
    connection: Connection[Any] = await shop.platform.database.connect()
    try:
        await connection.execute("alter table automio_engine.metadata_version rename to version_elsewhere")
        async with asyncio.timeout(15):
            refused = [await shop.fail(shop.owner, document) for _ in range(PLACES + 1)]
    finally:
        await connection.execute("alter table automio_engine.version_elsewhere rename to metadata_version")
        await connection.close()
    assert {error["extensions"]["code"] for error in refused} == {"unexpected"}
    assert all("try again" in error["message"] for error in refused)
    assert await shop.run(shop.owner, document) == {shop.orders: []}
    assert pid_of(shop) == before
    assert lane_of(shop)._in_use == 0


@pytest.mark.parametrize("program", ["true", "no-such-program"])
async def test_a_process_that_does_not_start_is_told_as_such(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    await lane_of(shop).close()
    monkeypatch.setattr(sys, "executable", shutil.which(program) or program)
    answer = await shop.post(shop.owner, f"mutation {{ delete_ORDERS(where: {{}}) {{ affected_rows }} }} # {FILL}")
    assert answer.status_code == 503
    assert "nothing of this request was done" in answer.json()["errors"][0]["message"]
    monkeypatch.undo()
    assert await shop.run(shop.owner, f"{{ ORDERS {{ id }} }} # {FILL}") == {shop.orders: []}


async def test_who_needs_too_much_memory_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(backend_of(shop)._engine.operations, "run", fail)
    assert "more memory" in (await shop.fail(shop.owner, "{ ORDERS { id } }"))["message"]


async def test_who_has_used_up_the_loops_time_is_answered_all_the_same(shop: Shop) -> None:
    backend_of(shop)._budget.charge(str(shop.owner.organization_id), 10.0)
    await shop.add_order(shop.owner, "1")
    assert await shop.order_numbers(shop.owner) == ["1"]
    assert pid_of(shop)


async def test_sizes_are_limited(shop: Shop) -> None:
    too_large = await shop.post(shop.owner, "{ ORDERS { id } }" + " " * 1024 * 1024)
    assert too_large.status_code == 413
    assert "1048576 bytes" in too_large.json()["errors"][0]["message"]
    batch = [{"query": "{ __typename }"}]
    async with shop.platform.client(shop.owner) as client:
        path = f"/api/apps/{shop.app}/v1/graphql"
        refused = await client.post(path, json=batch * (MAX_BATCH_OPERATIONS + 1))
        assert f"at most {MAX_BATCH_OPERATIONS} operations" in refused.json()["errors"][0]["message"]
        assert len((await client.post(path, json=batch * MAX_BATCH_OPERATIONS)).json()) == MAX_BATCH_OPERATIONS
        contract = f"/api/apps/graphql/?app={shop.app}&table=orders"
        assert (await client.post(contract, json={"query": " " * 2**20})).status_code == 413


async def test_a_body_of_unannounced_length_is_read_up_to_the_limit(shop: Shop) -> None:
    async def parts(count: int) -> AsyncIterator[bytes]:
        yield b'{"query": "{ ORDERS { id } } #'.replace(b"ORDERS", shop.orders.encode())
        for _ in range(count):
            yield b"x" * 1024
        yield b'"}'

    async with shop.platform.client(shop.owner) as client:
        path = f"/api/apps/{shop.app}/v1/graphql"
        assert (await client.post(path, content=parts(3))).json() == {"data": {shop.orders: []}}
        assert (await client.post(path, content=parts(2000))).status_code == 413


async def test_places_are_shared_and_those_who_wait_too_many_are_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = lane_of(shop)
    monkeypatch.setattr(lane._slots, "_max_waiting", 3)
    leave = asyncio.Event()

    async def hold(tenant: str) -> None:
        async with lane.place(tenant):
            await leave.wait()

    greedy = [asyncio.create_task(hold("1")) for _ in range(PLACES)]
    await asyncio.sleep(0.05)
    # Half of the places, and three who wait; the rest was refused.
    refused = [task for task in greedy if task.done()]
    assert len(refused) == PLACES - PLACES // 2 - 3
    with pytest.raises(TooManyRequests):
        refused[0].result()
    for name in ("2", "3"):
        async with asyncio.timeout(5), lane.place(name):
            pass
    leave.set()
    await asyncio.gather(*greedy, return_exceptions=True)
    assert lane._in_use == 0


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "graphql/?app={app}&table=orders", {"query": "{ __typename }"}),
        ("POST", "{app}/table/orders/count-rows/", {"all": True}),
        ("POST", "{app}/table/orders/group-rows/", {"by": "total"}),
        ("GET", "{app}/table/orders/rows/{row}/visibility/?role=member", None),
    ],
)
async def test_whoever_waits_for_a_place_holds_no_connection(shop: Shop, method: str, path: str, body: Any) -> None:
    row = await shop.add_order(shop.owner, "1")
    tenant = str(shop.owner.organization_id)
    backend_of(shop)._budget.charge(tenant, 10.0)
    pool: Any = shop.platform.database.engine.pool
    async with contextlib.AsyncExitStack() as held:
        for _ in range(PLACES // 2):
            await held.enter_async_context(lane_of(shop).place(tenant))
        async with shop.platform.client(shop.owner) as client, shop.platform.client(shop.installer) as other:
            url = f"/api/apps/{path.format(app=shop.app, row=row)}"
            posts = [asyncio.create_task(client.request(method, url, json=body)) for _ in range(10)]
            waiting = lane_of(shop)._slots._waiting
            async with asyncio.timeout(8):
                await eventually(lambda: sum(map(len, waiting.values())) == len(posts))
            assert pool.checkedout() == 0
            assert (await other.get("/api/apps/")).status_code == 200
            await held.aclose()
            assert {answer.status_code for answer in await asyncio.gather(*posts)} == {200}


async def test_a_body_that_drips_gives_its_place_back(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_api.graphql.requests.MAX_BODY_SECONDS", 1.0)

    async def drips() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" "
            await asyncio.sleep(0.1)

    async with serve_app(shop.platform.app) as url, httpx.AsyncClient(headers=shop.owner.headers) as client:
        answer = await client.post(f"{url}/api/apps/{shop.app}/v1/graphql", content=drips())
    assert answer.status_code == 408
    assert "within 1 seconds" in answer.json()["errors"][0]["message"]
    assert lane_of(shop)._in_use == 0


async def test_a_process_that_hangs_is_ended_and_replaced(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    document = f"{{ ORDERS {{ id }} }} # {FILL}"
    await shop.run(shop.owner, document)
    hanging = pid_of(shop)
    os.kill(hanging, signal.SIGSTOP)
    monkeypatch.setattr("platform_api.graphql.heavy.lane._MAX_SILENCE_SECONDS", 1.0)
    async with asyncio.timeout(15):
        answers = await asyncio.gather(*(shop.post(shop.owner, document) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {503}
    monkeypatch.undo()
    assert await shop.run(shop.owner, document) == {shop.orders: []}
    assert pid_of(shop) != hanging


async def test_whoever_has_one_request_is_not_told_to_send_fewer(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_api.graphql.heavy.lane._MAX_WAIT_SECONDS", 0.2)
    lane = lane_of(shop)
    async with contextlib.AsyncExitStack() as held:
        for number in range(PLACES):
            await held.enter_async_context(lane.place(str(number % 2 + 1)))
        with pytest.raises(Unavailable, match="no place"):
            await held.enter_async_context(lane.place("3"))
        with pytest.raises(TooManyRequests, match="of this organization"):
            await held.enter_async_context(lane.place("1"))


async def test_a_websocket_is_bounded_too(shop: Shop) -> None:
    async with serve_app(shop.platform.app) as url, aiohttp.ClientSession() as session:
        path = f"{url}/api/apps/{shop.app}/v1/graphql"
        socket = await session.ws_connect(path, protocols=["graphql-transport-ws"], headers=shop.owner.headers)
        await socket.send_json({"type": "connection_init"})
        assert (await socket.receive_json(timeout=60))["type"] == "connection_ack"
        query = f"subscription ($n: Int) {{ {shop.orders}(limit: $n) {{ id }} }}"

        async def subscribe(number: int) -> dict[str, Any]:
            payload = {"query": query, "variables": {"n": number}}
            await socket.send_json({"id": str(number), "type": "subscribe", "payload": payload})
            while (message := await socket.receive_json(timeout=60)).get("id") != str(number):
                continue
            answer: dict[str, Any] = message
            return answer

        assert [(await subscribe(number))["type"] for number in (1, 2, 3)] == ["next"] * 3
        refused = await subscribe(4)
        assert refused["type"] == "error" and "3 subscriptions open" in refused["payload"][0]["message"]
        await socket.send_json({"id": "1", "type": "complete"})
        assert (await subscribe(5))["type"] == "next"
        await socket.send_json({"id": "6", "type": "subscribe", "payload": {"query": "{" + " " * 300_000}})
        while (await socket.receive(timeout=60)).type is aiohttp.WSMsgType.TEXT:
            continue
        assert socket.close_code == 1009
    await eventually(lambda: not backend_of(shop)._operations._subscriptions._open)


async def test_large_documents_of_idle_websockets_are_not_read_at_once(shop: Shop) -> None:
    large = "{" + " a" * 20_000 + "}"
    query = "query ($w: ORDERS_bool_exp) { ORDERS(where: $w) { orderId } }".replace("ORDERS", shop.orders)
    async with serve_app(shop.platform.app) as url, aiohttp.ClientSession() as session:
        path = f"{url}/api/apps/{shop.app}/v1/graphql"
        socket = await session.ws_connect(path, protocols=["graphql-transport-ws"], headers=shop.owner.headers)
        await socket.send_json({"type": "connection_init"})
        assert (await socket.receive_json(timeout=60))["type"] == "connection_ack"
        await socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": large}})
        refused = await socket.receive_json(timeout=60)
        assert refused["type"] == "error" and f"at most {MAX_SMALL_BYTES}" in refused["payload"][0]["message"]
        # Large variables are fine.
        where = {"orderId": {"_in": [str(number) for number in range(10_000)]}}
        payload = {"query": query, "variables": {"w": where}}
        await socket.send_json({"id": "2", "type": "subscribe", "payload": payload})
        while (answer := await socket.receive_json(timeout=60)).get("id") != "2":
            continue
        assert answer["payload"] == {"data": {shop.orders: []}}


async def test_without_a_token_nothing_large_is_read(shop: Shop) -> None:
    async with shop.platform.client() as client:
        path = f"/api/apps/{shop.app}/v1/graphql"
        answer: httpx.Response = await client.post(path, json={"query": FILL})
        assert answer.status_code == 401

"""Tables with the engine as a server of its own: metadata follows over HTTP, late if need be, and can be repaired."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from hasura.metadata import HttpMetadata, MetadataCommand
from platform_api.accounts.models import Role
from platform_api.ops.metadata import MetadataSettings, sync_metadata
from tests.platform_api.conftest import Platform, make_settings, running_platform
from tests.platform_api.graphql.shop import TABLES, Shop
from tests.platform_api.tables.permissions.limited import Limited, organization_of
from tests.ports import free_port
from tests.waiting import eventually

pytestmark = pytest.mark.anyio

SECRET = "separate-engine-admin-secret"


class SeparateEngine:
    """`automio engine` in a process of its own, on the platform's database, as the role that owns the tables."""

    def __init__(self, database_url: str) -> None:
        self._database_url = f"{database_url}&role=automio_engine"
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        arguments = ["--database-url", self._database_url, "--admin-secret", SECRET, "--port", str(self._port)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "automio.cli", "engine", *arguments, env={"PATH": os.environ["PATH"]}
        )
        try:
            await eventually(self._is_healthy)
            yield
        finally:
            process.terminate()
            await process.wait()

    async def _is_healthy(self) -> bool:
        try:
            async with aiohttp.ClientSession() as client, client.get(self.url + "/healthz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


@pytest.fixture(scope="module")
async def engine(module_database_url: str, anyio_backend: str) -> SeparateEngine:
    return SeparateEngine(module_database_url)


@pytest.fixture(scope="module")
async def platform(module_database_url: str, engine: SeparateEngine) -> AsyncIterator[Platform]:
    settings = make_settings(
        module_database_url, hasura_graphql_endpoint=engine.url, hasura_graphql_admin_secret=SECRET
    )
    async with running_platform(settings) as running:
        yield running


async def make_shop(platform: Platform) -> Shop:
    owner, installer = await platform.create_caller(), await platform.create_caller()
    app = await platform.create_app(owner)
    await platform.install(app, installer)
    return Shop(platform, owner, installer, app.id)


async def create_tables(shop: Shop, *tables: dict[str, Any]) -> None:
    async with shop.platform.client(shop.owner) as client:
        for table in tables:
            answer = await client.post(f"/api/apps/{shop.app}/new_table/", json=table)
            assert answer.status_code == 200, answer.text


async def answers(shop: Shop, document: str) -> bool:
    response = await shop.post(shop.owner, document)
    return response.status_code == 200 and "errors" not in response.json()


async def test_metadata_follows_changes_waits_for_the_engine_and_is_repaired(
    platform: Platform, engine: SeparateEngine, module_database_url: str
) -> None:
    shop = await make_shop(platform)
    await create_tables(shop, TABLES[0])
    refused = await shop.post(shop.owner, "{ ORDERS { id } }")
    assert refused.status_code == 503, "the engine is not there yet; the table was made nevertheless"

    async with engine.running():
        await eventually(lambda: answers(shop, "{ ORDERS { id } }"))
        await create_tables(shop, TABLES[1])
        await eventually(lambda: answers(shop, "{ ORDERS { order_lines { quantity order { id } } } }"))

        await shop.add_order(shop.owner, "mine")
        await shop.add_order(shop.installer, "theirs")
        assert await shop.order_numbers(shop.owner) == ["mine"]
        foreign = {"orderId": "x", "organization_id": shop.owner.organization_id}
        insert = "mutation ($row: ORDERS_insert_input!) { insert_ORDERS_one(object: $row) { id } }"
        error = await shop.fail(shop.installer, insert, row=foreign)
        assert error["extensions"]["code"] == "permission-error"

        change = {
            "name": "orders",
            "columns": [
                {"name": "number", "type": "text", "required": True, "renamed_from": "orderId"},
                {"name": "note", "type": "text"},
            ],
            "drop_columns": ["total"],
        }
        async with platform.client(shop.owner) as client:
            assert (await client.put(f"/api/apps/{shop.app}/edit_table/", json=change)).status_code == 200
        await eventually(lambda: answers(shop, "{ ORDERS { number note } }"))
        assert not await answers(shop, "{ ORDERS { total } }")

        await _is_repaired_by_hand(shop, engine, module_database_url)

        async with platform.client(shop.owner) as client:
            for table in ("order_lines", "orders"):
                assert (await client.delete(f"/api/apps/{shop.app}/table/{table}/")).status_code == 204

        async def are_gone() -> bool:
            async with aiohttp.ClientSession() as session:
                exported = await HttpMetadata(engine.url, admin_secret=SECRET, client=session).export_tables()
            return not [table for table in exported if table.name.startswith(f"app_{shop.app}_")]

        await eventually(are_gone)


async def _is_repaired_by_hand(shop: Shop, engine: SeparateEngine, database_url: str) -> None:
    """`automio metadata sync` finds what somebody changed at the Hasura and puts it right."""
    settings = MetadataSettings(
        database_url=database_url, hasura_graphql_endpoint=engine.url, hasura_graphql_admin_secret=SECRET
    )
    assert await sync_metadata(settings, repair=False) == []
    target = {"source": "default", "table": {"schema": "public", "name": shop.orders}}
    role = f"app_{shop.app}"
    widened = {"columns": ["id", "number"], "filter": {}}
    async with aiohttp.ClientSession() as session:
        await HttpMetadata(engine.url, admin_secret=SECRET, client=session).apply(
            [
                MetadataCommand("pg_drop_select_permission", {**target, "role": role}),
                MetadataCommand("pg_create_select_permission", {**target, "role": role, "permission": widened}),
            ]
        )
    expected = [
        f"pg_drop_select_permission {shop.orders} {role}",
        f"pg_create_select_permission {shop.orders} {role}",
    ]
    assert await sync_metadata(settings, repair=False) == expected
    assert await sync_metadata(settings, repair=True) == expected
    assert await sync_metadata(settings, repair=False) == []
    data = await shop.run(shop.owner, "{ ORDERS { number } }")
    assert [row["number"] for row in data[shop.orders]] == ["mine"]


async def test_rows_are_counted_estimated_grouped_and_changed_there_as_well(
    platform: Platform, engine: SeparateEngine
) -> None:
    shop = await make_shop(platform)
    async with engine.running():
        await create_tables(shop, TABLES[0])
        await eventually(lambda: answers(shop, "{ ORDERS { id } }"))
        for number in range(3):
            await shop.add_order(shop.owner, str(number), delivered=number > 0)
        path = f"/api/apps/{shop.app}/table/orders"
        match = {"filter": {"delivered": {"_eq": True}}}
        async with platform.client(shop.owner) as client:
            counted = await client.post(f"{path}/count-rows/", json=match)
            assert counted.json() == {"count": 2}
            estimated = await client.post(f"{path}/estimate-rows/", json=match)
            assert estimated.json()["estimate"] >= 1, estimated.text
            refused = await client.post(f"{path}/estimate-rows/", json={"filter": {"nothing": {}}})
            assert refused.status_code == 422, refused.text
            grouped = await client.post(f"{path}/group-rows/", json={"by": "delivered"})
            assert [group["count"] for group in grouped.json()["groups"]] == [1, 2]
            stale = await client.patch(
                f"{path}/update-rows/", json={**match, "set": {"total": 1}, "expected_count": 9}
            )
            assert stale.status_code == 409, stale.text
            changed = await client.patch(f"{path}/update-rows/", json={**match, "set": {"total": 1}})
            assert changed.json() == {"affected_rows": 2}


async def test_members_are_limited_there_as_well(platform: Platform, engine: SeparateEngine) -> None:
    shop = await make_shop(platform)
    organization = await organization_of(platform, shop.owner)
    limited = Limited(shop, await platform.create_caller(organization=organization, role=Role.MEMBER))
    settings = MetadataSettings(
        database_url=platform.settings.database_url,
        hasura_graphql_endpoint=engine.url,
        hasura_graphql_admin_secret=SECRET,
    )

    async def sees(*expected: str) -> bool:
        answer = (await shop.post(limited.member, "{ ORDERS(order_by: {orderId: asc}) { orderId } }")).json()
        return [row["orderId"] for row in (answer.get("data") or {}).get(shop.orders, [])] == list(expected)

    async with engine.running():
        await create_tables(shop, *TABLES)
        await eventually(lambda: answers(shop, "{ ORDERS { order_lines { id } } }"))
        for number in range(3):
            await shop.add_order(shop.owner, str(number), total=number)
        assert await sees("0", "1", "2")
        several = {"_and": [{"total": {"_gt": 0.5}}, {"orderId": {"_neq": "x"}}, {"_or": [{"total": {"_lt": 1.5}}]}]}
        await limited.limit(read={"rule": several, "columns": ["orderId"]}, delete={"allowed": False})
        await limited.limit("order_lines", read={"rule": {"order": {"total": {"_gt": 0}}}})
        await eventually(lambda: sees("1"))
        await shop.fail(limited.member, "{ ORDERS { total } }")
        counted = await limited.send(limited.member, "POST", "orders/count-rows/", {"all": True})
        assert counted.json() == {"count": 1}
        rename = {"columns": [{"name": "amount", "type": "numeric", "renamed_from": "total"}]}
        changed = await limited.send(shop.owner, "PUT", "orders/configuration/", rename)
        assert changed.status_code == 200, changed.text
        await eventually(lambda: answers(shop, "{ ORDERS { amount } }"))
        await eventually(lambda: sees("1"))
        assert await sync_metadata(settings, repair=False) == []
        for table in ("orders", "order_lines"):
            lifted = await limited.send(shop.owner, "DELETE", f"{table}/permissions/member/")
            assert lifted.status_code == 204, lifted.text
        assert await sees("0", "1", "2")

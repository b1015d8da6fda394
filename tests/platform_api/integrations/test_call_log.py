"""What was called is found again, without secrets; a budget ends calls with 402."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import update

from platform_api.accounts.models import Role
from platform_api.integrations.calls.log import CallLog
from platform_api.integrations.models import IntegrationUsage, LoggedCall
from platform_api.mock_shop.faults import Fault
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform
from tests.platform_api.integrations.conftest import RunningShop, connect_shop

pytestmark = pytest.mark.anyio

CALL = "/api/integrations/shop/call/"


async def write(platform: Platform) -> None:
    call_log = platform.app.services[CallLog]
    await call_log.write()


async def listed(platform: Platform, caller: Caller, **query: Any) -> list[dict[str, Any]]:
    async with platform.client(caller) as client:
        answer = await client.get("/api/integrations/calls/", params=query)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["count"] == len(page["results"])
    results: list[dict[str, Any]] = page["results"]
    return results


async def set_budget(platform: Platform, caller: Caller, calls: int | None) -> None:
    async with platform.client(caller) as client:
        answer = await client.put("/api/integrations/calls/budget/", json={"calls_per_month": calls})
        assert answer.status_code == 200, answer.text


async def test_calls_are_logged_searchable_and_without_what_they_carried(
    shared_platform: Platform, shop: RunningShop
) -> None:
    caller, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    connection = await connect_shop(shared_platform, caller, shop.url)
    shop.shop.faults.add(Fault("status", path="/orders", status=503))
    async with shared_platform.client(caller) as client:
        await client.post(CALL, json={"endpoint": "/me?token=hush", "request_params": {"key": "hush"}})
        await client.post(CALL, json={"endpoint": "/orders"})
        items = [{"url_params": {"id": "hush"}}] * 2
        body = {"method": "GET", "endpoint": "/offers/{id}", "data_list": items}
        await client.post("/api/integrations/shop/parallel_call/", json=body)
    await write(shared_platform)

    calls = await listed(shared_platform, caller)
    assert [one["endpoint"] for one in calls] == ["/offers/{id}", "/offers/{id}", "/orders", "/me"]
    assert [one["status_code"] for one in calls] == [404, 404, 503, 200]
    assert {one["connection_id"] for one in calls} == {connection}
    assert calls[0]["user_id"] == caller.user_id and calls[0]["elapsed_ms"] >= 0
    assert "hush" not in str(calls) and "shop-key" not in str(calls)

    assert len(await listed(shared_platform, caller, ok=False)) == 3
    assert len(await listed(shared_platform, caller, status=503)) == 1
    assert len(await listed(shared_platform, caller, search="/off")) == 2
    assert len(await listed(shared_platform, caller, search="%")) == 0
    assert len(await listed(shared_platform, caller, connection=connection, integration="shop")) == 4
    assert len(await listed(shared_platform, caller, until=(datetime.now(UTC) - timedelta(hours=1)).isoformat())) == 0
    assert await listed(shared_platform, stranger) == []
    assert await listed(shared_platform, stranger, connection=connection) == []


async def test_a_used_up_budget_is_402_until_it_is_raised(shared_platform: Platform, shop: RunningShop) -> None:
    caller = await shared_platform.create_caller()
    await connect_shop(shared_platform, caller, shop.url)
    await set_budget(shared_platform, caller, 3)
    body = {"method": "GET", "endpoint": "/me", "data_list": [{}] * 3}
    async with shared_platform.client(caller) as client:
        assert (await client.post(CALL, json={"endpoint": "/me"})).status_code == 200
        await write(shared_platform)
        requests = shop.shop.requests
        parallel = (await client.post("/api/integrations/shop/parallel_call/", json=body)).json()
        assert [one["api_response"]["status_code"] for one in parallel["responses"]].count(402) == 1
        assert shop.shop.requests == requests + 2, "what is refused does not reach the upstream"
        for path, content in ((CALL, {"endpoint": "/me"}), ("/api/integrations/shop/parallel_call/", body)):
            refused = await client.post(path, json=content)
            assert refused.status_code == 402
            assert refused.json()["code"] == "not_enough_credits" and "budget of 3 calls" in refused.json()["detail"]
        await write(shared_platform)
        usage = (await client.get("/api/integrations/calls/usage/")).json()
        assert usage == {"month": f"{datetime.now(UTC):%Y-%m}", "calls": 3, "calls_per_month": 3}
    await set_budget(shared_platform, caller, None)
    async with shared_platform.client(caller) as client:
        assert (await client.post(CALL, json={"endpoint": "/me"})).status_code == 200


async def test_a_new_month_begins_at_nothing(shared_platform: Platform, shop: RunningShop) -> None:
    caller = await shared_platform.create_caller()
    await connect_shop(shared_platform, caller, shop.url)
    await set_budget(shared_platform, caller, 1)
    async with shared_platform.client(caller) as client:
        assert (await client.post(CALL, json={"endpoint": "/me"})).status_code == 200
        await write(shared_platform)
        assert (await client.post(CALL, json={"endpoint": "/me"})).status_code == 402
        async with shared_platform.database.transaction() as session:
            of_caller = IntegrationUsage.organization_id == caller.organization_id
            await session.execute(update(IntegrationUsage).where(of_caller).values(month=datetime(2020, 1, 1)))
        shared_platform.app.services[CallLog].forget(caller.organization_id)
        assert (await client.post(CALL, json={"endpoint": "/me"})).status_code == 200


async def test_only_an_owner_sets_the_budget_and_only_their_organizations(
    shared_platform: Platform, shop: RunningShop
) -> None:
    owner, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    await connect_shop(shared_platform, owner, shop.url)
    builder = await shared_platform.create_colleague(owner, Role.BUILDER)
    async with shared_platform.client(builder) as client:
        answer = await client.put("/api/integrations/calls/budget/", json={"calls_per_month": 5})
        assert answer.status_code == 403
    await set_budget(shared_platform, stranger, 0)
    async with shared_platform.client(owner) as client:
        assert (await client.post(CALL, json={"endpoint": "/me"})).status_code == 200
        assert (await client.get("/api/integrations/calls/usage/")).json()["calls_per_month"] is None


async def test_what_was_not_written_yet_is_written_when_the_platform_stops(
    module_database_url: str, shop: RunningShop
) -> None:
    async with running_platform(make_settings(module_database_url)) as platform:
        caller = await platform.create_caller()
        await connect_shop(platform, caller, shop.url)
        async with platform.client(caller) as client:
            await client.post(CALL, json={"endpoint": "/me"})
    async with running_platform(make_settings(module_database_url)) as platform:
        assert len(await listed(platform, caller)) == 1


async def test_old_calls_are_cleared_away(shared_platform: Platform, shop: RunningShop) -> None:
    caller = await shared_platform.create_caller()
    await connect_shop(shared_platform, caller, shop.url)
    async with shared_platform.client(caller) as client:
        for _ in range(2):
            await client.post(CALL, json={"endpoint": "/me"})
    await write(shared_platform)
    newest, _ = await listed(shared_platform, caller)
    async with shared_platform.database.transaction() as session:
        old = update(LoggedCall).where(LoggedCall.id == newest["id"])
        await session.execute(old.values(created_at=datetime.now(UTC) - timedelta(days=31)))
    await shared_platform.app.services[CallLog].clear()
    assert len(await listed(shared_platform, caller)) == 1


async def test_a_key_in_the_path_of_a_whole_url_is_not_logged(shared_platform: Platform, shop: RunningShop) -> None:
    caller = await shared_platform.create_caller()
    key = "1:hush/ü"
    definition = {
        "id": "bot",
        "name": "Bot",
        "base_url": shop.url + "/bot{bot_token}",
        "auth": {"type": "api_key", "name": "bot_token", "location": "path"},
        "retry": {"attempts": 1},
    }
    async with shared_platform.client(caller) as client:
        await client.post("/api/integrations/", json=definition)
        connection = {"name": "bot", "credentials": {"api_key": key}}
        assert (await client.post("/api/integrations/bot/connections/", json=connection)).status_code == 201
        # As the service would give it for a next page.
        url = f"{shop.url}/bot{quote(key, safe=':')}/getUpdates?offset=1"
        assert (await client.post("/api/integrations/bot/call/", json={"endpoint": url})).status_code == 200
        refused = await client.post("/api/integrations/bot/call/", json={"endpoint": f"{shop.url}/other"})
    assert refused.status_code == 400
    assert "hush" not in refused.text
    await write(shared_platform)
    [call] = await listed(shared_platform, caller)
    assert call["endpoint"] == f"{shop.url}/bot***/getUpdates"

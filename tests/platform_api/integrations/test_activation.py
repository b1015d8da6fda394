"""What an app may use of an organization's connections: enforced for every way in which connections are reached."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from platform_api.accounts.models import Role, Scope
from platform_api.apps.models import App
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.integrations.conftest import RunningShop, connect_shop

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class World:
    """An organization with two apps and two connections: the first is for app `one`, the second for app `two`."""

    platform: Platform
    caller: Caller
    one: App
    two: App
    first: int
    second: int

    async def activate(self, app: App, **body: Any) -> httpx.Response:
        async with self.platform.client(self.caller) as client:
            return await client.put(f"/api/apps/{app.id}/integrations/shop/", json=body)

    async def run_of(self, app: App) -> httpx.AsyncClient:
        """A script of one of the app's runs."""
        token = await self.platform.create_run_token(self.caller, app)
        return self.platform.client(headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
async def world(shared_platform: Platform, shop: RunningShop) -> AsyncIterator[World]:
    caller = await shared_platform.create_caller()
    first = await connect_shop(shared_platform, caller, shop.url)
    second = await connect_shop(shared_platform, caller, shop.url, key="shop-key-bert")
    one, two = await shared_platform.create_app(caller), await shared_platform.create_app(caller)
    yield World(shared_platform, caller, one, two, first, second)


async def reached(client: httpx.AsyncClient, connection_id: int, **options: Any) -> dict[str, bool]:
    """Which of the ways to a connection are open."""
    found = {}
    at = "/api/integrations/shop"
    call = {"method": "GET", "endpoint": "/me"}
    many = {**call, "data_list": [{"connection_id": connection_id}]}
    named = {"connection_id": connection_id}

    answer = await client.post(f"{at}/call/", params=named, json=call, **options)
    found["call"] = answer.status_code == 200 and answer.json()["api_response"]["ok"]
    answer = await client.post(f"{at}/parallel_call/", json=many, **options)
    found["parallel_call"] = answer.json()["responses"][0]["api_response"]["ok"]
    answer = await client.post(f"{at}/parallel_call/", json={**many, "streaming": True}, **options)
    found["stream"] = '"status_code":200' in answer.text
    answer = await client.post(f"{at}/parallel_call_for_connection/", params=named, json=many, **options)
    found["for_connection"] = answer.status_code == 200
    answer = await client.get(f"{at}/", params=named, **options)
    found["get_integration"] = answer.status_code == 200
    answer = await client.get(f"{at}/", **options)
    found["connected_accounts"] = connection_id in answer.json()["connected_accounts"]
    answer = await client.get("/api/integrations/", params={"per_page": 100}, **options)
    shops = [one for one in answer.json()["results"] if one["integration_id"] == "shop"]
    found["list"] = any(connection_id in one["connected_accounts"] for one in shops)
    answer = await client.get(f"{at}/get_connections/", **options)
    found["get_connections"] = connection_id in [one["id"] for one in answer.json()]
    answer = await client.get(f"{at}/table_connections/", **options)
    listed = answer.json() if answer.status_code == 200 else {}
    found["table_connections"] = connection_id in [one["id"] for many in listed.values() for one in many]
    return found


def all_are(found: dict[str, bool], wanted: bool) -> None:
    assert found == dict.fromkeys(found, wanted)


async def test_without_a_decision_an_own_app_uses_every_connection(world: World) -> None:
    async with await world.run_of(world.one) as script:
        all_are(await reached(script, world.first), True)
        all_are(await reached(script, world.second), True)
    async with world.platform.client(world.caller) as client:
        told = (await client.get(f"/api/apps/{world.one.id}/integrations/shop/")).json()
        assert (told["activated"], told["is_default"], told["connection_ids"]) == (True, True, None)
        assert [one["id"] for one in told["usable_connections"]] == [world.first, world.second]
        assert (await client.get(f"/api/apps/{world.one.id}/integrations/")).json() == []


async def test_a_run_of_one_app_cannot_use_a_connection_that_is_activated_for_another(world: World) -> None:
    assert (await world.activate(world.one, activated=True, connection_ids=[world.first])).status_code == 200
    assert (await world.activate(world.two, activated=True, connection_ids=[world.second])).status_code == 200
    for app, own, foreign in ((world.one, world.first, world.second), (world.two, world.second, world.first)):
        async with await world.run_of(app) as script:
            all_are(await reached(script, foreign), False)
            all_are(await reached(script, own), True)
            default = await script.post("/api/integrations/shop/call/", json={"endpoint": "/me"})
            assert default.json()["connection_id"] == own, "also the default is one of the app's"


async def test_a_run_cannot_name_another_app_to_get_at_its_connections(world: World) -> None:
    await world.activate(world.one, activated=True, connection_ids=[world.first])
    await world.activate(world.two, activated=True, connection_ids=[world.second])
    body = {"method": "GET", "endpoint": "/me"}
    async with await world.run_of(world.one) as script:
        for name in (str(world.two.id), world.two.slug, f"{world.caller.organization_slug}/{world.two.slug}"):
            refused = await script.post(
                "/api/integrations/shop/call/",
                params={"connection_id": world.second},
                json=body,
                headers={"X-App-Id": name},
            )
            assert refused.status_code == 403, refused.text
            listed = await script.get("/api/integrations/shop/table_connections/", params={"app_id": name})
            assert listed.status_code == 403
        for name in (str(world.one.id), world.one.slug, "None"):
            allowed = await script.post("/api/integrations/shop/call/", json=body, headers={"X-App-Id": name})
            assert allowed.json()["connection_id"] == world.first


async def test_a_user_who_names_an_app_is_held_to_what_it_may_use(world: World) -> None:
    await world.activate(world.one, activated=True, connection_ids=[world.first])
    async with world.platform.client(world.caller) as client:
        headers = {"X-App-Id": str(world.one.id)}
        all_are(await reached(client, world.second, headers=headers), False)
        all_are(await reached(client, world.first, headers=headers), True)
        all_are(await reached(client, world.second), True)
        unknown = await client.get("/api/integrations/shop/", headers={"X-App-Id": "99999999"})
        assert unknown.status_code == 404 and "no app 99999999" in unknown.json()["detail"]


async def test_an_integration_can_be_switched_off_for_an_app_and_on_again(world: World) -> None:
    off = await world.activate(world.one, activated=False)
    assert (off.json()["activated"], off.json()["usable_connections"]) == (False, [])
    async with await world.run_of(world.one) as script:
        all_are(await reached(script, world.first), False)
        refused = await script.get("/api/integrations/shop/table_connections/")
        assert refused.status_code == 400 and "not enabled" in refused.json()["detail"]
        call = await script.post("/api/integrations/shop/call/", json={"endpoint": "/me"})
        assert call.status_code == 403 and "activated" in call.json()["detail"]
        await world.activate(world.one, activated=True)
        all_are(await reached(script, world.first), True)
    async with world.platform.client(world.caller) as client:
        assert [one["integration_id"] for one in (await client.get(f"/api/apps/{world.one.id}/integrations/")).json()]
        assert (await client.delete(f"/api/apps/{world.one.id}/integrations/shop/")).status_code == 204
        assert (await client.delete(f"/api/apps/{world.one.id}/integrations/shop/")).status_code == 404
        assert (await client.get(f"/api/apps/{world.one.id}/integrations/shop/")).json()["is_default"] is True


async def test_an_installed_app_uses_no_account_until_it_is_let(world: World, shop: RunningShop) -> None:
    """Its consent says nothing of accounts, and its author is somebody else."""
    author = await world.platform.create_caller()
    app = await world.platform.create_app(author, is_public=True)
    await world.platform.install(app, world.caller)
    authors_own = await connect_shop(world.platform, author, shop.url)
    async with await world.run_of(app) as script:
        all_are(await reached(script, world.first), False)
        assert (await world.activate(app, activated=True, connection_ids=[world.first])).status_code == 200
        all_are(await reached(script, world.first), True)
        all_are(await reached(script, world.second), False)
        all_are(await reached(script, authors_own), False)
    token = await world.platform.create_run_token(author, app)
    async with world.platform.client(headers={"Authorization": f"Bearer {token}"}) as authors_script:
        all_are(await reached(authors_script, authors_own), True)
        all_are(await reached(authors_script, world.first), False)


async def test_plugins_are_handed_the_connections_of_the_run_only(world: World) -> None:
    await world.activate(world.one, activated=True, connection_ids=[world.first])
    async with world.platform.client(world.caller) as client:
        interface = {"namespace": "orders", "capabilities": [], "code": ""}
        made = await client.post("/api/plugins/plugin-interfaces/", json=interface)
        assert made.status_code == 201, made.text
        plugin = {"integration_id": "shop", "code": "", "connection_ids": [world.second, world.first]}
        made = await client.post("/api/plugins/plugin-interfaces/orders/plugins/", json=plugin)
        assert made.status_code == 201, made.text
        await client.put(f"/api/plugins/plugins/{made.json()['id']}/", json={"is_enabled": True})
    for app, wanted in ((world.one, [world.first]), (world.two, [world.second, world.first])):
        async with await world.run_of(app) as script:
            listed = (await script.get("/api/plugins/plugins/get_list/orders/")).json()
            assert [one["connection_ids"] for one in listed] == [wanted]


async def test_only_builders_with_a_token_that_is_not_the_apps_decide(world: World) -> None:
    path, body = f"/api/apps/{world.one.id}/integrations/shop/", {"activated": True, "connection_ids": None}
    member = await world.platform.create_colleague(world.caller, Role.MEMBER)
    bound = await world.platform.create_colleague(world.caller, Role.OWNER, app_id=world.one.id)
    narrow = await world.platform.create_colleague(world.caller, Role.OWNER, scopes=[Scope.DATA])
    for caller in (member, bound, narrow):
        async with world.platform.client(caller) as client:
            assert (await client.put(path, json=body)).status_code == 403
            assert (await client.delete(path)).status_code == 403
    async with await world.run_of(world.one) as script:
        assert (await script.put(path, json=body)).status_code == 403
        assert (await script.get(path)).status_code == 200
    builder = await world.platform.create_colleague(world.caller, Role.BUILDER)
    async with world.platform.client(builder) as client:
        assert (await client.put(path, json=body)).status_code == 200


async def test_only_the_organizations_connections_to_the_integration_can_be_activated(
    world: World, shop: RunningShop
) -> None:
    stranger = await world.platform.create_caller()
    foreign = await connect_shop(world.platform, stranger, shop.url)
    for wanted in ([foreign], [world.first, 999_999_999]):
        refused = await world.activate(world.one, activated=True, connection_ids=wanted)
        assert refused.status_code == 422 and str(wanted[-1]) in refused.json()["detail"]
    async with world.platform.client(world.caller) as client:
        unknown = await client.put(f"/api/apps/{world.one.id}/integrations/nothing/", json={"activated": True})
        assert unknown.status_code == 404


async def test_a_connection_that_is_gone_leaves_the_choice(world: World) -> None:
    await world.activate(world.one, activated=True, connection_ids=[world.first])
    async with world.platform.client(world.caller) as client:
        assert (await client.delete(f"/api/integrations/connections/{world.first}/")).status_code == 204
        told = (await client.get(f"/api/apps/{world.one.id}/integrations/shop/")).json()
        assert (told["connection_ids"], told["usable_connections"]) == ([], [])
    async with await world.run_of(world.one) as script:
        all_are(await reached(script, world.second), False)

"""An owner's scripts call through what organizations that installed the app activated for it, and through no more."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from platform_api.accounts.tokens import issue_run_token
from platform_api.apps.models import App, InstallStatus
from platform_api.core.types import RunId
from platform_api.integrations.calls.log import CallLog
from platform_api.mock_shop.faults import Fault
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.integrations.conftest import RunningShop, connect_shop
from tests.waiting import eventually

pytestmark = pytest.mark.anyio

_CALL = {"method": "GET", "endpoint": "/me"}


@dataclass(frozen=True, slots=True)
class World:
    """An app with a script of its owner; `installer` activated the first of its two connections for it."""

    platform: Platform
    owner: Caller
    installer: Caller
    app: App
    own: int
    activated: int
    kept_back: int

    async def script(self, caller: Caller | None = None, **options: Any) -> httpx.AsyncClient:
        """A run of an app, trigger or webhook action."""
        who = caller or self.owner
        async with self.platform.database.transaction() as session:
            token = await issue_run_token(
                session,
                organization_id=who.organization_id,
                user_id=who.user_id,
                app_id=self.app.id,
                run_id=RunId(7),
                lifetime=timedelta(minutes=5),
                **{"reaches_installs": True, **options},
            )
        return self.platform.client(headers={"Authorization": f"Bearer {token}"})

    async def as_installer(self, method: str, path: str, **body: Any) -> httpx.Response:
        async with self.platform.client(self.installer) as client:
            answer = await client.request(method, path, json=body or None)
        assert answer.is_success, answer.text
        return answer


@pytest.fixture
async def world(shared_platform: Platform, shop: RunningShop) -> AsyncIterator[World]:
    owner, installer = await shared_platform.create_caller(), await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    await shared_platform.install(app, installer)
    own = await connect_shop(shared_platform, owner, shop.url)
    activated = await connect_shop(shared_platform, installer, shop.url, key="shop-key-bert")
    kept_back = await connect_shop(shared_platform, installer, shop.url)
    made = World(shared_platform, owner, installer, app, own, activated, kept_back)
    await made.as_installer(
        "PUT", f"/api/apps/{app.id}/integrations/shop/", activated=True, connection_ids=[activated]
    )
    yield made


async def reached(client: httpx.AsyncClient, connection_id: int, organization_id: int) -> dict[str, bool]:
    """Which of the ways to call through a connection are open."""
    at = "/api/integrations/shop"
    named = {"connection_id": str(connection_id), "organization_id": str(organization_id)}
    many = {**_CALL, "data_list": [named]}
    found = {}

    answer = await client.post(f"{at}/call/", params=named, json=_CALL)
    found["call"] = answer.status_code == 200 and answer.json()["connection_id"] == connection_id
    answer = await client.post(f"{at}/parallel_call/", json=many)
    found["parallel_call"] = answer.status_code == 200 and answer.json()["responses"][0]["api_response"]["ok"]
    answer = await client.post(f"{at}/parallel_call/", json={**many, "streaming": True})
    found["stream"] = '"status_code":200' in answer.text
    answer = await client.post(f"{at}/parallel_call_for_connection/", params=named, json=many)
    found["for_connection"] = answer.status_code == 200
    answer = await client.get(f"{at}/table_connections/")
    listed = answer.json().get(str(organization_id), []) if answer.status_code == 200 else []
    found["table_connections"] = connection_id in [one["id"] for one in listed]
    return found


async def test_an_owners_script_calls_through_what_an_install_activated_and_nothing_else(world: World) -> None:
    installer = world.installer.organization_id
    async with await world.script() as script:
        assert set((await reached(script, world.activated, installer)).values()) == {True}
        assert set((await reached(script, world.kept_back, installer)).values()) == {False}
        assert set((await reached(script, world.own, world.owner.organization_id)).values()) == {True}
        default = await script.post("/api/integrations/shop/call/", json=_CALL)
        assert default.json()["connection_id"] == world.own, "nothing named: the owner's own"
        theirs = await script.post("/api/integrations/shop/call/", params={"organization_id": installer}, json=_CALL)
        assert theirs.json()["connection_id"] == world.activated


async def test_the_documented_loop_over_all_connections_works(world: World) -> None:
    async with await world.script() as script:
        listed = (await script.get("/api/integrations/shop/table_connections/")).json()
        items = [
            {"connection_id": one["id"], "organization_id": organization, "params": {}, "data": {}, "url_params": {}}
            for organization, several in listed.items()
            for one in several
        ]
        answer = (
            await script.post("/api/integrations/shop/parallel_call/", json={**_CALL, "data_list": items})
        ).json()
    assert {(one["organization_id"], one["connection_id"]) for one in answer["responses"]} == {
        (world.owner.organization_id, world.own),
        (world.installer.organization_id, world.activated),
    }
    assert [one["api_response"]["ok"] for one in answer["responses"]] == [True, True]


async def test_a_name_alone_means_the_owners_own_account(world: World) -> None:
    # An installer may name its account as it likes, also as the owner does.
    twin = world.kept_back
    await world.as_installer("PUT", f"/api/integrations/connections/{twin}/", name="the account")
    await world.as_installer("PUT", f"/api/apps/{world.app.id}/integrations/shop/", activated=True)
    async with await world.script() as script:
        named = {"connection_id": "the account"}
        refused = await script.post("/api/integrations/shop/call/", params=named, json=_CALL)
        chosen = await script.post(
            "/api/integrations/shop/call/",
            params={**named, "organization_id": world.installer.organization_id},
            json=_CALL,
        )
    assert refused.status_code == 403
    assert chosen.json()["connection_id"] == twin


async def _suspend(world: World) -> None:
    await world.as_installer("PATCH", f"/api/apps/{world.app.id}/install/", status="suspended")


async def _uninstall(world: World) -> None:
    await world.as_installer("DELETE", f"/api/apps/{world.app.id}/install/")


async def _switch_off(world: World) -> None:
    await world.as_installer("PUT", f"/api/apps/{world.app.id}/integrations/shop/", activated=False)


async def _take_back(world: World) -> None:
    await world.as_installer("DELETE", f"/api/apps/{world.app.id}/integrations/shop/")


async def _disconnect(world: World) -> None:
    await world.as_installer("DELETE", f"/api/integrations/connections/{world.activated}/")


_ENDS = [_suspend, _uninstall, _switch_off, _take_back, _disconnect]


@pytest.mark.parametrize("end", _ENDS, ids=[end.__name__.strip("_") for end in _ENDS])
async def test_it_is_refused_at_once_when_the_installer_ends_it(
    world: World, end: Callable[[World], Awaitable[None]]
) -> None:
    installer = world.installer.organization_id
    async with await world.script() as script:
        assert set((await reached(script, world.activated, installer)).values()) == {True}
        await end(world)
        assert set((await reached(script, world.activated, installer)).values()) == {False}


async def test_calls_that_are_under_way_end_when_the_installer_ends_it(world: World, shop: RunningShop) -> None:
    gate = Fault("hold", path="/offers/10000000", times=300)
    shop.shop.faults.add(gate)
    named = {"connection_id": world.activated}
    # More than are sent at once: the last ones go out after the first ones were answered.
    items = [{**named, "url_params": {"id": "10000000"}} for _ in range(300)]
    body = {"method": "GET", "endpoint": "/offers/{id}", "data_list": items, "streaming": True}
    async with await world.script() as script:
        calling = asyncio.ensure_future(script.post("/api/integrations/shop/parallel_call/", json=body))
        await eventually(lambda: shop.shop.faults.pending < 300)
        await _suspend(world)
        gate.is_released = True
        answer = await calling
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")][:-1]
    statuses = [event["response"]["api_response"]["status_code"] for event in events]
    assert len(statuses) == 300
    assert set(statuses) == {200, 403}


async def test_only_the_owners_own_scripts_reach_installs(world: World) -> None:
    stranger = await world.platform.create_caller()
    others = [
        await world.script(reaches_installs=False),
        await world.script(stranger),
        world.platform.client(world.owner),
        world.platform.client(world.owner, headers={"X-App-Id": str(world.app.id)}),
    ]
    for client in others:
        async with client:
            found = await reached(client, world.activated, world.installer.organization_id)
            assert set(found.values()) == {False}


async def test_an_install_of_another_app_opens_nothing(world: World) -> None:
    other = await world.platform.create_app(world.owner)
    await world.platform.install(other, world.installer)
    script = World(
        world.platform, world.owner, world.installer, other, world.own, world.activated, world.kept_back
    ).script
    async with await script() as client:
        found = await reached(client, world.activated, world.installer.organization_id)
    assert set(found.values()) == {False}


async def test_an_installers_token_goes_where_the_installers_definition_says(world: World, shop: RunningShop) -> None:
    # The owner points its own definition of that name at another server: the installer's key must not go there.
    async with world.platform.client(world.owner) as client:
        await client.delete(f"/api/integrations/connections/{world.own}/")
        changed = await client.put(
            "/api/integrations/shop/",
            json={
                "id": "shop",
                "name": "Shop",
                "base_url": f"{shop.url}/elsewhere",
                "auth": {"type": "api_key", "location": "query", "name": "leaked"},
            },
        )
        assert changed.status_code == 200, changed.text
        account = {"name": "anna", "credentials": {"api_key": "shop-key-anna"}}
        made = (await client.post("/api/integrations/shop/connections/", json=account)).json()
    async with await world.script() as script:
        items = [{"connection_id": world.activated}, {"connection_id": made["id"]}]
        answer = (
            await script.post("/api/integrations/shop/parallel_call/", json={**_CALL, "data_list": items})
        ).json()
    theirs, own = [one["api_response"] for one in answer["responses"]]
    assert theirs["status_code"] == 200
    assert theirs["url"] == f"{shop.url}/me"
    assert own["url"].startswith(f"{shop.url}/elsewhere/me")


async def test_what_only_the_installer_defines_is_called_by_its_definition(world: World, shop: RunningShop) -> None:
    definition = {"id": "depot", "name": "Depot", "base_url": shop.url, "status_check_url": "/me"}
    auth = {"type": "api_key", "location": "header", "name": "X-Api-Key"}
    await world.as_installer("POST", "/api/integrations/", **definition, auth=auth)
    made = await world.as_installer(
        "POST", "/api/integrations/depot/connections/", name="bert", credentials={"api_key": "shop-key-bert"}
    )
    await world.as_installer("PUT", f"/api/apps/{world.app.id}/integrations/depot/", activated=True)
    async with await world.script() as script:
        named = {"connection_id": made.json()["id"]}
        answer = await script.post("/api/integrations/depot/call/", params=named, json=_CALL)
        items = {**_CALL, "data_list": [named]}
        many = await script.post("/api/integrations/depot/parallel_call/", json=items)
        unknown = await script.post("/api/integrations/nothing/call/", json=_CALL)
    assert answer.json()["api_response"]["ok"]
    assert many.json()["responses"][0]["api_response"]["ok"]
    assert unknown.status_code == 404


async def test_such_a_call_is_the_installers_in_its_log_and_its_budget(world: World) -> None:
    async with world.platform.client(world.installer) as client:
        await client.put("/api/integrations/calls/budget/", json={"calls_per_month": 1})
    async with await world.script() as script:
        at = "/api/integrations/shop/call/"
        first = await script.post(at, params={"connection_id": world.activated}, json=_CALL)
        second = await script.post(at, params={"connection_id": world.activated}, json=_CALL)
        own = await script.post(at, json=_CALL)
        items = [{"connection_id": world.activated}, {"connection_id": world.own}]
        many = (await script.post("/api/integrations/shop/parallel_call/", json={**_CALL, "data_list": items})).json()
    assert (first.status_code, second.status_code, own.status_code) == (200, 402, 200)
    assert [one["api_response"]["status_code"] for one in many["responses"]] == [402, 200]
    await world.platform.app.services[CallLog].write()
    async with world.platform.client(world.installer) as client:
        (told,) = (await client.get("/api/integrations/calls/", params={"app_id": world.app.id})).json()["results"]
    assert (told["connection_id"], told["app_id"]) == (world.activated, world.app.id)
    assert (told["user_id"], told["run_id"]) == (None, None), "people and runs of the owner are its own matter"
    async with world.platform.client(world.owner) as client:
        mine = (await client.get("/api/integrations/calls/")).json()["results"]
    assert {one["connection_id"] for one in mine} == {world.own}
    assert {(one["user_id"], one["run_id"]) for one in mine} == {(world.owner.user_id, 7)}


async def test_a_table_that_a_call_names_is_one_of_the_app(world: World) -> None:
    async with world.platform.client(world.owner) as client:
        table = {"name": "orders", "columns": [{"name": "n", "type": "integer"}]}
        made = await client.post(f"/api/apps/{world.app.id}/new_table/", json=table)
        assert made.status_code in (200, 201), made.text
    other = await world.platform.create_app(world.owner)
    at = "/api/integrations/shop"
    many = {**_CALL, "data_list": [{}]}
    wanted = {
        "orders": 200,
        f"app_{world.app.id}_orders": 200,
        "nothing": 404,
        f"app_{other.id}_orders": 404,
        f"app_{world.app.id}_nothing": 404,
    }
    async with await world.script() as script:
        for table, status in wanted.items():
            named = {"table": table}
            answers = [
                await script.post(f"{at}/call/", params=named, json=_CALL),
                await script.post(f"{at}/parallel_call/", params=named, json=many),
                await script.post(
                    f"{at}/parallel_call_for_connection/",
                    params={**named, "connection_id": str(world.own)},
                    json=many,
                ),
                await script.get(f"{at}/table_connections/", params=named),
            ]
            assert [answer.status_code for answer in answers] == [status] * 4, (table, answers[0].text)
    async with world.platform.client(world.owner) as client:
        bare = await client.post(f"{at}/call/", params={"table": "orders"}, json=_CALL)
        full = await client.post(f"{at}/call/", params={"table": f"app_{world.app.id}_orders"}, json=_CALL)
    assert (bare.status_code, full.status_code) == (400, 200)
    async with world.platform.client(await world.platform.create_caller()) as stranger:
        foreign = await stranger.get(f"{at}/table_connections/", params={"table": f"app_{world.app.id}_orders"})
    assert foreign.status_code == 404


async def test_who_installs_an_app_reads_what_its_owner_may_call(world: World) -> None:
    async with world.platform.client(world.installer) as client:
        shown = (await client.get(f"/api/apps/{world.app.id}/access/")).json()
    (sentence,) = shown["access"]["connections"]
    assert "that your organization activates for the app" in sentence


async def test_a_suspended_install_stays_closed_to_the_owner(world: World) -> None:
    second = await world.platform.create_caller()
    await world.platform.install(world.app, second, status=InstallStatus.SUSPENDED)
    async with await world.script() as script:
        listed = (await script.get("/api/integrations/shop/table_connections/")).json()
    assert str(second.organization_id) not in listed

"""Plugin interfaces and plugins over HTTP."""

import asyncio
import hashlib
from typing import Any

import httpx
import pytest

from platform_api.accounts.models import Role
from tests.platform_api.conftest import Caller, Platform

pytestmark = pytest.mark.anyio

INTERFACE = "def fetch(connection_ids, since=None):\n    return []\n"
PLUGIN = "from plugins.interfaces.orders import *\n\ndef fetch(connection_ids, since=None):\n    return [1]\n"


async def _integration(client: httpx.AsyncClient, integration_id: str = "shop") -> list[int]:
    """Defines an integration with two connections; their ids."""
    definition = {"id": integration_id, "name": "Shop", "base_url": "http://127.0.0.1:9"}
    made = await client.post("/api/integrations/", json=definition)
    assert made.status_code == 201, made.text
    ids = []
    for name in ("one", "two"):
        connection = await client.post(f"/api/integrations/{integration_id}/connections/", json={"name": name})
        assert connection.status_code == 201, connection.text
        ids.append(connection.json()["id"])
    return ids


async def _interface(client: httpx.AsyncClient, namespace: str = "orders", **changes: Any) -> dict[str, Any]:
    body = {"namespace": namespace, "title": "Orders", "capabilities": ["fetch"], "code": INTERFACE, **changes}
    made = await client.post("/api/plugins/plugin-interfaces/", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def _plugin(client: httpx.AsyncClient, namespace: str = "orders", **changes: Any) -> dict[str, Any]:
    body = {"integration_id": "shop", "code": PLUGIN, **changes}
    made = await client.post(f"/api/plugins/plugin-interfaces/{namespace}/plugins/", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def test_enabled_plugins_are_listed_with_the_connections_they_may_use(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        one, two = await _integration(client)
        await _integration(client, "other-shop")
        await _integration(client, "third")
        await _interface(client)
        plugin = await _plugin(client)
        await _plugin(client, integration_id="third", is_enabled=False)
        listed = await client.get("/api/plugins/plugins/get_list/orders/")
        assert listed.json() == [{"id": "shop", "connection_ids": [one, two]}]
        await client.put(f"/api/plugins/plugins/{plugin['id']}/", json={"base_version": 1, "connection_ids": [two]})
        listed = await client.get("/plugins/plugins/get_list/orders/")
        assert listed.json() == [{"id": "shop", "connection_ids": [two]}]
        await client.delete(f"/api/integrations/connections/{two}/")
        listed = await client.get("/api/plugins/plugins/get_list/orders/")
        assert listed.json() == [{"id": "shop", "connection_ids": []}]


async def test_the_plugins_of_an_interface_come_as_the_contract_says(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        await _integration(client)
        await _integration(client, "other")
        interface = await _interface(client, capabilities=["fetch", "cancel"], code=f"{INTERFACE}cancel = None\n")
        await _plugin(client)
        await _plugin(client, integration_id="other", code="", is_enabled=False)
        page = (await client.get("/api/plugins/plugin-interfaces/orders/plugins/?page=1&per_page=1")).json()
        following = (await client.get(page["next"])).json()
    assert (page["count"], page["previous"], following["next"]) == (2, None, None)
    [disabled], [enabled] = page["results"], following["results"]
    assert (disabled["is_enabled"], disabled["implemented_capabilities"]) == (False, [])
    assert enabled["plugin_interface"] == {"id": interface["id"], "namespace": "orders", "title": "Orders"}
    assert enabled["integration"] == {"name": "Shop", "icon": "", "integration_id": "shop"}
    assert enabled["organization"] == caller.organization_id
    assert enabled["organization_slug"] == caller.organization_slug
    assert (enabled["implemented_capabilities"], enabled["capabilities"]) == (["fetch"], ["fetch", "cancel"])
    assert (enabled["is_enabled"], enabled["is_visible"], enabled["is_mine"]) == (True, True, True)
    assert enabled["code"] == PLUGIN


async def test_members_see_no_code_and_no_hidden_plugin(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    member = await shared_platform.create_colleague(caller, Role.MEMBER)
    async with shared_platform.client(caller) as client, shared_platform.client(member) as members:
        await _integration(client)
        await _integration(client, "hidden")
        await _interface(client)
        await _plugin(client)
        await _plugin(client, integration_id="hidden", is_visible=False)
        [shown] = (await members.get("/api/plugins/plugin-interfaces/orders/plugins/")).json()["results"]
        assert (shown["integration"]["integration_id"], shown["code"]) == ("shop", None)
        refused = await members.get("/api/plugins/plugin-interfaces/orders/")
        assert refused.status_code == 403


async def test_faulty_code_is_refused_with_file_and_line(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        await _integration(client)
        await _interface(client)
        body = {"integration_id": "shop", "code": "\ndef fetch(connection_ids):\n    return 1\n"}
        refused = await client.post("/api/plugins/plugin-interfaces/orders/plugins/", json=body)
        assert refused.status_code == 422
        [problem] = refused.json()["problems"]
        assert (problem["file"], problem["line"]) == ("plugins/orders_shop.py", 2)
        assert refused.json()["detail"].startswith("plugins/orders_shop.py:2: fetch() must take 'since'")
        assert (await client.get("/api/plugins/plugins/get_list/orders/")).json() == []
        plugin = await _plugin(client)
        change = {"base_version": 1, "code": "def"}
        refused = await client.put(f"/api/plugins/plugins/{plugin['id']}/", json=change)
        assert (refused.status_code, refused.json()["problems"][0]["line"]) == (422, 1)
        refused = await client.post(
            "/api/plugins/plugin-interfaces/", json={"namespace": "n", "capabilities": ["a"], "code": "def a(): ..."}
        )
        assert refused.status_code == 422
        assert "plugins/interfaces/n.py:1" in refused.json()["detail"]


async def test_an_interface_change_lists_what_it_breaks(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        await _integration(client)
        await _integration(client, "lazy")
        await _interface(client)
        plugin = await _plugin(client)
        await _plugin(client, integration_id="lazy", code="")
        change = {"base_version": 1, "code": "def fetch(connection_ids, since=None, limit=10):\n    return []\n"}
        refused = await client.put("/api/plugins/plugin-interfaces/orders/", json=change)
        assert refused.status_code == 409
        [broken] = refused.json()["broken"]
        assert broken["integration_id"] == "shop"
        assert "must take 'limit'" in broken["problems"][0]["message"]
        unchanged = (await client.get("/api/plugins/plugin-interfaces/orders/")).json()
        assert (unchanged["version"], unchanged["code"]) == (1, INTERFACE)

        accepted = await client.put(
            "/api/plugins/plugin-interfaces/orders/", json={**change, "accept_breaking": True}
        )
        assert accepted.status_code == 200, accepted.text
        assert accepted.json()["version"] == 2
        assert [one["integration_id"] for one in accepted.json()["broken"]] == ["shop"]
        listed = (await client.get("/api/plugins/plugins/get_list/orders/")).json()
        assert [one["id"] for one in listed] == ["lazy"]
        enable = await client.put(
            f"/api/plugins/plugins/{plugin['id']}/", json={"base_version": 1, "is_enabled": True}
        )
        assert enable.status_code == 422


async def test_every_save_is_a_version_and_two_can_be_compared(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        await _integration(client)
        await _interface(client)
        plugin = await _plugin(client)
        path = f"/api/plugins/plugins/{plugin['id']}/"
        changed = await client.put(path, json={"base_version": 1, "code": PLUGIN.replace("[1]", "[2]")})
        assert changed.json()["version"] == 2
        assert (await client.put(path, json={"base_version": 2, "is_visible": False})).json()["version"] == 2
        outdated = await client.put(path, json={"base_version": 1, "code": PLUGIN})
        assert (outdated.status_code, outdated.json()["current_version"]) == (409, 2)
        found = (await client.get(f"{path}versions/")).json()
        assert [(one["number"], one["author_id"]) for one in found] == [(2, caller.user_id), (1, caller.user_id)]
        diff = (await client.get(f"{path}diff/?from_version=1")).json()
        assert diff["to_version"] == 2
        assert "-    return [1]\n+    return [2]\n" in diff["diff"]
        assert "+++ b/plugins/orders_shop.py" in diff["diff"]
        assert (await client.get(f"{path}diff/?from_version=3")).status_code == 404

        interface = "/api/plugins/plugin-interfaces/orders/"
        grown = await client.put(interface, json={"base_version": 1, "code": INTERFACE + "LIMIT = 5\n"})
        assert (grown.json()["version"], grown.json()["broken"]) == (2, [])
        diff = (await client.get(f"{interface}diff/?from_version=1&to_version=2")).json()
        assert "+LIMIT = 5" in diff["diff"]
        assert len((await client.get(f"{interface}versions/")).json()) == 2


async def test_of_two_changes_at_once_one_is_told_of_the_other(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        await _integration(client)
        await _interface(client)
        plugin = await _plugin(client)
        path = f"/api/plugins/plugins/{plugin['id']}/"
        answers = await asyncio.gather(
            *(client.put(path, json={"base_version": 1, "code": f"{PLUGIN}# {number}\n"}) for number in range(3))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
        assert len((await client.get(f"{path}versions/")).json()) == 2


async def test_code_has_a_largest_length(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        body = {"namespace": "large", "capabilities": [], "code": "#" * 64_001}
        assert (await client.post("/api/plugins/plugin-interfaces/", json=body)).status_code == 422
        body["code"] = "#" * 64_000
        assert (await client.post("/api/plugins/plugin-interfaces/", json=body)).status_code == 201


async def test_names_that_would_be_read_as_two_plugins_are_refused(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        await _integration(client, "eu_shop")
        await _interface(client)
        await _plugin(client, integration_id="eu_shop")
        body = {"namespace": "orders_eu", "capabilities": []}
        refused = await client.post("/api/plugins/plugin-interfaces/", json=body)
        assert refused.status_code == 409
        assert "plugins.orders_eu_shop" in refused.json()["detail"]


@pytest.mark.parametrize("namespace", ["class", "a-b", "1a", "", "a.b", "ä", "a" * 51])
async def test_a_namespace_is_one_identifier(shared_platform: Platform, namespace: str) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        body = {"namespace": namespace, "capabilities": []}
        assert (await client.post("/api/plugins/plugin-interfaces/", json=body)).status_code == 422


async def test_what_is_there_once_is_refused_twice_and_removed_in_order(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        await _integration(client)
        await _interface(client)
        plugin = await _plugin(client)
        path = "/api/plugins/plugin-interfaces/"
        again = await client.post(path, json={"namespace": "orders", "capabilities": []})
        assert again.status_code == 409
        again = await client.post(f"{path}orders/plugins/", json={"integration_id": "shop", "code": PLUGIN})
        assert again.status_code == 409
        assert (await client.delete(f"{path}orders/")).status_code == 409
        assert (await client.delete(f"/api/plugins/plugins/{plugin['id']}/")).status_code == 204
        assert (await client.delete(f"{path}orders/")).status_code == 204
        assert (await client.get("/api/plugins/plugins/get_list/orders/")).status_code == 404


async def test_another_organization_has_its_own_namespace_and_no_foreign_connections(
    shared_platform: Platform,
) -> None:
    victim, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    async with shared_platform.client(victim) as client:
        [connection, _] = await _integration(client)
        await _interface(client)
        plugin = await _plugin(client)
    async with shared_platform.client(stranger) as client:
        await _integration(client)
        for path in ("plugins/get_list/orders/", "plugin-interfaces/orders/plugins/", f"plugins/{plugin['id']}/"):
            assert (await client.get(f"/api/plugins/{path}")).status_code == 404
        await _interface(client)
        body = {"integration_id": "shop", "code": PLUGIN, "connection_ids": [connection]}
        refused = await client.post("/api/plugins/plugin-interfaces/orders/plugins/", json=body)
        assert refused.status_code == 422
        assert f"no connection {connection}" in refused.json()["detail"]
        assert (await client.get("/api/plugins/plugins/get_list/orders/")).json() == []


async def test_a_run_reads_plugins_and_changes_none(shared_platform: Platform) -> None:
    caller: Caller = await shared_platform.create_caller()
    app = await shared_platform.create_app(caller)
    async with shared_platform.client(caller) as client:
        await _integration(client)
        await _interface(client)
        await _plugin(client)
    token = await shared_platform.create_run_token(caller, app)
    async with shared_platform.client(headers={"Authorization": f"App-Token {token}"}) as client:
        assert len((await client.get("/api/plugins/plugins/get_list/orders/")).json()) == 1
        refused = await client.post("/api/plugins/plugin-interfaces/", json={"namespace": "x", "capabilities": []})
        assert refused.status_code == 403


async def test_builders_fetch_modules_with_their_hash(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        await _integration(client)
        await _interface(client)
        plugin = await _plugin(client)
        interface = (await client.get("/api/plugins/modules/interfaces.orders/")).json()
        assert interface["code"] == INTERFACE and interface["interface"] is None
        assert interface["sha256"] == hashlib.sha256(INTERFACE.encode()).hexdigest()
        found = (await client.get("/api/plugins/modules/orders_shop/")).json()
        assert (found["code"], found["interface"]) == (PLUGIN, "orders")
        assert found["organization"] == caller.organization_slug
        known = await client.get("/api/plugins/modules/orders_shop/", params={"known": found["sha256"]})
        assert known.json() == {**found, "code": None}
        for absent in ("interfaces.other", "orders_other", "orders_"):
            assert (await client.get(f"/api/plugins/modules/{absent}/")).status_code == 404
        body = {"base_version": 1, "is_enabled": False}
        await client.put(f"/api/plugins/plugins/{plugin['id']}/", json=body)
        assert (await client.get("/api/plugins/modules/orders_shop/")).status_code == 404


async def test_members_who_do_not_build_cannot_fetch_modules(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    member = await shared_platform.create_colleague(owner, Role.MEMBER)
    async with shared_platform.client(owner) as client:
        await _interface(client)
    async with shared_platform.client(member) as client:
        assert (await client.get("/api/plugins/modules/interfaces.orders/")).status_code == 403


async def test_a_script_finds_the_plugins_that_it_can_invoke(shared_platform: Platform) -> None:
    caller, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    app = await shared_platform.create_app(caller)
    async with shared_platform.client(caller) as client:
        await _integration(client)
        await _interface(client)
        plugin = await _plugin(client)
        url = "/api/plugins/plugins/runtime/"
        params = {"app": str(app.id), "use_users_plugins": "false"}
        [found] = (await client.get(url, params=params)).json()
        assert (found["id"], found["namespace"], found["integration"]) == (plugin["id"], "orders", "shop")
        [capability, *_] = found["implemented_capabilities"]
        assert len((await client.get(url, params={"capability": capability})).json()) == 1
        for nothing in ({"capability": "none"}, {"interface": "none"}, {"integration": "none"}):
            assert (await client.get(url, params=nothing)).json() == []
        switched_off = await client.put(
            f"/api/plugins/plugins/{plugin['id']}/", json={"base_version": plugin["version"], "is_enabled": False}
        )
        assert switched_off.status_code == 200, switched_off.text
        assert (await client.get(url)).json() == []
    async with shared_platform.client(stranger) as client:
        assert (await client.get(url)).json() == []
        assert (await client.get(url, params=params)).status_code == 404

"""A run's bundle holds the plugins of the organization that the run works for, as they were when it was started."""

from typing import Any

import pytest

from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.runs.working import ProtocolRunner, Workshop, create_runner_token, create_workshop

pytestmark = pytest.mark.anyio


async def _post(platform: Platform, caller: Caller, path: str, body: dict[str, Any]) -> dict[str, Any]:
    async with platform.client(caller) as client:
        answer = await client.post(path, json=body)
    assert answer.is_success, answer.text
    read: dict[str, Any] = answer.json()
    return read


async def _plugin(platform: Platform, caller: Caller, code: str, *, is_enabled: bool = True) -> dict[str, Any]:
    definition = {"id": "my-shop", "name": "Shop", "base_url": "http://127.0.0.1:9"}
    await _post(platform, caller, "/api/integrations/", definition)
    interface = {"namespace": "orders", "capabilities": [], "code": "shared = 1\n"}
    await _post(platform, caller, "/api/plugins/plugin-interfaces/", interface)
    body = {"integration_id": "my-shop", "code": code, "is_enabled": is_enabled}
    return await _post(platform, caller, "/api/plugins/plugin-interfaces/orders/plugins/", body)


async def _claimed(platform: Platform, *, runs: int) -> list[tuple[str, dict[str, str]]]:
    """Digest and files of the bundles of waiting runs, in the order in which they were started."""
    token = await create_runner_token(platform)
    async with platform.client(headers={"Authorization": f"Bearer {token}"}) as client:
        runner = ProtocolRunner(client)
        claims = sorted(await runner.claim(slots=4 * runs), key=lambda claim: int(claim["run_id"]))
        assert len(claims) == runs
        found = []
        for claim in claims:
            answer = await client.get(f"/api/runner/bundles/{claim['bundle']}/")
            assert answer.status_code == 200, answer.text
            found.append((claim["bundle"], answer.json()["files"]))
            await runner.start(claim)
            assert (await runner.finish(claim)).status_code == 200
        return found


async def _started(workshop: Workshop, caller: Caller) -> None:
    path = f"/api/actions/{workshop.action['id']}/run/"
    await _post(workshop.platform, caller, path, {})


async def test_modules_lie_beside_the_source_and_change_the_digest(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    await workshop.run()
    plugin = await _plugin(shared_platform, workshop.caller, "own = 1\n")
    await workshop.run()
    await workshop.run()
    async with shared_platform.client(workshop.caller) as client:
        change = {"base_version": 1, "code": "own = 2\n"}
        assert (await client.put(f"/api/plugins/plugins/{plugin['id']}/", json=change)).status_code == 200
    await workshop.run()
    async with shared_platform.client(workshop.caller) as client:
        assert (await client.delete(f"/api/plugins/plugins/{plugin['id']}/")).status_code == 204
    await workshop.run()
    bare, first, same, changed, removed = await _claimed(shared_platform, runs=5)
    source = {"main.py": "print('hello')\n"}
    interface = {".plugins/interfaces/orders.py": "shared = 1\n"}
    assert bare[1] == source
    assert first[1] == {**source, **interface, ".plugins/orders_my-shop.py": "own = 1\n"}
    assert same == first
    assert changed[1] == {**source, **interface, ".plugins/orders_my-shop.py": "own = 2\n"}
    assert removed[1] == {**source, **interface}
    assert len({digest for digest, _ in (bare, first, changed, removed)}) == 4


async def test_an_installed_apps_run_has_the_plugins_of_the_organization_it_works_for(
    shared_platform: Platform,
) -> None:
    workshop = await create_workshop(shared_platform, is_public=True)
    other = await shared_platform.create_caller()
    await shared_platform.install(workshop.app, other)
    await _plugin(shared_platform, workshop.caller, "whose = 'owner'\n")
    await _started(workshop, other)
    await _plugin(shared_platform, other, "whose = 'other'\n")
    await _started(workshop, other)
    [without, own] = await _claimed(shared_platform, runs=2)
    assert set(without[1]) == {"main.py"}
    assert own[1][".plugins/orders_my-shop.py"] == "whose = 'other'\n"


async def test_a_plugin_that_is_switched_off_is_not_there(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    await _plugin(shared_platform, workshop.caller, "", is_enabled=False)
    await workshop.run()
    [(_, files)] = await _claimed(shared_platform, runs=1)
    assert set(files) == {"main.py", ".plugins/interfaces/orders.py"}

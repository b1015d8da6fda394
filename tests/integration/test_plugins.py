"""Plugins in a real run: listed over HTTP, imported in the jail, calling their integration."""

import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from platform_api.mock_shop.app import create_app, create_shop
from platform_api.supervisor.testing import Installation
from tests.memory import quick_directory

INTERFACE = """
def count(connection_ids):
    return sum(len(orders(connection_id)) for connection_id in connection_ids)

def orders(connection_id):
    data, _ = api.integrations.call("shop", method="GET", endpoint="/orders", connection_id=connection_id)
    return data["orders"]

def name(connection_ids):
    return "nobody"
"""
PLUGIN = """
from plugins.interfaces.orders import *

def name(connection_ids, greeting="Hello"):
    data, _ = api.integrations.call("shop", method="GET", endpoint="/me", connection_id=connection_ids[0])
    return f"{greeting} {data['login']}"
"""
SCRIPT = """
from automio import API

api = API()
[plugin] = api.plugins.get_list("orders")
[described] = api.plugins.get_plugins("orders").results
from plugins.interfaces.orders import orders
try:
    import plugins.interfaces.absent
except ModuleNotFoundError as error:
    missing = error.name
from automio._plugin_modules import find_module
result = {
    "listed": plugin.id,
    "implemented": described.implemented_capabilities,
    "name": api.plugins.invoke("orders.name", plugin.id, connection_ids=plugin.connection_ids, greeting="Hi"),
    "count": api.plugins.invoke("orders.count", "shop", connection_ids=plugin.connection_ids),
    "missing": missing,
    # It is there, and could be fetched; a run has what it was started with.
    "fetched": find_module("interfaces.orders", api),
    "imported": len(orders(plugin.connection_ids[0])),
}
"""


@pytest.fixture(scope="module")
def shop_url() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = create_app(create_shop(offers=1, orders=4, billing_entries=1))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def platform() -> Iterator[httpx.Client]:
    # PostgreSQL's socket lies below it: pytest's own directories are too deep.
    with (
        tempfile.TemporaryDirectory(prefix="amp-", dir=quick_directory()) as directory,
        Installation(Path(directory), environment={"ALLOW_PRIVATE_UPSTREAMS": "true"}) as installation,
        installation.client() as client,
    ):
        yield client


def _post(platform: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = platform.post(path, json=body)
    assert answer.is_success, answer.text
    read: dict[str, Any] = answer.json()
    return read


def _run(platform: httpx.Client, action: int) -> dict[str, Any]:
    run = _post(platform, f"/api/actions/{action}/run/", {})
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        status: dict[str, Any] = platform.get(f"/api/actions/runs/{run['run_id']}/status/").json()
        if status["status"] not in ("pending", "running"):
            return status
        time.sleep(0.05)
    raise AssertionError(status)


def test_a_run_lists_invokes_and_imports_plugins(platform: httpx.Client, shop_url: str) -> None:
    _post(platform, "/api/apps/", {"name": "Plugged"})
    body = {"app": "plugged", "name": "Use", "code": SCRIPT, "action_type": "app_action"}
    action = _post(platform, "/api/actions/", body)["id"]
    definition = {
        "id": "shop",
        "name": "Shop",
        "base_url": shop_url,
        "auth": {"type": "api_key", "location": "header", "name": "X-Api-Key"},
    }
    _post(platform, "/api/integrations/", definition)
    connection = {"name": "anna", "credentials": {"api_key": "shop-key-anna"}}
    _post(platform, "/api/integrations/shop/connections/", connection)
    interface = {"namespace": "orders", "capabilities": ["name", "count"], "code": INTERFACE}
    _post(platform, "/api/plugins/plugin-interfaces/", interface)
    refused = platform.post(
        "/api/plugins/plugin-interfaces/orders/plugins/", json={"integration_id": "shop", "code": "def name(): ..."}
    )
    assert refused.status_code == 422
    plugin = _post(
        platform, "/api/plugins/plugin-interfaces/orders/plugins/", {"integration_id": "shop", "code": PLUGIN}
    )

    ended = _run(platform, action)
    assert ended["status"] == "completed", ended
    assert ended["result"] == {
        "listed": "shop",
        "implemented": ["name"],
        "name": "Hi anna",
        "count": 4,
        "missing": "plugins.interfaces.absent",
        "fetched": None,
        "imported": 4,
    }

    # The next run has the changed plugin, without the app being saved.
    change = {"base_version": 1, "code": "def name(connection_ids, **payload):\n    return 'changed'\n"}
    assert platform.put(f"/api/plugins/plugins/{plugin['id']}/", json=change).is_success
    assert _run(platform, action)["result"]["name"] == "changed"

    assert platform.put(
        f"/api/plugins/plugins/{plugin['id']}/", json={"base_version": 2, "is_enabled": False}
    ).is_success
    failed = _run(platform, action)
    assert failed["status"] == "failed"
    assert "not enough values to unpack" in failed["error"]

"""Sets up, over HTTP, what the checks work on: an app with a table, an action, a connection to a small shop."""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from platform_api.demo.sample_shop import API_KEY, API_KEY_HEADER
from platform_api.supervisor.testing import Installation
from tests.integration.published_clients.counting import DOCUMENT

GREET = """
def run(event):
    print("hello")
    print("żółw \\u2028 😀")
    return {"greeting": event["user_input"].get("greeting")}
"""

SLEEP = """
import time


def run(event):
    print("asleep", flush=True)
    time.sleep(60)
"""


@dataclass(frozen=True)
class Prepared:
    """The installation as the checks need it: settings of a client, and ids."""

    directory: Path
    environment: dict[str, str]
    facts: dict[str, Any]


def prepare(installation: Installation, shop_url: str) -> Prepared:
    """An app `orders` and everything the checks use, made with the owner's token."""
    with installation.client() as platform:
        app = _post(platform, "/api/apps/", {"name": "Orders", "slug": "orders"})
        _post(platform, f"/api/apps/{app['id']}/new_table/", _ORDERS)
        action = create_action(platform, app["id"], "greet", GREET)
        create_action(platform, app["id"], "sleep", SLEEP)
        hooked = {"app": app["id"], "name": "hooked", "action_type": "webhook_action", "code": "result = 1"}
        _post(platform, "/api/actions/", {**hooked, "slug": "hooked"})
        webhook = _post(platform, f"/api/apps/{app['id']}/webhooks/", {"action": "hooked"})
        connection = _connect_shop(platform, shop_url)
        _post(platform, "/api/plugins/plugin-interfaces/", _INTERFACE)
        _post(platform, "/api/plugins/plugin-interfaces/orders/plugins/", _PLUGIN)
        token = _post(platform, "/api/tokens/", {"app": app["id"], "scopes": ["build", "data", "run"]})["token"]
        facts = {
            "app_id": app["id"],
            "app_slug": f"{app['organization']}/{app['slug']}",
            "action_id": action["id"],
            "connection_id": connection["id"],
            "webhook": f"{app['slug']}/{webhook['slug']}",
            "owner_token": installation.admin["token"],
            "organization_id": installation.admin["organization_id"],
        }
    environment = {
        "API_BASE_URL": installation.url,
        "APP_TOKEN": token,
        "APP_ID": str(app["id"]),
        "CACHE_SERVICE_URL": f"{installation.url}/cache",
        "CACHE_SERVICE_TOKEN": token,
        "TASK_ID": str(uuid.uuid4()),
    }
    return Prepared(installation.data_dir, environment, facts)


def prepare_recent(installation: Installation, shop_url: str, counting_url: str) -> Prepared:
    """What `prepare` makes, and an upstream that counts, with an imported operation."""
    prepared = prepare(installation, shop_url)
    with installation.client() as platform:
        document = {**DOCUMENT, "servers": [{"url": counting_url}]}
        imported = {"document": document, "id": "counter", "auth": {"type": "none"}}
        _post(platform, "/api/integrations/import/", imported)
        connection = _post(platform, "/api/integrations/counter/connections/", {"name": "counter account"})
    facts = {**prepared.facts, "counter_id": connection["id"], "picture_url": f"{counting_url}/picture"}
    environment = {**prepared.environment, "PUBLIC_API_BASE_URL": installation.url}
    return Prepared(prepared.directory, environment, facts)


def create_action(platform: httpx.Client, app_id: int, slug: str, code: str) -> dict[str, Any]:
    """An action of the app whose function `run` is called."""
    action = {"app": app_id, "name": slug, "slug": slug, "action_type": "app_action", "entry": f"{slug}.py:run"}
    return _post(platform, "/api/actions/", {**action, "code": code})


def _connect_shop(platform: httpx.Client, shop_url: str) -> dict[str, Any]:
    definition = {
        "id": "sample_shop",
        "name": "Sample shop",
        "base_url": shop_url,
        "auth": {"type": "api_key", "location": "header", "name": API_KEY_HEADER},
    }
    _post(platform, "/api/integrations/", definition)
    account = {"name": "sample account", "credentials": {"api_key": API_KEY}}
    return _post(platform, "/api/integrations/sample_shop/connections/", account)


_INTERFACE = {
    "namespace": "orders",
    "title": "Orders",
    "capabilities": ["fetch", "name"],
    "code": "def name(connection_ids):\n    return f'{len(connection_ids)} accounts'\n",
}
_PLUGIN = {
    "integration_id": "sample_shop",
    "code": """from plugins.interfaces.orders import *

SHOP = api.integrations.get_integration("sample_shop")


def fetch(connection_ids, per_page):
    params = {"page": 1, "per_page": per_page}
    return api.integrations.call(SHOP, method="GET", endpoint="/v1/orders", params=params)[0]["items"]
""",
}
_ORDERS = {
    "name": "orders",
    "columns": [
        {"name": "orderId", "type": "text", "required": True},
        {"name": "buyerLogin", "type": "text"},
        {"name": "delivered", "type": "boolean"},
    ],
    "unique": [{"columns": ["orderId"]}],
}


def _post(platform: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = platform.post(path, json=body)
    assert answer.is_success, f"POST {path} answered {answer.status_code}: {answer.text}"
    made: dict[str, Any] = answer.json()
    return made

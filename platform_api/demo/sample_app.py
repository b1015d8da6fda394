"""Sets up the sample app through the public HTTP API: app, tables, integration, connection, action.

Every step looks before it creates, so that running the demonstration again uses what is already there.
"""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import httpx

from platform_api.demo.sample_shop import API_KEY, API_KEY_HEADER

APP = "orders"
ACTION = "import_orders"
INTEGRATION = "sample_shop"

TABLES: tuple[dict[str, Any], ...] = (
    {
        "name": "orders",
        "columns": [
            {"name": "orderId", "type": "text", "required": True},
            {"name": "buyerLogin", "type": "text"},
            {"name": "status", "type": "choice", "choices": ["new", "paid", "sent"]},
            {"name": "delivered", "type": "boolean", "required": True, "default": False},
            {"name": "orderedAt", "type": "timestamptz"},
        ],
        "unique": [{"columns": ["orderId"]}],
    },
    {
        "name": "order_lines",
        "columns": [
            {"name": "lineId", "type": "text", "required": True},
            {"name": "order_id", "type": "reference", "required": True},
            {"name": "offer", "type": "text"},
            {"name": "quantity", "type": "integer"},
            {"name": "price", "type": "numeric"},
        ],
        "unique": [{"columns": ["lineId"]}],
        "foreign_keys": [{"column": "order_id", "table": "orders", "references": "id"}],
    },
    {
        "name": "billing_entries",
        "columns": [
            {"name": "allegroId", "type": "text", "required": True},
            {"name": "type", "type": "text"},
            {"name": "value", "type": "numeric"},
            {"name": "balance", "type": "numeric"},
            {"name": "occurredAt", "type": "timestamptz"},
        ],
        "unique": [{"columns": ["allegroId"]}],
    },
)


class SetupFailed(RuntimeError):
    """Reports that the platform refused a part of the sample app."""


@dataclass(frozen=True, slots=True)
class SampleApp:
    """Identifies the sample app that was set up."""

    app_id: int
    action_id: int


class Platform:
    """Calls the platform's HTTP API as the owner of its first organization."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def get(self, path: str, **parameters: str | int) -> Any:
        return self._checked(await self._client.get(path, params=parameters))

    async def find(self, path: str) -> Any | None:
        """Returns what is at `path`; None when there is nothing."""
        answer = await self._client.get(path)
        return None if answer.status_code == 404 else self._checked(answer)

    async def post(self, path: str, body: Any = None) -> Any:
        return self._checked(await self._client.post(path, json=body))

    async def put(self, path: str, body: Any) -> Any:
        return self._checked(await self._client.put(path, json=body))

    async def patch(self, path: str, body: Any) -> Any:
        return self._checked(await self._client.patch(path, json=body))

    async def delete(self, path: str) -> None:
        self._checked(await self._client.delete(path))

    @staticmethod
    def _checked(answer: httpx.Response) -> Any:
        if not answer.is_success:
            request = answer.request
            raise SetupFailed(f"{request.method} {request.url.path} answered {answer.status_code}: {answer.text}")
        return answer.json() if answer.content else None


async def set_up(platform: Platform, *, shop_url: str) -> SampleApp:
    """Creates what is missing. Raises SetupFailed."""
    app_id = await _ensure_app(platform)
    await _ensure_tables(platform, app_id)
    await _ensure_connection(platform, shop_url)
    return SampleApp(app_id, await _ensure_action(platform, app_id))


async def _ensure_app(platform: Platform) -> int:
    apps = await platform.get("/api/apps/", show="own", per_page=100)
    for app in apps["results"]:
        if app["slug"] == APP:
            return int(app["id"])
    description = "Orders and billing entries of a shop, imported by a script"
    return int((await platform.post("/api/apps/", {"name": "Orders", "slug": APP, "description": description}))["id"])


async def _ensure_tables(platform: Platform, app_id: int) -> None:
    present = {table["name"] for table in (await platform.get(f"/api/apps/{app_id}/tables/"))["tables"]}
    for table in TABLES:
        if table["name"] not in present:
            await platform.post(f"/api/apps/{app_id}/new_table/", table)


async def _ensure_connection(platform: Platform, shop_url: str) -> None:
    definition = {
        "id": INTEGRATION,
        "name": "Sample shop",
        "base_url": shop_url,
        "auth": {"type": "api_key", "location": "header", "name": API_KEY_HEADER},
        "status_check_url": "/v1/orders?per_page=1",
    }
    present = await platform.find(f"/api/integrations/{INTEGRATION}/")
    if present is None:
        await platform.post("/api/integrations/", definition)
    elif present["api_base_url"] != shop_url:
        # The sample shop listens on another port each time, and credentials do not follow a definition there.
        for connection in await platform.get(f"/api/integrations/{INTEGRATION}/get_connections/"):
            await platform.delete(f"/api/integrations/connections/{connection['id']}/")
        await platform.put(f"/api/integrations/{INTEGRATION}/", definition)
    if not await platform.get(f"/api/integrations/{INTEGRATION}/get_connections/"):
        connection = {"name": "sample account", "credentials": {"api_key": API_KEY}}
        await platform.post(f"/api/integrations/{INTEGRATION}/connections/", connection)


async def _ensure_action(platform: Platform, app_id: int) -> int:
    source = (files("platform_api.demo") / "app_source" / "import_orders.py").read_text()
    for action in await platform.get("/api/actions/", app=app_id):
        if action["slug"] == ACTION:
            await platform.patch(f"/api/actions/{action['id']}/", {"code": source})
            return int(action["id"])
    action = {
        "app": app_id,
        "name": "Import orders",
        "slug": ACTION,
        "action_type": "user_action",
        "entry": "import_orders.py",
        "code": source,
        "description": "Imports the sample shop's orders and billing entries",
    }
    return int((await platform.post("/api/actions/", action))["id"])

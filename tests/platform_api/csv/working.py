"""An app with a table, and the ways tests send files to it."""

import json
from dataclasses import dataclass
from typing import Any

import httpx

from platform_api.apps.models import App
from platform_api.csv.worker import CsvWorker
from tests.platform_api.conftest import Caller, Platform

COLUMNS: list[dict[str, Any]] = [
    {"name": "sku", "type": "text", "required": True},
    {"name": "amount", "type": "integer"},
    {"name": "price", "type": "numeric"},
    {"name": "weight", "type": "float"},
    {"name": "active", "type": "boolean", "default": True},
    {"name": "day", "type": "date"},
    {"name": "at", "type": "timestamptz"},
    {"name": "colour", "type": "choice", "choices": ["red", "blue"]},
    {"name": "extra", "type": "json"},
    {"name": "parent", "type": "reference"},
]


@dataclass
class Shop:
    """A caller, their app and its table `products`."""

    platform: Platform
    caller: Caller
    app: App

    @property
    def table(self) -> str:
        return f"app_{self.app.id}_products"

    def client(self, caller: Caller | None = None) -> httpx.AsyncClient:
        return self.platform.client(caller or self.caller, timeout=240)

    async def send(
        self, content: bytes | str, *, caller: Caller | None = None, name: str = "products.csv", **form: Any
    ) -> httpx.Response:
        """Sends a file for import, into `products` unless another table is named."""
        data = {"app": str(self.app.id), "table": "products"}
        for field, value in form.items():
            data[field] = json.dumps(value) if isinstance(value, dict) else str(value)
        raw = content.encode() if isinstance(content, str) else content
        async with self.client(caller) as client:
            return await client.post("/api/apps/csv-imports/", data=data, files={"file": (name, raw)})

    async def import_(self, content: bytes | str, *, caller: Caller | None = None, **form: Any) -> dict[str, Any]:
        """Sends a file and gives the import once it has ended."""
        sent = await self.send(content, caller=caller, **form)
        assert sent.status_code == 201, sent.text
        return await self.ended("csv-imports", sent.json()["id"], caller=caller)

    async def export(self, *, caller: Caller | None = None, **body: Any) -> dict[str, Any]:
        """Asks for an export and gives it once it has ended."""
        async with self.client(caller) as client:
            asked = await client.post(
                "/api/apps/csv-exports/", json={"app": self.app.id, "table": "products", **body}
            )
        assert asked.status_code == 201, asked.text
        return await self.ended("csv-exports", asked.json()["id"], caller=caller)

    async def ended(self, kind: str, job_id: int, *, caller: Caller | None = None) -> dict[str, Any]:
        """A job, once nothing will change any more."""
        worker = self.platform.app.services[CsvWorker]
        async with self.client(caller) as client:
            while True:
                # The test lends a hand, so that it waits for no timer.
                await (worker.import_next() if kind == "csv-imports" else worker.export_next())
                read = await client.get(f"/api/apps/{kind}/{job_id}/")
                assert read.status_code == 200, read.text
                if read.json()["status"] in ("completed", "failed"):
                    job: dict[str, Any] = read.json()
                    return job

    async def rows(self, *, caller: Caller | None = None) -> list[dict[str, Any]]:
        """The caller's rows, by sku."""
        fields = "id organization_id sku amount price weight active day at colour extra parent"
        query = f"{{ {self.table}(order_by: {{sku: asc}}) {{ {fields} }} }}"
        async with self.client(caller) as client:
            answer = (await client.post(f"/api/apps/{self.app.id}/v1/graphql", json={"query": query})).json()
        assert "errors" not in answer, answer
        found: list[dict[str, Any]] = answer["data"][self.table]
        return found

    async def download(self, path: str, *, caller: Caller | None = None) -> bytes:
        async with self.client(caller) as client:
            answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.content


async def open_shop(platform: Platform, *, is_public: bool = False) -> Shop:
    """A new organization with an app and an empty table `products`."""
    caller = await platform.create_caller()
    app = await platform.create_app(caller, is_public=is_public)
    shop = Shop(platform, caller, app)
    async with shop.client() as client:
        made = await client.post(
            f"/api/apps/{app.id}/new_table/",
            json={
                "name": "products",
                "columns": COLUMNS,
                "unique": [{"columns": ["sku"]}],
                "foreign_keys": [{"column": "parent", "table": "products"}],
            },
        )
    assert made.status_code == 200, made.text
    return shop

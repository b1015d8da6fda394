"""An app with two tables, used by its owner and by an organization that installed it."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.platform_api.conftest import Caller, Platform

TABLES: list[dict[str, Any]] = [
    {
        "name": "orders",
        "columns": [
            {"name": "orderId", "type": "text", "required": True},
            {"name": "delivered", "type": "boolean", "default": False},
            {"name": "total", "type": "numeric"},
        ],
        "unique": [{"columns": ["orderId"]}],
    },
    {
        "name": "order_lines",
        "columns": [{"name": "order_id", "type": "reference"}, {"name": "quantity", "type": "integer"}],
        "foreign_keys": [{"column": "order_id", "table": "orders"}],
    },
]


@dataclass(frozen=True)
class Shop:
    """The app, its owner and an installer; `orders` and `lines` are the GraphQL names of its tables."""

    platform: Platform
    owner: Caller
    installer: Caller
    app: int

    @property
    def orders(self) -> str:
        return f"app_{self.app}_orders"

    @property
    def lines(self) -> str:
        return f"app_{self.app}_order_lines"

    async def post(self, caller: Caller, query: str, **variables: Any) -> httpx.Response:
        """A document on `/api/apps/{app}/v1/graphql`; `ORDERS` and `LINES` in it stand for the tables."""
        document = query.replace("ORDERS", self.orders).replace("LINES", self.lines)
        async with self.platform.client(caller) as client:
            return await client.post(
                f"/api/apps/{self.app}/v1/graphql", json={"query": document, "variables": variables}
            )

    async def run(self, caller: Caller, query: str, **variables: Any) -> Any:
        """The document's data; it must succeed."""
        answer = (await self.post(caller, query, **variables)).json()
        assert "errors" not in answer, answer
        return answer["data"]

    async def fail(self, caller: Caller, query: str, **variables: Any) -> dict[str, Any]:
        """The document's only error; it must fail, with HTTP 200."""
        response = await self.post(caller, query, **variables)
        assert response.status_code == 200, response.text
        answer = response.json()
        assert answer.get("errors"), answer
        error: dict[str, Any] = answer["errors"][0]
        return error

    async def add_order(self, caller: Caller, number: str, **fields: Any) -> str:
        """A new order of the caller's organization; its id."""
        row = {"orderId": number, **fields}
        document = "mutation ($row: ORDERS_insert_input!) { insert_ORDERS_one(object: $row) { id } }"
        data = await self.run(caller, document, row=row)
        return str(data[f"insert_{self.orders}_one"]["id"])

    async def order_numbers(self, caller: Caller) -> list[str]:
        """What the caller sees."""
        data = await self.run(caller, "{ ORDERS(order_by: {orderId: asc}) { orderId } }")
        return [row["orderId"] for row in data[self.orders]]


async def open_shop(platform: Platform) -> Shop:
    """Makes the app with its tables and installs it."""
    owner, installer = await platform.create_caller(), await platform.create_caller()
    app = await platform.create_app(owner)
    await platform.install(app, installer)
    async with platform.client(owner) as client:
        for table in TABLES:
            answer = await client.post(f"/api/apps/{app.id}/new_table/", json=table)
            assert answer.status_code == 200, answer.text
    return Shop(platform, owner, installer, app.id)

"""An app with a table of items, as the stories of the grid need it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Locator, Page, expect
from sqlalchemy import text

from tests.console.conftest import Visit
from tests.console.visitor import Visitor
from tests.platform_api.conftest import Caller, Platform

_COLUMNS = [
    {"name": "code", "type": "text", "required": True},
    {"name": "qty", "type": "integer"},
    {"name": "price", "type": "numeric"},
    {"name": "state", "type": "choice", "choices": ["new", "paid"]},
    {"name": "note", "type": "text"},
]


@dataclass(frozen=True)
class Shop:
    """An app with a table `items` that refers to `makers`, and who may work with it."""

    platform: Platform
    caller: Caller
    app_id: int
    slug: str

    @property
    def path(self) -> str:
        return f"/{self.caller.organization_slug}/{self.slug}/tables/items"

    @property
    def table(self) -> str:
        return f"app_{self.app_id}_items"

    async def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        async with self.platform.client(self.caller) as client:
            answer = await client.post(
                f"/api/apps/{self.slug}/v1/graphql", json={"query": query, "variables": variables}
            )
        assert "errors" not in answer.json(), answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def fill(self, count: int) -> None:
        """Inserts rows A000001, A000002, … with increasing times."""
        statement = text(
            f"insert into public.{self.table} (organization_id, created_at, code, qty, price)"  # a test
            " select :organization, timestamptz '2026-01-01' + n * interval '1 second', 'A' || lpad(n::text, 6, '0'),"
            " n % 100, n * 1.10 from generate_series(1, :count) n"
        )
        async with self.platform.database.transaction() as session:
            await session.execute(statement, {"organization": self.caller.organization_id, "count": count})

    async def content(self, columns: str = "code qty price note") -> list[list[Any]]:
        """Returns all rows in the order that they were made."""
        rows = (
            await self.graphql(f"{{ {self.table}(order_by: [{{created_at: asc}}, {{id: asc}}]) {{ {columns} }} }}")
        )[self.table]
        return [list(row.values()) for row in rows]


async def open_shop(platform: Platform, rows: int = 0) -> Shop:
    """A caller with an app and its tables, `items` with that many rows."""
    caller = await platform.create_caller()
    app = await platform.create_app(caller)
    makers = {"name": "makers", "columns": [{"name": "name", "type": "text", "required": True}]}
    items = {
        "name": "items",
        "columns": [*_COLUMNS, {"name": "maker_id", "type": "reference"}],
        "unique": [{"columns": ["code"]}],
        "foreign_keys": [{"column": "maker_id", "table": "makers"}],
    }
    async with platform.client(caller) as client:
        for table in (makers, items):
            answer = await client.post(f"/api/apps/{app.slug}/new_table/", json=table)
            assert answer.status_code == 200, answer.text
    shop = Shop(platform, caller, app.id, app.slug)
    if rows:
        await shop.fill(rows)
    return shop


@asynccontextmanager
async def at_grid(visit: Visit, shop: Shop, **options: Any) -> AsyncIterator[tuple[Visitor, Page]]:
    """A browser that shows the table with its rows, the grid focused."""
    async with visit(**options) as visitor:
        await visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await visitor.enter(shop.caller.email, Platform.password)
        await visitor.open(shop.path)
        await expect(visitor.page.get_by_text("Live", exact=True)).to_be_visible()
        await expect(
            visitor.page.get_by_role("status").filter(has_text=re.compile(r"^[\d,]+ rows?$"))
        ).to_be_visible()
        await visitor.page.get_by_role("grid").focus()
        yield visitor, visitor.page


def cell(page: Page, row: int, column: int) -> Locator:
    """A cell by its row and column, both from 1; columns are code, qty, price, state, note, maker_id."""
    return page.locator(f'[role=row][data-row][aria-rowindex="{row + 1}"] [role=gridcell][aria-colindex="{column}"]')

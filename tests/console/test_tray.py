"""The task tray: what takes long is seen from every page, comes by itself, can be stopped, leads to its outcome."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import FilePayload, Page, Route, expect
from sqlalchemy import text

from tests.console.conftest import Visit
from tests.console.shop import Shop, open_shop
from tests.console.visitor import Scheme, Visitor
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def in_use(shop: Shop) -> AsyncIterator[None]:
    """Holds the table as a long transaction does: what writes to it waits."""
    async with shop.platform.database.transaction() as session:
        await session.execute(text(f"lock table public.{shop.table} in exclusive mode"))
        yield


@asynccontextmanager
async def opened_shop(
    platform: Platform, visit: Visit, *, scheme: Scheme = "light"
) -> AsyncIterator[tuple[Shop, Visitor]]:
    """A shop, and a browser in which its owner is signed in."""
    shop = await open_shop(platform)
    async with visit(scheme=scheme) as visitor:
        await visitor.open(f"/sign-in?next=/{shop.caller.organization_slug}")
        await visitor.sign_in(shop.caller.email, Platform.password)
        await expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()
        yield shop, visitor


async def send_by_program(shop: Shop, content: str, name: str = "nightly.csv") -> None:
    async with shop.platform.client(shop.caller) as client:
        sent = await client.post(
            "/api/apps/csv-imports/",
            data={"app": shop.slug, "table": "items"},
            files={"file": (name, content.encode())},
        )
    assert sent.status_code == 201, sent.text


def csv_file(name: str, content: str) -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": content.encode()}


async def open_tray(page: Page) -> None:
    await page.get_by_role("button", name="Tasks").click()
    await expect(page.get_by_role("dialog", name="Tasks")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_an_import_is_followed_from_any_page_to_its_outcome(
    shared_platform: Platform, visit: Visit, scheme: Scheme
) -> None:
    async with opened_shop(shared_platform, visit, scheme=scheme) as (shop, visitor):
        page = visitor.page
        await visitor.go(f"{shop.path}/imports")
        await expect(page.get_by_role("button", name="Tasks")).to_be_hidden()
        await page.get_by_role("button", name="New import").first.click()
        content = "code,qty\n" + "".join(f"B{n},{n}\n" for n in range(600)) + "B999,many\n"
        file = csv_file("orders.csv", content)
        await page.get_by_label("CSV or Excel file").set_input_files(file)
        await expect(page.get_by_text("1 row will go to the repair list.")).to_be_visible()
        async with in_use(shop):
            await page.get_by_role("button", name="Import the file").click()
            await expect(page.get_by_role("heading", name="Import of orders.csv")).to_be_visible()
            await visitor.go(f"/{shop.caller.organization_slug}")
            await page.get_by_role("button", name="Tasks: 1 is running").click()
            tray = page.get_by_role("dialog", name="Tasks")
            await expect(tray.get_by_role("listitem")).to_have_count(1)
            # What a program begins appears by itself, and waits for its turn.
            await send_by_program(shop, "code\nC1\n")
            await expect(tray.get_by_text("Waits for its turn")).to_be_visible()
            await expect(tray.get_by_role("listitem")).to_have_count(2)
            assert await visitor.findings_of_axe() == []
            await tray.get_by_role("button", name="Cancel: Import of nightly.csv").click()
            await expect(tray.get_by_role("img", name="cancelled")).to_be_visible()
        await expect(tray.get_by_text("600 rows · 1 to repair")).to_be_visible()
        await expect(page.get_by_role("status", name="Tasks that have ended")).to_contain_text(
            "Import of orders.csv: 600 rows · 1 to repair"
        )
        await page.keyboard.press("Escape")
        await expect(tray).to_be_hidden()
        await expect(page.get_by_role("button", name="Tasks")).to_be_focused()
        # It is there after a reload, in a narrow window, and leads to the rows to repair; so does the inbox.
        await page.set_viewport_size({"width": 320, "height": 640})
        await page.reload()
        await open_tray(page)
        box = await tray.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 320
        await tray.get_by_role("link", name="Repair them").press("Enter")
        await expect(page.get_by_role("heading", name="Rows to repair")).to_be_visible()
        await expect(tray).to_be_hidden()
        await visitor.go(f"/{shop.caller.organization_slug}/inbox")
        await page.get_by_role("link", name="1 row of orders.csv to repair").click()
        await expect(page.get_by_role("heading", name="Rows to repair")).to_be_visible()
        await expect(page.get_by_text("nightly.csv")).to_be_hidden()


async def test_an_upload_and_what_was_chosen_survive_leaving_the_page(
    shared_platform: Platform, visit: Visit
) -> None:
    caller = await shared_platform.create_caller()
    home = f"/{caller.organization_slug}"
    may_go = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_go.wait()
        await route.continue_()

    async with visit() as visitor:
        page = visitor.page
        await visitor.open(f"{home}/apps/new?from=file")
        await visitor.sign_in(caller.email, Platform.password)
        await page.route("**/api/apps/csv-imports/uploads/", hold)
        file = csv_file("stock.csv", "sku,amount\nA,1\n")
        await page.get_by_label("CSV or Excel file").set_input_files(file)
        await expect(page.get_by_role("button", name="Cancel the upload")).to_be_visible()
        await visitor.go(home)
        await open_tray(page)
        tray = page.get_by_role("dialog", name="Tasks")
        await expect(tray.get_by_text("Sending. Keep this tab open.")).to_be_visible()
        may_go.set()
        await expect(tray.get_by_text("Sent. Nothing is imported yet")).to_be_visible()
        await tray.get_by_role("link", name="Upload of stock.csv").click()
        await expect(page.get_by_text("Every row fits.")).to_be_visible()
        await page.get_by_label("Name of the app").fill("Warehouse")
        await page.get_by_label("Type of amount").select_option("text")
        await visitor.go(f"{home}/inbox")
        await visitor.go(f"{home}/apps/new?from=file")
        await expect(page.get_by_label("Name of the app")).to_have_value("Warehouse")
        await expect(page.get_by_label("Type of amount")).to_have_value("text")
        # Back to the first step and on again, in a narrow window: nothing is lost.
        await page.set_viewport_size({"width": 320, "height": 640})
        steps = page.get_by_role("list", name="Steps of the import").locator("[aria-current=step]")
        await expect(steps).to_have_text("2Check the columns")
        await page.get_by_role("button", name="Choose a file").press("Enter")
        await expect(steps).to_have_text("1Choose a file")
        await expect(page.get_by_label("Name of the app")).to_be_hidden()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320
        assert await visitor.findings_of_axe() == []
        await page.get_by_role("button", name="Go on with this file").click()
        await expect(page.get_by_label("Type of amount")).to_have_value("text")
        await page.get_by_role("button", name="Create app and import").click()
        await expect(page.get_by_text("1 row", exact=True).first).to_be_visible()
        # It was used, so it is no task any more; the next file begins anew.
        await open_tray(page)
        await expect(tray.get_by_role("link", name="Import of stock.csv")).to_be_visible()
        await expect(tray.get_by_role("listitem")).to_have_count(1)
        await visitor.go(f"{home}/apps/new?from=file")
        await expect(page.get_by_text("Drop a CSV or Excel file")).to_be_visible()


async def test_changes_to_a_table_in_use_are_followed_from_another_page(
    shared_platform: Platform, visit: Visit
) -> None:
    async with opened_shop(shared_platform, visit) as (shop, visitor):
        page = visitor.page
        await visitor.go(f"{shop.path}/schema")
        await page.get_by_label("Name of the table").fill("articles")
        apply = page.get_by_role("button", name="Apply 1 change")
        await expect(apply).to_be_enabled()
        async with in_use(shop):
            await apply.click()
            await visitor.go(f"/{shop.caller.organization_slug}")
            await open_tray(page)
            tray = page.get_by_role("dialog", name="Tasks")
            await expect(tray.get_by_role("link", name="Changes to items")).to_be_visible()
            await expect(tray.get_by_role("img", name="running")).to_be_visible()
            await expect(tray.get_by_role("button", name="Cancel: Changes to items")).to_be_visible()
        # It was tried again until nobody used the table any more.
        await expect(page.get_by_text("1 change is applied.")).to_be_visible()
        await expect(page).to_have_url(re.compile(f"/{shop.caller.organization_slug}$"))
        # That is how the platform says that others use the table.
        visitor.problems = [problem for problem in visitor.problems if "503" not in problem]

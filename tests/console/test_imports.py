"""From a file to an app, with what does not fit repaired in the browser; imports into a table, exports, bad files."""

import csv
import io
import re
from typing import Any

import openpyxl
import pytest
from playwright.async_api import FilePayload, Page, expect

from tests.console.conftest import Visit
from tests.console.visitor import Visitor
from tests.platform_api.conftest import Caller, Platform

pytestmark = pytest.mark.anyio

HOSTILE = '<img src=x onerror="document.title=1"><b>مرحبا 👩‍💻'


def csv_file(name: str, content: str) -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": content.encode()}


async def choose(page: Page, file: FilePayload) -> None:
    await page.get_by_label("CSV or Excel file").set_input_files(file)


async def rows_of(platform: Platform, caller: Caller, app: str, table: str, fields: str) -> list[dict[str, Any]]:
    async with platform.client(caller) as client:
        described = (await client.get(f"/api/apps/{app}/table/{table}/")).json()
        name = described["graphql_name"]
        answer = await client.post(f"/api/apps/{app}/v1/graphql", json={"query": f"{{ {name} {{ {fields} }} }}"})
    rows: list[dict[str, Any]] = answer.json()["data"][name]
    return rows


async def test_a_file_with_three_bad_rows_becomes_a_whole_app(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    lines = [f"A{n:05},{n},{n}.50" for n in range(1, 10_001)]
    lines[99], lines[4_999], lines[9_998] = "A00100,many,1.50", "A05000,5000,dear", "A09999,9999,1,2"
    async with visit() as visitor:
        page = visitor.page
        await visitor.open("/sign-in")
        await visitor.sign_in(caller.email, Platform.password)
        await page.get_by_role("link", name="From a file").click()
        await expect(page.get_by_role("heading", name="New app from a file")).to_be_focused()
        await choose(page, csv_file("big-orders.csv", "Code,Count,Price\n" + "\n".join(lines) + "\n"))
        await expect(page.get_by_text("3 rows will go to the repair list.")).to_be_visible()
        await expect(page.get_by_label("Type of Count")).to_have_value("integer")
        await page.get_by_label("Type of Count").select_option("text")
        await expect(page.get_by_text("2 rows will go to the repair list.")).to_be_visible()
        await page.get_by_label("Type of Count").select_option("integer")
        await expect(page.get_by_text("3 rows will go to the repair list.")).to_be_visible()
        await page.get_by_label("Code is part of the key").check()
        await page.get_by_text("1 value", exact=True).first.click()
        await expect(page.get_by_text("'many' is not a whole number")).to_be_visible()
        await expect(page.get_by_label("Name of the app")).to_have_value("Big orders")
        await page.get_by_role("button", name="As code").click()
        code = page.get_by_role("dialog", name="Create this app with a program")
        await expect(code.get_by_text("$APP_TOKEN")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(code).to_be_hidden()
        await page.get_by_label("Name of the app").press("Enter")

        await expect(page.get_by_text("9,997 rows · 3 to repair", exact=True)).to_be_visible()
        at = page.get_by_role("list", name="Steps of the import").locator("[aria-current=step]")
        await expect(at).to_have_text("4Repair rows")
        await expect(page.get_by_text("'many' is not a whole number")).to_be_visible()
        await expect(page.get_by_text("'dear' is not a number")).to_be_visible()
        await expect(page.get_by_text("too many fields: 4 where the header has 3")).to_be_visible()
        # It survives leaving and coming back.
        await page.reload()
        await page.get_by_label("count, line 101").fill("still many")
        await page.get_by_role("button", name="Import 1 repaired row again").click()
        await expect(page.get_by_text("0 imported · 1 still to repair")).to_be_visible()
        await expect(page.get_by_text("'still many' is not a whole number")).to_be_visible()
        await page.get_by_label("count, line 101").fill("100")
        await page.get_by_label("price, line 5001").fill("1.5")
        # What was typed is there after a reload.
        await page.reload()
        await expect(page.get_by_label("count, line 101")).to_have_value("100")
        await expect(page.get_by_label("price, line 5001")).to_have_value("1.5")
        await page.get_by_label("price, line 10000").fill("2")
        await page.get_by_label("price, line 10000").press("Enter")
        await expect(page.get_by_text("10,000 rows", exact=True)).to_be_visible()
        await expect(page.get_by_role("heading", name="Rows to repair")).to_be_hidden()
        await expect(at).to_have_count(0)
        await page.get_by_role("link", name="Open the table").click()
        await expect(page.get_by_role("status").filter(has_text=re.compile(r"^10,000 rows$"))).to_be_visible()


async def test_a_sheet_full_of_markup_is_text(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    book = openpyxl.Workbook()
    for row in ([HOSTILE, "السعر", "السعر", "", "id"], [HOSTILE, 1.5, "x", "", 7], ["=1+1", "bad", HOSTILE, "", 8]):
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    findings = {}
    async with visit() as visitor:
        page = visitor.page
        await visitor.open(f"/{caller.organization_slug}/apps/new?from=file")
        await visitor.sign_in(caller.email, Platform.password)
        await expect(page.get_by_role("button", name="Choose a file")).to_be_visible()
        findings["empty"] = await visitor.findings_of_axe()
        name = f"{HOSTILE}.xlsx".replace("/", "")
        await choose(page, {"name": name, "mimeType": kind, "buffer": content.getvalue()})
        await expect(page.get_by_label("Name of the table")).to_have_value(re.compile("^[a-z]"))
        await page.get_by_label("Name of السعر").first.fill("price")
        await page.get_by_label("Type of السعر").first.select_option("numeric")
        await expect(page.get_by_text("will go to the repair list")).to_be_visible()
        findings["preview"] = await visitor.findings_of_axe()
        await page.get_by_role("button", name="Create app and import").click()
        await expect(page.get_by_label("price, line 3")).to_be_visible()
        assert await page.locator("main img").count() == 0
        findings["repair"] = await visitor.findings_of_axe()
        await page.get_by_role("link", name=re.compile("^Imports of")).click()
        await expect(page.get_by_role("table", name="Imports, newest first")).to_be_visible()
        findings["imports"] = await visitor.findings_of_axe()
        assert await page.title() == "Imports and exports · automio"
    assert [f"{screen}: {line}" for screen, found in findings.items() for line in found] == []


async def test_a_file_that_is_none_says_so_and_stays(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    async with visit() as visitor:
        page = visitor.page
        await visitor.open(f"/{caller.organization_slug}/apps/new?from=file")
        await visitor.sign_in(caller.email, Platform.password)
        await choose(page, {"name": "a.csv", "mimeType": "text/csv", "buffer": b"%PDF-1.7 \x00\x01"})
        await expect(page.get_by_text("the file is a PDF file; send CSV or .xlsx")).to_be_visible()
        await expect(page.get_by_role("button", name="Create app and import")).to_be_hidden()
        await choose(page, csv_file("b.csv", 'a,b\n1,2\n3,"4\n'))
        await expect(page.get_by_text("line 3, character 3")).to_be_visible()
        # The way to the server is cut while the file is sent: it stays chosen, and Retry sends it.
        await choose(page, csv_file("c.csv", "a,b\n1,2\n"))
        await expect(page.get_by_text("Every row fits.")).to_be_visible()
        await page.route("**/api/apps/from-file/", lambda route: route.abort())
        await page.get_by_role("button", name="Create app and import").click()
        await expect(page.get_by_text("The server cannot be reached")).to_be_visible()
        await page.unroute("**/api/apps/from-file/")
        visitor.problems = [problem for problem in visitor.problems if "ERR_FAILED" not in problem]
        await page.get_by_role("button", name="Try again").click()
        await expect(page.get_by_text("1 row", exact=True)).to_be_visible()


async def test_a_table_takes_files_and_gives_them(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    app = await shared_platform.create_app(caller)
    columns = [{"name": "sku", "type": "text", "required": True}, {"name": "amount", "type": "integer"}]
    table = {"name": "items", "columns": columns, "unique": [{"columns": ["sku"]}]}
    async with shared_platform.client(caller) as client:
        assert (await client.post(f"/api/apps/{app.id}/new_table/", json=table)).status_code == 200
    async with visit() as visitor:
        page = visitor.page
        await visitor.open(f"/{caller.organization_slug}/{app.slug}/tables/items")
        await visitor.sign_in(caller.email, Platform.password)
        await page.get_by_role("link", name="Import, export").click()
        await expect(page.get_by_text("No imports yet")).to_be_visible()
        for content, rule, result in (
            ("Article,Amount,Note\nA,1,x\nB,2,y\n", "", "2 rows"),
            ("SKU,amount\nA,5\nC,3\n", "update sku", "1 row · 1 updated"),
        ):
            await page.get_by_role("button", name="New import").first.click()
            await choose(page, csv_file("items.csv", content))
            if content.startswith("Article"):
                await page.get_by_label("Column for Article").select_option("sku")
            await expect(page.get_by_text("Every row fits.")).to_be_visible()
            await page.get_by_label("When a row is there already").select_option(rule)
            await expect(page.get_by_text("Every row fits.")).to_be_visible()
            await page.get_by_role("button", name="Import the file").click()
            await expect(page.get_by_text(result, exact=True)).to_be_visible()
            await page.get_by_role("link", name="Imports of items").click()
            await expect(page.get_by_role("table", name="Imports, newest first")).to_be_visible()
        await expect(page.get_by_role("row")).to_have_count(3)
        stored = await rows_of(shared_platform, caller, str(app.id), "items", "sku amount")
        assert sorted((row["sku"], row["amount"]) for row in stored) == [("A", 5), ("B", 2), ("C", 3)]

        where = '{"amount":{"_gte":3}}'
        await visitor.open(f"/{caller.organization_slug}/{app.slug}/tables/items/imports?where={where}")
        async with page.expect_download() as downloading:
            await page.get_by_role("button", name="Export the filtered rows").click()
        saved = await (await downloading.value).path()
        exported = list(csv.DictReader(io.StringIO(saved.read_text("utf-8-sig"))))
        assert sorted((row["sku"], row["amount"]) for row in exported) == [("A", "5"), ("C", "3")]
        await expect(page.get_by_text("2 rows exported")).to_be_visible()
    await _another_organization_sees_nothing(shared_platform, visit, caller, app.slug)


async def _another_organization_sees_nothing(platform: Platform, visit: Visit, victim: Caller, app: str) -> None:
    stranger = await platform.create_caller()
    async with platform.client(victim) as client:
        [job, *_] = (await client.get("/api/apps/csv-imports/")).json()
    async with visit() as visitor:
        other: Visitor = visitor
        await other.open("/sign-in")
        await other.sign_in(stranger.email, Platform.password)
        await other.leave()
        other.answers.clear()
        await other.open(f"/{stranger.organization_slug}/{app}/tables/items/imports/{job['id']}")
        await expect(
            other.page.get_by_text(re.compile("there is no import|Not here, or not yours", re.I)).first
        ).to_be_visible()
        assert not [path for status, path in other.answers if status == 200 and "csv-imports" in path]

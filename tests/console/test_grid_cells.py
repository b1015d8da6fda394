"""Cells of the grid: keys, what spreadsheets copy, large values, references, and what others change meanwhile."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect
from sqlalchemy import text

from tests.console.conftest import Visit
from tests.console.shop import Shop, at_grid, cell, open_shop
from tests.console.visitor import Visitor
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio

# From the cell in row 3 and column 3 of 60 rows: what is active, and how many cells are selected, after these keys.
MOVES = [
    ("ArrowUp", (2, 3), 1),
    ("ArrowDown", (4, 3), 1),
    ("ArrowLeft", (3, 2), 1),
    ("ArrowRight", (3, 4), 1),
    ("Control+ArrowUp", (1, 3), 1),
    ("Control+ArrowDown", (60, 3), 1),
    ("Control+ArrowLeft", (3, 1), 1),
    ("Control+ArrowRight", (3, 9), 1),
    ("Home", (3, 1), 1),
    ("End", (3, 9), 1),
    ("Control+Home", (1, 1), 1),
    ("Control+End", (60, 9), 1),
    ("PageUp", (1, 3), 1),
    ("Tab", (3, 4), 1),
    ("Shift+Tab", (3, 2), 1),
    ("Shift+ArrowDown", (4, 3), 2),
    ("Shift+ArrowRight", (3, 4), 2),
    ("Control+Shift+ArrowDown", (60, 3), 58),
    ("Control+Shift+End", (60, 9), 58 * 7),
    ("Shift+Space", (3, 1), 9),
    ("Control+Space", (1, 3), 60),
    ("Control+a", (1, 1), 540),
]


async def paste(page: Page, plain: str, html: str) -> None:
    """Pastes a text with its HTML as a spreadsheet copies it; a page cannot put that on the clipboard unchanged."""
    await page.get_by_role("grid").evaluate(
        """(grid, [plain, html]) => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text/plain", plain);
            clipboardData.setData("text/html", html);
            grid.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true, cancelable: true}));
        }""",
        [plain, html],
    )


async def copied(page: Page, kind: str) -> str:
    """Returns what is on the clipboard as `text/plain` or `text/html`."""
    content: str = await page.evaluate(
        """async kind => (await (await (await navigator.clipboard.read())[0].getType(kind)).text())""", kind
    )
    return content


async def change(shop: Shop, code: str, **values: Any) -> None:
    """Changes a row as somebody else would."""
    await shop.graphql(
        f"mutation C($code: String!, $set: {shop.table}_set_input!) "
        f"{{ update_{shop.table}(where: {{code: {{_eq: $code}}}}, _set: $set) {{ affected_rows }} }}",
        code=code,
        set=values,
    )


async def hold_writes(page: Page) -> Callable[[], None]:
    """Holds what the page writes until the function that is returned is called."""
    through = asyncio.Event()

    async def hold(route: Route) -> None:
        if "mutation" in (route.request.post_data or ""):
            await through.wait()
        await route.continue_()

    await page.route("**/v1/graphql", hold)
    return through.set


async def test_every_key_does_what_a_spreadsheet_does(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 60)
    async with at_grid(visit, shop) as (_, page):
        grid = page.get_by_role("grid")
        for keys, (row, column), count in MOVES:
            await page.keyboard.press("Control+Home")
            await cell(page, 3, 3).click()
            await page.keyboard.press(keys)
            place = re.compile(rf"-{row - 1}-{column - 1}$")
            await expect(grid, keys).to_have_attribute("aria-activedescendant", place)
            selected = page.get_by_text(" selected", exact=False).filter(has_text="cell")
            await (
                expect(selected).to_have_count(0) if count == 1 else expect(selected).to_contain_text(f"{count} c")
            )
        await cell(page, 3, 3).click()
        await page.keyboard.press("PageDown")
        await expect(grid).to_have_attribute("aria-activedescendant", re.compile(r"-[1-9]\d-2$"))
        await page.keyboard.press("Control+Home")

        # The keys that do something.
        await page.keyboard.press("Control+f")
        await expect(page.get_by_role("textbox", name="Find in the table")).to_be_focused()
        await cell(page, 2, 1).click()
        await page.keyboard.press("Control+Shift+f")
        await expect(page.get_by_role("status").get_by_text("1 row", exact=True)).to_be_visible()
        await page.get_by_role("button", name="Remove the filter").first.click()
        await expect(page.get_by_role("status").get_by_text("60 rows")).to_be_visible()
        await cell(page, 1, 2).click()
        await page.keyboard.press("Shift+ArrowDown")
        await page.keyboard.press("Control+d")
        await expect(cell(page, 2, 2)).to_have_text("1")
        await page.keyboard.press("Control+z")
        await expect(cell(page, 2, 2)).to_have_text("2")
        await page.keyboard.press("Control+Shift+z")
        await expect(cell(page, 2, 2)).to_have_text("1")
        await cell(page, 5, 2).click()
        await page.keyboard.press("Control+x")
        await expect(cell(page, 5, 2)).to_have_text("empty")
        await cell(page, 6, 2).click()
        await page.keyboard.press("Control+v")
        await expect(cell(page, 6, 2)).to_have_text("5")
        await page.keyboard.press("Control+Backspace")
        await expect(cell(page, 6, 2)).to_have_text("empty")
        await page.keyboard.press("n")
        await expect(page.get_by_role("textbox", name="qty")).to_have_value("n")
        await page.keyboard.press("Escape")
        # A letter types into a cell; beside the grid `n` makes a row.
        await page.get_by_role("heading", level=1).focus()
        await page.keyboard.press("n")
        await expect(page.get_by_role("complementary", name="New row")).to_be_visible()


async def test_a_reader_of_the_screen_is_told_where_it_is(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 300)
    async with at_grid(visit, shop) as (visitor, page):
        await page.keyboard.press("Control+End")
        await expect(cell(page, 300, 9)).to_be_visible()
        debugger = await visitor.context.new_cdp_session(page)
        nodes = (await debugger.send("Accessibility.getFullAXTree"))["nodes"]
        [grid] = [node for node in nodes if node.get("role", {}).get("value") == "grid"]
        assert grid["name"]["value"] == "Rows of items"
        by_id = {node["nodeId"]: node for node in nodes}
        rows = [node for node in nodes if node.get("role", {}).get("value") == "row"]
        for row in rows:
            kinds = {by_id[child]["role"]["value"] for child in row["childIds"] if not by_id[child].get("ignored")}
            assert kinds <= {"gridcell", "columnheader"}, kinds
        [active] = [
            item["idref"]
            for property_ in grid["properties"]
            if property_["name"] == "activedescendant"
            for item in property_["value"]["relatedNodes"]
        ]
        at = page.locator(f'[id="{active}"]')
        assert await at.get_attribute("aria-colindex") == "9"
        assert await at.locator("..").get_attribute("aria-rowindex") == "301"
        indices = [int(await row.get_attribute("aria-rowindex") or 0) for row in await page.get_by_role("row").all()]
        assert sorted(indices) == [1, *range(min(indices[1:]), 302)]


async def test_what_spreadsheets_copy_as_html_is_pasted(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 4)
    excel = """<html xmlns:x="urn:schemas-microsoft-com:office:excel"><head><style>td {color: red}</style></head>
        <body><table style="border: 1px"><tr><td colspan="2" style="color: red" onclick="alert(1)">one</td>
        <td x:num="1234.5">1.2K &euro;</td></tr>
        <tr><td>=1+1<script>alert(1)</script></td><td>7</td><td>(3.00)<img src="x" onerror="alert(1)"></td></tr>
        </table></body></html>"""
    async with at_grid(visit, shop) as (_, page):
        await page.keyboard.press("Control+Home")
        await paste(page, "not this", excel)
        await expect(cell(page, 1, 3)).to_have_text("1,234.5")
        await expect(cell(page, 2, 3)).to_have_text("-3.00")
        await expect(cell(page, 2, 1)).to_have_text("=1+1")
        await expect(page.locator("[data-pending]")).to_have_count(0)
        assert (await shop.content("code qty price"))[:2] == [["one", None, 1234.5], ["=1+1", 7, -3]]
        # What is copied has both forms; a line and NULL in a cell survive.
        await change(shop, "A000003", note="two\nlines <b>")
        await expect(cell(page, 3, 5)).to_have_text("two\nlines <b>")
        await cell(page, 3, 5).click()
        await page.keyboard.press("Shift+ArrowDown")
        await page.keyboard.press("Control+c")
        assert (await copied(page, "text/plain")).replace("\r\n", "\n") == '"two\nlines <b>"\n'
        assert "two<br>lines &lt;b&gt;" in await copied(page, "text/html")
        await cell(page, 1, 5).click()
        await page.keyboard.press("Control+v")
        await expect(cell(page, 1, 5)).to_have_text("two\nlines <b>")
        await expect(page.locator("[data-pending]")).to_have_count(0)
        assert [note for (note,) in await shop.content("note")] == ["two\nlines <b>", None] * 2


@asynccontextmanager
async def with_json(shop: Shop, visit: Visit, value: Any, **options: Any) -> AsyncIterator[tuple[Visitor, Page]]:
    """The table with a JSON column `extra`, which comes after the others, and a value in its first row."""
    async with shop.platform.client(shop.caller) as client:
        body = {"name": "items", "columns": [{"name": "extra", "type": "json"}]}
        answer = await client.put(f"/api/apps/{shop.slug}/edit_table/", json=body)
        assert answer.status_code == 200, answer.text
    async with shop.platform.database.transaction() as session:
        await session.execute(
            text(f"update public.{shop.table} set extra = (:value)::jsonb where code = 'A000001'"),  # a test
            {"value": value},
        )
    async with at_grid(visit, shop, **options) as (visitor, page):
        await expect(page.get_by_role("columnheader", name="extra")).to_be_visible()
        yield visitor, page


async def test_json_and_long_texts_are_edited_beside_their_cell(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 3)
    async with with_json(shop, visit, '{"price": 1.50, "tags": ["a"]}') as (visitor, page):
        await cell(page, 1, 7).click()
        await page.keyboard.press("F2")
        dialog = page.get_by_role("dialog", name="Edit extra")
        editor = dialog.get_by_role("textbox", name="extra")
        await expect(editor).to_contain_text('"price": 1.50')
        await expect(editor).to_be_focused()
        assert await visitor.findings_of_axe() == []
        await page.keyboard.press("Control+a")
        await page.keyboard.press("Delete")
        await page.keyboard.type('{"a": 12345678901234567890')
        await dialog.get_by_role("button", name="Format").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("This must be JSON")
        await editor.click()
        await page.keyboard.press("Control+End")
        await page.keyboard.type(', "b": []}')
        await page.keyboard.press("Control+Enter")
        await expect(dialog).to_be_hidden()
        await expect(cell(page, 1, 7)).to_have_text('{"a":12345678901234567890,"b":[]}')
        await expect(page.locator("[data-pending]")).to_have_count(0)
        stored = (await shop.graphql(f"{{ {shop.table}(order_by: {{code: asc}}, limit: 1) {{ extra }} }}"))[
            shop.table
        ]
        assert stored == [{"extra": {"a": 12345678901234567890, "b": []}}]
        # A long text too; Escape leaves it as it was.
        await change(shop, "A000002", note="first line\nsecond line")
        await expect(cell(page, 2, 5)).to_contain_text("second line")
        await cell(page, 2, 5).dblclick()
        note = page.get_by_role("dialog", name="Edit note")
        await expect(note.get_by_role("textbox", name="note")).to_contain_text("second line")
        await page.keyboard.type("lost")
        await page.keyboard.press("Escape")
        await expect(note).to_be_hidden()
        await expect(page.get_by_role("grid")).to_be_focused()
        assert (await shop.content("note"))[1] == ["first line\nsecond line"]


async def test_a_value_too_large_to_be_shown_says_its_size_and_is_given_as_a_file(
    shared_platform: Platform, visit: Visit
) -> None:
    shop = await open_shop(shared_platform, 3)
    large = json.dumps({"text": "<b>&" * 3_000_000})
    async with with_json(shop, visit, large) as (visitor, page):
        await expect(cell(page, 1, 7)).to_have_text("…")
        await cell(page, 1, 7).dblclick()
        dialog = page.get_by_role("dialog", name="extra")
        await expect(dialog).to_contain_text("12 MB, too large to be shown here.")
        assert await visitor.findings_of_axe() == []
        async with page.expect_download() as waiting:
            await dialog.get_by_role("button", name="Download").click()
        file = await (await waiting.value).path()
        content = await asyncio.to_thread(Path(file).read_text)
        assert json.loads(content) == json.loads(large)
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await page.get_by_role("grid").focus()
        await page.keyboard.press("Control+c")
        await expect(page.get_by_text("too large to be copied")).to_be_visible()


async def test_a_reference_is_peeked_at_and_a_row_lists_what_refers_to_it(
    shared_platform: Platform, visit: Visit
) -> None:
    shop = await open_shop(shared_platform, 7)
    makers = f"app_{shop.app_id}_makers"
    name = "شركة <i>Ann</i> 👩"
    maker = (
        await shop.graphql(
            f"mutation M($n: String!) {{ m: insert_{makers}_one(object: {{name: $n}}) {{ id }} }}", n=name
        )
    )["m"]["id"]
    await shop.graphql(
        f'mutation {{ update_{shop.table}(where: {{}}, _set: {{maker_id: "{maker}"}}) {{ affected_rows }} }}'
    )
    await change(shop, "A000002", maker_id=None)
    async with at_grid(visit, shop) as (visitor, page):
        await cell(page, 1, 6).click()
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await page.keyboard.press("Space")
        peek = page.get_by_role("dialog", name="Row of makers")
        await expect(peek.get_by_text(name)).to_be_visible()
        await expect(peek.get_by_role("link", name="Open the row in makers")).to_be_focused()
        assert await visitor.findings_of_axe() == []
        await page.keyboard.press("Escape")
        await expect(peek).to_be_hidden()
        await expect(page.get_by_role("grid")).to_be_focused()
        # Where it refers to nothing, Space opens the row of the cell, as it does in other columns.
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Space")
        await expect(page.get_by_role("complementary", name="Row")).to_be_visible()
        await cell(page, 1, 6).click()
        await page.keyboard.press("Space")
        await peek.get_by_role("link", name="Open the row in makers").click()
        await expect(page.get_by_role("heading", name="makers", level=1)).to_be_visible()
        related = page.get_by_role("complementary", name="Row").get_by_role(
            "region", name="Rows of items by maker_id"
        )
        await expect(related).to_contain_text("6")
        await expect(related.get_by_role("listitem")).to_have_count(5)
        assert await visitor.findings_of_axe() == []
        await related.get_by_role("link", name="Show all 6").click()
        await expect(page.get_by_role("heading", name="items", level=1)).to_be_visible()
        await expect(page.get_by_role("status").get_by_text("6 rows")).to_be_visible()


async def test_rows_that_leave_stay_until_nobody_is_at_them(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 6)
    async with at_grid(visit, shop) as (visitor, page):
        where = json.dumps({"_and": [{"qty": {"_lt": 10}}]})
        await visitor.open(f"{shop.path}?where={where}")
        await expect(page.get_by_role("status").get_by_text("6 rows")).to_be_visible()
        await cell(page, 3, 2).click()
        await change(shop, "A000003", qty=50)
        moved = page.locator('[role=row][data-state="moved"]')
        await expect(moved).to_contain_text("A000003")
        await page.keyboard.press("ArrowDown")
        # The pointer is still at it.
        await expect(moved).to_contain_text("A000003")
        await page.get_by_role("heading", level=1).hover()
        await expect(moved).to_have_count(0)
        await expect(page.get_by_role("status").get_by_text("5 rows")).to_be_visible()
        await expect(cell(page, 3, 1)).to_have_text("A000004")
        # The selection went up with its row: what is typed goes to A000004.
        await page.get_by_role("grid").focus()
        await page.keyboard.type("8")
        # Rows above come and go while it is edited.
        await change(shop, "A000001", qty=51)
        await shop.graphql(
            f'mutation {{ delete_{shop.table}(where: {{code: {{_eq: "A000002"}}}}) {{ affected_rows }} }}'
        )
        await expect(page.locator('[role=row][data-state="gone"]')).to_contain_text("A000002")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status").get_by_text("3 rows")).to_be_visible()
        await expect(page.locator("[data-pending]")).to_have_count(0)
        assert await shop.content("code qty") == [
            ["A000001", 51],
            ["A000003", 50],
            ["A000004", 8],
            ["A000005", 5],
            ["A000006", 6],
        ]


async def test_two_people_in_one_cell_lose_nothing(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 2)
    async with at_grid(visit, shop) as (_, page):
        await cell(page, 1, 2).click()
        await page.keyboard.type("41")
        await change(shop, "A000001", qty=42)
        await expect(page.get_by_role("alert")).to_have_text("Somebody else wrote “42” here meanwhile.")
        await page.keyboard.press("Enter")
        await expect(cell(page, 1, 2)).to_have_text("41")
        await page.keyboard.press("ArrowUp")
        await expect(page.get_by_role("alert")).to_contain_text(
            "Somebody else wrote “42” here meanwhile. Edit the cell"
        )
        assert (await shop.content("qty"))[0] == [42]
        await page.keyboard.press("F2")
        await expect(page.get_by_role("textbox", name="qty")).to_have_value("41")
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-pending]")).to_have_count(0)
        await expect(cell(page, 1, 2)).to_have_text("41")
        assert (await shop.content("qty"))[0] == [41]
        # Escape leaves theirs.
        await cell(page, 2, 2).click()
        await page.keyboard.type("7")
        await change(shop, "A000002", qty=9)
        await expect(page.get_by_role("alert")).to_have_text("Somebody else wrote “9” here meanwhile.")
        await page.keyboard.press("Enter")
        await cell(page, 2, 2).click()
        await expect(cell(page, 2, 2)).to_have_attribute("aria-invalid", "true")
        await expect(cell(page, 2, 2)).to_have_text("7")
        await page.keyboard.press("Escape")
        await expect(cell(page, 2, 2)).to_have_text("9")


async def test_what_has_no_answer_yet_is_changed_again(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 5)
    async with at_grid(visit, shop) as (_, page):
        let_through = await hold_writes(page)
        await cell(page, 5, 2).click()
        await page.keyboard.press("Control+c")
        for row in range(1, 5):
            await cell(page, row, 2).click()
            await page.keyboard.type(f"7{row}")
            await page.keyboard.press("Enter")
            await expect(cell(page, row, 2)).to_have_text(f"7{row}")
        await cell(page, 1, 2).click()
        await page.keyboard.press("Control+Backspace")
        await expect(cell(page, 1, 2)).to_have_text("empty")
        await cell(page, 2, 2).click()
        await page.keyboard.press("Control+v")
        await expect(cell(page, 2, 2)).to_have_text("5")
        await page.keyboard.press("Shift+ArrowDown")
        await page.keyboard.press("Control+d")
        await expect(cell(page, 3, 2)).to_have_text("5")
        await cell(page, 4, 2).click()
        await page.keyboard.type("8")
        await page.keyboard.press("Enter")
        # A panel that is opened meanwhile shows the row as it will be.
        await cell(page, 4, 2).click()
        await page.keyboard.press("Space")
        let_through()
        panel = page.get_by_role("complementary", name="Row")
        await expect(panel.get_by_role("textbox", name="qty")).to_have_value("8")
        await expect(page.locator("[data-pending]")).to_have_count(0)
        assert await shop.content("qty") == [[None], [5], [5], [8], [5]]
        assert await page.get_by_role("alert").count() == 0


async def test_one_cell_that_somebody_else_changed_is_not_emptied_unsaid(
    shared_platform: Platform, visit: Visit
) -> None:
    shop = await open_shop(shared_platform, 2)
    async with at_grid(visit, shop) as (_, page):
        let_through = await hold_writes(page)
        await cell(page, 1, 2).click()
        await page.keyboard.press("Control+Backspace")
        await change(shop, "A000001", qty=42)
        let_through()
        await expect(page.get_by_text("1 was left alone")).to_be_visible()
        await expect(cell(page, 1, 2)).to_have_text("42")

"""The grid of a table: large tables, editing, pasting, undo, live changes, and what strangers see of it."""

import asyncio
import re
import uuid

import pytest
from playwright.async_api import Page, Route, expect

from tests.console.conftest import Visit
from tests.console.shop import at_grid, cell, open_shop
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio


async def paste(page: Page, content: str) -> None:
    """Puts a text on the clipboard and pastes it where the focus is."""
    await page.evaluate("text => navigator.clipboard.writeText(text)", content)
    await page.keyboard.press("Control+v")


async def test_a_large_table_is_shown_at_once_and_to_its_end(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 100_000)
    async with visit() as visitor:
        page = visitor.page
        await visitor.open("/sign-in")
        await visitor.sign_in(shop.caller.email, Platform.password)
        # The first rows come although the count does not.
        may_count = asyncio.Event()

        async def hold_counts(route: Route) -> None:
            if "aggregate" in (route.request.post_data or ""):
                await may_count.wait()
            await route.continue_()

        await page.route("**/v1/graphql", hold_counts)
        await visitor.open(shop.path)
        await expect(cell(page, 1, 1)).to_have_text("A000001")
        await expect(page.get_by_text("counting")).to_be_visible()
        may_count.set()
        await expect(page.get_by_role("status").get_by_text("100,000 rows")).to_be_visible()
        grid = page.get_by_role("grid")
        await expect(grid).to_have_attribute("aria-rowcount", "100001")

        await grid.focus()
        await page.keyboard.press("Control+End")
        await page.keyboard.press("Home")
        await expect(cell(page, 100_000, 1)).to_have_text("A100000")
        active = await grid.get_attribute("aria-activedescendant")
        await expect(page.locator(f'[id="{active}"]')).to_have_text("A100000")
        # A jump into the middle, and on from there in both directions: no row twice, none left out.
        await grid.evaluate("element => { element.scrollTop = element.scrollHeight / 2 }")
        await expect(cell(page, 50_000, 1)).to_have_text("A050000")
        await expect(page.locator('[role=row] [data-column="0"] i')).to_have_count(0)
        numbers = [int(code[1:]) for code in await _codes_in_order(page)]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert await page.get_by_role("row").count() < 60


async def _codes_in_order(page: Page) -> list[str]:
    rows: list[tuple[int, str]] = await page.evaluate(
        """() => [...document.querySelectorAll('[role=row][data-row]')].map(row =>
            [Number(row.dataset.row), row.querySelector('[data-column="0"]').textContent])"""
    )
    return [code for _, code in sorted(rows)]


async def test_cells_are_edited_by_keyboard(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 3)
    async with at_grid(visit, shop) as (_, page):
        await page.keyboard.press("Control+Home")
        await page.keyboard.type("first")
        await page.keyboard.press("Tab")
        await page.keyboard.type("twelve")
        await page.keyboard.press("Enter")
        editor = page.get_by_role("textbox", name="qty")
        await expect(editor).to_have_value("twelve")
        await expect(page.get_by_role("alert")).to_have_text("This must be a whole number.")
        await editor.fill("1,200")
        await page.keyboard.press("Enter")
        await expect(cell(page, 1, 2)).to_have_text("1,200")
        await page.keyboard.press("F2")
        await page.keyboard.type("99")
        await page.keyboard.press("Escape")
        await expect(cell(page, 2, 2)).to_have_text("2")
        await page.keyboard.press("Control+Backspace")
        await expect(cell(page, 2, 2)).to_have_text("empty")
        await expect(page.locator("[data-pending]")).to_have_count(0)
        assert await shop.content("code qty") == [["first", 1200], ["A000002", None], ["A000003", 3]]
        await page.keyboard.press("Control+z")
        await expect(cell(page, 2, 2)).to_have_text("2")
        await page.keyboard.press("Control+z")
        await expect(cell(page, 1, 2)).to_have_text("1")
        await page.keyboard.press("Control+Shift+z")
        await expect(cell(page, 1, 2)).to_have_text("1,200")
        await expect(page.locator("[data-pending]")).to_have_count(0)
        assert (await shop.content("code qty"))[0] == ["first", 1200]


async def test_a_value_that_is_refused_stays_with_its_reason(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 3)
    async with at_grid(visit, shop) as (_, page):
        await page.keyboard.press("Control+Home")
        await page.keyboard.type("A000002")
        await page.keyboard.press("Enter")
        refused = cell(page, 1, 1)
        await expect(refused).to_have_attribute("aria-invalid", "true")
        await expect(refused).to_have_text("A000002")
        await page.keyboard.press("ArrowUp")
        await expect(page.get_by_role("alert")).to_have_text("Another row has this value already.")
        await page.keyboard.press("F2")
        await expect(page.get_by_role("textbox", name="code")).to_have_value("A000002")
        await page.keyboard.type("!")
        await page.keyboard.press("Enter")
        await expect(refused).not_to_have_attribute("aria-invalid", "true")
        await expect(page.locator("[data-pending]")).to_have_count(0)
        assert (await shop.content("code"))[0] == ["A000002!"]


async def test_a_large_paste_is_told_done_undone_and_redone(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 1_990)
    before = await shop.content()
    lines = [f"P{n}\t{n}\t{n}.50\tpaid\tnote {n}" for n in range(2_000)]
    async with at_grid(visit, shop) as (_, page):
        await page.keyboard.press("Control+Home")
        await paste(page, "\r\n".join(lines))
        dialog = page.get_by_role("dialog", name="Paste")
        await expect(dialog).to_contain_text("10 new rows")
        assert await shop.content() == before
        await dialog.get_by_role("button", name="Paste").click()
        await expect(page.get_by_text(re.compile("changes written"))).to_be_visible()
        await expect(page.get_by_role("status").get_by_text("2,000 rows")).to_be_visible()
        after = await shop.content()
        assert sorted(map(str, after)) == sorted(str([f"P{n}", n, float(n) + 0.5, f"note {n}"]) for n in range(2_000))
        await page.get_by_role("grid").focus()
        await page.keyboard.press("Control+z")
        await expect(page.get_by_role("status").get_by_text("1,990 rows")).to_be_visible()
        assert await shop.content() == before
        await page.keyboard.press("Control+Shift+z")
        await expect(page.get_by_role("status").get_by_text("2,000 rows")).to_be_visible()
        assert sorted(map(str, await shop.content())) == sorted(map(str, after))


async def test_bad_cells_of_a_paste_are_named_and_left_out(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 2)
    async with at_grid(visit, shop) as (_, page):
        await page.keyboard.press("Control+Home")
        await page.keyboard.press("ArrowRight")
        await paste(page, "7\t1.25\tlost\r\nmany\t\tPAID")
        dialog = page.get_by_role("dialog", name="Paste")
        await expect(dialog).to_contain_text("2 bad cells")
        await expect(dialog.get_by_role("row", name="many")).to_contain_text("This must be a whole number.")
        await dialog.get_by_role("button", name="Paste").click()
        await expect(dialog).to_be_hidden()
        await expect(cell(page, 2, 4)).to_have_text("paid")
        await expect(page.locator("[data-pending]")).to_have_count(0)
        assert await shop.content("qty price state") == [[7, 1.25, None], [2, None, "paid"]]


async def test_what_is_copied_is_what_a_spreadsheet_reads(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 2)
    async with at_grid(visit, shop) as (_, page):
        await page.keyboard.press("Control+Home")
        await page.keyboard.press("Shift+ArrowDown")
        await page.keyboard.press("Shift+ArrowRight")
        await page.keyboard.press("Shift+ArrowRight")
        await expect(page.get_by_text("6 cells in 2 rows selected")).to_be_visible()
        await page.keyboard.press("Control+c")
        copied = await page.evaluate("() => navigator.clipboard.readText()")
        assert copied.replace("\r\n", "\n") == "A000001\t1\t1.10\nA000002\t2\t2.20"


async def test_a_change_elsewhere_arrives_and_undo_leaves_it_alone(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 3)
    async with at_grid(visit, shop) as (_, mine), at_grid(visit, shop) as (_, theirs):
        await mine.bring_to_front()
        await mine.keyboard.press("Control+Home")
        await mine.keyboard.press("ArrowRight")
        await mine.keyboard.type("41")
        await mine.keyboard.press("Enter")
        await expect(cell(theirs, 1, 2)).to_have_text("41")
        await theirs.bring_to_front()
        await theirs.keyboard.press("Control+Home")
        await theirs.keyboard.press("ArrowRight")
        await theirs.keyboard.type("42")
        await theirs.keyboard.press("Enter")
        await expect(cell(mine, 1, 2)).to_have_text("42")
        await mine.bring_to_front()
        await mine.get_by_role("grid").focus()
        await mine.keyboard.press("Control+z")
        await expect(mine.get_by_text("left alone")).to_be_visible()
        await expect(cell(mine, 1, 2)).to_have_text("42")
        assert (await shop.content("qty"))[0] == [42]


async def test_switching_tables_in_the_middle_of_a_paste_mixes_nothing(
    shared_platform: Platform, visit: Visit
) -> None:
    shop = await open_shop(shared_platform, 1_500)
    async with at_grid(visit, shop) as (_, page):
        await page.keyboard.press("Control+Home")
        await page.keyboard.press("ArrowRight")
        await paste(page, "\n".join(["5"] * 1_500))
        await page.get_by_role("dialog").get_by_role("button", name="Paste").click()
        await page.get_by_role("link", name="Tables").first.click()
        await page.get_by_role("main").get_by_role("link", name="makers").click()
        await expect(page.get_by_text("No rows yet")).to_be_visible()
        await expect(page.get_by_text(re.compile("changes written"))).to_be_visible()
        assert await shop.content("qty") == [[5]] * 1_500


async def test_a_filter_a_search_and_an_order_are_in_the_address(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 300)
    async with at_grid(visit, shop) as (_, page):
        await page.get_by_role("button", name="Filter", exact=True).click()
        await page.get_by_label("Column").select_option("qty")
        await page.get_by_label("Condition").select_option("less")
        await page.get_by_label("Value").fill("2")
        await page.get_by_label("Value").press("Enter")
        await expect(page.get_by_role("status").get_by_text("6 rows")).to_be_visible()
        await page.get_by_role("columnheader", name="code").click()
        await page.get_by_role("columnheader", name="code").click()
        await expect(cell(page, 1, 1)).to_have_text("A000300")
        await page.reload()
        await expect(cell(page, 1, 1)).to_have_text("A000300")
        await expect(page.get_by_role("columnheader", name="code")).to_have_attribute("aria-sort", "descending")
        await page.get_by_role("textbox", name="Find in the table").fill("no such code")
        await expect(page.get_by_text("No row matches the filter")).to_be_visible()
        await page.get_by_role("button", name="Clear the filter").click()
        await expect(page.get_by_role("status").get_by_text("300 rows")).to_be_visible()


async def test_a_reference_shows_the_name_and_is_chosen_by_search(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 2)
    hostile = "<img src=x onerror=alert(1)> Ann"
    makers = [{"name": hostile}, {"name": "Bob"}]
    table = f"app_{shop.app_id}_makers"
    await shop.graphql(
        f"mutation M($o: [{table}_insert_input!]!) {{ insert_{table}(objects: $o) {{ affected_rows }} }}", o=makers
    )
    async with at_grid(visit, shop) as (_, page):
        await cell(page, 1, 6).click()
        await page.keyboard.type("ann")
        await expect(page.get_by_role("option", name="Ann")).to_have_attribute("aria-selected", "true")
        await expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(1)
        await page.keyboard.press("Enter")
        await expect(cell(page, 1, 6)).to_have_text(hostile)
        assert await page.locator("main img").count() == 0
        assert [row[0] for row in await shop.content("maker { name }")] == [{"name": hostile}, None]


async def test_rows_are_made_opened_and_deleted(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 1)
    async with at_grid(visit, shop) as (_, page):
        await page.get_by_role("button", name="New row").click()
        panel = page.get_by_role("complementary", name="New row")
        await panel.get_by_role("button", name="Create row").click()
        await expect(panel.get_by_text("This column must not be empty.")).to_be_visible()
        await panel.get_by_label("code").fill("A000001")
        await panel.get_by_role("button", name="Create row").click()
        await expect(panel.get_by_text("Another row has this value already.")).to_be_visible()
        await panel.get_by_label("code").fill("mine")
        await panel.get_by_role("button", name="Create row").click()
        await expect(cell(page, 2, 1)).to_have_text("mine")
        await cell(page, 2, 1).click()
        await page.keyboard.press("Space")
        row = page.get_by_role("complementary", name="Row")
        await expect(row.get_by_label("code")).to_have_value("mine")
        await page.reload()
        await expect(row.get_by_label("code")).to_have_value("mine")
        await row.get_by_label("note").fill("from the panel")
        await row.get_by_role("button", name="Save").click()
        await expect(cell(page, 2, 5)).to_have_text("from the panel")
        await row.get_by_role("button", name="Close").click()
        await expect(page).to_have_url(f"{page.url.split('?')[0]}")
        await cell(page, 1, 1).click()
        await page.keyboard.press("Control+Minus")
        await expect(cell(page, 1, 1)).to_have_text("mine")
        assert await shop.content("code") == [["mine"]]
        await page.keyboard.press("Control+z")
        await expect(cell(page, 2, 1)).to_have_text("A000001")
        assert sorted(await shop.content("code")) == [["A000001"], ["mine"]]


async def test_a_wide_table_paints_what_is_in_view(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 50)
    columns = [{"name": f"extra_{n:03}", "type": "text"} for n in range(290)]
    async with shared_platform.client(shop.caller) as client:
        answer = await client.put(f"/api/apps/{shop.slug}/edit_table/", json={"name": "items", "columns": columns})
        assert answer.status_code == 200, answer.text
    async with at_grid(visit, shop) as (_, page):
        grid = page.get_by_role("grid")
        await expect(grid).to_have_attribute("aria-colcount", "299")
        assert await page.get_by_role("gridcell").count() < 500
        await page.keyboard.press("End")
        await expect(cell(page, 1, 299)).to_be_in_viewport()
        assert await page.get_by_role("gridcell").count() < 500
        await page.keyboard.press("Home")
        await expect(cell(page, 1, 1)).to_be_in_viewport()


async def test_a_table_of_another_organization_is_not_there(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 3)
    stranger = await shared_platform.create_caller()
    async with visit() as visitor:
        await visitor.open("/sign-in")
        await visitor.sign_in(stranger.email, Platform.password)
        for path in (shop.path, f"/{stranger.organization_slug}/{shop.slug}/tables/items"):
            await visitor.open(f"{path}?row={uuid.uuid4()}")
            gone = visitor.page.get_by_role("heading", name="Not here")
            missing = visitor.page.get_by_role("heading", name="There is no table")
            await expect(gone.or_(missing).first).to_be_visible()
            assert "A00000" not in await visitor.page.content()
        inside = [status for status, url in visitor.answers if f"/{shop.slug}/" in url and "/api/" in url]
        assert inside
        assert set(inside) <= {403, 404}


async def test_axe_finds_nothing(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 30)
    found = {}
    async with at_grid(visit, shop) as (visitor, page):
        await page.keyboard.press("Shift+ArrowDown")
        found["grid"] = await visitor.findings_of_axe()
        await page.keyboard.press("F2")
        await expect(page.get_by_role("textbox", name="code")).to_be_focused()
        found["editor"] = await visitor.findings_of_axe()
        await page.keyboard.press("Escape")
        await cell(page, 1, 6).dblclick()
        await expect(page.get_by_role("listbox")).to_be_visible()
        found["reference"] = await visitor.findings_of_axe()
        await page.keyboard.press("Escape")
        await page.keyboard.press("Space")
        await expect(page.get_by_role("complementary")).to_be_visible()
        found["row"] = await visitor.findings_of_axe()
        await page.get_by_role("button", name="Filter", exact=True).click()
        await expect(page.get_by_label("Condition")).to_be_visible()
        found["filter"] = await visitor.findings_of_axe()
    assert [f"{screen}: {line}" for screen, lines in found.items() for line in lines] == []

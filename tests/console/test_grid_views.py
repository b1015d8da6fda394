"""Many rows at once: groups, saved views, what all that match get, and a server that is away for a while."""

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import text

from platform_api.accounts.models import Role
from tests.console.conftest import Visit
from tests.console.shop import at_grid, cell, open_shop
from tests.platform_api.conftest import Platform
from tests.waiting import eventually

pytestmark = pytest.mark.anyio


async def choose(page: Page, menu: str, item: str) -> None:
    """Opens the menu of views, which is named after the view, and chooses an item."""
    await page.get_by_role("button", name=menu).click()
    await page.get_by_role("menuitem", name=item).click()


async def test_groups_are_counted_and_narrow_the_rows(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 30)
    async with at_grid(visit, shop) as (visitor, page):
        async with shared_platform.client(shop.caller) as client:
            paid = {"filter": {"qty": {"_lt": 10}}, "set": {"state": "paid"}}
            await client.patch(f"/api/apps/{shop.slug}/table/items/update-rows/", json=paid)
        await page.get_by_label("Group by").select_option("Group by state")
        groups = page.get_by_role("navigation", name="Groups by state")
        await expect(groups.get_by_role("button")).to_have_text(["All", "empty21", "paid9"])
        await groups.get_by_role("button", name="paid").click()
        await expect(page.get_by_role("status").filter(has_text="9 rows")).to_be_visible()
        assert "group=state" in page.url
        assert "in=paid" in page.url
        assert await visitor.findings_of_axe() == []
        # An edit in the group is counted, and by whoever looks at the same address.
        await cell(page, 1, 4).dblclick()
        await page.get_by_role("gridcell").get_by_role("combobox", name="state").select_option("new")
        await page.keyboard.press("Enter")
        await expect(groups.get_by_role("button")).to_have_text(["All", "empty21", "new1", "paid8"])
        await page.reload()
        await expect(groups.get_by_role("button")).to_have_text(["All", "empty21", "new1", "paid8"])
        await page.get_by_label("Group by").select_option("No groups")
        await expect(page.get_by_role("status").filter(has_text="30 rows")).to_be_visible()


async def test_a_view_is_saved_shared_and_not_written_over(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 30)
    member = await shared_platform.create_colleague(shop.caller, Role.MEMBER)
    async with at_grid(visit, shop) as (_, page):
        await page.get_by_role("columnheader", name="qty").click()
        await page.get_by_role("columnheader", name="qty").click()
        await expect(cell(page, 1, 1)).to_have_text("A000030")
        await choose(page, "View: all rows (changed)", "Save as a new view")
        await page.get_by_label("Name").fill("Many first")
        await page.get_by_label("Share with all members").check()
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_role("button", name="View: Many first", exact=True)).to_be_visible()
        await expect(cell(page, 1, 1)).to_have_text("A000030")
        address = page.url
        assert "order" not in address
        async with visit() as other:
            await other.enter(member.email, Platform.password)
            await other.page.goto(address)
            await expect(cell(other.page, 1, 1)).to_have_text("A000030")
            await other.page.get_by_role("button", name="View: Many first").click()
            await expect(other.page.get_by_role("menuitem", name="Rename")).to_be_hidden()
            await other.page.keyboard.press("Escape")
        # Another window stores a newer revision: this one's change does not write over it.
        async with shared_platform.client(shop.caller) as client:
            path = f"/api/apps/{shop.slug}/table/items/views/"
            [view] = (await client.get(path)).json()["results"]
            renamed = await client.patch(f"{path}{view['id']}/", json={"base_revision": 1, "name": "Theirs"})
            assert renamed.status_code == 200, renamed.text
        await page.get_by_role("columnheader", name="code").click()
        await choose(page, "View: Many first (changed)", "Save changes")
        await expect(page.get_by_text("Somebody changed this view meanwhile")).to_be_visible()
        await choose(page, "View: Theirs (changed)", "Save changes")
        await expect(page.get_by_role("button", name="View: Theirs", exact=True)).to_be_visible()
        await choose(page, "View: Theirs", "Delete this view")
        await page.get_by_role("button", name="Delete", exact=True).click()
        await expect(page.get_by_role("button", name="View: all rows", exact=True)).to_be_visible()
        await expect(cell(page, 1, 1)).to_have_text("A000001")


async def test_all_that_match_are_changed_undone_and_deleted(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 450)
    before = await shop.content("qty note")
    async with at_grid(visit, shop) as (visitor, page):
        await cell(page, 1, 1).click()
        await cell(page, 3, 2).click(modifiers=["Shift"])
        await page.get_by_role("button", name="Select all 450 that match").click()
        await page.get_by_role("button", name="Change all …").click()
        assert await visitor.findings_of_axe() == []
        await page.get_by_label("Column").select_option("note")
        await page.get_by_label("New value").fill("seen")
        await page.get_by_role("button", name="Change 450 rows").click()
        await expect(page.get_by_text("450 rows changed")).to_be_visible()
        assert [note for _, note in await shop.content("qty note")] == ["seen"] * 450
        # Somebody's newer value stays when it is taken back.
        await shop.graphql(
            f'mutation {{ update_{shop.table}(where: {{code: {{_eq: "A000007"}}}}, _set: {{note: "newer"}}) '
            "{ affected_rows } }"
        )
        await page.get_by_role("grid").focus()
        await page.keyboard.press("Control+z")
        await expect(page.get_by_text("449 changes written")).to_be_visible()
        after = await shop.content("qty note")
        assert after[6][1] == "newer"
        assert [row for row in after if row[1] != "newer"] == [
            row for number, row in enumerate(before) if number != 6
        ]
        await page.keyboard.press("Control+a")
        await page.get_by_role("button", name="Delete all …").click()
        # Another row came meanwhile: the number that was shown is no longer true, so nothing is deleted.
        await shop.graphql(f'mutation {{ insert_{shop.table}_one(object: {{code: "late"}}) {{ id }} }}')
        await page.get_by_role("button", name="Delete 450 rows").click()
        await expect(page.get_by_role("alert").filter(has_text="none was deleted")).to_be_visible()
        await page.get_by_role("button", name="Delete 451 rows").click()
        await expect(page.get_by_text("No rows yet")).to_be_visible()
        assert await shop.content() == []


async def test_what_is_typed_while_the_server_is_away_is_saved_when_it_is_back(
    shared_platform: Platform, visit: Visit
) -> None:
    shop = await open_shop(shared_platform, 3)
    async with at_grid(visit, shop) as (visitor, page):
        await cell(page, 1, 5).click()
        async with visitor.offline():
            await page.keyboard.type("typed offline")
            await page.keyboard.press("Enter")
            await page.keyboard.type("and this")
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("alert").filter(has_text="Not saved")).to_be_visible()
            await expect(cell(page, 1, 5)).to_have_text("typed offline")
            assert [row[0] for row in await shop.content("note")] == [None] * 3
        await expect(page.get_by_role("alert").filter(has_text="Not saved")).to_be_hidden()
        await expect(page.get_by_text("Live", exact=True)).to_be_visible()

        async def is_stored() -> bool:
            return [row[0] for row in await shop.content("note")] == ["typed offline", "and this", None]

        await eventually(is_stored)


async def test_a_cell_of_forty_megabytes_does_not_take_the_page_down(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 3)
    async with shared_platform.client(shop.caller) as client:
        wide = {"name": "wide", "columns": [{"name": f"c{n}", "type": "json"} for n in range(294)]}
        assert (await client.post(f"/api/apps/{shop.slug}/new_table/", json=wide)).status_code == 200
    fill = (
        f"insert into public.app_{shop.app_id}_wide (organization_id, c0, c293)"  # a test
        " select :organization, jsonb_build_object('text', repeat('<b>&', :size)), '{\"last\": 1}'"
    )
    async with shared_platform.database.transaction() as session:
        for size in (1, 10_000_000):
            await session.execute(text(fill), {"organization": shop.caller.organization_id, "size": size})
    async with at_grid(visit, shop) as (_, page):
        await page.goto(page.url.replace("/items", "/wide"))
        await expect(page.get_by_role("grid")).to_have_attribute("aria-colcount", "297")
        await expect(cell(page, 2, 1)).to_have_text("…")
        await cell(page, 2, 1).dblclick()
        await expect(page.get_by_role("dialog", name="c0")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("grid")).to_be_focused()
        await page.keyboard.press("End")
        await expect(cell(page, 1, 297)).to_be_visible()
        # Alone, the small row is read whole.
        await page.keyboard.press("Home")
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("Space")
        await expect(page.get_by_role("complementary", name="Row").get_by_label("c0", exact=True)).to_have_value(
            '{"text":"<b>&"}'
        )

"""Days on which the network breaks off, answers are lost and others write meanwhile: nothing is lost or doubled."""

import asyncio
import re
from collections.abc import AsyncIterator
from functools import partial

import pytest
from playwright.async_api import Browser, Page, Route, expect
from sqlalchemy import text

from platform_api.accounts.models import Role
from tests.console.conftest import Visit
from tests.console.shop import Shop, at_grid, cell, open_shop
from tests.console.test_grid import paste
from tests.console.test_grid_cells import change
from tests.console.visitor import Visitor, visiting
from tests.console.wire import Wire, wire_to
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio


@pytest.fixture
async def wire(console_url: str) -> AsyncIterator[Wire]:
    async with wire_to(console_url) as wire:
        yield wire


@pytest.fixture
def visit_by_wire(browser: Browser, wire: Wire) -> Visit:
    """Opens a browser profile that reaches the platform by the wire."""
    return partial(visiting, browser, wire.url)


async def _notified(page: Page, words: str) -> None:
    """Waits for what a change says when it is done, and puts it away."""
    notice = page.get_by_role("alert").filter(has_text=re.compile(rf"^{words}"))
    await expect(notice).to_be_visible()
    await notice.get_by_role("button", name="Close").click()
    await expect(notice).to_be_hidden()


async def test_a_paste_whose_answers_are_lost_is_written_once_and_undone(
    shared_platform: Platform, wire: Wire, visit_by_wire: Visit
) -> None:
    shop = await open_shop(shared_platform, 1_500)
    before = await shop.content()
    pasted = [[f"P{n:04}", n, n + 0.5, None] for n in range(1_700)]
    async with at_grid(visit_by_wire, shop) as (visitor, page):
        visitor.expect_outage()
        await page.keyboard.press("Control+Home")
        await paste(page, "\n".join(f"{code}\t{qty}\t{price}" for code, qty, price, _ in pasted))
        # The browser itself sends the first again, and nobody hears of it.
        wire.lose_answer_to(b"mutation Write")
        await page.get_by_role("dialog", name="Paste").get_by_role("button", name="Paste").click()
        await wire.lost()
        wire.lose_answer_to(b"mutation Insert")
        await wire.lost()
        wire.cut()
        await expect(page.get_by_role("alert").filter(has_text="Not saved")).to_be_visible()
        wire.mend()
        await _notified(page, "4,700 changes written")
        await expect(page.get_by_role("status").get_by_text("1,700 rows")).to_be_visible()
        await expect(page.get_by_text("Live", exact=True)).to_be_visible()
        assert sorted(await shop.content()) == pasted
        wire.lose_answer_to(b"mutation Delete")
        await page.get_by_role("grid").focus()
        await page.keyboard.press("Control+z")
        await _notified(page, "4,700 changes written")
        await wire.lost()
        assert await shop.content() == before
        await page.get_by_role("grid").focus()
        await page.keyboard.press("Control+Shift+z")
        await _notified(page, "4,700 changes written")
        assert sorted(await shop.content()) == pasted


async def test_an_edit_and_a_deletion_whose_answer_is_lost_are_ones_own(
    shared_platform: Platform, wire: Wire, visit_by_wire: Visit
) -> None:
    shop = await open_shop(shared_platform, 3)
    async with at_grid(visit_by_wire, shop) as (visitor, page):
        visitor.expect_outage()
        wire.lose_answer_to(b"mutation Write")
        await cell(page, 1, 2).click()
        await page.keyboard.type("41")
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-pending]")).to_have_count(0)
        await expect(cell(page, 1, 2)).to_have_text("41")
        await expect(cell(page, 1, 2)).not_to_have_attribute("aria-invalid", "true")
        await wire.lost()
        wire.lose_answer_to(b"mutation Delete")
        await cell(page, 2, 1).click()
        await page.keyboard.press("Control+Minus")
        await _notified(page, "1 change written")
        assert [row[0] for row in await shop.content("code")] == ["A000001", "A000003"]
        await page.get_by_role("grid").focus()
        await page.keyboard.press("Control+z")
        await expect(page.get_by_role("status").get_by_text("3 rows")).to_be_visible()
        await page.keyboard.press("Control+z")
        await expect(cell(page, 1, 2)).to_have_text("1")
        await expect(page.locator("[data-pending]")).to_have_count(0)
        assert sorted(await shop.content("code qty")) == [["A000001", 1], ["A000002", 2], ["A000003", 3]]


async def test_edits_of_an_outage_are_saved_in_order_and_never_over_what_others_wrote(
    shared_platform: Platform, wire: Wire, visit_by_wire: Visit
) -> None:
    shop = await open_shop(shared_platform, 4)
    async with at_grid(visit_by_wire, shop) as (visitor, page):
        visitor.expect_outage()
        await cell(page, 1, 2).click()
        wire.cut()
        for value in ("11", "12", "13"):
            await page.keyboard.type(value)
            await page.keyboard.press("Enter")
        await cell(page, 1, 2).click()
        await page.keyboard.type("111")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert").filter(has_text="Not saved")).to_be_visible()
        await expect(page.get_by_role("status").filter(has_text="Offline")).to_be_visible()
        assert await visitor.findings_of_axe() == []
        # Those not sent yet are marked too.
        await expect(page.locator("[data-pending]")).to_have_count(3)
        await change(shop, "A000002", qty=52)
        await change(shop, "A000004", note="meanwhile")
        wire.mend()
        await expect(page.get_by_role("status").filter(has_text="Offline")).to_be_hidden()
        await expect(page.locator("[data-pending]")).to_have_count(0)
        await expect(cell(page, 4, 5)).to_have_text("meanwhile")
        await expect(cell(page, 1, 2)).to_have_text("111")
        refused = cell(page, 2, 2)
        await expect(refused).to_have_attribute("aria-invalid", "true")
        await refused.click()
        await expect(page.get_by_role("alert")).to_contain_text("Somebody else wrote “52” here meanwhile.")
        assert [row[0] for row in await shop.content("qty")] == [111, 52, 13, 4]


async def test_what_could_not_be_read_is_read_again_and_not_taken_for_deleted(
    shared_platform: Platform, visit: Visit
) -> None:
    shop = await open_shop(shared_platform, 3)
    failed = asyncio.Event()
    async with at_grid(visit, shop) as (visitor, page):
        visitor.expect_outage()

        async def refuse_once(route: Route) -> None:
            if failed.is_set() or "_in" not in (route.request.post_data or ""):
                return await route.continue_()
            failed.set()
            await route.abort()

        # The connection that tells of changes stays: only the answer fails.
        await page.route("**/v1/graphql", refuse_once)
        await change(shop, "A000002", note="from afar")
        await failed.wait()
        await expect(cell(page, 2, 5)).to_have_text("from afar")
        await expect(page.locator('[role=row][data-state="gone"]')).to_have_count(0)
        await expect(page.get_by_role("alert")).to_have_count(0)


async def test_a_network_that_goes_without_a_word_is_noticed_on_both_sides(
    shared_platform: Platform, visit: Visit, wire: Wire, visit_by_wire: Visit
) -> None:
    shop = await open_shop(shared_platform, 2)
    colleague = await shared_platform.create_colleague(shop.caller, Role.BUILDER)
    async with at_grid(visit, shop) as (_, near), visit_by_wire() as visitor:
        far = visitor.page
        visitor.expect_outage()
        await visitor.enter(colleague.email, Platform.password)
        await visitor.open(shop.path)
        there, here = near.get_by_text(f"{colleague.email} here"), far.get_by_text(f"{shop.caller.email} here")
        await expect(there).to_be_visible()
        await expect(here).to_be_visible()
        wire.freeze()
        await expect(there).to_have_count(0)
        await expect(here).to_have_count(0)
        await expect(far.get_by_text("Live", exact=True)).to_have_count(0)
        await change(shop, "A000001", note="while away")
        wire.thaw()
        await expect(there).to_be_visible()
        await expect(here).to_be_visible()
        await expect(far.get_by_text("Live", exact=True)).to_be_visible()
        await expect(cell(far, 1, 5)).to_have_text("while away")


async def test_a_subscription_that_is_lost_says_so(
    shared_platform: Platform, wire: Wire, visit_by_wire: Visit
) -> None:
    shop = await open_shop(shared_platform, 1)
    async with visit_by_wire() as visitor:
        page = visitor.page
        visitor.expect_outage()
        await visitor.enter(shop.caller.email, Platform.password)
        await visitor.open(f"/{shop.caller.organization_slug}/{shop.slug}/api")
        await page.get_by_role("textbox", name="Query").focus()
        await page.keyboard.press("Control+a")
        await page.keyboard.insert_text("subscription live { items { code } }")
        await page.get_by_role("button", name="Run", exact=True).click()
        await expect(page.get_by_role("region", name="Answer")).to_contain_text('"A000001"')
        wire.freeze()
        await expect(page.get_by_text("the connection was lost")).to_be_visible()
        wire.thaw()
        await page.get_by_role("button", name="Run", exact=True).click()
        await expect(page.get_by_text("Live", exact=True)).to_be_visible()


async def _stage(visitor: Visitor, shop: Shop, name: str) -> None:
    """Goes to the schema of the table, and plans a new column."""
    page = visitor.page
    await visitor.go(f"{shop.path}/schema")
    await page.get_by_role("button", name="New column").click()
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_role("button", name="Add to the plan").click()
    await expect(page.get_by_role("list", name="SQL")).to_contain_text(name)


async def test_an_apply_whose_answer_is_lost_is_known_as_ones_own_and_one_that_did_not_come_is_sent_again(
    shared_platform: Platform, wire: Wire, visit_by_wire: Visit
) -> None:
    shop = await open_shop(shared_platform, 2)
    async with at_grid(visit_by_wire, shop) as (visitor, page):
        visitor.expect_outage()
        await _stage(visitor, shop, "height")
        wire.lose_answer_to(b"PUT /api/apps")
        await page.get_by_role("button", name="Apply 1 change").click()
        await wire.lost()
        wire.cut()
        # Nobody knows yet whether it was done; the draft says neither.
        await expect(page.get_by_text("The server cannot be reached.")).to_be_visible()
        wire.mend()
        await expect(page.get_by_text("What you planned has been applied.")).to_be_visible()
        await expect(page.get_by_text("Somebody else changed this table")).to_have_count(0)
        await expect(page.get_by_text("What you change is collected here first.")).to_be_visible()
        await expect(page.get_by_role("button", name="Edit height")).to_be_visible()
        await _stage(visitor, shop, "width")
        wire.cut()
        await page.get_by_role("button", name="Apply 1 change").click()
        await expect(page.get_by_text("The server cannot be reached.")).to_be_visible()
        wire.mend()
        await expect(page.get_by_text("1 change is applied.")).to_be_visible()
        assert (await shop.content("height width"))[0] == [None, None]


async def test_an_apply_says_who_uses_the_table_and_waits_until_it_is_stopped(
    shared_platform: Platform, visit: Visit
) -> None:
    shop = await open_shop(shared_platform, 2)
    async with at_grid(visit, shop) as (visitor, page):
        await _stage(visitor, shop, "height")
        button = page.get_by_role("button", name="Apply 1 change")
        waiting = page.get_by_role("status").filter(has_text="is in use by")
        async with shared_platform.database.transaction() as session:
            await session.execute(text(f"lock table public.{shop.table} in access share mode"))  # a test
            await button.click()
            await expect(waiting).to_contain_text("another request or import of the platform, since")
            await expect(page.get_by_role("timer")).to_be_visible()
            assert await visitor.findings_of_axe() == []
            await page.get_by_role("button", name="Stop waiting").click()
            await expect(page.get_by_role("alert").filter(has_text="nothing was changed")).to_be_visible()
            await button.click()
            await expect(waiting).to_be_visible()
        await expect(page.get_by_text("1 change is applied.")).to_be_visible()
        assert (await shop.content("height"))[0] == [None]
        # A table in use is answered so, and is no fault of the page.
        visitor.problems[:] = [problem for problem in visitor.problems if "503" not in problem]

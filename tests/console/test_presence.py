"""Who else has a document open: seen by name in both browsers, gone with the tab, never by another organization."""

import pytest
from playwright.async_api import expect

from platform_api.accounts.models import Role
from tests.console.conftest import Visit
from tests.console.shop import open_shop
from tests.console.visitor import Visitor
from tests.platform_api.conftest import Caller, Platform

pytestmark = pytest.mark.anyio


async def _sign_in(visitor: Visitor, caller: Caller, path: str) -> None:
    await visitor.enter(caller.email, Platform.password)
    await visitor.open(path)


async def test_two_people_see_each_other_at_a_table_and_in_the_source(
    shared_platform: Platform, visit: Visit
) -> None:
    shop = await open_shop(shared_platform, 3)
    ann, bob = shop.caller, await shared_platform.create_colleague(shop.caller, Role.BUILDER)
    async with shared_platform.client(ann) as client:
        action = {"name": "Count", "app": shop.app_id, "entry": "count.py", "code": "print(1)\n"}
        assert (await client.post("/api/actions/", json=action)).status_code == 201
    code = f"/{ann.organization_slug}/{shop.slug}/code/count.py"
    async with visit() as one, visit() as other:
        await _sign_in(one, ann, shop.path)
        await _sign_in(other, bob, shop.path)
        await expect(one.page.get_by_text(f"{bob.email} here")).to_be_visible()
        await expect(other.page.get_by_text(f"{ann.email} here")).to_be_visible()
        assert await one.findings_of_axe() == []
        # In another document one is not there any more; in the same again, one is.
        await other.open(f"{shop.path}/schema")
        await expect(one.page.get_by_text("here", exact=False).filter(has_text=bob.email)).to_have_count(0)
        await one.open(f"{shop.path}/schema")
        await expect(one.page.get_by_text(f"{bob.email} here")).to_be_visible()
        for visitor in (one, other):
            await visitor.open(code)
        await expect(one.page.get_by_text(f"{bob.email} here")).to_be_visible()
        # A tab that is closed says nothing any more.
        await other.context.close()
        await expect(one.page.get_by_text(f"{bob.email} here")).to_have_count(0)


async def test_a_cell_that_a_colleague_edits_has_their_initials(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 3)
    ann, bob = shop.caller, await shared_platform.create_colleague(shop.caller, Role.MEMBER)
    async with visit() as one, visit() as other:
        await _sign_in(one, ann, shop.path)
        await _sign_in(other, bob, shop.path)
        await expect(one.page.get_by_text(f"{bob.email} here")).to_be_visible()
        edited = one.page.locator("[data-edited]")
        theirs = other.page.get_by_role("gridcell", name="A000002", exact=True)
        await theirs.dblclick()
        await expect(edited).to_have_text("A000002")
        await expect(edited).to_have_attribute("aria-description", f"{bob.email} is editing this cell")
        await expect(edited).to_have_attribute("title", f"{bob.email} is editing this cell")
        assert await one.findings_of_axe() == []
        # Nobody is told of oneself, and an edit that has ended is none.
        await expect(other.page.locator("[data-edited]")).to_have_count(0)
        await other.page.keyboard.press("Escape")
        await expect(edited).to_have_count(0)
        # In the panel of a row it is the field that has the focus.
        await theirs.click()
        await other.page.keyboard.press("Space")
        await other.page.get_by_role("complementary", name="Row").get_by_label("note").focus()
        await expect(edited).to_have_attribute("aria-colindex", "5")
        await other.context.close()
        await expect(edited).to_have_count(0)

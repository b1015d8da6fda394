"""What was typed into a form and not sent: there again when one comes back, gone when it was sent or discarded."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.console.conftest import Visit
from tests.console.shop import at_grid, cell, open_shop
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio


def notice(page: Page) -> Locator:
    return page.get_by_role("status").filter(has_text=re.compile("Your draft of .* is here"))


async def test_a_row_that_was_typed_and_not_saved_is_there_again(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 2)
    async with at_grid(visit, shop) as (visitor, page):
        await page.get_by_role("button", name="New row").click()
        panel = page.get_by_role("complementary", name="New row")
        await panel.get_by_label("code").fill("TYPED")
        await page.reload()
        await page.get_by_role("button", name="New row").click()
        await expect(panel.get_by_label("code")).to_have_value("TYPED")
        await expect(notice(page)).to_be_visible()
        assert await visitor.findings_of_axe() == []
        await panel.get_by_role("button", name="Discard the draft").click()
        await expect(panel.get_by_label("code")).to_have_value("")
        await panel.get_by_label("code").fill("SAVED")
        await expect(notice(page)).to_have_count(0)
        await panel.get_by_role("button", name="Create row").click()
        await expect(panel).to_have_count(0)
        await page.get_by_role("button", name="New row").click()
        await expect(panel.get_by_label("code")).to_have_value("")
        await panel.get_by_role("button", name="Close").click()

        # A row that somebody else has changed since then: what was typed is there, and what that means is said.
        await cell(page, 1, 1).click()
        await page.keyboard.press("Space")
        row = page.get_by_role("complementary", name="Row", exact=True)
        await row.get_by_label("note").fill("typed")
        await shop.graphql(
            'mutation { update_items(where: {code: {_eq: "A000001"}}, _set: {qty: 77}) { affected_rows } }'
        )
        await page.reload()
        await expect(row.get_by_label("note")).to_have_value("typed")
        await expect(row.get_by_label("qty")).to_have_value("77")
        await expect(notice(page)).to_contain_text("The row has been changed since then")


async def test_inputs_and_schedules_that_were_typed_are_there_again(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform)
    async with shared_platform.client(shop.caller) as client:
        action = {"name": "Count", "app": shop.app_id, "entry": "count.py", "code": "print(1)\n"}
        made = await client.post("/api/actions/", json=action)
        assert made.status_code == 201, made.text
        run = (await client.post(f"/api/actions/{made.json()['id']}/run/", json={})).json()
    org, app = shop.caller.organization_slug, shop.slug
    async with visit() as visitor:
        page = visitor.page
        await visitor.open("/sign-in")
        await visitor.sign_in(shop.caller.email, Platform.password)
        await expect(page.get_by_role("heading", name="Apps", exact=True)).to_be_visible()
        await visitor.open(f"/{org}/{app}/code/count.py")
        text = page.get_by_label("Input as JSON")
        await text.fill('{"n": 1}')
        await page.reload()
        await expect(text).to_have_value('{"n": 1}')
        await page.get_by_role("form", name="Run").get_by_role("button", name="Run", exact=True).click()
        await expect(page.get_by_text("Waiting for a runner")).to_be_visible()
        await page.reload()
        # It was run, and is among the last inputs.
        await expect(page.get_by_role("button", name="Last inputs")).to_be_visible()
        await expect(text).to_have_value("")

        await visitor.open(f"/{org}/{app}/actions/count?tab=triggers&schedule=new")
        dialog = page.get_by_role("dialog", name="New schedule")
        await dialog.get_by_label("Name").fill("Nightly")
        await dialog.get_by_label("When", exact=True).select_option("cron")
        await dialog.get_by_label("Cron expression").fill("0 3 * * *")
        await page.reload()
        await expect(dialog.get_by_label("Name")).to_have_value("Nightly")
        await expect(dialog.get_by_label("Cron expression")).to_have_value("0 3 * * *")
        await expect(notice(page)).to_be_visible()
        await dialog.get_by_role("button", name="Create schedule").click()
        await expect(dialog).to_have_count(0)

        await visitor.open(f"/{org}/runs/{run['run_id']}?tab=input")
        await page.get_by_role("button", name="Run again with other input").click()
        await text.fill("{half")
        await page.reload()
        await expect(text).to_have_value("{half")
        await page.get_by_role("button", name="Cancel", exact=True).last.click()
        await page.reload()
        await expect(page.get_by_role("button", name="Run again with other input")).to_be_visible()

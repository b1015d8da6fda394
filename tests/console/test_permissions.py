"""A builder limits members; what "view as" shows is what a member's own browser shows."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from platform_api.accounts.models import Role
from tests.console.conftest import Visit
from tests.console.shop import Shop, at_grid, open_shop
from tests.console.visitor import Visitor
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio


async def _shown(page: Page) -> dict[str, Any]:
    """What a person sees of the rows: columns, cells, the count, what is said about limits, and what can be done."""
    main = page.get_by_role("main")
    await expect(main.get_by_text("Live", exact=True)).to_be_visible()
    count = main.get_by_role("status").filter(has_text=re.compile(r"^[\d,]+ rows?$"))
    await expect(count).to_be_visible()
    cells = main.locator("[role=row][data-row] [role=gridcell]")
    return {
        "count": await count.inner_text(),
        "columns": await main.get_by_role("columnheader").all_inner_texts(),
        "cells": await cells.all_inner_texts(),
        "note": await main.get_by_role("note").all_inner_texts(),
        "add": await main.get_by_role("button", name="New row").count(),
    }


async def _save(page: Page) -> None:
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Saved. It holds from the next request")).to_be_visible()


async def _sentence(page: Page, rule: str, column: str, operator: str, value: str) -> None:
    """Adds a sentence to a rule."""
    group = page.get_by_role("group", name=rule, exact=True)
    await group.get_by_role("button", name="Add a sentence").click()
    sentence = group.get_by_role("group", name=f"{rule}, sentence 1")
    await sentence.get_by_label("Column").select_option(column)
    await sentence.get_by_label("Operator").select_option(operator)
    await sentence.get_by_label("Value", exact=True).fill(value)


async def test_view_as_member_shows_what_the_members_own_browser_shows(
    shared_platform: Platform, visit: Visit
) -> None:
    shop = await open_shop(shared_platform, rows=20)
    member = await shared_platform.create_colleague(shop.caller, Role.MEMBER)
    async with at_grid(visit, shop) as (visitor, page):
        await page.get_by_role("link", name="Permissions", exact=True).click()
        await expect(page.get_by_role("heading", name="Permissions of items")).to_be_visible()
        await expect(page.get_by_text("Members may do everything")).to_be_visible()
        await page.get_by_label("Members: Add").uncheck()
        await page.get_by_label("Members: Delete").uncheck()
        await _sentence(page, "Rows that members read", "qty", "_lte", "seven")
        read = page.get_by_role("group", name="Columns that members read")
        await read.get_by_label("All columns").uncheck()
        await read.get_by_label("price").uncheck()
        await read.get_by_label("note").uncheck()
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_role("alert").filter(has_text="must be a whole number")).to_be_visible()
        # What was typed is a draft: it is there after the page was left.
        await visitor.open(shop.path + "/permissions")
        await expect(page.get_by_text("Your draft of")).to_be_visible()
        await page.get_by_label("Value", exact=True).fill("7")
        rule = page.get_by_role("group", name="Rows that members read", exact=True)
        await rule.get_by_text("JSON", exact=True).click()
        await expect(rule.get_by_role("textbox")).to_have_value(re.compile(r'"qty": \{\s+"_lte": 7'))
        await _save(page)
        await page.get_by_role("button", name="As code").click()
        await page.get_by_role("tab", name="Hasura metadata").click()
        await expect(page.get_by_role("dialog").get_by_text("X-Hasura-Organization-Id").first).to_be_visible()
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="View as member").click()
        await expect(page.get_by_role("region", name="Viewing as somebody else")).to_be_visible()
        as_member = await _shown(page)
        await _ask_why(page, shop)
        async with visit() as own:
            await own.enter(member.email, Platform.password)
            await own.open(shop.path)
            assert await _shown(own.page) == as_member
            await _refused(own, shop)
    assert as_member["count"] == "7 rows"
    assert not {"price", "note"} & {text.split("\n")[0] for text in as_member["columns"]}
    assert as_member["add"] == 0
    assert "2 columns are hidden from you." in as_member["note"][0]
    assert "Your role may not add or delete rows." in as_member["note"][0]


async def _ask_why(page: Page, shop: Shop) -> None:
    rows = (await shop.graphql(f'{{ {shop.table}(where: {{code: {{_eq: "A000012"}}}}) {{ id }} }}'))[shop.table]
    await page.get_by_role("button", name="Why don’t I see a row?").click()
    await page.get_by_label("Id of the row").fill(rows[0]["id"])
    await page.get_by_label("Id of the row").press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text("The row is not visible.")).to_be_visible()
    await expect(dialog.get_by_text("Not met: qty is at most 7")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()


async def _refused(own: Visitor, shop: Shop) -> None:
    """A member changes what they may, cannot delete, and has no page of permissions."""
    page = own.page
    await page.get_by_role("grid").focus()
    await page.keyboard.press("Control+-")
    await expect(page.get_by_text("Your role may not delete rows")).to_be_visible()
    await expect(page.get_by_role("link", name="Permissions", exact=True)).to_have_count(0)
    await own.open(shop.path + "/permissions")
    await expect(page.get_by_text("Builders and owners set permissions")).to_be_visible()
    assert len(await shop.content("code")) == 20


async def test_axe_finds_nothing_and_a_conflict_is_shown(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, rows=3)
    findings = {}
    async with at_grid(visit, shop) as (visitor, page):
        await visitor.open(shop.path + "/permissions")
        await expect(page.get_by_text("Members may do everything")).to_be_visible()
        await visitor.settle()
        findings["empty"] = await visitor.findings_of_axe()
        await _sentence(page, "What a new row must be", "qty", "_gt", "0")
        add = page.get_by_role("group", name="Columns that are given a value")
        await add.get_by_role("button", name="Preset a column").click()
        change = page.get_by_role("group", name="Columns that members change")
        await change.get_by_label("All columns").uncheck()
        async with shared_platform.client(shop.caller) as client:
            path = f"/api/apps/{shop.slug}/table/items/permissions/member/"
            other = {"base_revision": 0, "read": {"rule": {"_not": {"maker": {"name": {"_eq": "x"}}}}}}
            assert (await client.put(path, json=other)).status_code == 200
        await expect(page.get_by_role("alert").filter(has_text="Somebody else changed")).to_be_visible()
        await expect(page.get_by_text("They changed: read.")).to_be_visible()
        findings["conflict"] = await visitor.findings_of_axe()
        await expect(page.get_by_role("button", name="Save", exact=True)).to_be_disabled()
        await page.get_by_role("button", name="Take theirs").click()
        await expect(page.get_by_text("This rule says more than a list")).to_be_visible()
        findings["full"] = await visitor.findings_of_axe()
        await page.get_by_role("button", name="Lift all limits").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_be_visible()
        findings["lifting"] = await visitor.findings_of_axe()
        await dialog.get_by_role("button", name="Lift all limits").click()
        await expect(page.get_by_text("Members may do everything")).to_be_visible()
    assert [f"{screen}: {line}" for screen, found in findings.items() for line in found] == []

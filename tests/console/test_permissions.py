"""A builder limits members; what "view as" shows is what a member's own browser shows."""

import re
from typing import Any

import pytest
from playwright.async_api import FilePayload, Page, expect

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


async def _limit(shop: Shop, revision: int, **rights: Any) -> None:
    path = f"/api/apps/{shop.slug}/table/items/permissions/member/"
    async with shop.platform.client(shop.caller) as client:
        answer = await client.put(path, json={"base_revision": revision, **rights})
    assert answer.status_code == 200, answer.text


async def test_a_member_is_offered_what_they_may_import_export_and_write(
    shared_platform: Platform, visit: Visit
) -> None:
    shop = await open_shop(shared_platform, rows=2)
    member = await shared_platform.create_colleague(shop.caller, Role.MEMBER)
    read = {"allowed": True, "columns": ["code", "qty"]}
    add = {"allowed": True, "columns": ["code", "note", "state"], "presets": {"state": "new"}}
    await _limit(shop, 0, read=read, add=add, change={"allowed": False}, delete={"allowed": True})
    async with visit() as visitor:
        page = visitor.page
        await visitor.open(f"/sign-in?next={shop.path}")
        await visitor.sign_in(member.email, Platform.password)
        await _write_what_is_not_read(page, shop)
        await page.get_by_role("link", name="Import, export").click()
        file: FilePayload = {"name": "a.csv", "mimeType": "text/csv", "buffer": b"code,qty,note\nM1,5,secret\n"}
        await page.get_by_role("button", name="New import").first.click()
        await page.get_by_label("CSV or Excel file").set_input_files(file)
        await expect(page.get_by_text("Your role may not fill qty, price and maker_id")).to_be_visible()
        await expect(page.get_by_text("The platform fills state.")).to_be_visible()
        await expect(page.get_by_label("Column for qty").locator("option")).to_have_text(
            ["Leave out", "id", "connection_id", "code", "note"]
        )
        await expect(page.get_by_label("Column for note")).to_have_value("note")
        await expect(page.get_by_role("option", name="Update it, by code")).to_be_disabled()
        await expect(page.get_by_text("Every row fits.")).to_be_visible()
        assert await visitor.findings_of_axe() == []
        await page.get_by_role("button", name="Import the file").click()
        await expect(page.get_by_text("1 row", exact=True)).to_be_visible()
        assert ["M1", None, None, "secret"] in await shop.content()
        await page.get_by_role("link", name="Imports of items").click()
        async with page.expect_download() as downloading:
            await page.get_by_role("button", name="Export all rows").click()
        saved = await (await downloading.value).path()
        assert saved.read_text("utf-8-sig").splitlines()[0].split(",")[-2:] == ["code", "qty"]

        await _limit(shop, 1, read=read, add={"allowed": False})
        await page.reload()
        await expect(page.get_by_role("note")).to_have_text(re.compile("^Your role may not add rows to this table"))
        await expect(page.get_by_role("button", name="New import")).to_have_count(0)
        await visitor.go(shop.path)
        await expect(page.get_by_role("link", name="Export", exact=True)).to_be_visible()
        closed = {"allowed": False}
        await _limit(shop, 2, read=closed, change=closed, delete=closed)
        await visitor.open(f"{shop.path}/imports")
        await expect(page.get_by_role("note")).to_have_text(re.compile("^Your role may not read this table"))
        await expect(page.get_by_role("button", name="Export all rows")).to_have_count(0)


async def _write_what_is_not_read(page: Page, shop: Shop) -> None:
    """A new row gets a value in a column that is hidden from its writer; undone and redone, it has it again."""
    await page.get_by_role("button", name="New row").click()
    panel = page.get_by_role("complementary", name="New row")
    await panel.get_by_label("code").fill("W1")
    await expect(panel.get_by_label("note")).to_have_accessible_description("You cannot read this afterwards.")
    await panel.get_by_label("note").fill("for the office")
    await expect(panel.get_by_label("price")).to_have_count(0)
    await panel.get_by_role("button", name="Create row").click()
    await expect(panel).to_be_hidden()
    row = page.locator("[role=row][data-row]").filter(has_text="W1")
    await expect(row).to_be_visible()
    await expect(row).not_to_contain_text("for the office")
    written = ["W1", None, None, "for the office"]
    assert written in await shop.content()
    grid = page.get_by_role("grid")
    await grid.focus()
    await grid.press("Control+z")
    await expect(row).to_be_hidden()
    assert written not in await shop.content()
    await grid.press("Control+Shift+Z")
    await expect(row).to_be_visible()
    assert written in await shop.content()

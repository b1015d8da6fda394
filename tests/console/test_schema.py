"""The schema of a table: planned before it is changed, live in every open grid, and safe beside other builders."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page, expect

from platform_api.accounts.models import Role
from platform_api.tables.ddl.column_types import ColumnType
from platform_api.tables.definition import Column, OnDelete, Reference, TableDefinition
from platform_api.tables.models import AppTable
from tests.console.conftest import Visit
from tests.console.shop import Shop, cell, open_shop
from tests.console.visitor import Visitor
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def at_schema(visit: Visit, shop: Shop) -> AsyncIterator[tuple[Visitor, Page]]:
    """A browser that shows the schema of the table."""
    async with visit() as visitor:
        await visitor.enter(shop.caller.email, Platform.password)
        await visitor.open(f"{shop.path}/schema")
        await expect(visitor.page.get_by_role("heading", name="Columns")).to_be_visible()
        yield visitor, visitor.page
        # What a page still waits for is given up, not answered too late.
        await visitor.leave()


async def apply(page: Page, label: str) -> None:
    """Applies the plan, and waits until it is done."""
    await page.get_by_role("button", name=label, exact=True).click()
    await expect(page.get_by_text("What you change is collected here first.")).to_be_visible()


async def test_a_required_column_a_rename_and_a_key_are_planned_on_rows(
    shared_platform: Platform, visit: Visit
) -> None:
    shop = await open_shop(shared_platform, 120)
    async with at_schema(visit, shop) as (visitor, page):
        grid = await visitor.context.new_page()
        await grid.goto(visitor.base_url + shop.path)
        await expect(grid.get_by_role("columnheader", name="code")).to_be_visible()

        # A required column: its plan says who lacks a value, and offers a default.
        await page.keyboard.press("n")
        await page.get_by_label("Name", exact=True).fill("weight")
        await page.get_by_label("Type").select_option(label="Exact decimal number")
        await page.get_by_label("Required").check()
        await expect(page.get_by_text("The table has 120 rows, which get this value.")).to_be_visible()
        await page.get_by_label("Name", exact=True).press("Control+Enter")
        await expect(page.get_by_text("120 rows have no value in weight")).to_be_visible()
        await expect(page.get_by_role("list", name="SQL")).to_contain_text("ACCESS EXCLUSIVE")
        await expect(page.get_by_role("button", name="Apply 1 change")).to_be_disabled()
        await page.get_by_role("button", name="Give weight a default").click()
        await page.get_by_label("Default").fill("1.5")
        await page.get_by_role("button", name="Change in the plan").click()
        await expect(page.get_by_role("list", name="SQL")).to_contain_text("DEFAULT '1.5' NOT NULL")
        await apply(page, "Apply 1 change")
        await expect(grid.get_by_role("columnheader", name="weight")).to_be_visible()

        # A renamed column keeps its values.
        await page.get_by_role("button", name="Edit code").click()
        await page.get_by_label("Name", exact=True).fill("sku")
        await page.get_by_label("Name", exact=True).press("Enter")
        await expect(page.get_by_role("list", name="SQL")).to_contain_text("RENAME")
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_text("1 change is applied.")).to_be_visible()
        await expect(grid.get_by_role("columnheader", name="sku")).to_be_visible()
        assert (await shop.content("sku weight"))[0] == ["A000001", 1.5]

        # A key that rows violate leads to them.
        await page.get_by_role("button", name="New unique key").click()
        form = page.get_by_role("form", name="New unique key")
        await form.get_by_label("qty").check()
        await form.get_by_label("qty").press("Control+Enter")
        await expect(page.get_by_text("40 rows have the same qty as another")).to_be_visible()
        await expect(page.get_by_role("button", name="Apply 1 change")).to_be_disabled()
        # What was staged is there after a reload.
        await page.reload()
        await expect(page.get_by_text("It was not saved.")).to_be_visible()
        await page.get_by_role("link", name="Rows with 1", exact=True).click()
        await expect(page.get_by_role("status").filter(has_text=re.compile("^2 rows$"))).to_be_visible()
        await page.go_back()
        await page.get_by_role("button", name="Discard", exact=True).click()
        await expect(page.get_by_role("button", name="Apply 1 change")).to_be_hidden()
        await grid.goto("about:blank")


async def test_two_builders_change_one_table(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 2)
    async with at_schema(visit, shop) as (_, first), at_schema(visit, shop) as (_, second):
        for page, name in ((first, "height"), (second, "width")):
            await page.get_by_role("button", name="New column").click()
            await page.get_by_label("Name", exact=True).fill(name)
            await page.get_by_role("button", name="Add to the plan").click()
            await expect(page.get_by_role("list", name="SQL")).to_contain_text(name)
        await apply(first, "Apply 1 change")
        # The other hears of it at once, sees what it was, and keeps the plan.
        notice = second.get_by_role("alert").filter(has_text="Somebody else changed this table")
        await expect(notice).to_contain_text("Column height is new.")
        await expect(second.get_by_role("button", name="Apply 1 change")).to_be_disabled()
        await second.get_by_role("button", name="Plan them on the table as it is now").click()
        await expect(notice).to_be_hidden()
        await expect(second.get_by_role("list", name="SQL")).to_contain_text("width")
        await apply(second, "Apply 1 change")
        await expect(first.get_by_role("button", name="Edit width")).to_be_visible()
    assert (await shop.content("height width"))[0] == [None, None]


async def test_a_table_is_made_arranged_and_deleted(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 2)
    findings = {}
    async with at_schema(visit, shop) as (visitor, page):
        await page.get_by_role("link", name="Tables", exact=True).first.click()
        await page.get_by_role("link", name="New table").click()
        await page.get_by_label("Name of the table").fill("orders")
        for name in ("number", "item_id"):
            await page.get_by_role("button", name="New column").click()
            await page.get_by_label("Name", exact=True).fill(name)
            if name == "item_id":
                await page.get_by_label("Type").select_option(label="Reference to a row")
                await page.get_by_label("Leads to a row of").select_option("items")
            findings[f"column {name}"] = await visitor.findings_of_axe()
            await page.get_by_role("button", name="Add to the plan").click()
        await expect(page.get_by_role("list", name="SQL")).to_contain_text("CREATE TABLE")
        # Columns are moved by keys; the focus goes with them.
        await page.get_by_role("button", name="Edit number").focus()
        await page.keyboard.press("Alt+ArrowDown")
        await expect(page.get_by_role("button", name="Edit number")).to_be_focused()
        await expect(page.get_by_role("row").nth(1)).to_contain_text("item_id")
        # The plan of the new order is there: a button that becomes enabled meanwhile has colours of both states.
        await expect(page.get_by_role("button", name="Create table")).to_be_enabled()
        findings["plan"] = await visitor.findings_of_axe()
        await page.get_by_role("button", name="Create table").click()
        await expect(page.get_by_role("columnheader", name="number")).to_be_visible()
        await page.get_by_role("link", name="Schema").click()
        await expect(page.get_by_role("row").nth(1)).to_contain_text("item_id")
        findings["schema"] = await visitor.findings_of_axe()

        await page.get_by_role("button", name="Delete this table").click()
        deleting = page.get_by_role("dialog", name="Delete orders?")
        await expect(deleting.get_by_role("button", name="Delete table")).to_be_disabled()
        await deleting.get_by_label("Type orders to delete it").fill("orders")
        await expect(deleting.get_by_role("button", name="Delete table")).to_be_enabled()
        findings["delete"] = await visitor.findings_of_axe()
        await deleting.get_by_role("button", name="Delete table").click()
        listed = page.get_by_role("main")
        await expect(listed.get_by_role("link", name="items", exact=True)).to_be_visible()
        await expect(listed.get_by_role("link", name="orders", exact=True)).to_be_hidden()
    assert [f"{screen}: {line}" for screen, found in findings.items() for line in found] == []


async def test_a_builder_views_a_table_as_a_member(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform, 3)
    member = await shared_platform.create_colleague(shop.caller, Role.MEMBER)
    async with at_schema(visit, shop) as (visitor, page):
        await page.get_by_role("link", name="Rows", exact=True).click()
        # Both pages have the button: one that goes while it is pressed takes no click.
        await expect(page.get_by_role("grid")).to_be_visible()
        await page.get_by_role("button", name="View as member").click()
        banner = page.get_by_role("region", name="Viewing as somebody else")
        await expect(banner).to_contain_text("You see what a member sees.")
        await expect(cell(page, 1, 1)).to_have_text("A000001")
        await expect(page.get_by_text("Live", exact=True)).to_be_visible()
        # What is typed is refused, and says why.
        await page.get_by_role("grid").focus()
        await page.keyboard.press("Control+Home")
        await page.keyboard.type("mine")
        await page.keyboard.press("Enter")
        await expect(cell(page, 1, 1)).to_have_attribute("aria-invalid", "true")
        await page.keyboard.press("ArrowUp")
        await expect(page.get_by_role("alert")).to_contain_text("You are viewing as a member")
        assert await shop.content("code") == [["A000001"], ["A000002"], ["A000003"]]
        assert await visitor.findings_of_axe() == []
        await visitor.open(f"{shop.path}/schema")
        await expect(page.get_by_role("heading", name="Builders and owners change tables")).to_be_visible()
        await visitor.settle()
        seen = await page.get_by_role("navigation").first.inner_text()
        await banner.get_by_role("button", name="End viewing").click()
        await expect(page.get_by_role("heading", name="Columns")).to_be_visible()
        await expect(banner).to_be_hidden()
        # One member by name, from the list of members.
        await visitor.open(f"/{shop.caller.organization_slug}/settings/members")
        await page.get_by_role("button", name=f"View as {member.email}").click()
        await expect(banner).to_contain_text(member.email)
        await visitor.open(f"{shop.path}/schema")
        await expect(page.get_by_role("heading", name="Builders and owners change tables")).to_be_visible()
        await visitor.settle()
        assert await page.get_by_role("navigation").first.inner_text() == seen
    async with visit() as visitor:
        await visitor.enter(member.email, Platform.password)
        await visitor.open(f"{shop.path}/schema")
        await expect(visitor.page.get_by_role("heading", name="Builders and owners change tables")).to_be_visible()
        await visitor.leave()


async def test_a_diagram_leads_to_tables_and_a_plan_to_what_uses_a_column(
    shared_platform: Platform, visit: Visit
) -> None:
    shop = await open_shop(shared_platform)
    view = {"name": "Paid", "content": {"where": {"_and": [{"state": {"_eq": "paid"}}]}}}
    async with shared_platform.client(shop.caller) as client:
        saved = await client.post(f"/api/apps/{shop.app_id}/table/items/views/", json=view)
        assert saved.status_code == 201, saved.text
    async with visit() as visitor:
        page = visitor.page
        await visitor.enter(shop.caller.email, Platform.password)
        await visitor.open(f"/{shop.caller.organization_slug}/{shop.slug}/tables?as=diagram")
        diagram = page.get_by_role("region", name="Diagram of the tables")
        await expect(diagram.get_by_role("link", name="items")).to_be_visible()
        await expect(diagram.get_by_role("img", name="leads to makers")).to_be_visible()
        await expect(diagram.locator(".react-flow__edge")).to_have_count(1)
        await diagram.get_by_role("button", name="Zoom in").click()
        await page.get_by_label("Tables around").select_option("makers")
        await expect(page).to_have_url(re.compile("around=makers"))
        assert await visitor.findings_of_axe() == []
        await diagram.get_by_role("link", name="items").press("Enter")
        await expect(page.get_by_role("heading", name="Columns")).to_be_visible()

        # A plan that drops a column names the view that filters by it, and leads there.
        await page.get_by_role("button", name="Remove state").click()
        await expect(page.get_by_role("link", name="view “Paid”")).to_have_attribute("href", re.compile("view="))
        await page.get_by_role("main").get_by_role("button", name="As code").last.click()
        code = page.get_by_role("dialog", name="Make these changes with a program")
        await expect(code).to_contain_text("configuration")
        await code.get_by_role("tab", name="SQL").click()
        await expect(code).to_contain_text("DROP COLUMN")
        assert await visitor.findings_of_axe() == []
        await visitor.leave()


async def test_two_hundred_tables_are_one_picture_that_can_be_used(shared_platform: Platform, visit: Visit) -> None:
    shop = await open_shop(shared_platform)
    async with shared_platform.database.transaction() as session:
        # What the picture is made of; rows of these tables are not looked at.
        columns = (Column(name="name", type=ColumnType.TEXT), Column(name="parent_id", type=ColumnType.REFERENCE))
        tables = [AppTable(app_id=shop.app_id, name=f"table_{n:03}", stored_definition={}) for n in range(198)]
        session.add_all(tables)
        await session.flush()
        for number, table in enumerate(tables):
            parent = tables[number // 3].id
            reference = Reference(
                column="parent_id",
                table_id=parent,
                on_delete=OnDelete.SET_NULL,
                object_relationship="parent",
                array_relationship=f"children_{number}",
            )
            table.definition = TableDefinition(
                app_id=shop.app_id, name=table.name, columns=columns, references=(reference,) if number else ()
            )
    async with visit() as visitor:
        page = visitor.page
        await visitor.enter(shop.caller.email, Platform.password)
        await visitor.open(f"/{shop.caller.organization_slug}/{shop.slug}/tables?as=diagram")
        diagram = page.get_by_role("region", name="Diagram of the tables")
        await expect(diagram.locator(".react-flow__node")).to_have_count(200)
        await expect(diagram.locator(".react-flow__edge")).to_have_count(198)
        # From so far away names cannot be read: what is searched comes near, and can be opened.
        await page.get_by_label("Search tables").fill("table_150")
        found = diagram.get_by_role("link", name="table_150")
        await expect(found).to_be_in_viewport()
        await page.get_by_label("Tables around").select_option("table_150")
        await expect(diagram.locator("[data-chosen]")).to_contain_text("table_150")
        await found.click()
        await expect(page.get_by_role("button", name="Edit parent_id")).to_be_visible()
        await visitor.leave()

"""Home, the inbox and the health of the installation, and what nobody else sees of them."""

from contextlib import suppress

import pytest
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Response, expect
from sqlalchemy import text

from tests.console.conftest import Visit
from tests.platform_api.conftest import Caller, Platform

pytestmark = pytest.mark.anyio


async def _notify(platform: Platform, caller: Caller, title: str, **body: object) -> None:
    async with platform.client(caller) as client:
        reply = await client.post("/api/notifications/", json={"title": title, **body})
    assert reply.status_code == 201, reply.text


async def test_what_needs_one_is_counted_comes_by_itself_and_is_done_by_keys(
    shared_platform: Platform, visit: Visit
) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    stranger = await shared_platform.create_caller()
    await _notify(shared_platform, stranger, "not for you")
    async with visit() as visitor:
        page = visitor.page
        await visitor.enter(owner.email, Platform.password)
        await visitor.open(f"/{owner.organization_slug}")
        needs_me = page.get_by_role("link", name="Needs me")
        await expect(needs_me).to_have_text("Needs me0")
        await expect(page.get_by_role("link", name="Running now")).to_have_text("Running now0")
        await expect(page.get_by_role("link", name="Failed today")).to_have_text("Failed today0")
        link = {"label": "See the app", "url": f"/{owner.organization_slug}/{app.slug}"}
        # Sent while the page is open, once the stream has begun.
        async with page.expect_request(lambda request: "notifications/stream" in request.url):
            await page.reload()
        await expect(needs_me).to_be_visible()
        await visitor.settle()
        await _notify(shared_platform, owner, "<b>first</b>", kind="warning", description="why\nand how")
        await _notify(shared_platform, owner, "second", actions=[link])
        await expect(needs_me).to_have_text("Needs me2")
        assert await visitor.findings_of_axe() == []

        await page.keyboard.press("g")
        await page.keyboard.press("i")
        await expect(page.get_by_role("heading", name="Inbox", level=1)).to_be_focused()
        items = page.get_by_role("list", name="Notifications").get_by_role("listitem")
        await expect(items).to_have_count(2)
        await expect(page.get_by_text("not for you")).to_be_hidden()
        await page.keyboard.press("j")
        await expect(page.get_by_role("link", name="second")).to_be_focused()
        await page.keyboard.press("e")
        await expect(page.get_by_role("button", name="Mark “second” as unread")).to_be_visible()
        await expect(items.nth(1).locator("[data-item]")).to_be_focused()
        await page.keyboard.press("k")
        await page.keyboard.press("u")
        await expect(page.get_by_role("button", name="Mark “second” as read")).to_be_visible()
        assert await visitor.findings_of_axe() == []
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name=app.name, level=1)).to_be_visible()
        await page.go_back()
        await page.get_by_role("button", name="Mark all as read").click()
        await expect(page.get_by_text("Nothing needs you")).to_be_visible()
        assert await visitor.findings_of_axe() == []
        await page.get_by_text("All", exact=True).click()
        await expect(items).to_have_count(2)

        await page.keyboard.press("g")
        await page.keyboard.press("h")
        await expect(page.get_by_role("heading", name="Apps", exact=True)).to_be_focused()
        await page.keyboard.press("/")
        await page.keyboard.type("no such app")
        await expect(page.get_by_text("No app matches “no such app”")).to_be_visible()
        await page.get_by_role("button", name="Clear the search").click()
        await expect(page.get_by_role("heading", name=app.name)).to_be_visible()
        await page.get_by_role("heading", name="Apps", exact=True).focus()
        await page.keyboard.press("n")
        await expect(page.get_by_role("heading", name="New app")).to_be_focused()


async def test_operators_see_the_health_and_others_why_not(shared_platform: Platform, visit: Visit) -> None:
    operator = await shared_platform.create_caller(is_operator=True)
    owner = await shared_platform.create_caller()
    async with visit() as visitor:
        page = visitor.page
        await visitor.open("/admin/health")
        await visitor.sign_in(operator.email, Platform.password)
        checks = page.get_by_role("list", name="Checks")
        await expect(checks.get_by_text("The database answers.")).to_be_visible()
        await expect(checks.get_by_text("No runner takes runs")).to_be_visible()
        await expect(checks.get_by_text(f"automio runner --server {visitor.base_url}", exact=True)).to_be_visible()
        await expect(page.get_by_role("button", name="Copy report")).to_be_visible()
        assert await visitor.findings_of_axe() == []
        await visitor.open(f"/{operator.organization_slug}")
        await page.get_by_role("button", name="Account of").click()
        await page.get_by_role("menuitem", name="Health of the installation").click()
        await expect(page.get_by_role("heading", name="Health of the installation")).to_be_visible()
    async with visit() as visitor:
        await visitor.open("/admin/health")
        await visitor.sign_in(owner.email, Platform.password)
        await expect(visitor.page.get_by_text("for the operators of the installation")).to_be_visible()
        assert await visitor.findings_of_axe() == []


async def test_who_is_in_no_organization_begins_one(shared_platform: Platform, visit: Visit) -> None:
    user = await shared_platform.create_user()
    async with visit() as visitor:
        page = visitor.page
        await visitor.open("/sign-in")
        await visitor.sign_in(user.email, Platform.password)
        await expect(page.get_by_role("heading", name="You are in no organization")).to_be_visible()
        assert await visitor.findings_of_axe() == []
        await page.get_by_role("button", name="New organization").click()
        await page.get_by_label("Name").fill("Anew & Co")
        await page.get_by_label("Name").press("Enter")
        await expect(page.get_by_role("button", name="Switch organization, now Anew & Co")).to_be_visible()
        await expect(page.get_by_text("No apps yet")).to_be_visible()


async def test_the_switcher_finds_one_organization_among_many(shared_platform: Platform, visit: Visit) -> None:
    owner = await shared_platform.create_caller()
    async with shared_platform.client(owner) as client:
        for number in range(10):
            await client.post("/api/organizations/", json={"name": f"Branch {number}"})
    async with visit() as visitor:
        page = visitor.page
        await visitor.enter(owner.email, Platform.password)
        await visitor.open(f"/{owner.organization_slug}")
        await page.get_by_role("button", name="Switch organization").click()
        await page.get_by_role("menuitem", name="All organizations").click()
        await page.get_by_label("Search organizations").fill("branch 9")
        found = page.get_by_role("list", name="Found organizations")
        await expect(found.get_by_role("listitem")).to_have_count(1)
        assert await visitor.findings_of_axe() == []
        await found.get_by_role("link", name="Branch 9").click()
        await expect(page.get_by_role("button", name="Switch organization, now Branch 9")).to_be_visible()


async def test_tables_are_found_by_the_server_and_tagged(shared_platform: Platform, visit: Visit) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    async with shared_platform.client(owner) as client:
        for name in ("orders", "order_lines", "customers"):
            assert (await client.post(f"/api/apps/{app.id}/new_table/", json={"name": name})).status_code == 200
    async with visit() as visitor:
        page = visitor.page
        await visitor.enter(owner.email, Platform.password)
        await visitor.open(f"/{owner.organization_slug}/{app.slug}/tables")
        tree = page.get_by_role("list", name="Tables of the app")
        await expect(tree.get_by_role("listitem")).to_have_count(3)
        await page.get_by_role("button", name="Add a tag to orders").click()
        await page.get_by_label("Tag", exact=True).fill("billing")
        await page.get_by_label("Tag", exact=True).press("Enter")
        taken_off = page.get_by_role("button", name="Take the tag billing off orders")
        await expect(taken_off).to_be_visible()
        await visitor.settle()
        assert await visitor.findings_of_axe() == []
        await page.get_by_label("Search tables").fill("ORDER")
        await expect(page.get_by_role("main").get_by_role("link", name="customers")).to_be_hidden()
        await expect(page.get_by_role("main").get_by_role("link", name="order_lines")).to_be_visible()
        await taken_off.click()
        await expect(taken_off).to_be_hidden()
        await tree.get_by_role("link", name="customers").click()
        await expect(page.get_by_role("heading", name="customers", level=1)).to_be_visible()


async def test_ten_thousand_tables_are_shown_in_parts(shared_platform: Platform, visit: Visit) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    async with shared_platform.client(owner) as client:
        assert (await client.post(f"/api/apps/{app.id}/new_table/", json={"name": "t00000"})).status_code == 200
    async with shared_platform.database.transaction() as session:
        statement = text(
            "insert into platform.app_tables (app_id, name, description, definition)"
            " select app_id, name, '', jsonb_set(definition::jsonb, '{name}', to_jsonb(name))::json from ("
            "  select app_id, definition, 't' || lpad(n::text, 5, '0') as name"
            "  from platform.app_tables, generate_series(1, 9999) n where app_id = :app) as copies"
        )
        await session.execute(statement, {"app": app.id})
    async with visit() as visitor:
        page, sizes = visitor.page, dict[str, int]()

        async def measure(response: Response) -> None:
            if "/api/" in response.url and "stream" not in response.url:
                with suppress(PlaywrightError):  # given up, because the page went elsewhere
                    sizes[response.url] = len(await response.body())

        page.on("response", measure)
        await visitor.enter(owner.email, Platform.password)
        await visitor.open(f"/{owner.organization_slug}")
        await expect(page.get_by_role("heading", name=app.name)).to_be_visible()
        address = f"/{owner.organization_slug}/{app.slug}"
        for path, heading in (("", app.name), ("/tables", "Tables"), ("/tables/t09999", "t09999"), ("/api", "API")):
            await visitor.go(address + path)
            await expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()
            await visitor.settle()
            assert visitor.problems == [], path
        await visitor.go(f"{address}/tables")
        await page.get_by_label("Search tables").fill("t0777")
        await expect(page.get_by_role("main").get_by_role("link", name="t07779")).to_be_visible()
        await page.keyboard.press("Control+k")
        await expect(page.get_by_label("Search pages and commands")).to_be_focused()
        await visitor.settle()
        assert {url: size for url, size in sizes.items() if size > 250_000} == {}

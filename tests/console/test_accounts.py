"""Signing in and out, a sign-in that ends, and the pages of another organization."""

import httpx
import pytest
from playwright.async_api import expect

from tests.console.conftest import Visit
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio


async def test_a_person_signs_in_and_out_by_keyboard_alone(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    app = await shared_platform.create_app(caller)
    async with visit() as visitor:
        page = visitor.page
        await visitor.open("/")
        await expect(page.get_by_label("E-mail")).to_be_focused()
        await page.keyboard.type(caller.email)
        await page.keyboard.press("Tab")
        await page.keyboard.type("a wrong password")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("wrong")
        await expect(page.get_by_label("Password", exact=True)).to_be_focused()
        await page.keyboard.type(Platform.password)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name=app.name)).to_be_visible()
        await expect(page).to_have_url(f"{visitor.base_url}/{caller.organization_slug}")

        await page.get_by_role("button", name="Account of").focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("menuitem", name="Sign out").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("E-mail")).to_be_visible()
        await visitor.open(f"/{caller.organization_slug}")
        await expect(page.get_by_role("heading", name=app.name)).to_be_hidden()


async def test_a_sign_in_leads_to_the_page_that_was_asked_for(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    app = await shared_platform.create_app(caller)
    async with visit() as visitor:
        await visitor.open(f"/api/apps/graphql/?app={app.id}")
        await visitor.sign_in(caller.email, Platform.password)
        await expect(visitor.page).to_have_url(f"{visitor.base_url}/api/apps/graphql/?app={app.id}")
        await visitor.settle()


@pytest.mark.parametrize("target", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)"])
async def test_a_sign_in_leads_to_no_foreign_page(shared_platform: Platform, visit: Visit, target: str) -> None:
    caller = await shared_platform.create_caller()
    async with visit() as visitor:
        await visitor.page.goto(str(httpx.URL(visitor.base_url + "/sign-in", params={"next": target})))
        await visitor.sign_in(caller.email, Platform.password)
        await expect(visitor.page).to_have_url(f"{visitor.base_url}/{caller.organization_slug}")


async def test_a_sign_in_that_ends_is_renewed_over_the_page(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    async with visit() as visitor:
        page = visitor.page
        await visitor.open("/sign-in")
        await visitor.sign_in(caller.email, Platform.password)
        await page.get_by_role("link", name="New app").first.click()
        await page.get_by_label("Name").fill("Typed before")
        await visitor.context.clear_cookies()
        await page.get_by_role("button", name="Create app").click()
        await expect(page.get_by_role("dialog", name="Your sign-in has ended")).to_be_visible()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_label("E-mail")).to_have_value(caller.email)
        await dialog.get_by_label("Password", exact=True).fill(Platform.password)
        await dialog.get_by_label("Password", exact=True).press("Enter")
        await expect(page.get_by_role("heading", name="Typed before", level=1)).to_be_visible()
    async with shared_platform.client(caller) as client:
        apps = (await client.get("/api/apps/")).json()["results"]
    assert [app["name"] for app in apps] == ["Typed before"]


async def test_nothing_of_another_organization_is_answered(shared_platform: Platform, visit: Visit) -> None:
    caller, stranger = [await shared_platform.create_caller() for _ in range(2)]
    app = await shared_platform.create_app(stranger)
    async with visit() as visitor:
        await visitor.open("/sign-in")
        await visitor.sign_in(caller.email, Platform.password)
        await expect(visitor.page.get_by_role("heading", name="Apps", exact=True)).to_be_visible()
        for path in ("", f"/{app.slug}", "/apps/new"):
            await visitor.leave()
            visitor.answers.clear()
            await visitor.open(f"/{stranger.organization_slug}{path}")
            await expect(visitor.page.get_by_text("Not here, or not yours")).to_be_visible()
            await expect(visitor.page.get_by_text(app.name)).to_be_hidden()
            assert [url for status, url in visitor.answers if url.startswith("/api/") and status == 200] == []

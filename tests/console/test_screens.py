"""The frame of every page: its menus, its palette, its keys, and that pages keep to their policy."""

import re

import pytest
from playwright.async_api import expect

from tests.console.conftest import Visit
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio


async def test_axe_finds_nothing_in_the_menus(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    findings = {}
    async with visit() as visitor:
        page = visitor.page
        await visitor.enter(caller.email, Platform.password)
        await visitor.open(f"/{caller.organization_slug}")
        await page.get_by_role("button", name="Switch organization").click()
        await expect(page.get_by_role("menuitem").first).to_be_visible()
        findings["organizations"] = await visitor.findings_of_axe()
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Account of").click()
        await expect(page.get_by_role("menuitem", name="Sign out")).to_be_visible()
        findings["account"] = await visitor.findings_of_axe()
    assert [f"{screen}: {line}" for screen, found in findings.items() for line in found] == []


async def test_names_are_never_markup(shared_platform: Platform, visit: Visit) -> None:
    hostile = '<img src=x onerror="document.title=1"><script>document.title=2</script>{{7*7}} \u202eمرحبا 👩‍💻'
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        created = (await client.post("/api/apps/", json={"name": hostile, "description": hostile})).json()
    async with visit() as visitor:
        await visitor.open("/sign-in")
        await visitor.sign_in(caller.email, Platform.password)
        await expect(visitor.page.get_by_role("heading", name="{{7*7}}")).to_be_visible()
        await visitor.open(f"/{caller.organization_slug}/{created['slug']}")
        heading = visitor.page.get_by_role("heading", level=1)
        await expect(heading).to_have_text(hostile)
        assert await visitor.page.locator("main img").count() == 0


async def test_a_change_is_laid_out_at_once_for_who_wants_less_motion(visit: Visit) -> None:
    async with visit() as visitor:
        await visitor.open("/sign-in")
        heights = """() => {
            const element = document.body.appendChild(document.createElement("div"));
            const seen = [10, 20, 30].map((height) => {
                element.style.height = `${height}px`;
                return element.offsetHeight;
            });
            element.remove();
            return seen;
        }"""
        assert await visitor.page.evaluate(heights) == [10, 20, 30]


async def test_every_answer_has_a_nonce_of_its_own(shared_platform: Platform) -> None:
    seen = set()
    async with shared_platform.client(headers={"Accept": "text/html"}) as client:
        for path in ("/", "/acme", "/acme/orders/code/lib/count.py", "/sign-in", "/invite/some-token"):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), path
            policy = answer.headers["content-security-policy"]
            assert "unsafe" not in policy and "script-src 'self';" in policy
            (nonce,) = re.findall(r"'nonce-([^']+)'", policy)
            assert f'content="{nonce}"' in answer.text
            seen.add(nonce)
    assert len(seen) == 5


async def test_a_program_gets_an_error_and_no_page(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client() as client:
        for path, headers in (
            ("/no-such-thing", {}),
            ("/no-such-thing", {"Accept": "application/json"}),
            ("/no-such-thing", {**caller.headers, "Accept": "text/html"}),
            ("/api/no-such-thing/", {"Accept": "text/html"}),
            ("/static/console/no-such-thing.js", {"Accept": "text/html"}),
            ("/static/console/.built-from", {"Accept": "text/html"}),
            ("/static/console/.vite/manifest.json", {"Accept": "text/html"}),
            ("/favicon.ico", {"Accept": "text/html"}),
        ):
            answer = await client.get(path, headers=headers)
            assert answer.status_code == 404, path
            assert "detail" in answer.json()
        assert (await client.post("/no-such-thing", headers={"Accept": "text/html"})).status_code == 404


async def test_the_palette_goes_places_and_lists_the_keys(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    app = await shared_platform.create_app(caller)
    async with visit() as visitor:
        page = visitor.page
        await visitor.open("/sign-in")
        await visitor.sign_in(caller.email, Platform.password)
        await expect(page.get_by_role("heading", name=app.name)).to_be_visible()
        await page.keyboard.press("Control+k")
        await expect(page.get_by_label("Search pages and commands")).to_be_focused()
        assert await visitor.findings_of_axe() == []
        await page.keyboard.type(app.name)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name=app.name, level=1)).to_be_focused()
        await page.keyboard.press("g")
        await page.keyboard.press("h")
        await expect(page.get_by_role("heading", name="Apps", exact=True)).to_be_focused()
        await page.keyboard.press("/")
        await page.keyboard.type("g h?")
        await expect(page.get_by_label("Search apps")).to_have_value("g h?")
        await page.get_by_role("heading", name="Apps", exact=True).focus()
        await page.keyboard.press("?")
        keys = page.get_by_role("dialog", name="Keys of this screen")
        await expect(keys.get_by_text("Search this screen")).to_be_visible()
        assert await visitor.findings_of_axe() == []
        await keys.get_by_label("Keys without Ctrl or Alt").uncheck()
        await page.keyboard.press("Escape")
        await expect(keys).to_be_hidden()
        await page.keyboard.press("g")
        await page.keyboard.press("o")
        await page.keyboard.press("Control+k")
        await expect(page.get_by_label("Search pages and commands")).to_be_focused()

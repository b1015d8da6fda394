"""Completion, problems and navigation by a real language server in the sandbox, from the editor."""

import contextlib
import os
import re
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from platform_api.supervisor.testing import Installation
from tests.console.editor import paste, write
from tests.console.visitor import Scheme, Visitor, visiting
from tests.console.wire import wire_to
from tests.language_servers import language_server_pids
from tests.memory import quick_directory

pytestmark = pytest.mark.anyio

CODE = """from automio.wrapper import API
from shared import total

api = API()
print(total(2))

"""
COLUMNS = [{"name": "buyer", "type": "text"}, {"name": "paid", "type": "boolean"}]
SHARED = """def total(count: int) -> int:
    return count + 1
"""


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """A platform with a runner."""
    environment = {"PATH": os.environ["PATH"]}
    with (
        tempfile.TemporaryDirectory(prefix="aml-", dir=quick_directory()) as directory,
        Installation(Path(directory) / "data", environment=environment) as running,
    ):
        yield running


@pytest.fixture
def app(installation: Installation) -> dict[str, Any]:
    """An app with a table, an action and a module that it shares."""
    with installation.client() as client:
        made: dict[str, Any] = client.post("/api/apps/", json={"name": f"Code {os.urandom(3).hex()}"}).json()
        add_table(client, made, "orders")
        action = {"name": "count", "app": made["id"], "entry": "count.py", "code": CODE}
        assert client.post("/api/actions/", json=action).status_code == 201
        saving = {"base_version": 1, "changes": {"shared.py": SHARED}}
        assert client.patch(f"/api/apps/{made['id']}/source/", json=saving).status_code == 201
        made["org"] = client.get("/api/me/").json()["organization"]["slug"]
    return made


def add_table(client: Any, app: dict[str, Any], name: str) -> None:
    made = client.post(f"/api/apps/{app['id']}/new_table/", json={"name": name, "columns": COLUMNS})
    assert made.status_code == 200, made.text


@asynccontextmanager
async def editing(
    browser: Browser,
    installation: Installation,
    app: dict[str, Any],
    scheme: Scheme = "light",
    url: str | None = None,
) -> AsyncIterator[tuple[Visitor, Page]]:
    """Opens the file of the action in a browser that is signed in, and waits for the language server."""
    async with visiting(browser, url or installation.url, scheme=scheme) as visitor:
        await visitor.enter(installation.admin["email"], installation.admin["password"])
        await visitor.open(f"/{app['org']}/{app['slug']}/code/count.py")
        await expect(visitor.page.locator(".cm-content")).to_be_visible()
        await ready(visitor.page)
        yield visitor, visitor.page


async def ready(page: Page) -> None:
    await expect(page.locator('[data-completion="ready"]')).to_be_attached()


async def type_line(page: Page, text: str) -> None:
    """Types a line at the end of the file."""
    await page.locator(".cm-content").focus()
    await page.keyboard.press("Control+End")
    await page.keyboard.type(text, delay=20)


def option(page: Page, name: str) -> Any:
    return page.locator(".cm-tooltip-autocomplete li").filter(has_text=name)


async def test_names_are_completed_also_those_that_come_while_one_types(
    browser: Browser, installation: Installation, app: dict[str, Any]
) -> None:
    async with editing(browser, installation, app) as (_, page):
        await type_line(page, "api.")
        await expect(option(page, "tables")).to_be_visible()
        await type_line(page, 'tables.graphql("')
        await expect(option(page, "orders").first).to_be_visible()
        await page.keyboard.type("ord", delay=20)
        await expect(option(page, "orders").first).to_be_visible()
        # By a click: Enter is a new line while the list has just come.
        line = page.locator(".cm-line").nth(6)
        for _ in range(20):
            await option(page, "orders").first.click()
            with contextlib.suppress(AssertionError):
                await expect(line).to_have_text('api.tables.graphql("orders")', timeout=1000)
                break
        await expect(line).to_have_text('api.tables.graphql("orders")')
        # A column that is added elsewhere, in a row's type.
        await page.keyboard.press("Control+End")
        # Pasted: a new line that is typed may take a completion instead, when a list is open just then.
        await paste(page, "\nfrom automio.rows import Orders\nrow: Orders = {}\n")
        await expect(page.locator(".cm-line").nth(8)).to_have_text("row: Orders = {}")
        with installation.client() as client:
            columns = [*COLUMNS, {"name": "shipped", "type": "date"}]
            path = f"/api/apps/{app['id']}/table/orders/configuration/"
            assert client.put(path, json={"columns": columns}).status_code == 200
        await page.keyboard.type('row["', delay=20)
        await expect(page.locator(".cm-line").nth(9)).to_have_text('row[""]')
        # A list that came before is asked for again. How quickly it is known, tests of the server say.
        began = time.monotonic()
        while await option(page, "shipped").count() == 0:
            assert time.monotonic() - began < 240
            await page.keyboard.press("Escape")
            await page.keyboard.press("Control+Space")
            await expect(page.locator(".cm-tooltip-autocomplete li").first).to_be_visible()


async def test_a_mistake_is_marked_until_it_is_mended_and_keys_lead_on(
    browser: Browser, installation: Installation, app: dict[str, Any]
) -> None:
    async with editing(browser, installation, app) as (visitor, page):
        await type_line(page, 'total("two")')
        await expect(page.locator(".cm-lintRange-error").first).to_be_visible()
        await page.get_by_role("tab", name="Problems 1").click()
        await expect(page.get_by_role("button", name="line 7")).to_be_visible()
        assert await visitor.findings_of_axe() == []
        await page.locator(".cm-content").focus()
        for _ in range(7):
            await page.keyboard.press("Backspace")
        await page.keyboard.type("(2)")
        await expect(page.locator(".cm-lintRange-error")).to_have_count(0)
        # To the definition, in another file, and to all uses of it.
        await page.keyboard.press("Home")
        await page.keyboard.press("Shift+F12")
        await expect(page.get_by_role("tab", name="Uses 4")).to_be_visible()
        await page.locator(".cm-content").focus()
        await page.keyboard.press("F12")
        await expect(page.locator(".cm-content")).to_have_attribute("aria-label", "Text of shared.py")
        # Renamed where it is defined, and in the file that uses it.
        await page.locator(".cm-content").focus()
        await page.keyboard.press("F2")
        await page.get_by_label("New name").fill("summed")
        await page.keyboard.press("Enter")
        await expect(page.locator(".cm-line").first).to_have_text("def summed(count: int) -> int:")
        await page.get_by_title("count.py", exact=True).click()
        await expect(page.locator(".cm-line").nth(1)).to_have_text("from shared import summed")


UNTIDY = """import os
from automio.wrapper import API
api = API()
print( 'one' ,total(2))
"""


async def test_a_fix_is_chosen_and_the_file_is_formatted_as_one_step(
    browser: Browser, installation: Installation, app: dict[str, Any]
) -> None:
    async with editing(browser, installation, app) as (visitor, page):
        lines = page.locator(".cm-line")
        await write(page, UNTIDY)
        # An import that is missing: pyrefly knows where the name is.
        await expect(page.locator(".cm-lintRange-error")).to_have_text("total")
        await page.locator(".cm-lintRange-error").click()
        await page.keyboard.press("Control+.")
        fixes = page.get_by_role("group", name="Fixes")
        await fixes.get_by_role("button", name="from shared import total").click()
        await expect(page.locator(".cm-lintRange-error")).to_have_count(0)
        await expect(lines.filter(has_text="from shared import total")).to_have_count(1)
        # One that is not used: ruff says so, and takes it away.
        await expect(page.locator(".cm-lintRange-warning")).to_have_text("os")
        await page.locator(".cm-lintRange-warning").click()
        await page.keyboard.press("Control+.")
        await expect(fixes).to_be_visible()
        assert await visitor.findings_of_axe() == []
        await fixes.get_by_role("button", name="Remove unused import: `os`", exact=True).click()
        await expect(lines.filter(has_text="import os")).to_have_count(0)
        # Formatted, with the cursor still before the 2, and back by one step of undo.
        await page.keyboard.press("Control+End")
        await page.keyboard.press("ArrowLeft")
        for _ in range(3):
            await page.keyboard.press("ArrowLeft")
        await page.keyboard.press("Shift+Alt+F")
        await expect(lines.filter(has_text='print("one", total(2))')).to_have_count(1)
        await page.keyboard.type("1")
        await expect(lines.filter(has_text='print("one", total(12))')).to_have_count(1)
        await page.keyboard.press("Control+z")
        await page.keyboard.press("Control+z")
        await expect(lines.filter(has_text="print( 'one' ,total(2))")).to_have_count(1)
        # What is no Python is left alone, with the reason.
        await page.keyboard.press("Control+End")
        await page.keyboard.type("if 1")
        await page.keyboard.press("Shift+Alt+F")
        await expect(page.get_by_text(re.compile("Not formatted: line [56] cannot be read"))).to_be_visible()


async def test_graphql_in_a_string_is_known_by_the_schema(
    browser: Browser, installation: Installation, app: dict[str, Any]
) -> None:
    async with editing(browser, installation, app) as (_, page):
        table = f"app_{app['id']}_orders"
        text = f'print("{{ buyer nothing }}")\nORDERS_QUERY = """query {{\n  {table} {{ buyer nothing }}\n}}"""\n'
        await write(page, text)
        await expect(page.locator(".cm-lintRange-error")).to_have_text("nothing")
        await expect(page.locator(".cm-line").nth(2).locator(".cm-lintRange-error")).to_have_count(1)
        # Each word of a query has its colour; a string that is none is one piece.
        assert await page.locator(".cm-line").nth(2).locator("span", has_text=re.compile("^buyer$")).count() == 1
        assert await page.locator(".cm-line").first.locator("span", has_text=re.compile("^buyer$")).count() == 0
        await page.locator(".cm-lintRange-error").dblclick()
        await page.keyboard.type("pai", delay=20)
        await expect(option(page, "paid").first).to_be_visible()
        await option(page, "paid").first.click()
        await expect(page.locator(".cm-line").nth(2)).to_have_text(f"  {table} {{ buyer paid }}")
        await expect(page.locator(".cm-lintRange-error")).to_have_count(0)


async def test_when_the_server_dies_writing_goes_on_and_completion_comes_back(
    browser: Browser, installation: Installation, app: dict[str, Any]
) -> None:
    async with editing(browser, installation, app, scheme="dark") as (_, page):
        await type_line(page, "x: int = 'a'\n")
        await expect(page.locator(".cm-lintRange-error").first).to_be_visible()
        for pid in language_server_pids(installation.process.pid):
            os.kill(pid, signal.SIGKILL)
        await page.keyboard.type("y = 2\n", delay=10)
        await expect(page.locator(".cm-line").nth(7)).to_have_text("y = 2")
        await expect(page.locator('[data-completion="ready"]')).to_be_attached()
        await page.keyboard.type("api.tables.", delay=10)
        await expect(option(page, "create_tag")).to_be_visible()


async def test_when_the_network_goes_without_a_word_completion_comes_back(
    browser: Browser, installation: Installation, app: dict[str, Any]
) -> None:
    async with (
        wire_to(installation.url) as wire,
        editing(browser, installation, app, url=wire.url) as (visitor, page),
    ):
        visitor.expect_outage()
        await type_line(page, "api.")
        await expect(option(page, "tables")).to_be_visible()
        wire.freeze()
        state = page.locator("[data-completion]")
        while await state.get_attribute("data-completion") == "ready":
            await page.keyboard.press("Escape")
            await page.keyboard.press("Control+Space")
            await page.wait_for_timeout(1000)
        await page.keyboard.type("tables.")
        wire.thaw()
        await ready(page)
        await expect(page.locator(".cm-line").last).to_have_text("api.tables.")
        await page.keyboard.press("Control+Space")
        await expect(option(page, "create_tag")).to_be_visible()

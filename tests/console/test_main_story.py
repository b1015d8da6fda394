"""The main story: from an empty installation to an app with a table, a script and a member, in the browser alone."""

import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, FilePayload, Locator, Page, expect

from platform_api.supervisor.testing import Installation
from tests.console.editor import paste, write
from tests.console.shop import cell
from tests.console.visitor import Visitor, visiting
from tests.memory import quick_directory

pytestmark = pytest.mark.anyio

ROWS = [f"A{n:04},{n % 50},{n}.25,new" for n in range(1, 301)]
SCRIPT = """
for step in range(600):
    api.task.set_progress(step % 100, f"step {step}")
    print("step", step)
    time.sleep(0.2)
"""


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """A platform with a runner and without any user."""
    environment = {"PATH": os.environ["PATH"]}
    with (
        tempfile.TemporaryDirectory(prefix="amm-", dir=quick_directory()) as directory,
        Installation(Path(directory) / "data", environment=environment, arguments=["--set-up-link"]) as running,
    ):
        yield running


def set_up_path(installation: Installation) -> str:
    """Returns the path of the link that `automio up` has printed."""
    printed = installation.process.stdout
    assert printed is not None
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if found := re.search(r"(/set-up\S+)", printed.readline()):
            return found[1]
        time.sleep(0.05)
    raise AssertionError("no link was printed")


async def test_from_an_empty_installation_to_an_app(browser: Browser, installation: Installation) -> None:
    async with visiting(browser, installation.url) as ada, visiting(browser, installation.url) as grace:
        await ada.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await the_installation_is_set_up(ada, set_up_path(installation))
        await a_file_becomes_an_app_and_is_repaired(ada.page)
        await cells_are_edited_pasted_and_undone(ada.page)
        await a_script_is_written_with_completion(ada)
        await it_is_run_watched_and_cancelled(ada.page)
        await it_is_scheduled(ada.page)
        await a_member_joins_and_sees_what_they_may(ada.page, grace)


async def the_installation_is_set_up(ada: Visitor, path: str) -> None:
    page = ada.page
    await ada.open(path)
    for label, text in (
        ("Your name", "Ada"),
        ("E-mail", "ada@example.com"),
        ("Password", "long enough 1"),
        ("Organization", "Analytical"),
    ):
        await page.get_by_role("textbox", name=label).fill(text)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="No apps yet")).to_be_visible()


async def a_file_becomes_an_app_and_is_repaired(page: Page) -> None:
    lines = [*ROWS]
    lines[9], lines[199] = "A0010,ten,10.25,new", "A0200,0,dear,new"
    content = "Code,Count,Price,State\n" + "\n".join(lines) + "\n"
    await page.get_by_role("link", name="From a file").click()
    file: FilePayload = {"name": "orders.csv", "mimeType": "text/csv", "buffer": content.encode()}
    await page.get_by_label("CSV or Excel file").set_input_files(file)
    await expect(page.get_by_text("2 rows will go to the repair list.")).to_be_visible()
    await page.get_by_label("Code is part of the key").check()
    await page.get_by_label("Name of the app").press("Enter")
    await expect(page.get_by_text("298 rows · 2 to repair", exact=True)).to_be_visible()
    await page.get_by_label("count, line 11").fill("10")
    await page.get_by_label("price, line 201").fill("200.25")
    await page.get_by_label("price, line 201").press("Enter")
    await expect(page.get_by_text("300 rows", exact=True)).to_be_visible()
    await page.get_by_role("link", name="Open the table").click()
    await expect(page.get_by_role("status").filter(has_text=re.compile("^300 rows$"))).to_be_visible()


async def cells_are_edited_pasted_and_undone(page: Page) -> None:
    before = await cell(page, 1, 1).text_content()
    await cell(page, 1, 1).dblclick()
    await page.get_by_role("gridcell").get_by_role("textbox").fill("EDITED")
    await page.keyboard.press("Enter")
    await expect(cell(page, 1, 1)).to_have_text("EDITED")
    await cell(page, 1, 1).click()
    await page.evaluate("text => navigator.clipboard.writeText(text)", "P1\t11\nP2\t12\nP3\t13")
    await page.keyboard.press("Control+v")
    for row in (1, 2, 3):
        await expect(cell(page, row, 1)).to_have_text(f"P{row}")
        await expect(cell(page, row, 2)).to_have_text(f"1{row}")
    await page.keyboard.press("Control+z")
    await expect(cell(page, 1, 1)).to_have_text("EDITED")
    await page.keyboard.press("Control+z")
    await expect(cell(page, 1, 1)).to_have_text(before or "")


async def a_script_is_written_with_completion(ada: Visitor) -> None:
    page = ada.page
    await page.get_by_role("link", name="Code", exact=True).click()
    await page.get_by_role("button", name="New action").last.click()
    await page.get_by_label("Name", exact=True).fill("Count orders")
    await page.get_by_label("Name", exact=True).press("Enter")
    content = page.locator(".cm-content")
    await expect(content).to_be_visible()
    await expect(page.locator('[data-completion="ready"]')).to_be_attached()
    await content.focus()
    await page.keyboard.press("Control+a")
    head = "import time\nfrom automio.wrapper import API\nfrom automio.rows import Orders\n\napi = API()\n"
    await paste(page, head)
    await page.keyboard.type('api.tables.graphql("', delay=20)
    await expect(option(page, "orders").first).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+End")
    await paste(page, "\nrow: Orders = {}\n")
    # A column that is added in another tab is completed here.
    schema = await ada.context.new_page()
    await schema.goto(re.sub(r"/code.*", "/tables/orders/schema", page.url))
    await schema.get_by_role("button", name="New column").click()
    await schema.get_by_label("Name", exact=True).fill("shipped")
    await schema.get_by_label("Name", exact=True).press("Control+Enter")
    await schema.get_by_role("button", name="Apply 1 change", exact=True).click()
    await expect(schema.get_by_text("What you change is collected here first.")).to_be_visible()
    await page.bring_to_front()
    await page.keyboard.type('row["', delay=20)
    for _ in range(20):
        if await option(page, "shipped").count() > 0:
            break
        await page.keyboard.press("Escape")
        await page.keyboard.press("Control+Space")
        await expect(page.locator(".cm-tooltip-autocomplete li").first).to_be_visible()
    await expect(option(page, "shipped").first).to_be_visible()
    await schema.close()
    await page.keyboard.press("Escape")
    await write(page, "import time\nfrom automio.wrapper import API\n\napi = API()\n" + SCRIPT)


async def it_is_run_watched_and_cancelled(page: Page) -> None:
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text(re.compile(r"\d+ % step \d+"))).to_be_visible()
    await expect(page.get_by_role("region", name="Output of the run")).to_contain_text("step 3")
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("status").filter(has_text=re.compile("^Cancelled$"))).to_be_visible()


async def it_is_scheduled(page: Page) -> None:
    await page.get_by_role("link", name="Schedules and webhooks").click()
    await page.get_by_role("button", name="New schedule").click()
    await page.get_by_label("Name", exact=True).fill("Nightly")
    await page.get_by_label("When", exact=True).select_option("daily")
    await page.get_by_label("Time", exact=True).fill("02:30")
    await expect(page.get_by_role("list", name="Next times").get_by_role("listitem")).to_have_count(5)
    await page.get_by_role("button", name="Create schedule").click()
    await expect(page.get_by_role("row").filter(has_text="Nightly")).to_contain_text("At 02:30 every day")


async def a_member_joins_and_sees_what_they_may(page: Page, grace: Visitor) -> None:
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_role("button", name="Invite", exact=True).click()
    await page.get_by_label("E-mail (optional)").fill("grace@example.com")
    await page.get_by_label("E-mail (optional)").press("Enter")
    link = await page.get_by_role("region", name="Link of the invitation").text_content()
    assert link is not None
    guest = grace.page
    await guest.goto(link.strip())
    await guest.get_by_label("Your name").fill("Grace")
    await guest.get_by_role("textbox", name="Password").fill("long enough 2")
    await guest.get_by_role("textbox", name="Password").press("Enter")
    await guest.get_by_role("link", name="Orders").click()
    await guest.get_by_role("link", name="Tables", exact=True).click()
    await expect(guest.get_by_role("button", name="New table")).to_be_hidden()
    await guest.get_by_role("main").get_by_role("link", name="orders", exact=True).click()
    await expect(guest.get_by_role("status").filter(has_text=re.compile("^300 rows$"))).to_be_visible()
    await guest.get_by_role("link", name="Settings").click()
    await expect(guest.get_by_role("table", name="Members")).to_be_visible()
    await expect(guest.get_by_role("button", name="Invite", exact=True)).to_be_hidden()


def option(page: Page, name: str) -> Locator:
    return page.locator(".cm-tooltip-autocomplete li").filter(has_text=name)

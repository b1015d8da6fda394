"""An action from its first line to its schedule: its draft runs, it is saved, run, cancelled, and comes by itself."""

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from platform_api.supervisor.database import DATABASE
from platform_api.supervisor.postgres import EmbeddedPostgres
from platform_api.supervisor.testing import Installation
from tests.console.editor import write
from tests.console.visitor import Visitor, visiting
from tests.memory import quick_directory

pytestmark = pytest.mark.anyio

STEPS = """import time
from automio.wrapper import API
api = API()
for step in range(600):
    api.task.set_progress(step % 100, f"step {step}")
    time.sleep(0.2)
"""


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """A platform with a runner."""
    environment = {"PATH": os.environ["PATH"]}
    with (
        tempfile.TemporaryDirectory(prefix="ams-", dir=quick_directory()) as directory,
        Installation(Path(directory) / "data", environment=environment) as running,
    ):
        yield running


async def came_due(installation: Installation) -> None:
    """Makes every schedule due now, as time does."""
    server = EmbeddedPostgres(installation.data_dir / "postgres")
    connection = await asyncpg.connect(server.url(DATABASE))
    await connection.execute("update platform.triggers set next_at = now() where next_at is not null")
    await connection.close()


def state(page: Page, word: str) -> Locator:
    return page.get_by_role("status").filter(has_text=re.compile(f"^{word}$"))


async def test_an_action_is_tried_saved_and_scheduled(browser: Browser, installation: Installation) -> None:
    with installation.client() as client:
        app = client.post("/api/apps/", json={"name": "Timely"}).json()
        created = {"name": "Steps", "slug": "steps", "app": app["id"], "code": "print('saved')\n"}
        assert client.post("/api/actions/", json=created).status_code == 201
        org = client.get("/api/me/").json()["organization"]["slug"]
    async with visiting(browser, installation.url) as visitor:
        page = visitor.page
        await visitor.enter(installation.admin["email"], installation.admin["password"])
        await visitor.open(f"/{org}/{app['slug']}/actions/steps")
        await the_draft_runs_and_is_not_saved(page)
        await it_is_saved_run_and_cancelled(page)
        await the_keys_open_files_and_fold_the_panel(page)
        await it_is_scheduled(visitor)
        await a_scheduled_run_appears(page, installation)
        await another_service_starts_it(visitor)
        await visitor.open(f"/{org}/runs?cause=schedule")
        await expect(page.get_by_role("row").filter(has_text="by a schedule Each minute")).to_have_count(1)
        await visitor.open(f"/{org}/runs?cause=webhook")
        await expect(page.get_by_role("row").filter(has_text="by a webhook")).to_have_count(2)
        assert visitor.problems == []


async def the_draft_runs_and_is_not_saved(page: Page) -> None:
    await expect(page.locator(".cm-content")).to_contain_text("print('saved')")
    await write(page, "print('from', 'the draft')\n")
    await page.get_by_role("button", name="Run the draft without saving").click()
    output = page.get_by_role("region", name="Output of the run")
    await expect(output).to_contain_text("from the draft")
    await expect(page.get_by_text("run 1, of your draft")).to_be_visible()
    await expect(state(page, "Completed")).to_be_visible()
    await expect(page.get_by_text("Not saved, draft kept")).to_be_visible()


async def it_is_saved_run_and_cancelled(page: Page) -> None:
    await write(page, STEPS)
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("Saved v2")).to_be_visible()
    await expect(state(page, "Running")).to_be_visible()
    await expect(page.get_by_text(re.compile(r"\d+ % step \d+"))).to_be_visible()
    await page.get_by_role("button", name="Cancel").click()
    await expect(state(page, "Cancelled")).to_be_visible()


async def the_keys_open_files_and_fold_the_panel(page: Page) -> None:
    await page.keyboard.press("Control+p")
    name = page.get_by_role("combobox", name="Name of the file")
    await name.fill("ste")
    await name.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await page.keyboard.press("Control+j")
    await expect(page.get_by_role("tab", name="Output")).to_be_hidden()
    await page.keyboard.press("Control+j")
    await expect(page.get_by_role("tab", name="Output")).to_be_visible()


async def it_is_scheduled(visitor: Visitor) -> None:
    page = visitor.page
    await page.go_back()
    await page.get_by_role("tab", name="Triggers").click()
    await expect(page.get_by_text("No schedule starts this action")).to_be_visible()
    assert await visitor.findings_of_axe() == []
    await page.get_by_role("button", name="New schedule").click()
    await page.get_by_label("Name", exact=True).fill("Each minute")
    await page.get_by_label("When", exact=True).select_option("cron")
    await page.get_by_label("Cron expression").fill("99 * * * *")
    await expect(page.get_by_role("alert").filter(has_text="its field minute is '99'")).to_be_visible()
    await page.get_by_label("When", exact=True).select_option("daily")
    await page.get_by_label("Time", exact=True).fill("02:30")
    times = page.get_by_role("list", name="Next times")
    await expect(page.get_by_text("At 02:30 every day")).to_be_visible()
    await expect(times.get_by_role("listitem")).to_have_count(5)
    await page.get_by_label("When", exact=True).select_option("minutes")
    await page.get_by_label("Minutes", exact=True).fill("1")
    await expect(page.get_by_text("Every minute", exact=True)).to_be_visible()
    assert await visitor.findings_of_axe() == []
    await page.get_by_role("button", name="Create schedule").click()
    row = page.get_by_role("row").filter(has_text="Each minute")
    await expect(row).to_contain_text("Every minute")
    # What is under the pointer stays the element that it was: one that is made anew meanwhile takes no click.
    at = await row.locator("summary time").element_handle()
    await row.locator("summary").hover()
    await expect(page.get_by_role("tooltip")).to_be_visible()
    assert await at.evaluate("element => element.isConnected")
    await row.locator("summary").click()
    await expect(row.get_by_role("listitem")).to_have_count(5)
    await row.get_by_role("button", name="Edit").click()
    await expect(page).to_have_url(re.compile(r"schedule=\d+"))
    await page.get_by_label("Minutes", exact=True).fill("120")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(row).to_contain_text("Every 2 hours")


async def a_scheduled_run_appears(page: Page, installation: Installation) -> None:
    row = page.get_by_role("row").filter(has_text="Each minute")
    started = page.get_by_role("region", name="Started by these")
    await expect(started).to_contain_text("None yet.")
    await came_due(installation)
    await expect(started.get_by_role("listitem")).to_have_count(1)
    await expect(row.get_by_role("link", name=re.compile(r"^Run \d+$"))).to_be_visible()
    await row.get_by_role("button", name="Pause").click()
    await expect(row).to_contain_text("paused")
    await expect(row.get_by_role("button", name="Resume")).to_be_visible()


async def another_service_starts_it(visitor: Visitor) -> None:
    page = visitor.page
    webhooks = page.get_by_role("region", name="Webhooks")
    await expect(webhooks).to_contain_text("None. A webhook is an address")
    await webhooks.get_by_role("button", name="New webhook").click()
    # A service that signs needs its secret, which the API says at the field.
    await page.get_by_role("combobox", name="Who calls it").fill("github")
    await page.get_by_role("option", name="github").click()
    await expect(page.get_by_label("Secret", exact=True)).to_be_visible()
    assert await visitor.findings_of_axe() == []
    await page.get_by_label("Secret", exact=True).fill("shared with it")
    await page.get_by_role("button", name="Create webhook").click()
    await expect(webhooks.get_by_role("row").filter(has_text="only for calls that are signed")).to_have_count(1)
    await webhooks.get_by_role("button", name="New webhook").click()
    await page.get_by_label("Name", exact=True).fill("Anybody")
    await page.get_by_role("button", name="Create webhook").click()
    row = webhooks.get_by_role("row").filter(has_text="Anybody")
    address = await row.get_by_title(re.compile("^http")).inner_text()
    started = page.get_by_role("region", name="Started by these")
    assert (await page.request.post(address, data={})).status == 200
    await expect(started.get_by_text("by a webhook")).to_have_count(1)
    await expect(row.get_by_role("cell").nth(2)).to_have_text("1")
    await row.get_by_role("button", name="Pause").click()
    await expect(row).to_contain_text("paused")
    assert (await page.request.post(address, data={})).status == 404
    await row.get_by_role("button", name="Resume").click()
    await expect(row).not_to_contain_text("paused")
    await row.get_by_role("button", name="New address").click()
    await page.get_by_role("button", name="Give it a new address").click()
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(row.get_by_title(address)).to_have_count(0)
    assert (await page.request.post(address, data={})).status == 404
    assert (await page.request.post(await row.get_by_title(re.compile("^http")).inner_text(), data={})).status == 200
    await expect(started.get_by_text("by a webhook")).to_have_count(2)
    await row.get_by_role("button", name="Delete").click()
    await page.get_by_role("button", name="Delete webhook").click()
    await expect(row).to_have_count(0)

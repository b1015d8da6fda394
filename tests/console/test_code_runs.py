"""Running an action from the editor, with a real runner: log, progress, cancelling, failure, result."""

import os
import re
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from platform_api.supervisor.testing import Installation
from tests.console.visitor import Visitor, visiting
from tests.memory import quick_directory

pytestmark = pytest.mark.anyio

HOSTILE = """
print('<img src=x onerror="document.title=1"><script>document.title=2</script>')
print("\\x1b[31mred\\x1b[0m plain \\x1b]0;title\\x07\\x1b[2Jend")
print("x" * 15_000)
result = {"rows": [{"name": "<b>Ann</b>", "count": 1}, {"name": "Bob", "count": 2}]}
"""
WAITING = """
import time
from automio.wrapper import API
api = API()
for step in range(600):
    api.task.set_progress(step % 100, f"step {step}")
    print("step", step)
    time.sleep(0.2)
"""
FAILING = """
import helper
print("before")
helper.fail()
"""
# Slowly enough that one can type meanwhile.
MANY = """
import time
for number in range(10_000):
    print("line", number)
    if number % 1000 == 0:
        time.sleep(0.1)
"""


# Slowly enough that the platform is killed and back meanwhile.
STEADY = """
import time
for number in range(1, 401):
    print("line", number, flush=True)
    time.sleep(0.05)
"""
ROWS = """
def run(event):
    return {"rows": [{"row": row} for row in event["selected_rows"]], "input": event["user_input"]}
"""


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """A platform with a runner."""
    environment = {"PATH": os.environ["PATH"]}
    with (
        tempfile.TemporaryDirectory(prefix="ami-", dir=quick_directory()) as directory,
        Installation(Path(directory) / "data", environment=environment) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def app(installation: Installation) -> dict[str, Any]:
    """An app with an action for each story."""
    actions = {"hostile": HOSTILE, "waiting": WAITING, "failing": FAILING, "many": MANY, "steady": STEADY}
    with installation.client() as client:
        made: dict[str, Any] = client.post("/api/apps/", json={"name": "Runs"}).json()
        for name, code in actions.items():
            answer = client.post("/api/actions/", json={"name": name, "app": made["id"], "code": code})
            assert answer.status_code == 201, answer.text
            made[name] = answer.json()["entry"]
        helper = {"helper.py": "def fail():\n    raise KeyError('id')\n"}
        saving = {"base_version": len(actions), "changes": helper}
        assert client.patch(f"/api/apps/{made['id']}/source/", json=saving).status_code == 201
        schema = {
            "type": "object",
            "required": ["since"],
            "properties": {"since": {"type": "string", "title": "Since"}},
        }
        hostile = client.patch("/api/actions/hostile/", params={"app": made["id"]}, json={"input_schema": schema})
        assert hostile.status_code == 200, hostile.text
        made["org"] = client.get("/api/me/").json()["organization"]["slug"]
    return made


@asynccontextmanager
async def editing(
    browser: Browser, installation: Installation, app: dict[str, Any], action: str
) -> AsyncIterator[tuple[Visitor, Page]]:
    """Opens the file of an action in a browser that is signed in."""
    async with visiting(browser, installation.url) as visitor:
        await visitor.enter(installation.admin["email"], installation.admin["password"])
        await visitor.open(f"/{app['org']}/{app['slug']}/code/{app[action]}")
        await expect(visitor.page.locator(".cm-content")).to_be_visible()
        yield visitor, visitor.page


def state(page: Page, word: str) -> Any:
    return page.get_by_role("status").filter(has_text=re.compile(f"^{word}$"))


async def test_output_stays_text_and_the_result_is_a_table(
    browser: Browser, installation: Installation, app: dict[str, Any]
) -> None:
    async with editing(browser, installation, app, "hostile") as (visitor, page):
        title = await page.title()
        await page.get_by_role("button", name="Run", exact=True).click()
        await expect(page.get_by_text("This is required.")).to_be_visible()
        await page.get_by_label("Since").fill("2026-01-01")
        await page.get_by_label("Since").press("Control+Enter")
        await expect(state(page, "Completed")).to_be_visible()
        output = page.get_by_role("region", name="Output of the run")
        await expect(output).to_contain_text(
            '<img src=x onerror="document.title=1"><script>document.title=2</script>'
        )
        await expect(output.locator("img, script")).to_have_count(0)
        await expect(output.locator('[data-color="red"]')).to_have_text("red")
        await expect(output).to_contain_text("plain end")
        await expect(output.get_by_role("button", name=re.compile("15 kB in this line, download"))).to_be_visible()
        assert await visitor.findings_of_axe() == []
        await page.get_by_role("tab", name="Result").click()
        await expect(page.get_by_role("cell", name="<b>Ann</b>")).to_be_visible()
        assert await visitor.findings_of_axe() == []
        assert await page.title() == title
        await page.get_by_role("button", name="Last inputs").click()
        await expect(page.get_by_role("menuitem").first).to_contain_text('{"since":"2026-01-01"}')


async def test_a_run_shows_its_progress_and_is_cancelled(
    browser: Browser, installation: Installation, app: dict[str, Any]
) -> None:
    async with editing(browser, installation, app, "waiting") as (_, page):
        await page.locator(".cm-content").focus()
        await page.keyboard.press("Control+End")
        await page.keyboard.type("# new\n")
        await expect(page.get_by_text("Saves first, then runs the new version.")).to_be_visible()
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_text(re.compile(r"^Saved v\d+$"))).to_be_visible()
        await expect(state(page, "Running")).to_be_visible()
        await expect(page.get_by_text(re.compile(r"^run 1, v7$"))).to_be_visible()
        await expect(page.get_by_role("progressbar")).to_be_visible()
        await expect(page.get_by_text(re.compile(r"\d+ % step \d+"))).to_be_visible()
        await page.get_by_role("button", name="Cancel").click()
        await expect(state(page, "Cancelled")).to_be_visible()


async def test_a_failure_leads_to_the_line(browser: Browser, installation: Installation, app: dict[str, Any]) -> None:
    async with editing(browser, installation, app, "failing") as (_, page):
        await page.get_by_role("button", name="Run", exact=True).click()
        await expect(page.get_by_role("alert").filter(has_text="KeyError: 'id'")).to_be_visible()
        await expect(page.locator(".cm-line.am-failed")).to_have_text("helper.fail()")
        await page.get_by_role("button", name="helper.py:2").click()
        await expect(page).to_have_url(re.compile(r"/code/helper\.py"))
        await expect(page.locator(".cm-line.am-failed")).to_contain_text("raise KeyError")


async def test_typing_goes_on_while_a_run_prints_10000_lines(
    browser: Browser, installation: Installation, app: dict[str, Any]
) -> None:
    async with editing(browser, installation, app, "many") as (_, page):
        await page.get_by_role("button", name="Run", exact=True).click()
        await expect(state(page, "Running")).to_be_visible()
        await page.locator(".cm-content").focus()
        await page.keyboard.press("Control+Home")
        words = "# typed while it runs, and every letter is there"
        await page.keyboard.type(words)
        await expect(page.locator(".cm-line").first).to_have_text(words)
        await expect(state(page, "Completed")).to_be_visible()
        await expect(page.get_by_text("10,000 lines")).to_be_visible()
        output = page.get_by_role("region", name="Output of the run")
        await expect(output).to_contain_text("line 9999")
        # Only what is on the screen is made.
        assert await output.locator("div").count() < 200
        await page.get_by_label("Search the log").fill("line 4321")
        await page.get_by_label("Search the log").press("Enter")
        await expect(output).to_contain_text("line 4321")


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


async def test_killed_amid_a_run_and_a_save_nothing_is_lost_or_doubled(
    browser: Browser, installation: Installation, app: dict[str, Any]
) -> None:
    async with editing(browser, installation, app, "steady") as (visitor, page):
        await page.get_by_role("button", name="Run", exact=True).click()
        output = page.get_by_role("region", name="Output of the run")
        await expect(output).to_contain_text("line 20")
        source = f"/api/apps/{app['id']}/source/"
        with installation.client() as client:
            before = client.get(source).json()["number"]
        killed = installation.children()["control-plane"]
        os.kill(killed, signal.SIGKILL)
        await page.locator(".cm-content").focus()
        await page.keyboard.press("Control+Home")
        await page.keyboard.type("# kept\n")
        await page.keyboard.press("Control+s")
        await expect(page.get_by_text(f"Saved v{before + 1}", exact=True)).to_be_visible()
        with installation.client() as client:
            saved = client.get(source).json()
        assert (saved["number"], saved["files"][app["steady"]]) == (before + 1, "# kept\n" + STEADY)
        await expect(state(page, "Completed")).to_be_visible()
        await expect(page.get_by_text("400 lines", exact=True)).to_be_visible()
        async with page.expect_download() as downloading:
            await page.get_by_role("button", name="Download the log").click()
        assert lines_of(await (await downloading.value).path()) == [f"line {number}" for number in range(1, 401)]
        # What the browser writes while nobody answers is no fault of the page.
        visitor.problems.clear()


async def test_rows_selected_in_a_table_are_the_input_of_a_run(
    browser: Browser, installation: Installation, app: dict[str, Any]
) -> None:
    with installation.client() as client:
        table = {"name": "parcels", "columns": [{"name": "code", "type": "text"}]}
        assert client.post(f"/api/apps/{app['id']}/new_table/", json=table).status_code == 200
        adding = "mutation($rows: [%s_insert_input!]!) { insert_%s(objects: $rows) { returning { id } } }"
        name = f"app_{app['id']}_parcels"
        body = {"query": adding % (name, name), "variables": {"rows": [{"code": code} for code in "abc"]}}
        answer = client.post(f"/api/apps/{app['id']}/v1/graphql", json=body).json()
        ids = {row["id"] for row in answer["data"][f"insert_{name}"]["returning"]}
        fields = {"type": "object", "properties": {"parcels": {"type": "array", "items": {"type": "string"}}}}
        action = {"name": "Ship", "slug": "ship", "app": app["id"], "entry": "ship.py:run", "code": ROWS}
        made = client.post("/api/actions/", json={**action, "input_schema": fields})
        assert made.status_code == 201, made.text
    async with visiting(browser, installation.url) as visitor:
        page = visitor.page
        await visitor.enter(installation.admin["email"], installation.admin["password"])
        await visitor.open(f"/{app['org']}/{app['slug']}/tables/parcels")
        await expect(page.get_by_role("gridcell", name="b", exact=True)).to_be_visible()
        await page.get_by_role("grid").focus()
        await page.keyboard.press("Control+a")
        await page.get_by_role("button", name="Run an action with 3 rows").click()
        await expect(page.get_by_role("dialog").get_by_role("button", name="Ship")).to_be_visible()
        assert await visitor.findings_of_axe() == []
        await page.get_by_role("dialog").get_by_role("button", name="Ship").click()
        await expect(page.get_by_text("3 selected rows of parcels")).to_be_visible()
        await page.reload()
        await expect(page.get_by_text("3 selected rows of parcels")).to_be_visible()
        await expect(page.get_by_label("parcels", exact=True)).to_have_value(re.compile(next(iter(ids))))
        await page.get_by_role("button", name="As code").click()
        await expect(page.get_by_role("dialog").locator("pre")).to_contain_text("selected_rows")
        assert await visitor.findings_of_axe() == []
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Run", exact=True).click()
        await expect(state(page, "Completed")).to_be_visible()
        with installation.client() as client:
            (run,) = client.get("/api/actions/runs/", params={"action": made.json()["id"]}).json()["results"]
            result = client.get(f"/api/actions/runs/{run['id']}/").json()["result"]
        assert {row["row"] for row in result["rows"]} == ids
        assert set(result["input"]["parcels"]) == ids

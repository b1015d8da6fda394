"""The list of runs and the page of a run: live, filtered, by keyboard, and nothing of another organization."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Locator, Page, expect

from tests.console.conftest import Visit
from tests.platform_api.conftest import Platform
from tests.platform_api.runs.working import ProtocolRunner, create_runner_token, create_workshop, insert_runs

pytestmark = pytest.mark.anyio


def rows(page: Page) -> Locator:
    """The rows of the list: the histogram has a table, too."""
    return page.get_by_role("table", name="Runs, newest first").locator("tbody tr")


async def execute(platform: Platform, statements: str) -> None:
    connection = await platform.database.connect()
    await connection.execute(statements)
    await connection.close()


HOSTILE = "\x1b[31mred\x1b[0m <img src=x onerror=document.title=1> \x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07"


async def test_runs_are_followed_from_the_list_to_their_end(shared_platform: Platform, visit: Visit) -> None:
    workshop = await create_workshop(shared_platform)
    org = workshop.caller.organization_slug
    token = await create_runner_token(shared_platform)
    headers = {"Authorization": f"Bearer {token}"}
    async with visit() as visitor, shared_platform.client(headers=headers) as client:
        runner, page = ProtocolRunner(client), visitor.page
        await visitor.open("/sign-in")
        await visitor.sign_in(workshop.caller.email, Platform.password)
        await page.get_by_role("link", name="Runs", exact=True).click()
        await expect(page.get_by_text("No runs yet")).to_be_visible()

        started = await workshop.run()
        await page.get_by_role("button", name="1 new run: show it").click()
        row = page.get_by_role("row", name=re.compile("Import"))
        await expect(row).to_contain_text("waiting")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{visitor.base_url}/{org}/runs/{started['run_id']}")
        await expect(page.get_by_text("It waits:")).to_be_visible()

        claim = await runner.claim_one()
        await runner.start(claim)
        await runner.log(claim, "first line", HOSTILE)
        log = page.get_by_label(f"Output of run {started['run_id']}")
        await expect(log).to_contain_text("first line")
        await expect(log).to_contain_text("<img src=x")
        assert await log.locator("img, a").count() == 0
        await runner.finish(claim, result={"orders": 7})
        await expect(page.locator("header").get_by_text("completed")).to_be_visible()
        await page.get_by_role("tab", name="Result").click()
        await expect(page.get_by_text("orders")).to_be_visible()
        await page.get_by_role("tab", name="Timeline").click()
        await expect(page.get_by_role("row", name="Waited for a runner")).to_be_visible()
        await page.get_by_role("tab", name="Calls").click()
        await expect(page.get_by_text("This run has called no other service")).to_be_visible()
        await page.get_by_role("tab", name="Input").click()
        await page.get_by_role("button", name="Run again with other input").click()
        await page.get_by_label("Input as JSON").fill("{oops")
        await expect(page.get_by_text("must be one JSON object")).to_be_visible()
        await page.get_by_label("Input as JSON").fill('{"changed": true}')
        await page.get_by_role("button", name="Run", exact=True).click()
        await expect(page).not_to_have_url(re.compile(rf"runs/{started['run_id']}\b"))
        await page.get_by_role("tab", name="Input").click()
        await expect(page.get_by_text("changed")).to_be_visible()
        await page.go_back()
        await page.get_by_role("button", name="Run newest version").click()
        await expect(page.get_by_role("button", name="Cancel")).to_be_visible()
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.locator("header").get_by_text("stopped")).to_be_visible()
        assert await page.title() != "1"


async def test_filters_are_in_the_address_and_many_runs_are_cancelled_at_once(
    shared_platform: Platform, visit: Visit
) -> None:
    workshop = await create_workshop(shared_platform)
    ended = datetime.now(UTC) - timedelta(minutes=5)
    failed = {"state": "failed", "cause": "exception", "error": "Traceback\nKeyError: 'id'", "created_at": ended}
    await insert_runs(workshop, [failed, *({"state": "completed", "created_at": ended} for _ in range(70))])
    waiting = [await workshop.run() for _ in range(3)]
    async with visit() as visitor:
        page = visitor.page
        await visitor.enter(workshop.caller.email, Platform.password)
        await visitor.open(f"/{workshop.caller.organization_slug}/runs")
        await expect(rows(page)).to_have_count(50)
        await page.get_by_role("button", name="Older runs").click()
        await expect(rows(page)).to_have_count(74)
        # Two runs of today and those of five minutes ago: the bars hold them all, and one chooses its time.
        bars = page.get_by_role("region", name="Runs over time").get_by_role("button")
        await expect(page.get_by_role("table", name="Runs over time")).to_be_attached()
        await bars.last.click()
        await expect(page).to_have_url(re.compile("from=.*to="))
        await page.get_by_role("button", name="Clear the time").click()
        more = page.get_by_role("button", name="More filters")
        await more.click()
        await page.get_by_label("How it was begun").first.click()
        await page.get_by_role("option", name="by a webhook").click()
        await expect(page.get_by_text("No run matches these filters")).to_be_visible()
        await page.get_by_role("button", name="Clear the filters").click()
        await more.click()
        await page.get_by_label("Who").first.click()
        await page.get_by_role("option").first.click()
        await expect(page).to_have_url(re.compile(rf"user={workshop.caller.user_id}"))
        await expect(more).to_have_text("More filters: 1")
        await page.keyboard.press("Escape")
        await page.locator("h1").click()
        await page.keyboard.press("Shift+F")
        await expect(page.get_by_role("checkbox", name="running")).to_be_focused()
        await page.get_by_role("group", name="State").get_by_text("failed").click()
        await expect(rows(page)).to_have_count(1)
        await expect(rows(page)).to_contain_text("KeyError: 'id'")
        await page.reload()
        await expect(rows(page)).to_have_count(1)
        await page.get_by_label("Search runs").fill("no such text")
        await expect(page.get_by_text("No run matches these filters")).to_be_visible()
        await page.get_by_role("button", name="Clear the filters").click()
        await expect(rows(page)).to_have_count(50)
        for run in waiting:
            await page.get_by_label(f"Choose run {run['run_id']}", exact=True).check()
        await page.get_by_role("button", name="Cancel").click()
        await expect(rows(page).get_by_text("stopped")).to_have_count(3)
    assert {(await workshop.status(run))["status"] for run in waiting} == {"stopped"}


async def test_a_queue_that_stands_still_says_why(shared_platform: Platform, visit: Visit) -> None:
    workshop = await create_workshop(shared_platform)
    await execute(shared_platform, "delete from platform.runs where state = 'pending'; delete from platform.runners")
    token = await create_runner_token(shared_platform)
    headers = {"Authorization": f"Bearer {token}"}
    run = await workshop.run()
    async with visit() as visitor, shared_platform.client(headers=headers) as client:
        runner, page = ProtocolRunner(client), visitor.page
        await visitor.open("/sign-in")
        await visitor.sign_in(workshop.caller.email, Platform.password)
        await page.get_by_role("link", name="Runs", exact=True).click()
        notice = page.get_by_role("region", name="Why nothing starts")
        await expect(notice).to_contain_text("no runner is there")
        await expect(notice).to_contain_text("Tell whoever operates this installation")
        assert await visitor.findings_of_axe() == []
        # The list is live: the runner that takes the run takes the notice away.
        [claim] = await runner.claim(slots=1)
        await expect(notice).to_have_count(0)
        # However slow this machine is, the runner counts as present and keeps its run.
        later = "now() + interval '1 hour'"
        await execute(
            shared_platform,
            f"update platform.runners set seen_at = {later};"
            f"update platform.runs set lease_expires_at = {later} where state = 'claimed'",
        )
        await workshop.run()
        await expect(notice).to_contain_text("1 of 1 slots are busy")
        await notice.get_by_role("link", name="See what goes on").click()
        await expect(rows(page)).to_have_count(1)
        await expect(rows(page)).to_contain_text(f"#{run['run_id']}")
        await runner.start(claim)
        await runner.finish(claim)


async def test_a_list_of_objects_is_a_table_a_chart_and_a_tree(shared_platform: Platform, visit: Visit) -> None:
    workshop = await create_workshop(shared_platform)
    days = [{"day": f"2026-11-{day:02}", "shop": f"Shop {day}", "sales": f"{day}.50"} for day in (2, 1, 3)]
    state = {"state": "completed", "cause": "returned", "result": json.dumps({"value": days})}
    [run] = await insert_runs(workshop, [{**state, "created_at": datetime.now(UTC)}])
    async with visit() as visitor:
        page = visitor.page
        await visitor.open("/sign-in")
        await visitor.sign_in(workshop.caller.email, Platform.password)
        await expect(page.get_by_role("heading", name="Apps", exact=True)).to_be_visible()
        await visitor.open(f"/{workshop.caller.organization_slug}/runs/{run}?tab=result")
        await expect(page.get_by_role("cell", name="Shop 2")).to_be_visible()
        await page.get_by_text("Chart", exact=True).click()
        await expect(page.get_by_role("img", name="Line of sales by day: 3 values from 1.5 to 3.5")).to_be_visible()
        numbers = page.get_by_role("region", name="The numbers of the chart")
        await expect(numbers.locator("tbody tr").first).to_have_text("2026-11-011.5")
        await page.get_by_label("By", exact=True).select_option("shop")
        await page.get_by_text("Bars", exact=True).click()
        bars = page.get_by_role("img", name="Bars of sales by shop: 3 values from 1.5 to 3.5")
        await expect(bars.locator("rect")).to_have_count(3)
        await expect(numbers.locator("tbody tr").first).to_have_text("Shop 22.5")
        assert await visitor.findings_of_axe() == []
        await page.get_by_text("Tree", exact=True).click()
        await expect(page.get_by_role("button", name="list of 3")).to_be_visible()


async def test_axe_finds_nothing(shared_platform: Platform, visit: Visit) -> None:
    workshop = await create_workshop(shared_platform)
    now = datetime.now(UTC)
    states = ["pending", "running", "failed", "stopped", "completed"]
    runs = [
        {"state": state, "created_at": now - timedelta(hours=n), "started_at": now} for n, state in enumerate(states)
    ]
    ids = await insert_runs(workshop, runs)
    findings = {}
    async with visit() as visitor:
        page = visitor.page
        await visitor.enter(workshop.caller.email, Platform.password)
        org = f"/{workshop.caller.organization_slug}"
        await visitor.open(f"{org}/runs")
        await expect(rows(page)).to_have_count(5)
        findings["runs"] = await visitor.findings_of_axe()
        await visitor.open(f"{org}/{workshop.app.slug}/runs?state=failed")
        await expect(rows(page)).to_have_count(1)
        findings["runs of an app"] = await visitor.findings_of_axe()
        for tab in ("timeline", "output", "result", "calls", "input"):
            await visitor.open(f"{org}/runs/{ids[2]}?tab={tab}")
            await expect(page.get_by_role("tab", selected=True)).to_be_visible()
            findings[tab] = await visitor.findings_of_axe()
    assert [f"{screen}: {line}" for screen, found in findings.items() for line in found] == []


async def test_a_run_of_another_organization_is_not_there(shared_platform: Platform, visit: Visit) -> None:
    workshop, stranger = await create_workshop(shared_platform), await shared_platform.create_caller()
    started = await workshop.run()
    async with visit() as visitor:
        await visitor.enter(stranger.email, Platform.password)
        await visitor.open(f"/{stranger.organization_slug}/runs/{started['run_id']}")
        await expect(visitor.page.get_by_role("alert")).to_contain_text("There is no run")
        assert await visitor.page.get_by_text("Import").count() == 0

"""The log of a run at its limits: a million lines, lines of megabytes, markup in lines, a server that restarts."""

import asyncio
import os
import re
import signal
import tempfile
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from platform_api.supervisor.testing import Installation
from tests.console.conftest import Visit
from tests.console.visitor import visiting
from tests.platform_api.conftest import Platform
from tests.platform_api.runs.working import create_workshop, insert_runs

pytestmark = pytest.mark.anyio

MILLION = 1_000_000
MAX_BYTES = 200_000_000
_LINES = """
insert into platform.run_log_lines (run_id, fence, seq, stream, text, at)
select $1, 1, number, 'stdout', case when number = $3 then 'ValueError: in ' else '' end || 'line ' || number, now()
from generate_series(1, $2::int) as number
"""


async def _heap_of(page: Page) -> float:
    """Bytes of JavaScript's heap after a collection."""
    debugger = await page.context.new_cdp_session(page)
    await debugger.send("HeapProfiler.collectGarbage")
    usage: dict[str, Any] = await debugger.send("Runtime.getHeapUsage")
    await debugger.detach()
    return float(usage["usedSize"]) + float(usage.get("backingStorageSize", 0))


async def test_a_million_lines_land_at_the_end_or_the_first_error(shared_platform: Platform, visit: Visit) -> None:
    workshop = await create_workshop(shared_platform)
    states = [{"state": "completed"}, {"state": "failed", "error": "ValueError"}, {"state": "completed"}]
    completed, failed, odd = await insert_runs(workshop, states)
    connection = await shared_platform.database.connect()
    await connection.execute(_LINES, completed, MILLION, 0)
    await connection.execute(_LINES, failed, 5000, 2500)
    for number, text in enumerate(["x" * 5_000_000, "<img src=x onerror=alert(1)>", "\x1b[31mred\x1b[0m"], 1):
        await connection.execute(
            "insert into platform.run_log_lines (run_id, fence, seq, stream, text, at)"
            " values ($1, 1, $2, 'stdout', $3, now())",
            *(odd, number, text),
        )
    await connection.close()
    async with visit() as visitor:
        page, runs = visitor.page, f"/{workshop.caller.organization_slug}/runs"
        await visitor.enter(workshop.caller.email, Platform.password)
        await visitor.open(f"{runs}/{completed}")
        log = page.get_by_label(f"Output of run {completed}")
        await expect(page.get_by_text("1,000,000 lines")).to_be_visible()
        await expect(log.get_by_text(f"line {MILLION}", exact=True)).to_be_in_viewport()
        await expect(page.get_by_text("The first 900,000 lines are not kept in this view.")).to_be_visible()
        assert await _heap_of(page) < MAX_BYTES

        await visitor.open(f"{runs}/{failed}")
        log = page.get_by_label(f"Output of run {failed}")
        await expect(log.get_by_text("ValueError: in line 2500")).to_be_in_viewport()
        await page.get_by_role("button", name="Follow").click()
        await expect(log.get_by_text("line 5000", exact=True)).to_be_in_viewport()
        await page.locator("h1").click()
        await page.keyboard.press("e")
        await expect(log.get_by_text("ValueError: in line 2500")).to_be_in_viewport()

        await visitor.open(f"{runs}/{odd}")
        log = page.get_by_label(f"Output of run {odd}")
        await expect(log.get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()
        await expect(log.get_by_text("red", exact=True)).to_have_attribute("data-color", "red")
        async with page.expect_download() as downloading:
            await log.get_by_role("button", name="in this line, download").click()
        assert (await (await downloading.value).path()).stat().st_size == 5_000_000
        assert await log.locator("img").count() == 0


async def test_no_line_is_lost_or_doubled_when_the_server_restarts(browser: Browser) -> None:
    code = (
        "import itertools, time\nfor number in itertools.count():\n    print('line', number)\n    time.sleep(0.05)\n"
    )
    with tempfile.TemporaryDirectory(prefix="am-") as directory:
        installation = Installation(Path(directory) / "data")
        await asyncio.to_thread(installation.start)
        try:
            async with visiting(browser, installation.url) as visitor:
                visitor.expect_outage()
                page = visitor.page
                await visitor.open("/sign-in")
                await visitor.sign_in(installation.admin["email"], installation.admin["password"])
                await expect(page.get_by_role("heading", level=1)).to_be_visible()
                with installation.client() as client:
                    app = client.post("/api/apps/", json={"name": "Lines"}).raise_for_status().json()
                    action = {"app": app["id"], "name": "Count", "entry": "count.py", "code": code}
                    made = client.post("/api/actions/", json=action).raise_for_status().json()
                    run = client.post(f"/api/actions/{made['id']}/run/", json={}).raise_for_status().json()["run_id"]
                    org = client.get("/api/me/").json()["organization"]["slug"]
                await visitor.open(f"/{org}/runs/{run}")
                begun = await _last_line(page, run, after=-1)
                before = installation.children()["control-plane"]
                os.kill(before, signal.SIGKILL)
                await asyncio.to_thread(installation.wait_child, "control-plane", other_than=before)
                await _last_line(page, run, after=begun + 50)
                await page.get_by_role("button", name="Cancel").click()
                await expect(page.locator("header").get_by_text("stopped")).to_be_visible()
                async with page.expect_download() as downloading:
                    await page.get_by_role("button", name="Download the log").click()
                log = (await (await downloading.value).path()).read_text().splitlines()
            assert log.pop() == "the run was cancelled"
            assert len(log) > begun + 50
            assert log == [f"line {number}" for number in range(len(log))]
        finally:
            await asyncio.to_thread(installation.stop)


async def _last_line(page: Page, run: int, *, after: int) -> int:
    """Waits until the log shows a line after that of a number; returns the number of the last one."""
    log = page.get_by_label(f"Output of run {run}")
    async with asyncio.timeout(240):
        while True:
            await expect(log).to_contain_text("line")
            last = max(map(int, re.findall(r"line (\d+)", await log.inner_text())))
            if last > after:
                return last
            await asyncio.sleep(0.2)

"""Drives the system's Chromium: signs in, scrolls, and reads what the main thread and the heap cost."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

VIEWPORT = {"width": 1280, "height": 800}


@dataclass(frozen=True, slots=True)
class Tab:
    """Holds one page with the debugger's connection to it."""

    page: Page
    debugger: CDPSession

    def cpu(self) -> float:
        """Returns the seconds of CPU that tasks of the main thread have used."""
        return self._metrics()["TaskDuration"]

    def heap(self) -> float:
        """Returns the bytes of JavaScript's heap after a collection."""
        for _ in range(3):
            self.debugger.send("HeapProfiler.collectGarbage")
        return self._metrics()["JSHeapUsedSize"]

    def _metrics(self) -> dict[str, float]:
        answer: dict[str, Any] = self.debugger.send("Performance.getMetrics")
        return {metric["name"]: metric["value"] for metric in answer["metrics"]}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Provides the system's Chromium. Raises RuntimeError without one."""
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if executable is None:
        raise RuntimeError("no Chromium is installed: `scripts/install-system-packages test` installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


def open_tab(browser: Browser) -> Tab:
    """Opens a page in a profile of its own."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB").new_page()
    page.set_default_timeout(60_000)
    debugger = page.context.new_cdp_session(page)
    # The thread's own clock: what other processes take of the processor does not count.
    debugger.send("Performance.enable", {"timeDomain": "threadTicks"})
    return Tab(page, debugger)


def sign_in(tab: Tab, url: str, email: str, password: str) -> None:
    """Signs in and waits for the first screen."""
    tab.page.goto(url + "/sign-in")
    tab.page.get_by_label("E-mail").fill(email)
    tab.page.get_by_label("Password", exact=True).fill(password)
    tab.page.get_by_role("button", name="Sign in").click()
    tab.page.get_by_role("navigation", name="Main").wait_for()


def scroll(tab: Tab, *, pixels: int, steps: int, pause: int = 16) -> float:
    """Scrolls by the wheel in the middle of the page; returns the CPU seconds per 100 px."""
    tab.page.mouse.move(VIEWPORT["width"] / 2, VIEWPORT["height"] / 2)
    before = tab.cpu()
    for _ in range(steps):
        tab.page.mouse.wheel(0, pixels)
        tab.page.wait_for_timeout(pause)
    tab.page.wait_for_timeout(300)
    return (tab.cpu() - before) / (pixels * steps / 100)

"""Measures the web console against its budgets: `python -m benchmarks.console`.

The installation, the browser and a bare page run on the same machine in the same minutes. What is compared is the CPU
of the main thread, as a ratio to a bare page that scrolls the same cells as plain HTML; elapsed times are shown for a
person and depend on the machine.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page
from rich.console import Console
from rich.table import Table

from benchmarks.console.browser import Tab, chromium, open_tab, scroll, sign_in
from benchmarks.console.installation import COLUMNS, Place, prepare
from platform_api.supervisor.testing import Installation

_STEPS, _PIXELS = 120, 100
_BARE_ROWS = 1000
# Common, rare, absent; alone and together; a text that is nowhere.
_FILTERS = (
    *("state=failed", "state=stopped", "state=running", "cause=webhook", "cause=manual"),
    *("state=stopped&cause=webhook", "from=2020-01-01T00:00:00Z&state=stopped", "text=no+such+text"),
)
# Within the page: a reload would give everything back.
_GO = "path => { history.pushState({}, '', path); dispatchEvent(new PopStateEvent('popstate')) }"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    names = [measure.__name__ for measure in _MEASURES]
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    options = parser.parse_args()
    results = Table("what", "measured", "budget")
    with (
        tempfile.TemporaryDirectory(prefix="amb-") as directory,
        Installation(
            Path(directory) / "data",
            # A million runs are more than an installation keeps of an app.
            environment={"RUNS_COUNT": "0", "RUNS_MEGABYTES": "0", "RUNS_DAYS": "0"},
        ) as installation,
    ):
        place = prepare(installation, rows=options.rows, runs=options.runs)
        with chromium() as browser:
            site = Site(browser, installation, place)
            for measure in (measure for measure in _MEASURES if measure.__name__ in options.only):
                what, measured, budget = measure(site, options.rounds)
                results.add_row(what, measured, budget)
                Console().print(f"{what}: {measured} ({budget})")
    Console().print(results)


class Site:
    """Holds the console of an installation in a browser."""

    def __init__(self, browser: Browser, installation: Installation, place: Place) -> None:
        self.browser = browser
        self._installation = installation
        self.place = place

    def tab(self) -> Tab:
        """Opens a tab in which the owner is signed in."""
        tab = open_tab(self.browser)
        admin = self._installation.admin
        sign_in(tab, self._installation.url, admin["email"], admin["password"])
        return tab

    def path(self, path: str) -> str:
        """Returns an address below the app, or the organization's with a slash before it."""
        base = f"{self._installation.url}/{self.place.organization}"
        return f"{base}{path}" if path.startswith("/") else f"{base}/bench/{path}"


def scrolling(site: Site, rounds: int) -> tuple[str, str, str]:
    """Compares the grid with the same cells as plain HTML."""
    grid, bare = site.tab(), open_tab(site.browser)
    grid.page.goto(site.path("tables/wide"))
    _shown(grid.page, "text 1")
    bare.page.set_content(_bare_page())
    ratios = []
    for _ in range(rounds):
        floor = scroll(bare, pixels=_PIXELS, steps=_STEPS)
        ratios.append(scroll(grid, pixels=_PIXELS, steps=_STEPS) / floor)
        for tab in (grid, bare):
            tab.page.mouse.wheel(0, -_PIXELS * _STEPS)
            tab.page.wait_for_timeout(500)
    _close(grid, bare)
    return "CPU per 100 px of scrolling, grid / bare page", f"{statistics.median(ratios):.1f}", "<= 6"


def first_rows(site: Site, rounds: int) -> tuple[str, str, str]:
    """Measures from the address to the first rows, in a browser that has the assets."""
    tab = site.tab()

    def show() -> None:
        tab.page.goto(site.path("tables/wide"))
        _shown(tab.page, "text 1")

    show()
    seconds = _median(show, rounds, between=lambda: tab.page.goto("about:blank"))
    _close(tab)
    return f"first rows of {site.place.rows:,} x {COLUMNS}", f"{seconds:.2f} s", "<= 1 s"


def runs_list(site: Site, rounds: int) -> tuple[str, str, str]:
    """Measures the first page of the runs, from a click to the rows."""
    tab = site.tab()

    def leave() -> None:
        tab.page.goto(site.path("/settings/general"))
        tab.page.get_by_role("heading", level=1).wait_for()

    def show() -> None:
        tab.page.get_by_role("link", name="Runs", exact=True).click()
        _listed(tab.page).nth(5).wait_for()

    seconds = _median(show, rounds, between=leave)
    _close(tab)
    return f"first page of {site.place.runs:,} runs", f"{seconds * 1000:.0f} ms", "<= 500 ms"


def runs_filtered(site: Site, rounds: int) -> tuple[str, str, str]:
    """Measures each filter of the list within the page, to the first rows, or the word of none or of looking further.

    What is nowhere is found to be nowhere in parts, which the list tells of; how long all of them take is printed.
    """
    tab = site.tab()
    tab.page.goto(site.path("/runs"))
    none, looking = (
        tab.page.get_by_text(words) for words in ("No run matches these filters", "Looking through older runs")
    )
    taken = {}
    for query in _FILTERS:

        def show(query: str = query) -> None:
            tab.page.evaluate(_GO, site.path(f"/runs?{query}"))
            _listed(tab.page).first.or_(none).or_(looking).first.wait_for()

        def leave() -> None:
            tab.page.evaluate(_GO, site.path("/settings/general"))
            tab.page.get_by_role("heading", name="General").wait_for()

        taken[query] = _median(show, rounds, between=leave)
        began = time.perf_counter()
        looking.wait_for(state="hidden")
        Console().print(
            f"  runs with {query}: {taken[query] * 1000:.0f} ms, {time.perf_counter() - began:.1f} s to look further"
        )
    _close(tab)
    slowest = max(taken, key=lambda query: taken[query])
    return f"slowest filter of {site.place.runs:,} runs, {slowest}", f"{taken[slowest] * 1000:.0f} ms", "<= 1 s"


def second_browser(site: Site, rounds: int) -> tuple[str, str, str]:
    """Measures from an edit in one browser to its sight in another."""
    one, other = site.tab(), site.tab()
    for tab in (one, other):
        tab.page.goto(site.path("tables/small"))
        tab.page.get_by_text("Live", exact=True).wait_for()
    taken = []
    for number in range(10 * rounds):
        written = f"edit {number}"
        one.page.locator('[aria-rowindex="2"] [aria-colindex="2"]').first.click()
        one.page.keyboard.type(written)
        began = time.perf_counter()
        one.page.keyboard.press("Enter")
        other.page.get_by_role("gridcell", name=written, exact=True).wait_for()
        taken.append(time.perf_counter() - began)
    _close(one, other)
    p95 = statistics.quantiles(taken, n=20)[-1]
    return "an edit in another browser, p95", f"{p95 * 1000:.0f} ms", "<= 200 ms"


def typing_beside_output(site: Site, rounds: int) -> tuple[str, str, str]:
    """Compares a key in the editor while a run logs 10,000 lines with one in a bare text area."""
    tab, bare = site.tab(), open_tab(site.browser)
    tab.page.goto(site.path("code/actions/count.py"))
    tab.page.locator(".cm-content").wait_for()
    bare.page.set_content("<textarea autofocus rows=30 cols=100></textarea>")
    tab.page.locator(".cm-content").click()
    tab.page.keyboard.press("Control+Enter")
    tab.page.get_by_role("region", name="Output of the run").get_by_text("line").first.wait_for()
    latencies, cpu = _typed(tab, 20 * rounds)
    bare.page.locator("textarea").click()
    floor, bare_cpu = _typed(bare, 20 * rounds)
    _close(tab, bare)
    p95, usual = (statistics.quantiles(list_, n=20)[-1] for list_ in (latencies, floor))
    return (
        "key to paint while a run logs 10,000 lines, p95",
        f"{p95:.0f} ms (a bare text area: {usual:.0f} ms);"
        f" {cpu * 1000:.1f} ms of CPU a key, log included ({cpu / bare_cpu:.1f}x a bare text area)",
        "<= 50 ms",
    )


_OBSERVE_KEYS = """() => {
  window.keyTimes = [];
  const observer = new PerformanceObserver((list) => {
    for (const { name, duration } of list.getEntries()) if (name === "keydown") window.keyTimes.push(duration);
  });
  observer.observe({ type: "event", durationThreshold: 16 });
}"""


def _typed(tab: Tab, keys: int) -> tuple[list[float], float]:
    """Returns the milliseconds from each of some typed keys to the paint that shows it, and the CPU seconds of a key.

    The browser times them itself (Event Timing), in steps of 8 ms from 16 on: what drives the browser takes longer
    than a key does.
    """
    tab.page.evaluate(_OBSERVE_KEYS)
    before = tab.cpu()
    for number in range(keys):
        tab.page.keyboard.type("x" if number % 8 else "\n")
        tab.page.evaluate("() => new Promise(done => requestAnimationFrame(() => done()))")
    cpu = (tab.cpu() - before) / keys
    tab.page.wait_for_timeout(500)
    slow: list[float] = tab.page.evaluate("() => window.keyTimes")
    return slow + [16.0] * (keys - len(slow)), cpu


def memory(site: Site, rounds: int) -> tuple[str, str, str]:
    """Compares the heap after many changes of screen with that after the first round through them."""
    tab, changes = site.tab(), max(50, 5 * rounds)
    places = ["tables/wide", "code/actions/count.py", "runs", "tables/small", "/settings/members"]

    def go(place: str) -> None:
        tab.page.evaluate(_GO, site.path(place))
        tab.page.get_by_role("heading", level=1).wait_for()
        tab.page.wait_for_timeout(400)

    for place in places:
        go(place)
    first = tab.heap()
    for number in range(changes):
        go(places[number % len(places)])
    last = tab.heap()
    _close(tab)
    return (
        f"heap after {changes} changes of screen",
        f"{last / first:.2f}x the first ({first / 1e6:.0f} MB)",
        "<= 1.5x",
    )


def _median(show: Callable[[], object], rounds: int, *, between: Callable[[], object]) -> float:
    taken = []
    for _ in range(rounds):
        between()
        began = time.perf_counter()
        show()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _shown(page: Page, text: str) -> None:
    page.get_by_role("gridcell", name=text, exact=True).first.wait_for()


def _listed(page: Page) -> Locator:
    # By selector: looking by role reads every element of the page, in the thread that draws the rows.
    return page.locator("tr[id^=run-]")


def _close(*tabs: Tab) -> None:
    for tab in tabs:
        tab.page.context.close()


def _bare_page() -> str:
    """Returns a page with as many cells as the grid shows, in plain HTML and laid out by the browser alone."""
    cells = "".join(f"<span>text {number}</span>" for number in range(9))
    rows = "".join(f"<div><span>{number}</span>{cells}</div>" for number in range(_BARE_ROWS))
    style = "div{height:34px;display:flex}span{width:110px;border:1px solid #ddd;overflow:hidden;white-space:nowrap}"
    return f"<!doctype html><style>{style}</style>{rows}"


_MEASURES = (scrolling, first_rows, runs_list, runs_filtered, second_browser, typing_beside_output, memory)

if __name__ == "__main__":
    main()

"""A person at a browser: signs in, goes to pages, and notices what a page does wrong."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, expect

AXE = Path(__file__).parents[2] / "console" / "node_modules" / "axe-core" / "axe.min.js"
Scheme = Literal["light", "dark"]
# Chromium writes one for every answer that is an error; which answers may be one is told apart by status.
_REFUSED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
# What Chromium writes while nobody can be reached.
_OFFLINE = re.compile(
    r"net::ERR_(INTERNET_DISCONNECTED|FAILED|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED|CONNECTION_\w+)"
    r"|WebSocket connection to .* failed"
)
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


# What moves is measured when it stands still.
_STILL = """
async () => {
  const isMoving = animation => animation.effect?.getTiming().iterations !== Infinity;
  // Colours that are inherited change one frame after another.
  for (let quiet = 0, frames = 0; quiet < 3 && frames < 300; frames += 1) {
    await new Promise(requestAnimationFrame);
    quiet = document.getAnimations().some(isMoving) ? 0 : quiet + 1;
  }
}
"""


class Visitor:
    """One browser profile with one page. `problems` holds console errors, policy violations and answers 5xx."""

    def __init__(self, context: BrowserContext, page: Page, base_url: str, scheme: Scheme = "light") -> None:
        self.context = context
        self._scheme: Scheme = scheme
        self.page = page
        self.base_url = base_url
        self.problems: list[str] = []
        self.answers: list[tuple[int, str]] = []
        self._was_offline = False
        self._loading: set[Request] = set()
        page.on("request", self._on_request)
        page.on("requestfinished", self._on_loaded)
        page.on("requestfailed", self._on_loaded)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        page.on("response", self._on_response)

    async def open(self, path: str) -> None:
        """Goes to a page of the console by its address."""
        await self.page.goto(self.base_url + path)

    async def go(self, path: str) -> None:
        """Goes to a page of the console within the one that is open, as a link does."""
        # What the page before still waits for is its own affair.
        self._loading.clear()
        # A tooltip of what has the focus would stay.
        await self.page.evaluate("path => { document.activeElement?.blur(); history.pushState({}, '', path); }", path)
        await self.page.wait_for_url(self.base_url + path)

    async def leave(self) -> None:
        """Leaves the console: what the page before still waits for is given up, and answers to it come no more."""
        await self.page.goto("about:blank")

    def expect_outage(self) -> None:
        """Has what the browser writes about a server that is away be no problem of the page."""
        self._was_offline = True

    @asynccontextmanager
    async def offline(self) -> AsyncIterator[None]:
        """Takes the network away; what the browser writes about that is no problem of the page."""
        self._was_offline = True
        await self.context.set_offline(True)
        try:
            yield
        finally:
            await self.context.set_offline(False)

    async def settle(self) -> None:
        """Waits until nothing is loaded any more but streams, which never end: with them no network is idle."""
        quiet = 0
        for _ in range(600):
            await asyncio.sleep(0.1)
            quiet = 0 if self._loading else quiet + 1
            if quiet == 5:
                return
        waiting = [f"{request.method} {request.url} {(request.post_data or '')[:200]}" for request in self._loading]
        raise AssertionError(f"{self.page.url} still loads {waiting}")

    async def enter(self, email: str, password: str) -> None:
        """Signs in without a page: the next page that is opened is theirs."""
        body = {"email": email, "password": password}
        answer = await self.context.request.post(f"{self.base_url}/api/sessions/", data=body, timeout=120_000)
        assert answer.ok, await answer.text()

    async def sign_in(self, email: str, password: str) -> None:
        """Fills in the sign-in form, wherever it is, and waits for what comes after it."""
        await self.page.get_by_label("E-mail").fill(email)
        await self.page.get_by_label("Password", exact=True).fill(password)
        await self.page.get_by_role("button", name="Sign in").click()
        await expect(self.page.get_by_role("button", name="Sign in")).to_be_hidden()

    async def findings_of_axe(self, *rules: str) -> list[str]:
        """Returns what axe finds on the page as it is, one line for each element; with `rules` only by those.

        Of all rules, those of colours are tried in the other scheme too: nothing else differs between them.
        """
        found = await self._findings(*rules)
        if not rules:
            await self.page.emulate_media(color_scheme="light" if self._scheme == "dark" else "dark")
            await self.page.evaluate(_STILL)
            found += [f"in the other scheme: {line}" for line in await self._findings("color-contrast")]
            await self.page.emulate_media(color_scheme=self._scheme)
            await self.page.evaluate(_STILL)
        return found

    async def _findings(self, *rules: str) -> list[str]:
        # Evaluated by the debugger, which the page's policy does not bind.
        if not await self.page.evaluate("() => 'axe' in window"):
            await self.page.evaluate(AXE.read_text())
        # What has just become enabled has the colours of what is not, until a frame is drawn.
        drawn = "await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        run = f"async options => {{ {drawn}; return JSON.stringify((await axe.run(document, options)).violations) }}"
        chosen = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": _RULES}
        found: list[dict[str, Any]] = json.loads(await self.page.evaluate(run, {"runOnly": chosen, "preload": False}))
        return [
            f"{violation['id']}: {node['html'][:200]} {node.get('failureSummary', '')}"
            for violation in found
            for node in violation["nodes"]
        ]

    def _on_request(self, request: Request) -> None:
        if "stream" not in request.url:
            self._loading.add(request)

    def _on_loaded(self, request: Request) -> None:
        self._loading.discard(request)

    def _on_console(self, message: ConsoleMessage) -> None:
        if self._was_offline and _OFFLINE.search(message.text):
            return
        if message.type in ("error", "warning") and not _REFUSED.match(message.text):
            self.problems.append(f"console: {message.text}")

    def _on_response(self, response: Response) -> None:
        # Of an answer that the page does not read to its end, Chromium never says that it has ended.
        self._loading.discard(response.request)
        self.answers.append((response.status, response.url.removeprefix(self.base_url)))
        if response.status >= 500:
            self.problems.append(f"{response.status} {response.url}")


@asynccontextmanager
async def visiting(browser: Browser, base_url: str, *, scheme: Scheme = "light") -> AsyncIterator[Visitor]:
    """Opens a browser profile of its own. Fails at the end if a page did anything wrong."""
    context = await browser.new_context(
        viewport={"width": 1280, "height": 800}, color_scheme=scheme, reduced_motion="reduce", locale="en-GB"
    )
    context.set_default_timeout(120_000)
    page = await context.new_page()
    visitor = Visitor(context, page, base_url, scheme)
    try:
        yield visitor
        assert visitor.problems == [], visitor.problems
    finally:
        await context.close()

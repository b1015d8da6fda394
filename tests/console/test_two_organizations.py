"""Somebody at every address of another organization, and every request of its screens sent again as somebody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
from playwright.async_api import Page, Request, expect

from tests.console.conftest import Visit
from tests.console.routes import Screens, full_screens
from tests.console.visitor import Visitor
from tests.platform_api.conftest import Caller, Platform

pytestmark = pytest.mark.anyio

_SOCKET = """
([url, organization]) => new Promise(resolve => {
  const socket = new WebSocket(url, url.includes("graphql") ? "graphql-transport-ws" : []);
  const init = { type: "connection_init", payload: { headers: { "X-Organization-Id": organization } } };
  socket.onopen = () => socket.send(JSON.stringify(init));
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "connection_ack") {
      const payload = { query: "subscription { __typename }" };
      socket.send(JSON.stringify({ id: "1", type: "subscribe", payload }));
    } else resolve(data);
  };
  socket.onclose = () => resolve("closed");
})
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of a screen; `path` with its query."""

    method: str
    path: str
    body: str | None


@dataclass(frozen=True, slots=True)
class Heard:
    """What the screens of an organization asked for."""

    requests: set[Asked]
    sockets: set[str]


async def _listen(visit: Visit, screens: Screens) -> Heard:
    """Goes through every screen of the organization as its owner."""
    heard = Heard(set(), set())
    async with visit() as owner:

        def note(request: Request) -> None:
            path = request.url.removeprefix(owner.base_url)
            if path.startswith("/api/") and (request.method == "GET" or path.endswith("/graphql")):
                heard.requests.add(Asked(request.method, path, request.post_data))

        owner.page.on("request", note)
        owner.page.on("websocket", lambda socket: heard.sockets.add(socket.url))
        await owner.open("/sign-in")
        await owner.sign_in(screens.caller.email, Platform.password)
        for address in screens.inside():
            await owner.go(address)
            await expect(owner.page.get_by_role("heading", level=1)).to_be_visible()
            await owner.settle()
    return heard


async def _is_nowhere(other: Visitor, stranger: Caller, screens: Screens) -> None:
    page = other.page
    await other.open("/sign-in")
    await other.sign_in(stranger.email, Platform.password)
    for address in screens.inside():
        await other.go(f"/{stranger.organization_slug}")
        await expect(page.get_by_role("heading", name="Apps", exact=True)).to_be_visible()
        await other.settle()
        other.answers.clear()
        await other.go(address)
        await expect(page.get_by_role("heading", name="Not here, or not yours")).to_be_visible()
        answered = [url for status, url in other.answers if status == 200 and url.startswith("/api/")]
        assert answered == [], (address, answered)


async def _hears_nothing(page: Page, sockets: set[str], organizations: list[str]) -> None:
    for url in sockets:
        for organization in organizations:
            answer: str = await page.evaluate(_SOCKET, [url, organization])
            assert answer == "closed" or '"error"' in answer, (url, organization, answer)


@asynccontextmanager
async def _signed_in(base_url: str, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=base_url, headers={"Origin": base_url}, timeout=60) as client:
        credentials = {"email": caller.email, "password": Platform.password}
        assert (await client.post("/api/sessions/", json=credentials)).status_code == 200
        yield client


async def _send(client: httpx.AsyncClient, asked: Asked, organization: str) -> tuple[int, str]:
    """Sends a request again; of a stream, returns what comes within a moment."""
    headers = {"X-Organization-Id": organization, "Content-Type": "application/json"}
    text = ""
    async with client.stream(asked.method, asked.path, content=asked.body, headers=headers) as answer:
        try:
            async with asyncio.timeout(1 if "stream" in asked.path else 60):
                async for part in answer.aiter_text():
                    text += part
        except TimeoutError:
            pass
        return answer.status_code, text


async def test_nothing_of_an_organization_is_shown_or_answered_to_another(
    shared_platform: Platform, visit: Visit
) -> None:
    screens, world = await full_screens(shared_platform)
    stranger = await shared_platform.create_caller()
    heard = await _listen(visit, screens)
    assert len(heard.requests) > 40 and heard.sockets
    organizations = [screens.caller.organization_slug, stranger.organization_slug]
    async with visit() as other:
        await _is_nowhere(other, stranger, screens)
        await _hears_nothing(other.page, heard.sockets, organizations)
        # Chromium writes it for each that was refused.
        other.problems[:] = [line for line in other.problems if "WebSocket connection to" not in line]
        base_url = other.base_url
    of_the_app = f"/apps/{world.parameters['app']}/"
    async with _signed_in(base_url, stranger) as client:
        for asked in heard.requests:
            for organization in organizations:
                status, text = await _send(client, asked, organization)
                assert status != 200 or of_the_app not in asked.path, (asked, organization, text)
                # An error may repeat what was asked for.
                assert status >= 400 or world.marker not in text, (asked, organization, text)

"""Every screen of the console, on an empty and a full installation, in both colour schemes, narrow and by keyboard.

The list of screens is read from the router: a new route is checked without anybody thinking of it.
"""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.console.conftest import Visit
from tests.console.routes import empty_screens, full_screens
from tests.console.visitor import Visitor
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio

_SIZE, _NARROW = {"width": 1280, "height": 800}, {"width": 320, "height": 700}
_SIDEWAYS = """
() => {
  const wide = element => element.scrollWidth > element.clientWidth + 1;
  const found = wide(document.documentElement) ? ["the page"] : [];
  // What is two-dimensional by its nature may scroll: grids, tables, code, logs, tabs that stand in a row.
  const free = "[role=grid], [role=tablist], .cm-editor, .cm-scroller, pre, table";
  for (const element of document.querySelectorAll("main, main *")) {
    if (!["auto", "scroll"].includes(getComputedStyle(element).overflowX) || !wide(element)) continue;
    if (element.matches(free) || element.closest(free) || element.querySelector(free)) continue;
    found.push(element.outerHTML.slice(0, 150));
  }
  return found;
}
"""
_FOCUS = """
() => {
  const focused = document.activeElement;
  if (!focused || !focused.closest("main")) return `the focus is on ${focused?.outerHTML.slice(0, 150)}`;
  // What hides the control itself shows its focus around it.
  const shown = [focused, focused.parentElement, focused.nextElementSibling].filter(Boolean).map(getComputedStyle);
  const field = focused.matches("input, textarea, select, [contenteditable]");
  const seen = shown.some(style => (style.outlineStyle !== "none" && style.outlineWidth !== "0px")
    || style.boxShadow !== "none");
  return field || seen ? null : `nothing shows the focus of ${focused.outerHTML.slice(0, 150)}`;
}
"""


async def _shown(visitor: Visitor) -> None:
    await expect(visitor.page.get_by_role("heading", level=1)).to_have_count(1)
    await expect(visitor.page.locator("[aria-busy=true], .mantine-Skeleton-root")).to_have_count(0)
    await visitor.settle()


async def _faults(visitor: Visitor, *, has_help: bool) -> list[str]:
    """Returns what is wrong with the screen that is open."""
    page = visitor.page
    await _shown(visitor)
    faults = []
    headings: list[str] = await page.get_by_role("heading", level=1).all_inner_texts()
    if len(headings) != 1 or not headings[0].strip():
        faults.append(f"has the headings of the first level {headings}")
    if has_help and await page.locator("main a[href^='/help/']").count() == 0:
        faults.append("has no link to its documentation")
    faults += await visitor.findings_of_axe()
    await page.get_by_role("heading", level=1).focus()
    await page.keyboard.press("Tab")
    focus: str | None = await page.evaluate(_FOCUS)
    faults += [] if focus is None else [f"Tab does not lead into the content: {focus}"]
    await page.set_viewport_size(_NARROW)  # type: ignore[arg-type]
    faults += [f"scrolls sideways at 320 pixels: {element}" for element in await _sideways(page)]
    await page.set_viewport_size(_SIZE)  # type: ignore[arg-type]
    return faults


async def _sideways(page: Page) -> list[str]:
    """Returns what scrolls sideways, once the page has taken its new width."""
    found: list[str] = []
    for _ in range(20):
        await asyncio.sleep(0.1)
        if not (found := await page.evaluate(_SIDEWAYS)):
            break
    return found


async def _all_faults(visitor: Visitor, addresses: list[str], *, has_help: bool) -> dict[str, list[str]]:
    found = {}
    for address in addresses:
        await visitor.go(address)
        if faults := await _faults(visitor, has_help=has_help):
            found[address] = faults
    return found


@pytest.mark.parametrize("installation", ["empty", "full"])
async def test_every_screen_is_sound(shared_platform: Platform, visit: Visit, installation: str) -> None:
    screens = await empty_screens(shared_platform)
    if installation == "full":
        screens, _ = await full_screens(shared_platform)
    found: dict[str, Any] = {}
    async with visit() as visitor:
        await visitor.open("/sign-in")
        await expect(visitor.page.get_by_label("E-mail")).to_be_visible()
        if installation == "empty":
            found |= await _all_faults(visitor, screens.signed_out(), has_help=False)
            await visitor.open("/sign-in")
        await visitor.sign_in(screens.caller.email, Platform.password)
        await _shown(visitor)
        found |= await _all_faults(visitor, screens.signed_in(), has_help=True)
    assert found == {}, "\n".join(f"{screen}: {fault}" for screen, faults in found.items() for fault in faults)

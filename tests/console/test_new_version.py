"""A page that is open while a newer console is deployed: it says so, keeps what was typed, reloads when asked."""

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from platform_api.web import console, templating
from platform_api.web.templating import CONSOLE
from tests.console.conftest import Visit
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio


def _older_build(target: Path) -> None:
    """Writes the console with other names for all its parts."""
    shutil.copytree(CONSOLE, target, ignore=shutil.ignore_patterns("*.br", "*.gz", "*.map"))
    assets = target / "assets"
    names = {name: re.sub(r"\.(\w+)$", r"-older.\1", name) for name in [file.name for file in assets.iterdir()]}
    parts = re.compile("|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)))
    for file in [target / "index.html", *assets.glob("*.js"), *assets.glob("*.css")]:
        file.write_text(parts.sub(lambda match: names[match[0]], file.read_text()))
    for name, older in names.items():
        (assets / name).rename(assets / older)


def _serve(monkeypatch: pytest.MonkeyPatch, build: Path) -> None:
    def look_up(_files: Any, path: str) -> tuple[str, os.stat_result | None]:
        file = build / path
        return (str(file), file.stat()) if file.is_file() else ("", None)

    monkeypatch.setattr(console, "CONSOLE", build)
    monkeypatch.setattr(templating._BuiltConsole, "lookup_path", look_up)


async def test_a_page_of_an_older_console_says_so_and_reloads_when_asked(
    shared_platform: Platform, visit: Visit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    caller = await shared_platform.create_caller()
    _older_build(tmp_path / "older")
    _serve(monkeypatch, tmp_path / "older")
    async with visit() as visitor:
        page, documents = visitor.page, list[str]()
        page.on("request", lambda request: documents.append(request.url) if request.is_navigation_request() else None)
        await visitor.open(f"/sign-in?next=/{caller.organization_slug}/apps/new")
        await visitor.sign_in(caller.email, Platform.password)
        await page.get_by_label("Name").fill("Typed before")
        await visitor.settle()

        monkeypatch.undo()
        documents.clear()
        await page.get_by_role("button", name="Switch organization").click()
        await page.get_by_role("menuitem", name="New organization").click()
        notice = page.get_by_role("alert").filter(has_text="A new version is here")
        await expect(notice.get_by_role("button", name="Reload the page")).to_be_visible()
        await expect(page.get_by_label("Name")).to_have_value("Typed before")
        await visitor.settle()
        assert await visitor.findings_of_axe() == []

        await page.get_by_role("link", name="Inbox").click()
        heading = page.get_by_role("heading", name="A new version is here", level=1)
        await expect(heading).to_be_visible()
        await visitor.settle()
        assert await visitor.findings_of_axe() == []
        assert documents == []
        await page.get_by_role("main").get_by_role("button", name="Reload the page").click()
        await expect(page.get_by_role("heading", name="Inbox", level=1)).to_be_visible()
        await visitor.settle()
        assert len(documents) == 1
        # What was missing is written to the console, for who looks there.
        missing = re.compile(r"A part of the console is missing|Refused to apply style from '\S+-older\.css'")
        visitor.problems[:] = [line for line in visitor.problems if not missing.search(line)]
        assert visitor.problems == [], "\n".join(visitor.problems)

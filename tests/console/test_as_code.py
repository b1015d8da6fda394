"""What was done by hand, as a program: in each language it does the same again."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

import console
from tests.console.conftest import Visit
from tests.console.shop import at_grid, cell, open_shop
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio

NAME = """it's "new" `$(id)` ${HOME} \\ <b>%s</b> {{7*7}} ünï"""
LANGUAGES = {"curl": "sh", "Python": "py", "JavaScript": "mjs"}


async def _run(code: str, language: str, token: str, directory: Path) -> None:
    """Runs what the dialog shows, as somebody would who pastes it into a file."""
    program = directory / f"program.{LANGUAGES[language]}"
    program.write_text(code)
    with_what = {"curl": "bash", "Python": sys.executable, "JavaScript": str(console.find_node().executable)}
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "APP_TOKEN": token}
    ran = await asyncio.create_subprocess_exec(
        with_what[language], str(program), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output, _ = await ran.communicate()
    assert ran.returncode == 0, (language, output.decode())


async def _programs(page: Page, what: str) -> dict[str, str]:
    """Returns the code of what was done, by language."""
    await page.get_by_role("button", name="As code").click()
    dialog = page.get_by_role("dialog", name="as a program").or_(page.get_by_role("dialog", name="with a program"))
    choice = dialog.get_by_label("What the program does")
    label = await choice.locator("option", has_text=what).first.inner_text()
    await choice.select_option(label=label)
    found = {}
    for tab in await dialog.get_by_role("tab").all():
        await tab.click()
        found[await tab.inner_text()] = await dialog.locator("pre").inner_text()
    return found


async def test_what_was_done_in_the_settings_is_a_program(
    shared_platform: Platform, visit: Visit, tmp_path: Path
) -> None:
    caller = await shared_platform.create_caller()
    async with visit() as visitor:
        page = visitor.page
        await visitor.enter(caller.email, Platform.password)
        await visitor.open(f"/{caller.organization_slug}/settings/tokens")
        await page.get_by_role("button", name="As code").click()
        await expect(page.get_by_role("dialog").locator("pre")).to_contain_text("/api/tokens/")
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="New token").click()
        await page.get_by_label("Name", exact=True).fill(NAME)
        await page.get_by_role("button", name="Make the token").click()
        await page.get_by_role("button", name="Close").last.click()
        programs = await _programs(page, "POST /api/tokens/")
        assert await visitor.findings_of_axe() == []
        assert list(programs) == list(LANGUAGES)
        for count, (language, code) in enumerate(programs.items(), 2):
            await _run(code, language, caller.token, tmp_path)
            async with shared_platform.client(caller) as client:
                tokens = (await client.get("/api/tokens/", params={"limit": 50, "cursor": ""})).json()["results"]
            assert [token["name"] for token in tokens].count(NAME) == count, language

        # Somebody else who signs in here finds nothing of it.
        other = await shared_platform.create_caller()
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Account of").click()
        await page.get_by_role("menuitem", name="Sign out").click()
        await visitor.sign_in(other.email, Platform.password)
        await page.get_by_role("button", name="As code").click()
        await expect(page.get_by_role("dialog").locator("pre")).to_contain_text("/api/apps/")
        await expect(page.get_by_label("What the program does")).to_have_count(0)


async def test_what_was_done_in_a_table_is_a_program(shared_platform: Platform, visit: Visit, tmp_path: Path) -> None:
    shop = await open_shop(shared_platform, 3)
    async with at_grid(visit, shop) as (_, page):
        await cell(page, 2, 5).dblclick()
        await page.keyboard.type(NAME)
        await page.keyboard.press("Enter")
        await expect(cell(page, 2, 5)).to_have_text(NAME)
        programs = await _programs(page, "mutation update")
        assert NAME in (await shop.content("note"))[1]
        assert programs["GraphQL"].startswith("mutation")
        for language in LANGUAGES:
            await shop.graphql(
                f"mutation {{ update_{shop.table}(where: {{}}, _set: {{note: null}}) {{ affected_rows }} }}"
            )
            await _run(programs[language], language, shop.caller.token, tmp_path)
            assert await shop.content("note") == [[None], [NAME], [None]], language

"""The code editor: drafts, saving, merging, files. Runs are in `test_code_runs.py`."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from automio.wrapper import API
from tests.console.conftest import Visit
from tests.console.visitor import Visitor
from tests.platform_api.conftest import Caller, Platform

pytestmark = pytest.mark.anyio

LINES = [f"line_{number} = {number}" for number in range(1, 30)]
CODE = "\n".join(LINES) + "\n"


async def make_app(platform: Platform, caller: Caller, code: str = CODE) -> dict[str, Any]:
    """Creates an app with an action `count` in `count.py`; returns the app's `id`, `slug` and address of its code."""
    app = await platform.create_app(caller)
    async with platform.client(caller) as client:
        made = await client.post(
            "/api/actions/", json={"name": "count", "app": app.id, "entry": "count.py", "code": code}
        )
        assert made.status_code == 201, made.text
    return {"id": app.id, "slug": app.slug, "code": f"/{caller.organization_slug}/{app.slug}/code"}


async def source_of(platform: Platform, caller: Caller, app: dict[str, Any]) -> dict[str, Any]:
    async with platform.client(caller) as client:
        loaded: dict[str, Any] = (await client.get(f"/api/apps/{app['id']}/source/")).json()
    return loaded


async def open_editor(visitor: Visitor, caller: Caller, address: str) -> Page:
    """Signs in and opens a page with an editor."""
    await visitor.enter(caller.email, Platform.password)
    await visitor.open(address)
    await expect(visitor.page.locator(".cm-content")).to_be_visible()
    return visitor.page


async def type_at(page: Page, line: int, text: str) -> None:
    """Types at the end of a line (from 1) of the shown file."""
    await page.locator(".cm-content").focus()
    await page.keyboard.press("Control+Home")
    for _ in range(line - 1):
        await page.keyboard.press("ArrowDown")
    await page.keyboard.press("End")
    await page.keyboard.type(text)


def saved(page: Page, version: int) -> Any:
    return page.get_by_text(f"Saved v{version}", exact=True)


async def test_what_was_typed_survives_a_reload_and_can_be_discarded(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    app = await make_app(shared_platform, caller)
    async with visit() as visitor:
        page = await open_editor(visitor, caller, app["code"])
        await expect(saved(page, 1)).to_be_visible()
        await type_at(page, 2, "  # typed")
        await expect(page.get_by_text("Not saved, draft kept")).to_be_visible()
        await page.reload()
        await expect(page.get_by_text("Your draft of")).to_be_visible()
        await expect(page.locator(".cm-line").nth(1)).to_have_text("line_2 = 2  # typed")
        await page.get_by_role("button", name="Discard", exact=True).click()
        await expect(page.locator(".cm-line").nth(1)).to_have_text("line_2 = 2")
        await expect(saved(page, 1)).to_be_visible()
        await page.reload()
        await expect(saved(page, 1)).to_be_visible()
        await expect(page.get_by_text("Your draft of")).to_be_hidden()
    assert (await source_of(shared_platform, caller, app))["number"] == 1


async def test_two_browsers_save_and_nothing_is_lost(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    app = await make_app(shared_platform, caller)
    async with visit() as first, visit() as second:
        mine, theirs = [await open_editor(visitor, caller, app["code"]) for visitor in (first, second)]
        await type_at(theirs, 2, "  # theirs")
        await type_at(mine, 20, "  # mine")
        await theirs.keyboard.press("Control+s")
        await expect(saved(theirs, 2)).to_be_visible()
        await mine.keyboard.press("Control+s")
        # Changes apart from each other fit together: one click.
        await expect(mine.get_by_text("v2 was saved while you edited v1.")).to_be_visible()
        await mine.get_by_role("button", name="Merge and save").click()
        await expect(saved(mine, 3)).to_be_visible()
        merged = (await source_of(shared_platform, caller, app))["files"]["count.py"]
        assert "line_2 = 2  # theirs\n" in merged and "line_20 = 20  # mine\n" in merged

        # The same line: the person decides, and may take the other's by the arrow.
        await type_at(theirs, 5, "  # also theirs")
        await type_at(mine, 5, "  # also mine")
        await mine.keyboard.press("Control+s")
        await expect(saved(mine, 4)).to_be_visible()
        await theirs.keyboard.press("Control+s")
        await expect(theirs.get_by_text("Both of you changed the same places.")).to_be_visible()
        await theirs.locator(".cm-merge-revert button").first.click()
        await theirs.get_by_role("button", name="Save this result").click()
        await expect(theirs.get_by_text(re.compile(r"^Saved v[45]$"))).to_be_visible()
    final = (await source_of(shared_platform, caller, app))["files"]["count.py"]
    assert "line_5 = 5  # also mine\n" in final and "line_20 = 20  # mine\n" in final


async def test_mine_wins_only_when_chosen(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    app = await make_app(shared_platform, caller)
    async with visit() as visitor:
        page = await open_editor(visitor, caller, app["code"])
        await type_at(page, 1, "  # mine")
        async with shared_platform.client(caller) as client:
            body = {"base_version": 1, "changes": {"count.py": CODE.replace("line_1 = 1\n", "line_1 = 100\n")}}
            assert (await client.patch(f"/api/apps/{app['id']}/source/", json=body)).status_code == 201
        await page.keyboard.press("Control+s")
        await expect(page.get_by_text("Conflict", exact=True)).to_be_visible()
        assert await visitor.findings_of_axe() == []
        await page.get_by_role("button", name="Mine wins").click()
        await expect(saved(page, 3)).to_be_visible()
    assert (await source_of(shared_platform, caller, app))["files"]["count.py"] == CODE.replace(
        "= 1\n", "= 1  # mine\n", 1
    )


async def test_a_save_without_a_connection_is_sent_when_it_is_back(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    app = await make_app(shared_platform, caller)
    async with visit() as visitor:
        page = await open_editor(visitor, caller, app["code"])
        await visitor.context.set_offline(True)
        await type_at(page, 1, "  # offline")
        await page.keyboard.press("Control+s")
        await expect(page.get_by_text("Not saved (offline, retrying)")).to_be_visible()
        await visitor.context.set_offline(False)
        await expect(saved(page, 2)).to_be_visible()
        visitor.problems[:] = [problem for problem in visitor.problems if "ERR_INTERNET_DISCONNECTED" not in problem]
    assert "line_1 = 1  # offline\n" in (await source_of(shared_platform, caller, app))["files"]["count.py"]


async def test_who_is_removed_while_writing_is_told_and_keeps_the_text(
    shared_platform: Platform, visit: Visit
) -> None:
    owner, builder = [await shared_platform.create_caller() for _ in range(2)]
    app = await make_app(shared_platform, owner)
    members = f"/api/organizations/{owner.organization_slug}/members/"
    async with shared_platform.client(owner) as client:
        added = await client.post(members, json={"email": builder.email, "role": "builder"})
        assert added.status_code == 201, added.text
    async with visit() as visitor:
        page = await open_editor(visitor, builder, app["code"])
        await type_at(page, 1, "  # nowhere else")
        await expect(page.get_by_text("Not saved, draft kept")).to_be_visible()
        async with shared_platform.client(owner) as client:
            user_id = added.json()["user_id"]
            assert (await client.delete(f"{members}{user_id}/")).status_code == 204
        await page.keyboard.press("Control+s")
        await expect(page.get_by_role("alert")).to_be_visible()
        await expect(page.locator(".cm-line").first).to_have_text("line_1 = 1  # nowhere else")
        async with page.expect_download() as downloading:
            await page.get_by_role("button", name="Download count.py").click()
        assert (await downloading.value).suggested_filename == "count.py"
        assert await visitor.findings_of_axe() == []
    assert (await source_of(shared_platform, owner, app))["number"] == 1


async def test_files_are_made_renamed_and_deleted_by_keyboard(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    app = await make_app(shared_platform, caller, "import helper\n")
    async with visit() as visitor:
        page = await open_editor(visitor, caller, app["code"])
        await page.get_by_role("button", name="New file").press("Enter")
        await page.get_by_label("Name", exact=True).fill("../evil.py")
        await page.get_by_label("Name", exact=True).press("Enter")
        await expect(page.get_by_text("folders are divided by")).to_be_visible()
        await page.get_by_label("Name", exact=True).fill("helper.py")
        await page.get_by_label("Name", exact=True).press("Enter")
        await expect(page).to_have_url(f"{visitor.base_url}{app['code']}/helper.py")
        await type_at(page, 1, "x = 1")
        await page.keyboard.press("Control+s")
        await expect(saved(page, 2)).to_be_visible()

        await page.get_by_role("treeitem", name="helper.py").press("F2")
        await expect(page.get_by_role("dialog").get_by_text("count.py")).to_be_visible()
        await page.get_by_label("New name").fill("lib/helper.py")
        await page.get_by_label("New name").press("Enter")
        await expect(saved(page, 3)).to_be_visible()
        assert sorted((await source_of(shared_platform, caller, app))["files"]) == ["count.py", "lib/helper.py"]

        await expect(page.get_by_role("dialog")).to_be_hidden()
        await page.get_by_role("treeitem", name="count.py").press("F2")
        await page.get_by_label("New name").fill("counting.py")
        await page.get_by_label("New name").press("Enter")
        await expect(saved(page, 4)).to_be_visible()
        await expect(page.get_by_role("treeitem", name="counting.py")).to_be_visible()
        await expect(page.get_by_role("dialog")).to_be_hidden()
        async with shared_platform.client(caller) as client:
            actions = (await client.get("/api/actions/", params={"app": app["id"]})).json()
        assert [action["entry"] for action in actions] == ["counting.py"]

        await expect(page.get_by_role("dialog")).to_be_hidden()
        await page.get_by_role("treeitem", name="counting.py").press("Delete")
        await expect(page.get_by_role("dialog").get_by_text("action count")).to_be_visible()
        await page.get_by_role("button", name="Delete", exact=True).press("Enter")
        await expect(saved(page, 5)).to_be_visible()
    assert sorted((await source_of(shared_platform, caller, app))["files"]) == ["lib/helper.py"]


async def test_a_version_is_compared_and_restored_as_a_new_one(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    app = await make_app(shared_platform, caller)
    async with visit() as visitor:
        page = await open_editor(visitor, caller, app["code"])
        await type_at(page, 3, "  # changed")
        await page.get_by_role("button", name="Save version…").click()
        await page.get_by_label("What changed (optional)").fill("A comment")
        await page.get_by_label("What changed (optional)").press("Enter")
        await expect(saved(page, 2)).to_be_visible()
        await page.get_by_role("tab", name="History").click()
        await expect(page.get_by_role("button", name="v2 A comment")).to_be_visible()
        await page.get_by_role("button", name=re.compile("^v1 ")).click()
        await expect(page.locator(".cm-merge-b .cm-changedLine")).to_have_count(1)
        await page.get_by_role("button", name="Restore v1").click()
        await expect(saved(page, 3)).to_be_visible()
    source = await source_of(shared_platform, caller, app)
    assert (source["files"]["count.py"], source["message"]) == (CODE, "Restored count.py of v1")


async def test_drafts_are_dropped_at_sign_out_after_asking(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    app = await make_app(shared_platform, caller)
    async with visit() as visitor:
        page = await open_editor(visitor, caller, app["code"])
        await type_at(page, 1, "  # secret")
        await expect(page.get_by_text("Not saved, draft kept")).to_be_visible()
        for answer in ("Stay", "Sign out and discard"):
            await page.get_by_role("button", name="Account of").click()
            await page.get_by_role("menuitem", name="Sign out").click()
            await page.get_by_role("dialog").get_by_role("button", name=answer).click()
        await expect(page.get_by_label("E-mail")).to_be_visible()
        await visitor.sign_in(caller.email, Platform.password)
        await visitor.open(app["code"])
        await expect(saved(page, 1)).to_be_visible()
        await expect(page.locator(".cm-line").first).to_have_text("line_1 = 1")


async def test_names_of_the_api_and_of_tables_are_completed(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    app = await make_app(shared_platform, caller, "from automio.wrapper import API\napi = API()\n")
    async with shared_platform.client(caller) as client:
        table = {"name": "parcels", "columns": [{"name": "weight_grams", "type": "integer"}]}
        assert (await client.post(f"/api/apps/{app['id']}/new_table/", json=table)).status_code == 200
    async with visit() as visitor:
        page = await open_editor(visitor, caller, app["code"])
        options = page.locator(".cm-tooltip-autocomplete li")
        await type_at(page, 2, "\napi.ta")
        await expect(options.first).to_contain_text("tables")
        await page.keyboard.press("Enter")
        await page.keyboard.type('.graphql("')
        await expect(options.first).to_contain_text("parcels")
        await page.keyboard.press("Escape")
        await page.keyboard.type(f'parcels", query="""query {{ app_{app["id"]}_parcels {{ weig')
        await expect(options.first).to_contain_text("weight_grams")


async def test_syntax_errors_are_listed_and_walked(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    app = await make_app(shared_platform, caller, "x = 1\nif x\n    y = (\n")
    async with visit() as visitor:
        page = await open_editor(visitor, caller, app["code"])
        await expect(page.get_by_role("tab", name=re.compile(r"Problems \d"))).to_be_visible()
        await page.get_by_role("tab", name=re.compile("Problems")).click()
        await page.get_by_role("button", name=re.compile("^line 2")).click()
        await expect(page.locator(".cm-content")).to_be_focused()
        await expect(page.locator(".cm-activeLineGutter").first).to_have_text("2")
        await page.keyboard.press("F8")
        await expect(page.locator(".cm-activeLineGutter").first).not_to_have_text("1")


async def test_escape_then_tab_leaves_the_editor(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    app = await make_app(shared_platform, caller)
    async with visit() as visitor:
        page = await open_editor(visitor, caller, app["code"])
        content = page.locator(".cm-content")
        await content.focus()
        await page.keyboard.press("Tab")
        await expect(content).to_be_focused()
        await page.keyboard.press("Escape")
        await page.keyboard.press("Tab")
        await expect(content).not_to_be_focused()
        described = await content.get_attribute("aria-describedby")
        await expect(page.locator(f"#{described}")).to_contain_text("press Escape, then Tab")


async def test_nothing_of_another_organization_can_be_opened(shared_platform: Platform, visit: Visit) -> None:
    caller, stranger = [await shared_platform.create_caller() for _ in range(2)]
    own, foreign = [await make_app(shared_platform, one) for one in (caller, stranger)]
    async with visit() as visitor:
        await open_editor(visitor, caller, own["code"])
        for address in (foreign["code"], f"/{caller.organization_slug}/{foreign['slug']}x/code/count.py"):
            await visitor.leave()
            visitor.answers.clear()
            await visitor.open(address)
            await expect(visitor.page.get_by_text(re.compile("Not here|This did not work"))).to_be_visible()
            assert await visitor.page.locator(".cm-content").count() == 0
            refused = [url for status, url in visitor.answers if f"/apps/{foreign['id']}/" in url and status == 200]
            assert refused == []


async def test_axe_finds_nothing(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    app = await make_app(shared_platform, caller, "if x\n")
    findings = {}
    async with visit() as visitor:
        page = await open_editor(visitor, caller, app["code"])
        await expect(page.get_by_role("tab", name=re.compile(r"Problems \d"))).to_be_visible()
        findings["editor"] = await visitor.findings_of_axe()
        await page.get_by_role("tab", name=re.compile("Problems")).click()
        findings["problems"] = await visitor.findings_of_axe()
        await page.get_by_role("button", name="New action").click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        findings["dialog"] = await visitor.findings_of_axe()
    assert [f"{screen}: {line}" for screen, found in findings.items() for line in found] == []


def test_completion_names_only_what_the_client_has() -> None:
    text = (Path(__file__).parents[2] / "console/src/features/code/model/names.ts").read_text()
    cache = re.search(r'const cache = "(.+)";', text)
    assert cache is not None
    described = re.findall(r"""^  (""|\w+):\s+(?:"(.*)"|'(.*)'|cache),$""", text, re.MULTILINE)
    assert len(described) > 10
    with API(base_url="http://127.0.0.1:1", token="t", app_id=1) as api:
        for place, double, single in described:
            target = api if place == '""' else getattr(api, place)
            for member in (double or single or cache[1]).split(" · "):
                assert hasattr(target, member.partition("(")[0]), f"{place}.{member}"

"""The screen that asks an app's GraphQL: completion, tabs that keep their texts, live answers, programs, history."""

import contextlib
import json
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.console.conftest import Visit
from tests.platform_api.conftest import Caller, Platform

pytestmark = pytest.mark.anyio


async def _table(platform: Platform, caller: Caller, app: int) -> None:
    async with platform.client(caller) as client:
        columns = [{"name": "code", "type": "text"}, {"name": "amount", "type": "numeric"}]
        made = await client.post(f"/api/apps/{app}/new_table/", json={"name": "orders", "columns": columns})
    assert made.status_code == 200, made.text


async def _graphql(platform: Platform, caller: Caller, app: int, query: str) -> dict[str, Any]:
    async with platform.client(caller) as client:
        reply = await client.post(f"/api/apps/{app}/v1/graphql", json={"query": query})
    answer: dict[str, Any] = reply.json()
    assert "errors" not in answer, answer
    return answer


async def _write(page: Page, text: str, label: str = "Query") -> None:
    editor = page.get_by_role("textbox", name=label)
    await editor.focus()
    await page.keyboard.press("Control+a")
    await page.keyboard.insert_text(text)


async def _accept(page: Page, name: str) -> None:
    """Takes a completion; a list that is just being replaced by a newer one takes no click."""
    editor = page.get_by_role("textbox", name="Query")
    for _ in range(20):
        await page.get_by_role("option", name=name).click()
        with contextlib.suppress(AssertionError):
            await expect(editor).to_contain_text(name, timeout=1000)
            return
    raise AssertionError(f"{name} was not completed")


async def test_queries_run_stay_and_belong_to_one_window(shared_platform: Platform, visit: Visit) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    await _table(shared_platform, owner, app.id)
    insert = 'mutation { insert_orders_one(object: {code: "A", amount: "12345678901234567890.10"}) { id } }'
    await _graphql(shared_platform, owner, app.id, insert)
    path = f"/{owner.organization_slug}/{app.slug}/api"
    async with visit() as visitor:
        page = visitor.page
        await visitor.enter(owner.email, Platform.password)
        await visitor.open(path)
        answer = page.get_by_role("region", name="Answer")
        editor = page.get_by_role("textbox", name="Query")
        await expect(editor).to_be_visible()
        assert await visitor.findings_of_axe() == []
        # The schema is there when it can be searched.
        await page.get_by_role("tab", name="Schema").click()
        await page.get_by_label("Search types and fields").fill("orders_by_pk")
        await expect(
            page.get_by_role("list", name="Types and fields").get_by_text("orders_by_pk").first
        ).to_be_visible()
        assert await visitor.findings_of_axe() == []
        await _write(page, "")
        await page.keyboard.type("query rows { orders { amo")
        await _accept(page, "amount")
        await page.keyboard.press("Shift+Control+P")
        await page.keyboard.press("Control+Enter")
        await expect(answer).to_contain_text("12345678901234567890.10")
        assert await visitor.findings_of_axe() == []

        await _write(page, "query {")
        await page.keyboard.press("Escape")
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_role("alert")).to_contain_text("Syntax Error")
        await _write(page, "query named($code: String) { orders(where: {code: {_eq: $code}}) { code colour } }")
        await _write(page, '{"code": "A"}', "Variables")
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_role("alert")).to_contain_text("colour")

        await page.get_by_role("button", name="New query").click()
        await _write(page, "subscription live { orders { code } }")
        await page.get_by_role("button", name="Run", exact=True).click()
        await expect(page.get_by_text("Live", exact=True)).to_be_visible()
        await expect(answer).to_contain_text('"A"')
        await _graphql(shared_platform, owner, app.id, 'mutation { insert_orders_one(object: {code: "B"}) { id } }')
        await expect(answer).to_contain_text('"B"')
        await page.get_by_role("button", name="Stop").first.click()
        await expect(page.get_by_text("Live", exact=True)).to_be_hidden()

        await page.get_by_role("tab", name="As a program").click()
        program = page.get_by_role("region", name="Program")
        installation = page.get_by_role("region", name="Install the automio client")
        await expect(installation).to_contain_text(f"pip install -r {visitor.base_url}/client/requirements.txt")
        assert await visitor.findings_of_axe() == []
        for language in ("gql", "curl", "JavaScript"):
            await page.get_by_text(language, exact=True).click()
            await expect(program).to_contain_text(f"/api/apps/{app.id}/v1/graphql")
            await expect(installation).to_be_hidden()
        assert await visitor.findings_of_axe() == []
        await page.get_by_role("tab", name="History").click()
        history = page.get_by_role("list", name="History")
        await expect(history.get_by_role("button", name="rows")).to_be_visible()
        await visitor.settle()

        # Another window has tabs of its own; this one has both of its texts after a reload.
        other = await visitor.context.new_page()
        await other.goto(visitor.base_url + path)
        await expect(other.get_by_role("textbox", name="Query")).to_contain_text("orders(limit: 10)")
        await expect(other.get_by_role("button", name="named", exact=True)).to_be_hidden()
        await other.close()
        await page.reload()
        await page.get_by_role("button", name="named", exact=True).click()
        await expect(editor).to_contain_text("colour")
        await expect(page.get_by_role("textbox", name="Variables")).to_contain_text('{"code": "A"}')
        await page.get_by_role("button", name="live", exact=True).click()
        await expect(editor).to_contain_text("subscription live")


async def test_queries_run_with_the_rights_of_a_role_and_then_only_read(
    shared_platform: Platform, visit: Visit
) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    await _table(shared_platform, owner, app.id)
    path = f"/{owner.organization_slug}/{app.slug}/api"
    async with visit() as visitor:
        page = visitor.page
        await visitor.enter(owner.email, Platform.password)
        await visitor.open(path)
        await expect(page.get_by_role("textbox", name="Query")).to_be_visible()
        await page.get_by_role("combobox", name="With whose rights").click()
        await page.get_by_role("option", name="Member").click()
        await expect(page.get_by_text("reads only")).to_be_visible()
        async with page.expect_request(lambda request: "graphql" in request.url) as sent:
            await page.get_by_role("button", name="Run", exact=True).click()
        assert (await (await sent.value).all_headers())["x-automio-view-as"] == "member"
        await expect(page.get_by_role("region", name="Answer")).to_contain_text("orders")
        await _write(page, 'mutation { insert_orders_one(object: {code: "A"}) { id } }')
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_role("alert")).to_be_visible()
    rows = await _graphql(shared_platform, owner, app.id, "{ orders { id } }")
    assert rows["data"]["orders"] == []


async def test_an_app_of_another_organization_answers_nothing(shared_platform: Platform, visit: Visit) -> None:
    owner, stranger = [await shared_platform.create_caller() for _ in range(2)]
    app = await shared_platform.create_app(owner)
    async with visit() as visitor:
        await visitor.enter(stranger.email, Platform.password)
        await visitor.open(f"/{stranger.organization_slug}")
        await visitor.settle()
        await visitor.leave()
        visitor.answers.clear()
        await visitor.open(f"/{stranger.organization_slug}/{app.id}/api")
        await expect(visitor.page.get_by_role("alert")).to_be_visible()
        await visitor.open(f"/{owner.organization_slug}/{app.slug}/api")
        await expect(visitor.page.get_by_text("Not here, or not yours")).to_be_visible()
    of_the_app = [(status, url) for status, url in visitor.answers if f"/apps/{app.id}/" in url]
    assert of_the_app and all(status in (403, 404) for status, _ in of_the_app), json.dumps(of_the_app)

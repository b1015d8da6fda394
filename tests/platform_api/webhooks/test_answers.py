"""What senders are answered whose delivery started a run."""

from typing import Any

import httpx
import pytest

from platform_api.webhooks.answers import Answer
from tests.platform_api.conftest import Platform
from tests.platform_api.webhooks.desk import Desk, open_desk

pytestmark = pytest.mark.anyio

TWIML: dict[str, Any] = {"status": 200, "content_type": "text/xml", "body": "<Response/>"}


async def change(desk: Desk, webhook: dict[str, Any], **changes: Any) -> httpx.Response:
    async with desk.platform.client(desk.caller) as client:
        return await client.patch(f"/api/apps/{desk.app.id}/webhooks/{webhook['id']}/", json=changes)


@pytest.mark.parametrize(
    "answer",
    [
        TWIML,
        {"status": 202, "content_type": "text/plain", "body": "[zażółć]"},
        {"status": 200, "content_type": "application/json", "body": '{"type": 5}'},
        {"status": 204, "content_type": None, "body": ""},
        {"status": 200, "content_type": None, "body": ""},
    ],
    ids=lambda answer: f"{answer['status']} {answer['content_type']}",
)
async def test_a_delivery_is_answered_as_the_webhook_says_and_runs(desk: Desk, answer: dict[str, Any]) -> None:
    webhook = await desk.open(answer=answer, idempotency_header="X-Id")
    assert webhook["answer"] == answer
    for runs, identifier in ((1, "1"), (1, "1"), (2, "2")):
        told = await desk.call(webhook, json={}, headers={"X-Id": identifier})
        assert (told.status_code, told.text) == (answer["status"], answer["body"])
        kind = answer["content_type"]
        assert told.headers.get("content-type") == (f"{kind}; charset=utf-8" if kind else None)
        assert await desk.runs() == runs


async def test_only_what_started_a_run_is_answered_so(desk: Desk) -> None:
    verification = {"kind": "secret", "header": "X-Secret"}
    challenge = {"place": "query", "name": "challenge"}
    webhook = await desk.open(answer=TWIML, verification=verification, secret="a shared secret", challenge=challenge)
    refused = await desk.call(webhook, json={}, headers={"X-Secret": "wrong"})
    assert (refused.status_code, "missing or wrong" in refused.json()["detail"]) == (401, True)
    asked = await desk.call(webhook, "GET", query="?challenge=abc")
    assert (asked.status_code, asked.text) == (200, "abc")
    assert await desk.runs() == 0


async def test_an_answer_is_changed_and_taken_away(desk: Desk) -> None:
    webhook = await desk.open(preset="twilio", verification={"kind": "none"})
    assert (await desk.call(webhook)).text == "<Response/>"
    assert (await change(desk, webhook, name="renamed")).json()["answer"] == TWIML
    assert (await change(desk, webhook, answer={"status": 204})).json()["answer"]["status"] == 204
    assert (await desk.call(webhook)).status_code == 204
    assert (await change(desk, webhook, answer=None)).json()["answer"] is None
    assert set((await desk.call(webhook)).json()) == {"task_id", "run_id"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"content_type": "text/html", "body": "<script>"}, "content_type"),
        ({"content_type": "image/svg+xml", "body": "<svg/>"}, "content_type"),
        ({"content_type": "text/xml\r\nX-A: b", "body": "x"}, "content_type"),
        ({"body": "x"}, "give both body and content_type"),
        ({"content_type": "text/xml"}, "give both body and content_type"),
        ({"status": 204, "content_type": "text/plain", "body": "x"}, "has no body"),
        ({"status": 302}, "status"),
        ({"status": 500}, "status"),
        ({"content_type": "text/plain", "body": "x" * 2001}, "body"),
        ({"headers": {"Set-Cookie": "a=b"}}, "headers"),
    ],
)
async def test_an_answer_that_cannot_be_given_is_refused(desk: Desk, answer: dict[str, Any], said: str) -> None:
    async with desk.platform.client(desk.caller) as client:
        made = await client.post(f"/api/apps/{desk.app.id}/webhooks/", json={"action": "take", "answer": answer})
    assert (made.status_code, said in made.json()["detail"]) == (422, True), made.text


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_browser_that_is_led_there_runs_nothing(desk: Desk, method: str) -> None:
    page = '<html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>'
    webhook = await desk.open(methods=[method], answer={"status": 200, "content_type": "text/xml", "body": page})
    told = await desk.call(webhook, method)
    assert told.text == page
    assert told.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert told.headers["x-content-type-options"] == "nosniff"
    assert Answer(status=204).headers["Content-Security-Policy"]


async def test_another_organization_neither_sees_nor_changes_an_answer(desk: Desk, shared_platform: Platform) -> None:
    webhook = await desk.open(answer=TWIML)
    stranger = await open_desk(shared_platform)
    async with desk.platform.client(stranger.caller) as client:
        for app in (desk.app.id, stranger.app.id):
            path = f"/api/apps/{app}/webhooks/{webhook['id']}/"
            assert (await client.get(path)).status_code == 404
            assert (await client.patch(path, json={"answer": None})).status_code == 404
    assert (await desk.call(webhook)).text == "<Response/>"

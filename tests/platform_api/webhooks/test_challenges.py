"""Questions that services ask of a new address: answered without a run."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.platform_api.webhooks.desk import Desk

pytestmark = pytest.mark.anyio

SECRET = "a shared secret"
SLACK = {"type": "url_verification", "challenge": "abc", "token": "x"}


def mac(text: bytes) -> bytes:
    return hmac.digest(SECRET.encode(), text, hashlib.sha256)


async def test_a_validation_token_in_the_query_of_a_post_is_given_back_as_text(desk: Desk) -> None:
    webhook = await desk.open(preset="microsoft_graph", secret=SECRET)
    answer = await desk.call(webhook, query="?validationToken=Validation%3A+%3Cb%3E1%3C%2Fb%3E")
    assert (answer.status_code, answer.text) == (200, "Validation: <b>1</b>")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert await desk.runs() == 0
    assert (await desk.call(webhook, query="?validationToken=")).status_code == 401, "a delivery, and not from Graph"
    delivery = await desk.call(webhook, json={"value": [{"clientState": SECRET}]})
    assert (delivery.status_code, await desk.runs()) == (200, 1)


async def test_every_secret_may_be_the_token_of_a_question(desk: Desk) -> None:
    webhook = await desk.open(preset="meta", secrets=["the app's secret", "the verify token"])
    query = "?hub.mode=subscribe&hub.challenge=115&hub.verify_token="
    answer = await desk.call(webhook, "GET", query=query + "the+verify+token")
    assert (answer.status_code, answer.text) == (200, "115")
    assert (await desk.call(webhook, "GET", query=query + "wrong")).status_code == 401
    assert await desk.runs() == 0


async def test_a_question_may_want_a_proof_that_the_secret_is_known(desk: Desk) -> None:
    zoom = await desk.open(preset="zoom", secret=SECRET)
    body = b'{"event": "endpoint.url_validation", "payload": {"plainToken": "q9"}}'
    at = str(int(time.time()))
    headers = {
        "x-zm-request-timestamp": at,
        "x-zm-signature": "v0=" + mac(f"v0:{at}:".encode() + body).hex(),
        "Content-Type": "application/json",
    }
    answer = await desk.call(zoom, content=body, headers=headers)
    assert answer.json() == {"plainToken": "q9", "encryptedToken": mac(b"q9").hex()}
    x = await desk.open(preset="x", secret=SECRET, name="x")
    answer = await desk.call(x, "GET", query="?crc_token=q9")
    assert answer.json() == {"response_token": "sha256=" + base64.b64encode(mac(b"q9")).decode()}
    for body in ('{"a": 1}', "v0:1:{}", "x" * 201, "a b"):
        forged = await desk.call(x, "GET", query="?" + urlencode({"crc_token": body}))
        assert forged.status_code == 400, "a stranger gets no signature of a body"
    assert await desk.runs() == 0


async def test_a_ping_of_one_field_is_answered_without_a_signature(desk: Desk) -> None:
    webhook = await desk.open(preset="woocommerce", secret=SECRET)
    answer = await desk.call(webhook, data={"webhook_id": "17"})
    assert (answer.status_code, answer.text) == (200, "17")
    assert answer.headers["content-type"].startswith("text/plain")
    for other in (
        {"data": {"webhook_id": "17", "x": "1"}},
        {"data": {"webhook_id": ["1", "2"]}},
        {"data": {"x": "1"}},
    ):
        assert (await desk.call(webhook, **other)).status_code == 401
    assert (await desk.call(webhook, json={"webhook_id": "17"})).status_code == 401
    assert (await desk.call(webhook, data={"webhook_id": "1" * 3000})).status_code == 401
    assert await desk.runs() == 0


async def test_a_question_in_the_body_is_known_by_what_it_holds(desk: Desk) -> None:
    challenge = {"place": "body", "when": {"kind.name": "hello", "n": 0}, "name": "deep.word", "answer_name": "echo"}
    webhook = await desk.open(challenge=challenge)
    asked = {"kind": {"name": "hello"}, "n": 0, "deep": {"word": "w"}}
    assert (await desk.call(webhook, json=asked)).json() == {"echo": "w"}
    for other in ({**asked, "n": False}, {**asked, "n": 1}, {"n": 0}, [], "text"):
        assert "task_id" in (await desk.call(webhook, json=other)).json()
    slack = await desk.open(challenge={"place": "body", "name": "challenge"}, name="slack")
    assert (await desk.call(slack, json=SLACK)).json() == {"challenge": "abc"}
    assert (await desk.call(slack, content=json.dumps(SLACK).encode())).json() == {"challenge": "abc"}
    assert await desk.runs() == 5


async def test_whatever_holds_a_word_may_be_a_question(desk: Desk) -> None:
    challenge = {"place": "body", "when": {}, "name": "challenge"}
    monday = await desk.open(challenge=challenge)
    assert (await desk.call(monday, json={"challenge": "abc"})).json() == {"challenge": "abc"}
    twitch = await desk.open(challenge={**challenge, "answer_as": "text"}, name="twitch")
    answer = await desk.call(twitch, json={"challenge": "abc", "subscription": {}})
    assert (answer.text, answer.headers["content-type"].partition(";")[0]) == ("abc", "text/plain")
    assert await desk.runs() == 0
    for other in ({"event": {}}, {"challenge": 5}, {"challenge": None}, []):
        assert "task_id" in (await desk.call(monday, json=other)).json()


async def test_a_word_in_a_header_is_given_back(desk: Desk) -> None:
    secret = {"verification": {"kind": "hmac", "header": "X-Hook-Signature"}, "secret": "a shared secret"}
    asana = await desk.open(preset="asana", secret="a shared secret")
    answer = await desk.call(asana, headers={"X-Hook-Secret": "b537207f20cbfa02357cf448134da559"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["X-Hook-Secret"] == "b537207f20cbfa02357cf448134da559"
    assert (await desk.call(asana, headers={"X-Hook-Secret": "two words"})).status_code == 400
    assert (await desk.call(asana, json={})).status_code == 401
    smartsheet = {"name": "Smartsheet-Hook-Challenge", "answer_name": "Smartsheet-Hook-Response", "methods": ["POST"]}
    webhook = await desk.open(challenge={"place": "header", **smartsheet}, **secret)
    asked = await desk.call(webhook, headers={"Smartsheet-Hook-Challenge": "w"}, json={"challenge": "w"})
    assert asked.headers["Smartsheet-Hook-Response"] == "w"
    okta = {"name": "X-Okta-Verification-Challenge", "answer_name": "verification", "answer_as": "json"}
    webhook = await desk.open(challenge={"place": "header", **okta}, **secret)
    asked = await desk.call(webhook, "GET", headers={"X-Okta-Verification-Challenge": "w"})
    assert asked.json() == {"verification": "w"}
    assert (await desk.call(webhook, headers={"X-Okta-Verification-Challenge": "w"})).status_code == 401
    assert await desk.runs() == 0


@pytest.mark.parametrize(
    ("challenge", "message"),
    [
        ({"place": "header", "name": "a", "proof": {"name": "b"}}, "a challenge in a header takes only name"),
        ({"place": "header", "name": "a b"}, "name and answer_name must be names of headers"),
        ({"place": "header", "name": "a", "answer_as": "json"}, "answer_as json needs answer_name"),
        ({"place": "body", "name": "a", "answer_as": "header"}, "is only for a challenge in a header"),
        (
            {"place": "body", "name": "a", "answer_as": "text", "answer_name": "b"},
            "takes neither answer_name nor proof",
        ),
        ({"place": "body", "when": {}, "answer": {"a": 1}}, "needs values in when"),
        ({"place": "form", "name": "a", "proof": {"name": "b"}}, "a challenge in a form takes only name"),
        ({"place": "form", "name": "a", "token_name": "b"}, "a challenge in a form takes only name"),
        ({"place": "body"}, "give either the name of the value to return, or a constant answer"),
        ({"place": "body", "name": "a", "answer": {}}, "or a constant answer"),
        ({"place": "query", "answer": {"a": 1}}, "a constant answer is only for a challenge in the body"),
        ({"place": "query", "name": "a", "when": {"a": 1}}, "when is only for a challenge in the body"),
        ({"place": "body", "name": "a", "token_name": "b"}, "token_name is only for a challenge in the query"),
        ({"place": "body", "answer": {"a": "x" * 3000}}, "more than 2000 characters"),
        ({"place": "query", "name": "a", "proof": {"name": "b"}}, "secret: the challenge needs one"),
        ({"place": "query", "name": "a", "token_name": "b"}, "secret: the challenge needs one"),
    ],
)
async def test_a_question_that_cannot_be_answered_is_refused(
    desk: Desk, challenge: dict[str, Any], message: str
) -> None:
    async with desk.platform.client(desk.caller) as client:
        path = f"/api/apps/{desk.app.id}/webhooks/"
        answer = await client.post(path, json={"action": "take", "challenge": challenge})
    assert answer.status_code == 422, answer.text
    assert message in answer.json()["detail"]


async def test_head_and_options_say_what_is_taken_and_start_nothing(desk: Desk) -> None:
    webhook = await desk.open(
        methods=["GET", "POST"], verification={"kind": "secret", "header": "X-K"}, secret=SECRET
    )
    head = await desk.call(webhook, "HEAD")
    assert (head.status_code, head.text, head.headers["allow"]) == (200, "", "GET, POST, HEAD, OPTIONS")
    options = await desk.call(webhook, "OPTIONS")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, POST, HEAD, OPTIONS")
    assert "webhook-allowed-origin" not in options.headers
    asked = await desk.call(webhook, "OPTIONS", headers={"WebHook-Request-Origin": "events.example"})
    assert asked.headers["webhook-allowed-origin"] == "events.example"
    assert await desk.runs() == 0
    for method in ("HEAD", "OPTIONS"):
        assert (await desk.call({"url": webhook["url"][:-3] + "/"}, method)).status_code == 404
    async with desk.platform.client(desk.caller) as client:
        await client.patch(f"/api/apps/{desk.app.id}/webhooks/{webhook['id']}/", json={"is_enabled": False})
    for method in ("HEAD", "OPTIONS"):
        assert (await desk.call(webhook, method)).status_code == 404

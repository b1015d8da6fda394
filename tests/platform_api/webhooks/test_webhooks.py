"""Webhooks: whose runs they start, with what, for which senders, and how often."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any

import httpx
import pytest
from sqlalchemy import delete

from platform_api.accounts.models import Membership, Role, Scope
from platform_api.apps.models import App, InstallStatus
from platform_api.core.errors import Unauthenticated
from platform_api.webhooks.bodies import ParsedBody
from platform_api.webhooks.events import event_of
from platform_api.webhooks.signatures.signed_text import Delivery
from platform_api.webhooks.signatures.verification import verify
from platform_api.webhooks.signatures.verifications import SignatureVerification
from tests.platform_api.conftest import Platform
from tests.platform_api.webhooks.desk import Desk, open_desk

pytestmark = pytest.mark.anyio

SECRET = "a shared secret"
GITHUB = {"kind": "hmac", "header": "X-Hub-Signature-256", "prefix": "sha256="}
SHOPIFY = {"kind": "hmac", "header": "X-Shopify-Hmac-Sha256", "encoding": "base64"}
SLACK = {
    "kind": "hmac",
    "header": "X-Slack-Signature",
    "prefix": "v0=",
    "timestamp_header": "X-Slack-Request-Timestamp",
    "payload": "v0:{timestamp}:{body}",
}
STRIPE = {
    "kind": "hmac",
    "header": "Stripe-Signature",
    "element": "v1",
    "timestamp_element": "t",
    "payload": "{timestamp}.{body}",
}


def sign(body: bytes, *, algorithm: str = "sha256") -> bytes:
    return hmac.new(SECRET.encode(), body, algorithm).digest()


async def test_a_call_starts_the_action_with_the_request_as_its_event(desk: Desk) -> None:
    webhook = await desk.open()
    answer = await desk.call(
        webhook, json={"order": 5}, query="?a=1&b=2&b=3", headers={"X-Topic": "orders", "Cookie": "automio_session=x"}
    )
    assert set(answer.json()) == {"task_id", "run_id"}, "the contract's WebhookActionRun"
    assert isinstance(answer.json()["run_id"], int) and isinstance(answer.json()["task_id"], str)
    run = await desk.run(answer)
    assert run.task_id == answer.json()["task_id"]
    assert run.action_type == "webhook_action"
    event = run.event
    assert (event["method"], event["body"], event["body_type"]) == ("POST", {"order": 5}, "json")
    assert event["query"] == {"a": "1", "b": ["2", "3"]}
    assert event["headers"]["x-topic"] == "orders"
    assert "cookie" not in event["headers"]
    assert event["path"].endswith("/")
    assert event["webhook"] == {"id": webhook["id"], "name": "take"}
    async with desk.platform.client(desk.caller) as client:
        read = (await client.get(f"/api/apps/{desk.app.id}/webhooks/{webhook['id']}/")).json()
    assert read["calls"] == 1


async def test_it_is_reached_with_and_without_the_prefix(desk: Desk) -> None:
    path = httpx.URL((await desk.open())["url"]).path
    async with desk.platform.client() as client:
        for address in (path, path.removeprefix("/api"), path.rstrip("/")):
            assert (await client.post(address)).status_code == 200


@pytest.mark.parametrize(
    ("content", "content_type", "kind", "value"),
    [
        (b"", "application/json", "none", None),
        (b"[1]", "application/cloudevents+json; charset=utf-8", "json", [1]),
        (b"{broken", "application/json", "text", "{broken"),
        ("zażółć".encode(), "text/plain", "text", "zażółć"),
        (b"\xff\x00", "image/png", "base64", base64.b64encode(b"\xff\x00").decode()),
        (b'"\\u0000"', "application/json", "text", '"\\u0000"'),
        (b"a=1", "application/x-www-form-urlencoded", "text", "a=1"),
    ],
)
async def test_a_body_is_json_text_or_base64(
    desk: Desk, content: bytes, content_type: str, kind: str, value: Any
) -> None:
    answer = await desk.call(await desk.open(), content=content, headers={"Content-Type": content_type})
    event = (await desk.run(answer)).event
    assert (event["body_type"], event["body"]) == (kind, value)


def test_headers_of_the_connection_and_our_credentials_stay_out_of_the_event() -> None:
    token = "amt_" + "a" * 43
    headers = {
        "connection": "close, X-Hop",
        "x-hop": "1",
        "transfer-encoding": "chunked",
        "cookie": "a=b",
        "authorization": f"Bearer {token}",
        "x-hasura-role": "admin",
        "x-secret": "s",
        "x-topic": "kept",
    }

    def event(headers: dict[str, str], **hidden: Any) -> dict[str, Any]:
        delivery = Delivery(method="POST", path="/", query_string="", headers=headers, body=b"")
        return event_of(delivery, ParsedBody("none", None), **hidden)

    assert event(headers, hidden_headers=frozenset({"x-secret"}))["headers"] == {"x-topic": "kept"}
    theirs = event({"authorization": "Basic abc"})
    assert theirs["headers"] == {"authorization": "Basic abc"}


async def test_a_body_that_is_too_large_is_refused(desk: Desk) -> None:
    webhook = await desk.open()
    assert (await desk.call(webhook, content=b"x" * (1024 * 1024 + 1))).status_code == 413
    assert (await desk.call(webhook, content=b"x" * 1024 * 1024)).status_code == 200
    assert await desk.runs() == 1


@pytest.mark.parametrize("depth", [100, *range(248, 260)])
async def test_json_nested_deeply_is_taken_as_json_or_as_text(desk: Desk, depth: int) -> None:
    content = b"[" * depth + b"]" * depth
    answer = await desk.call(await desk.open(), content=content, headers={"Content-Type": "application/json"})
    assert (await desk.run(answer)).event["body_type"] in ("json", "text")


async def test_a_query_of_too_many_parameters_is_refused(desk: Desk) -> None:
    answer = await desk.call(await desk.open(), query="?" + "&".join(f"a{n}=1" for n in range(300)))
    assert answer.status_code == 400


async def test_an_action_whose_file_is_gone_is_a_500_that_tells_a_stranger_nothing(desk: Desk) -> None:
    webhook = await desk.open()
    async with desk.platform.client(desk.caller) as client:
        source = (await client.get(f"/api/apps/{desk.app.id}/source/")).json()
        change = {"base_version": source["number"], "files": {"main.py": ""}}
        assert (await client.post(f"/api/apps/{desk.app.id}/source/", json=change)).status_code == 201
    answer = await desk.call(webhook)
    body = answer.json()
    assert (answer.status_code, body.pop("request_id")) == (500, answer.headers["x-request-id"])
    told = "the webhook's action cannot run at the moment; try again later"
    assert body == {"detail": told, "code": "internal", "fields": []}


async def test_an_address_that_is_nobodys_is_a_404(desk: Desk) -> None:
    webhook = await desk.open()
    other = await open_desk(desk.platform)
    async with desk.platform.client() as client:
        for path in (
            f"/api/webhooks/{desk.app.slug}/guessed/",
            f"/api/webhooks/{other.app.slug}/{webhook['slug']}/",
            f"/api/webhooks/{desk.app.slug}/{webhook['slug']}x/",
            f"/api/webhooks/{desk.app.slug}/%00/",
        ):
            answer = await client.post(path)
            assert answer.status_code == 404
            assert answer.json()["detail"] == "there is no webhook at this address"
    assert len(webhook["slug"]) >= 32


async def test_only_its_methods_are_taken(desk: Desk) -> None:
    webhook = await desk.open(methods=["PUT"])
    assert (await desk.call(webhook, "PUT")).status_code == 200
    for method in ("POST", "GET"):
        answer = await desk.call(webhook, method)
        assert answer.status_code == 400
        assert "accepts PUT" in answer.json()["detail"]


async def test_a_webhook_is_switched_off_rotated_and_deleted(desk: Desk) -> None:
    webhook = await desk.open()
    path = f"/api/apps/{desk.app.slug}/webhooks/{webhook['id']}/"
    async with desk.platform.client(desk.caller) as client:
        assert (await client.patch(path, json={"is_enabled": False})).json()["is_enabled"] is False
        assert (await desk.call(webhook)).status_code == 404
        await client.patch(path, json={"is_enabled": True})
        assert (await desk.call(webhook)).status_code == 200
        rotated = (await client.post(path + "rotate/")).json()
        assert rotated["id"] == webhook["id"] and rotated["slug"] != webhook["slug"]
        assert (await desk.call(webhook)).status_code == 404
        assert (await desk.call(rotated)).status_code == 200
        assert [
            item["id"] for item in (await client.get(f"/api/apps/{desk.app.id}/webhooks/")).json()["results"]
        ] == [webhook["id"]]
        assert (await client.delete(path)).status_code == 204
        assert (await desk.call(rotated)).status_code == 404
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"action": "other"}, "a webhook can only start a webhook_action"),
        ({"action": "nothing"}, "there is no action"),
        ({"verification": {"kind": "secret", "header": "X-Key"}}, "secret: this verification needs a secret"),
        ({"verification": {"kind": "magic"}}, "verification"),
        ({"verification": {**GITHUB, "payload": "x"}, "secret": SECRET}, "payload must contain {body} once"),
        ({"verification": {**SLACK, "payload": "{body}"}, "secret": SECRET}, "{timestamp}"),
        ({"verification": {**GITHUB, "header": "bad header"}, "secret": SECRET}, "match pattern"),
        ({"methods": []}, "methods"),
        ({"methods": ["DELETE"]}, "methods"),
        ({"colour": 1}, "colour"),
    ],
)
async def test_a_webhook_without_a_meaning_is_refused(desk: Desk, fields: dict[str, Any], message: str) -> None:
    async with desk.platform.client(desk.caller) as client:
        answer = await client.post(f"/api/apps/{desk.app.id}/webhooks/", json={"action": "take", **fields})
    assert answer.status_code in (404, 422), answer.text
    assert message in answer.json()["detail"]


async def test_a_shared_secret_is_needed_and_stays_out_of_the_event(desk: Desk) -> None:
    webhook = await desk.open(verification={"kind": "secret", "header": "X-Shop-Key"}, secret=SECRET)
    assert webhook["has_secret"] is True and SECRET not in json.dumps(webhook)
    assert (await desk.call(webhook)).status_code == 401
    assert (await desk.call(webhook, headers={"X-Shop-Key": "wrong"})).status_code == 401
    run = await desk.run(await desk.call(webhook, headers={"X-Shop-Key": SECRET}))
    assert "x-shop-key" not in run.event["headers"]
    assert await desk.runs() == 1


def _github(body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature-256": "sha256=" + sign(body).hex()}


def _shopify(body: bytes) -> dict[str, str]:
    return {"X-Shopify-Hmac-Sha256": base64.b64encode(sign(body)).decode()}


def _slack(body: bytes, at: int | None = None) -> dict[str, str]:
    moment = str(int(time.time()) if at is None else at)
    signature = sign(f"v0:{moment}:".encode() + body).hex()
    return {"X-Slack-Request-Timestamp": moment, "X-Slack-Signature": f"v0={signature}"}


def _stripe(body: bytes, at: int | None = None) -> dict[str, str]:
    moment = str(int(time.time()) if at is None else at)
    signature = sign(f"{moment}.".encode() + body).hex()
    return {"Stripe-Signature": f"t={moment},v1={'0' * 64},v1={signature},v0=abc"}


@pytest.mark.parametrize(
    ("verification", "headers_for"),
    [(GITHUB, _github), (SHOPIFY, _shopify), (SLACK, _slack), (STRIPE, _stripe)],
    ids=["github", "shopify", "slack", "stripe"],
)
async def test_signatures_as_services_make_them_are_checked(desk: Desk, verification: Any, headers_for: Any) -> None:
    webhook = await desk.open(verification=verification, secret=SECRET)
    body = b'{"a":  1}'
    right = headers_for(body)
    assert (await desk.call(webhook, content=body, headers=right)).status_code == 200
    assert (await desk.call(webhook, content=body + b" ", headers=right)).status_code == 401
    assert (await desk.call(webhook, content=body)).status_code == 401
    header = verification["header"]
    for wrong in ("", "sha256=", "zz", "é", headers_for(body + b"x")[header]):
        answer = await desk.call(webhook, content=body, headers={**right, header: wrong.encode()})
        assert answer.status_code == 401
    assert await desk.runs() == 1


@pytest.mark.parametrize(
    ("verification", "headers_for"), [(SLACK, _slack), (STRIPE, _stripe)], ids=["slack", "stripe"]
)
async def test_a_signed_request_cannot_be_sent_again_later(desk: Desk, verification: Any, headers_for: Any) -> None:
    webhook = await desk.open(verification=verification, secret=SECRET)
    now = int(time.time())
    for moment, status in ((now - 290, 200), (now - 301, 401), (now + 400, 401), (0, 401)):
        assert (await desk.call(webhook, content=b"x", headers=headers_for(b"x", moment))).status_code == status


def test_a_signature_without_a_secret_never_fits() -> None:
    verification = SignatureVerification(kind="hmac", header="x-signature")
    empty = hmac.new(b"", b"x", hashlib.sha256).hexdigest()
    with pytest.raises(Unauthenticated):
        delivery = Delivery(method="POST", path="/", query_string="", headers={"x-signature": empty}, body=b"x")
        verify(verification, [], delivery)


async def test_a_delivery_that_comes_again_is_answered_with_its_first_run(desk: Desk) -> None:
    webhook = await desk.open(idempotency_header="X-GitHub-Delivery")
    first = await desk.call(webhook, headers={"X-GitHub-Delivery": "d-1"})
    again = await desk.call(webhook, headers={"X-GitHub-Delivery": "d-1"})
    assert again.json() == first.json()
    other = await desk.call(webhook, headers={"X-GitHub-Delivery": "d-2"})
    assert other.json() != first.json()
    without = [(await desk.call(webhook)).json()["run_id"] for _ in range(2)]
    assert len(set(without)) == 2
    assert await desk.runs() == 4
    elsewhere = await desk.open(idempotency_header="X-GitHub-Delivery")
    assert (await desk.call(elsewhere, headers={"X-GitHub-Delivery": "d-1"})).json() != first.json()


async def test_the_same_delivery_many_times_at_once_is_one_run(desk: Desk) -> None:
    webhook = await desk.open(idempotency_header="X-Id")
    answers = await asyncio.gather(*(desk.call(webhook, headers={"X-Id": "same"}) for _ in range(4)))
    assert len({answer.json()["run_id"] for answer in answers}) == 1
    assert await desk.runs() == 1


async def test_a_challenge_in_the_query_is_given_back_as_text(desk: Desk) -> None:
    challenge = {"place": "query", "name": "hub.challenge", "token_name": "hub.verify_token"}
    webhook = await desk.open(challenge=challenge, secret=SECRET)
    asked = "?hub.mode=subscribe&hub.challenge=<b>1158201444</b>&hub.verify_token="
    answer = await desk.call(webhook, "GET", query=asked + SECRET.replace(" ", "%20"))
    assert (answer.status_code, answer.text) == (200, "<b>1158201444</b>")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await desk.call(webhook, "GET", query=asked + "wrong")).status_code == 401
    assert (await desk.call(webhook, "GET")).status_code == 400
    assert await desk.runs() == 0
    assert (await desk.call(webhook)).status_code == 200


async def test_a_challenge_in_the_body_is_given_back_once_it_is_verified(desk: Desk) -> None:
    webhook = await desk.open(verification=SLACK, secret=SECRET, challenge={"place": "body", "name": "challenge"})
    body = b'{"type": "url_verification", "challenge": "abc", "token": "x"}'
    headers = {"Content-Type": "application/json"}
    answer = await desk.call(webhook, content=body, headers={**headers, **_slack(body)})
    assert (answer.status_code, answer.json()) == (200, {"challenge": "abc"})
    assert (await desk.call(webhook, content=body, headers=headers)).status_code == 401
    assert await desk.runs() == 0
    event = b'{"type": "event_callback"}'
    assert (await desk.call(webhook, content=event, headers={**headers, **_slack(event)})).status_code == 200


async def test_the_owners_webhook_reaches_installs_an_installers_only_their_own(
    shared_platform: Platform,
) -> None:
    desk = await open_desk(shared_platform, is_public=True)
    installer = await shared_platform.create_caller()
    await shared_platform.install(desk.app, installer)
    owners = await desk.run(await desk.call(await desk.open()))
    assert (owners.organization_id, owners.reaches_installs) == (desk.caller.organization_id, True)
    theirs = await desk.open(caller=installer)
    assert theirs["organization"] == installer.organization_id
    run = await desk.run(await desk.call(theirs))
    assert (run.organization_id, run.reaches_installs) == (installer.organization_id, False)
    assert run.user_id == installer.user_id
    async with shared_platform.client(desk.caller) as client:
        path = f"/api/apps/{desk.app.id}/webhooks/"
        assert theirs["id"] not in [item["id"] for item in (await client.get(path)).json()["results"]]
        assert (await client.get(f"{path}{theirs['id']}/")).status_code == 404
        assert (await client.post(f"{path}{theirs['id']}/rotate/")).status_code == 404
    async with shared_platform.client(installer) as client:
        suspended = await client.patch(f"/api/apps/{desk.app.id}/install/", json={"status": InstallStatus.SUSPENDED})
        assert suspended.status_code == 200, suspended.text
    assert (await desk.call(theirs)).status_code == 404


async def test_an_installer_starts_public_actions_only(shared_platform: Platform) -> None:
    desk = await open_desk(shared_platform)
    async with shared_platform.database.transaction() as session:
        (await session.get_one(App, desk.app.id)).is_public = True
    installer = await shared_platform.create_caller()
    await shared_platform.install(desk.app, installer)
    async with shared_platform.client(installer) as client:
        answer = await client.post(f"/api/apps/{desk.app.id}/webhooks/", json={"action": "take"})
    assert answer.status_code == 404


async def test_a_webhook_ends_with_its_users_membership_until_a_builder_takes_it_over(desk: Desk) -> None:
    builder = await desk.platform.create_colleague(desk.caller, Role.BUILDER)
    webhook = await desk.open(caller=builder)
    assert (await desk.call(webhook)).status_code == 200
    async with desk.platform.database.transaction() as session:
        await session.execute(delete(Membership).where(Membership.user_id == builder.user_id))
    assert (await desk.call(webhook)).status_code == 404
    async with desk.platform.client(desk.caller) as client:
        taken = await client.patch(f"/api/apps/{desk.app.id}/webhooks/{webhook['id']}/", json={})
        assert taken.json()["user"] == desk.caller.user_id
    run = await desk.run(await desk.call(webhook))
    assert run.user_id == desk.caller.user_id


async def test_members_and_narrow_tokens_make_no_webhooks(desk: Desk) -> None:
    member = await desk.platform.create_colleague(desk.caller, Role.MEMBER)
    narrow = await desk.platform.create_colleague(desk.caller, Role.BUILDER, scopes=[Scope.DATA, Scope.RUN])
    for caller in (member, narrow):
        async with desk.platform.client(caller) as client:
            path = f"/api/apps/{desk.app.id}/webhooks/"
            assert (await client.post(path, json={"action": "take"})).status_code == 403
            assert (await client.get(path)).status_code == 403, "an address is a credential"

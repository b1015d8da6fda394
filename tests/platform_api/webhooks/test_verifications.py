"""Whose deliveries are taken: each verification with deliveries signed as services sign them, over the real API."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_curve_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from platform_api.core.crypto import Vault
from platform_api.core.errors import Unauthenticated
from platform_api.runs.models import Run
from platform_api.webhooks.answers import Answer
from platform_api.webhooks.challenges import Challenge
from platform_api.webhooks.models import Webhook
from platform_api.webhooks.schemas import WebhookCreate
from platform_api.webhooks.signatures import public_keys
from platform_api.webhooks.signatures.presets import PRESETS
from platform_api.webhooks.signatures.signed_text import NAMES as NAMES_OF_PLACEHOLDERS
from platform_api.webhooks.signatures.signed_text import Delivery, check_template, render
from platform_api.webhooks.signatures.verification import verify
from platform_api.webhooks.signatures.verifications import (
    BasicVerification,
    Ed25519Verification,
    SecretVerification,
    SignatureVerification,
    X509Verification,
)
from tests.platform_api.conftest import Platform
from tests.platform_api.webhooks.desk import Desk, open_desk

pytestmark = pytest.mark.anyio

SECRET = "a shared secret"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


def mac(text: bytes, *, key: bytes = SECRET.encode(), algorithm: str = "sha256") -> bytes:
    return hmac.digest(key, text, algorithm)


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def public_key(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


@pytest.mark.parametrize(
    ("verification", "message"),
    [
        ({"payload": "{id}.{timestamp}.{body}", "timestamp_header": "X-Time"}, "{id} if and only if id_header"),
        ({"payload": "{identifier}.{body}"}, "the placeholder {identifier} is not known; use {body}"),
        ({"payload": "{body}{}"}, "the placeholder {} is not known"),
        ({"payload": "{header:}{body}"}, "the placeholder {header:} is not known"),
        ({"payload": "{header:bad name}{body}"}, "is not known"),
        ({"payload": "{ body }"}, "the placeholder { body } is not known"),
        ({"payload": "{body}}"}, "a brace is not part of a placeholder"),
        ({"payload": "{timestamp}", "timestamp_header": "X-Time"}, "payload must contain {body} once"),
        ({"payload": "{body}{form}"}, "payload must contain {body} once"),
        ({"payload": "{timestamp}{body}"}, "{timestamp} if and only if"),
        ({"payload": "{body}", "id_header": "X-Id"}, "{id} if and only if"),
        ({"payload": "{body}", "url": "https://a.example/b"}, "but payload does not contain it"),
        ({"payload": "{header:x-signature}{body}"}, "x-signature, which is the signature itself"),
        ({"payload": "{body}", "body_hash_query": "hash"}, "body_hash_query needs a payload of {form}"),
        ({"payload": "{url}{body}", "url": "ftp://a"}, "match pattern"),
        ({"encoding": "rot13"}, "hex"),
    ],
)
async def test_a_signature_that_could_never_fit_is_refused_when_it_is_saved(
    desk: Desk, verification: dict[str, Any], message: str
) -> None:
    wanted = {"action": "take", "secret": SECRET}
    signature = {"kind": "hmac", "header": "X-Signature"}
    async with desk.platform.client(desk.caller) as client:
        path = f"/api/apps/{desk.app.id}/webhooks/"
        refused = await client.post(path, json={**wanted, "verification": {**signature, **verification}})
        assert refused.status_code == 422, refused.text
        assert message in refused.json()["detail"]
        opened = (await client.post(path, json={**wanted, "verification": signature})).json()
        changed = await client.patch(f"{path}{opened['id']}/", json={"verification": {**signature, **verification}})
        assert (changed.status_code, message in changed.json()["detail"]) == (422, True)


async def test_a_webhook_that_was_saved_before_a_rule_is_still_read_and_refuses_everybody(desk: Desk) -> None:
    webhook = await desk.open(verification={"kind": "hmac", "header": "X-Signature"}, secret=SECRET)
    old = {**webhook["verification"], "payload": "{id}.{body}"}
    async with desk.platform.database.transaction() as session:
        await session.execute(update(Webhook).where(Webhook.id == webhook["id"]).values(verification=old))
    async with desk.platform.client(desk.caller) as client:
        path = f"/api/apps/{desk.app.id}/webhooks/"
        assert [item["verification"]["payload"] for item in (await client.get(path)).json()["results"]] == [
            "{id}.{body}"
        ]
        assert (await client.patch(f"{path}{webhook['id']}/", json={"name": "other"})).status_code == 200
    assert (await desk.call(webhook, content=b"x", headers={"X-Signature": mac(b"1.x").hex()})).status_code == 401


async def test_the_one_secret_of_a_webhook_that_was_saved_before_there_were_several_still_fits(desk: Desk) -> None:
    webhook = await desk.open(preset="github", secret="another secret")
    async with desk.platform.database.transaction() as session:
        stored = await session.get_one(Webhook, webhook["id"])
        stored.sealed_secret = desk.platform.app.services[Vault].encrypt({"secret": SECRET})
    signature = {"X-Hub-Signature-256": "sha256=" + mac(b"x").hex()}
    assert (await desk.call(webhook, content=b"x", headers=signature)).status_code == 200


KEY = b"0123456789abcdef01234567"
WHSEC = "whsec_" + b64(KEY)


def standard(
    body: bytes,
    *,
    identifier: str = "msg_1",
    at: int | None = None,
    key: bytes = KEY,
    prefix: str = "webhook",
    others: str = "",
) -> dict[str, str]:
    moment = int(time.time()) if at is None else at
    signature = b64(mac(f"{identifier}.{moment}.".encode() + body, key=key))
    return {
        f"{prefix}-id": identifier,
        f"{prefix}-timestamp": str(moment),
        f"{prefix}-signature": f"{others}v1,{signature}",
        **JSON,
    }


async def test_standard_webhooks_are_verified_and_a_message_that_comes_again_is_one_run(desk: Desk) -> None:
    webhook = await desk.open(preset="standard", secret=WHSEC)
    body = b'{"type": "a"}'
    first = await desk.call(webhook, content=body, headers=standard(body))
    assert first.status_code == 200, first.text
    others = f"v1,{b64(bytes(32))}, v1a,{b64(bytes(64))} v9,abc "
    again = await desk.call(webhook, content=body, headers=standard(body, others=others))
    assert again.json() == first.json(), "several signatures, of which one fits"
    assert (await desk.call(webhook, content=body, headers=standard(body, identifier="msg_2"))).status_code == 200
    assert await desk.runs() == 2
    right = standard(body)
    wrong: list[dict[str, str]] = [
        standard(body, key=b"another key that is long"),
        standard(body + b" "),
        right | {"webhook-id": "msg_9"},
        right | {"webhook-signature": right["webhook-signature"].removeprefix("v1,")},
        right | {"webhook-signature": right["webhook-signature"].replace("v1,", "v1a,")},
        right | {"webhook-signature": ""},
        standard(body, identifier=""),
        standard(body, at=int(time.time()) - 301),
        standard(body, at=int(time.time()) + 400),
        standard(body, prefix="svix"),
    ]
    for headers in wrong:
        assert (await desk.call(webhook, content=body, headers=headers)).status_code == 401
    assert await desk.runs() == 2


async def test_standard_webhooks_of_svix_use_its_header_names(desk: Desk) -> None:
    webhook = await desk.open(preset="svix", secret=WHSEC)
    assert (await desk.call(webhook, content=b"{}", headers=standard(b"{}", prefix="svix"))).status_code == 200
    assert (await desk.call(webhook, content=b"{}", headers=standard(b"{}"))).status_code == 401


async def test_standard_webhooks_are_signed_with_ed25519_as_well(desk: Desk) -> None:
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    keys = ["whpk_" + b64(public_key(other)), "whpk_" + b64(public_key(key))]
    webhook = await desk.open(verification={"kind": "standard", "public_keys": keys})
    moment = int(time.time())
    signed = f"msg_1.{moment}.".encode() + b"{}"
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(moment)}
    right = f"v1,{b64(bytes(32))} v1a,{b64(key.sign(signed))}"
    assert (
        await desk.call(webhook, content=b"{}", headers={**headers, "webhook-signature": right})
    ).status_code == 200
    for wrong in (f"v1,{b64(key.sign(signed))}", f"v1a,{b64(key.sign(b'x'))}", f"v1a,{b64(b'short')}", "v1a,é"):
        answer = await desk.call(
            webhook, content=b"{}", headers={**headers, "webhook-signature": wrong.encode("latin-1")}
        )
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"verification": {"kind": "standard"}}, "secret: this verification needs a secret"),
        ({"verification": {"kind": "standard"}, "secret": "whsec_not base64!"}, "whsec_ followed by base64"),
        ({"verification": {"kind": "standard"}, "secret": "whsec_YWJj"}, "shorter than 8 bytes"),
        ({"verification": {"kind": "standard", "public_keys": ["abc"]}}, "whpk_"),
        ({"verification": {"kind": "standard", "public_keys": ["whpk_YWJj"]}}, "32 bytes"),
        ({"verification": {"kind": "ed25519", "header": "X-A", "public_keys": ["zz"]}}, "32 bytes"),
        ({"verification": {"kind": "ed25519", "header": "X-A", "public_keys": []}}, "at least 1"),
        ({"verification": {"kind": "basic", "username": "a:b"}, "secret": SECRET}, "match pattern"),
        ({"verification": {"kind": "basic", "username": "a"}}, "secret: this verification needs a secret"),
        ({"verification": {"kind": "secret"}, "secret": SECRET}, "one of header, query and path"),
        ({"verification": {"kind": "secret", "header": "A", "query": "b"}, "secret": SECRET}, "one of header"),
        (
            {"verification": {"kind": "hmac", "header": "A", "secret_encoding": "hex"}, "secret": SECRET},
            "it is not hex",
        ),
        ({"verification": {"kind": "secret", "path": "value.*.a"}, "secret": SECRET}, "has a wildcard"),
        (
            {"idempotency_path": "items.?"},
            "'items.?' has a wildcard, which finds a list; write the path of one value",
        ),
        (
            {"idempotency_path": "$.event.id"},
            "'$.event.id' is not a path; write keys and list indexes joined by dots",
        ),
        ({"idempotency_path": "/event/id"}, "'/event/id' is not a path"),
        ({"secret": SECRET, "secrets": [SECRET]}, "secret or secrets, not both"),
        ({"secrets": [SECRET, "short"]}, "at least 8"),
        ({"preset": "nobody", "secret": SECRET}, "preset: 'nobody' is not known; use one of adyen"),
        ({"preset": "paypal"}, "signs with certificates of its own, which this platform does not fetch"),
        ({"preset": "discord"}, "public_keys"),
        ({"preset": "github"}, "secret: this verification needs a secret"),
    ],
)
async def test_what_a_verification_needs_is_asked_for_when_it_is_saved(
    desk: Desk, fields: dict[str, Any], message: str
) -> None:
    async with desk.platform.client(desk.caller) as client:
        answer = await client.post(f"/api/apps/{desk.app.id}/webhooks/", json={"action": "take", **fields})
    assert answer.status_code == 422, answer.text
    assert message in answer.json()["detail"]


async def test_of_several_secrets_any_fits_until_they_are_replaced(desk: Desk) -> None:
    old, new = "the old secret", "the new secret"
    webhook = await desk.open(preset="github", secret=old)
    path = f"/api/apps/{desk.app.id}/webhooks/{webhook['id']}/"

    async def status(secret: str) -> int:
        signature = "sha256=" + mac(b"{}", key=secret.encode()).hex()
        return (await desk.call(webhook, content=b"{}", headers={"X-Hub-Signature-256": signature})).status_code

    assert (await status(old), await status(new)) == (200, 401)
    async with desk.platform.client(desk.caller) as client:
        changed = await client.patch(path, json={"secrets": [new, old]})
        assert changed.status_code == 200, changed.text
        assert old not in changed.text and new not in changed.text
        assert (await status(old), await status(new)) == (200, 200)
        await client.patch(path, json={"secret": new})
    assert (await status(old), await status(new)) == (401, 200)


TWILIO_FIELDS = [("To", "+48 500"), ("Body", "zażółć & co"), ("From", "+1"), ("Media", "b"), ("Media", "a")]


def twilio(url: str, fields: list[tuple[str, str]]) -> dict[str, str]:
    ordered = sorted(set(fields))
    text = url + "".join(name + value for name, value in ordered)
    return {"X-Twilio-Signature": b64(mac(text.encode(), algorithm="sha1"))}


async def test_a_url_and_the_sorted_fields_of_a_form_are_signed_as_twilio_does(desk: Desk) -> None:
    webhook = await desk.open(preset="twilio", secret=SECRET)
    content = urlencode(TWILIO_FIELDS).encode()
    url = webhook["url"]
    for query in ("", "?a=1&b=%20x"):
        headers = {**FORM, **twilio(url + query, TWILIO_FIELDS)}
        answer = await desk.call(webhook, content=content, headers=headers, query=query)
        assert answer.status_code == 200, answer.text
        assert (await desk.call(webhook, content=content + b"&x=1", headers=headers, query=query)).status_code == 401
        assert (await desk.call(webhook, content=content, headers=headers, query="?c=1")).status_code == 401
    with_port = twilio(url.replace("platform.test/", "platform.test:80/"), TWILIO_FIELDS)
    assert (await desk.call(webhook, content=content, headers={**FORM, **with_port})).status_code == 200


async def test_a_body_that_is_no_form_is_not_taken_along_unsigned(desk: Desk) -> None:
    webhook = await desk.open(preset="twilio", secret=SECRET)
    url = webhook["url"]
    assert (await desk.call(webhook, headers=twilio(url, []))).status_code == 200
    smuggled = await desk.call(webhook, content=b'{"a": 1}', headers={**JSON, **twilio(url, [])})
    assert smuggled.status_code == 401
    assert "not covered by the signature" in smuggled.json()["detail"]
    content = b'{"a": 1}'
    query = f"?bodySHA256={hashlib.sha256(content).hexdigest()}"
    headers = {**JSON, **twilio(url + query, [])}
    assert (await desk.call(webhook, content=content, headers=headers, query=query)).status_code == 200
    assert (await desk.call(webhook, content=b'{"a": 2}', headers=headers, query=query)).status_code == 401


async def test_a_url_and_a_body_are_signed_as_square_does(desk: Desk) -> None:
    webhook = await desk.open(preset="square", secret=SECRET)
    body = b'{"event_id": "e1"}'
    right = {"X-Square-HmacSha256-Signature": b64(mac(webhook["url"].encode() + body)), **JSON}
    first = await desk.call(webhook, content=body, headers=right)
    assert first.status_code == 200, first.text
    assert (await desk.call(webhook, content=body, headers=right)).json() == first.json(), "by event_id"
    assert (await desk.call(webhook, content=body + b" ", headers=right)).status_code == 401
    elsewhere = {**right, "X-Square-HmacSha256-Signature": b64(mac(b"https://elsewhere.example/" + body))}
    assert (await desk.call(webhook, content=body, headers=elsewhere)).status_code == 401
    behind = await desk.open(
        preset="square", secret=SECRET, verification={"url": "https://elsewhere.example/"}, name="behind a proxy"
    )
    assert (await desk.call(behind, content=body, headers=elsewhere)).status_code == 200


def placed(payload: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "hmac", "header": "X-Signature", "payload": payload, **fields}


Headers = Callable[[str, bytes], dict[str, str]]


def _signed(text: Callable[[str, bytes], bytes], **others: str) -> Headers:
    return lambda path, body: {"X-Signature": mac(text(path, body)).hex(), **others}


@pytest.mark.parametrize(
    ("verification", "headers_for"),
    [
        (
            placed("{method}\n{path}\n{query}\n{body}"),
            _signed(lambda path, body: f"POST\n{path}\na=1\n".encode() + body),
        ),
        (
            placed("{header:X-Nonce}|{query:a}|{body_sha256}"),
            _signed(lambda path, body: b"n1|1|" + hashlib.sha256(body).hexdigest().encode(), **{"X-Nonce": "n1"}),
        ),
        (
            placed(
                "{id}.{timestamp}.{body}", id_header="X-Id", timestamp_header="X-At", timestamp_format="milliseconds"
            ),
            lambda path, body: {
                "X-Id": "i",
                "X-At": (at := str(int(time.time() * 1000))),
                "X-Signature": mac(f"i.{at}.".encode() + body).hex(),
            },
        ),
        (
            placed("{timestamp}{body}", timestamp_header="X-At", timestamp_format="iso8601"),
            lambda path, body: {
                "X-At": (at := datetime.now(UTC).isoformat().replace("+00:00", "Z")),
                "X-Signature": mac(at.encode() + body).hex(),
            },
        ),
        (
            placed("{timestamp}:{body}", element="h1", separator=";", timestamp_element="ts"),
            lambda path, body: {
                "X-Signature": f"ts={(at := int(time.time()))};h1=00;h1={mac(f'{at}:'.encode() + body).hex()}"
            },
        ),
        (
            placed("{body}", algorithm="sha512", encoding="base64url", prefix="HMAC "),
            lambda path, body: {
                "X-Signature": "HMAC " + base64.urlsafe_b64encode(mac(body, algorithm="sha512")).decode().rstrip("=")
            },
        ),
        (
            placed("{body}", algorithm="sha1", encoding="base64", element="s"),
            lambda path, body: {"X-Signature": f"t=1, s={b64(mac(body, algorithm='sha1'))}"},
        ),
    ],
    ids=["request", "headers", "milliseconds", "iso", "semicolons", "base64url", "sha1"],
)
async def test_what_is_signed_is_written_with_placeholders(
    desk: Desk, verification: dict[str, Any], headers_for: Headers
) -> None:
    webhook = await desk.open(verification=verification, secret=SECRET)
    body = b'{"a":  1}'
    path = httpx.URL(webhook["url"]).path
    headers = headers_for(path, body)
    assert (await desk.call(webhook, content=body, headers=headers, query="?a=1")).status_code == 200
    assert (await desk.call(webhook, content=body + b" ", headers=headers, query="?a=1")).status_code == 401
    for name in headers:
        assert (
            await desk.call(webhook, content=body, headers={**headers, name: "1"}, query="?a=1")
        ).status_code == 401
    assert await desk.runs() == 1


@pytest.mark.parametrize("form", ["milliseconds", "iso8601", "seconds"])
async def test_an_old_time_is_refused_in_every_format(desk: Desk, form: str) -> None:
    verification = placed("{timestamp}.{body}", timestamp_header="X-At", timestamp_format=form)
    webhook = await desk.open(verification=verification, secret=SECRET)
    now = time.time()
    for at, status in ((now, 200), (now - 310, 401), (now + 310, 401)):
        text = {
            "seconds": str(int(at)),
            "milliseconds": str(int(at * 1000)),
            "iso8601": datetime.fromtimestamp(at, UTC).isoformat(),
        }[form]
        headers = {"X-At": text, "X-Signature": mac(f"{text}.x".encode()).hex()}
        assert (await desk.call(webhook, content=b"x", headers=headers)).status_code == status
    for nonsense in ("", "soon", "-1", "9" * 30, "１２３", "0001-01-01T00:00:00+23:00"):
        headers = {"X-At": nonsense, "X-Signature": mac(f"{nonsense}.x".encode()).hex()}
        sent = {name: value.encode() for name, value in headers.items()}
        assert (await desk.call(webhook, content=b"x", headers=sent)).status_code == 401


@pytest.mark.parametrize("encoding", ["hex", "base64"])
async def test_a_secret_may_stand_for_bytes(desk: Desk, encoding: str) -> None:
    key = bytes(range(200, 232))
    secret = key.hex() if encoding == "hex" else b64(key)
    webhook = await desk.open(verification=placed("{body}", secret_encoding=encoding), secret=secret)
    for right, status in ((mac(b"x", key=key), 200), (mac(b"x", key=secret.encode()), 401)):
        assert (await desk.call(webhook, content=b"x", headers={"X-Signature": right.hex()})).status_code == status


async def test_ed25519_is_verified_and_a_ping_is_answered_as_discord_wants(desk: Desk) -> None:
    key = Ed25519PrivateKey.generate()
    webhook = await desk.open(preset="discord", answer=None, verification={"public_keys": [public_key(key).hex()]})

    def headers(body: bytes, at: int | None = None) -> dict[str, str]:
        moment = str(int(time.time()) if at is None else at)
        return {
            "X-Signature-Ed25519": key.sign(moment.encode() + body).hex(),
            "X-Signature-Timestamp": moment,
            **JSON,
        }

    ping, command = b'{"type": 1}', b'{"type": 2, "id": "7"}'
    answer = await desk.call(webhook, content=ping, headers=headers(ping))
    assert (answer.status_code, answer.json()) == (200, {"type": 1})
    assert (await desk.call(webhook, content=ping, headers=headers(b"other"))).status_code == 401
    assert (await desk.call(webhook, content=ping, headers=JSON)).status_code == 401
    assert (await desk.call(webhook, content=ping, headers=headers(ping, 1))).status_code == 401
    assert await desk.runs() == 0
    first = await desk.call(webhook, content=command, headers=headers(command))
    assert (await desk.call(webhook, content=command, headers=headers(command))).json() == first.json()
    truth = b'{"type": true, "id": "8"}'
    assert "task_id" in (await desk.call(webhook, content=truth, headers=headers(truth))).json()


async def test_a_shared_secret_in_the_query_stays_out_of_the_event(desk: Desk) -> None:
    webhook = await desk.open(verification={"kind": "secret", "query": "token"}, secret=SECRET)
    for query in ("", "?token=wrong", "?token=", "?token=wrong&token=a+shared+secret"):
        assert (await desk.call(webhook, query=query)).status_code == 401
    run = await desk.run(await desk.call(webhook, query="?token=a+shared+secret&b=1"))
    assert run.event["query"] == {"b": "1"}
    assert SECRET not in json.dumps(run.event)


async def test_a_shared_secret_may_have_a_prefix_or_stand_in_the_body(desk: Desk) -> None:
    bearer = await desk.open(
        verification={"kind": "secret", "header": "Authorization", "prefix": "Bearer "}, secret=SECRET
    )
    for value, status in ((f"Bearer {SECRET}", 200), (SECRET, 401), (f"bearer {SECRET}", 401), ("", 401)):
        assert (await desk.call(bearer, headers={"Authorization": value})).status_code == status
    unspaced = {"kind": "secret", "header": "Authorization", "prefix": "Bearer"}
    bearer = await desk.open(verification=unspaced, secret=SECRET, name="unspaced")
    for value, status in ((f"Bearer {SECRET}", 200), (f"Bearer  {SECRET} x", 401), ("Bearer", 401)):
        assert (await desk.call(bearer, headers={"Authorization": value})).status_code == status
    graph = await desk.open(preset="microsoft_graph", secret=SECRET, name="graph")
    for state, status in ((SECRET, 200), ("wrong", 401), (None, 401), ({"a": 1}, 401)):
        assert (await desk.call(graph, json={"value": [{"clientState": state}]})).status_code == status
    assert (await desk.call(graph, json=[])).status_code == 401


async def test_basic_credentials_are_asked_for_and_stay_out_of_the_event(desk: Desk) -> None:
    webhook = await desk.open(verification={"kind": "basic", "username": "zoë"}, secret=SECRET)
    for wrong in ("", "Basic", "Basic !!", "Bearer " + b64(f"zoë:{SECRET}".encode()), "Basic " + b64(b"zoe:x")):
        answer = await desk.call(webhook, headers={"Authorization": wrong})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic")
    right = {"Authorization": "basic " + b64(f"zoë:{SECRET}".encode())}
    run = await desk.run(await desk.call(webhook, headers=right))
    assert "authorization" not in run.event["headers"]


async def test_secrets_are_in_no_log(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    webhook = await desk.open(verification={"kind": "secret", "query": "token"}, secret="verysecretword")
    await desk.call(webhook, query="?token=verysecretword")
    await desk.call(webhook, query="?token=verysecretword2")
    ours = [str(record.__dict__) for record in caplog.records if record.name.startswith("platform_api")]
    assert ours and not [line for line in ours if "verysecretword" in line]


def spki(key: EllipticCurvePrivateKey | RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


CURVE, RSA = generate_curve_key(SECP256R1()), generate_rsa_key(65537, 2048)
KEYS = {"discord": ["00" * 32], "sendgrid": [spki(CURVE)]}


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
async def test_a_body_is_signed_with_a_private_key(desk: Desk, kind: str) -> None:
    key = CURVE if kind == "ecdsa" else RSA
    other = generate_curve_key(SECP256R1()) if kind == "ecdsa" else generate_rsa_key(65537, 2048)
    fields = {"kind": kind, "header": "X-Signature", "encoding": "base64"}
    webhook = await desk.open(verification={**fields, "public_keys": [spki(other), spki(key)]})

    def signed(body: bytes) -> str:
        if isinstance(key, RSAPrivateKey):
            return b64(key.sign(body, PKCS1v15(), SHA256()))
        return b64(key.sign(body, ECDSA(SHA256())))

    for body, signature, status in (
        (b"{}", signed(b"{}"), 200),
        (b"{} ", signed(b"{}"), 401),
        (b"{}", "", 401),
        (b"{}", b64(b"0" * 64), 401),
    ):
        answer = await desk.call(webhook, content=body, headers={"X-Signature": signature})
        assert answer.status_code == status, answer.text
    wrong = spki(RSA if kind == "ecdsa" else CURVE)
    for text, message in ((wrong, "this is not a public key of"), ("nonsense", "a public key must be PEM")):
        async with desk.platform.client(desk.caller) as client:
            made = {"action": "take", "verification": {**fields, "public_keys": [text]}}
            answer = await client.post(f"/api/apps/{desk.app.id}/webhooks/", json=made)
        assert (answer.status_code, message in answer.json()["detail"]) == (422, True), answer.text


@pytest.mark.parametrize("kind", ["ecdsa", "rsa", "ed25519"])
async def test_a_key_is_read_once_and_its_successor_at_once(
    desk: Desk, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []
    for name in ("load_pem_public_key", "decode_text"):
        read = getattr(public_keys, name)
        monkeypatch.setattr(
            public_keys, name, lambda *given, read=read: reads.append(given) or read(*given), raising=True
        )
    keys = [
        {"ecdsa": lambda: generate_curve_key(SECP256R1()), "rsa": lambda: generate_rsa_key(65537, 2048)}.get(
            kind, Ed25519PrivateKey.generate
        )()
        for _ in range(2)
    ]

    def shown(key: Any) -> str:
        if isinstance(key, Ed25519PrivateKey):
            return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
        return spki(key)

    def signed(key: Any) -> dict[str, str]:
        arguments = {"ecdsa": (ECDSA(SHA256()),), "rsa": (PKCS1v15(), SHA256())}.get(kind, ())
        return {"X-Signature": b64(key.sign(b"{}", *arguments))}

    fields = {"kind": kind, "header": "X-Signature", "encoding": "base64"}
    webhook = await desk.open(verification={**fields, "public_keys": [shown(keys[0])]})
    reads.clear()
    for _ in range(3):
        assert (await desk.call(webhook, content=b"{}", headers=signed(keys[0]))).status_code == 200
    assert reads == []
    async with desk.platform.client(desk.caller) as client:
        changed = {"verification": {**fields, "public_keys": [shown(keys[1])]}}
        path = f"/api/apps/{desk.app.id}/webhooks/{webhook['id']}/"
        assert (await client.patch(path, json=changed)).status_code == 200
    for key, status in zip(keys, (401, 200), strict=True):
        assert (await desk.call(webhook, content=b"{}", headers=signed(key))).status_code == status


def test_only_so_many_keys_are_remembered() -> None:
    for read in (public_keys.read_ed25519, public_keys.read_x509):
        assert read.cache_info().maxsize == public_keys.MAX_REMEMBERED


async def test_a_signature_in_the_body_is_over_values_of_it(desk: Desk) -> None:
    verification = {
        "kind": "hmac",
        "path": "sign",
        "timestamp_path": "at",
        "payload": '{timestamp}|{json:a.0}|{json:b}|{json:["c.d"]}|{json:none}|{json:list}',
    }
    webhook = await desk.open(verification=verification, secret=SECRET)
    at = int(time.time())
    text = f'{{"at": {at}, "a": [1.10], "b": true, "c.d": "ż", "list": [1], "sign": "%s", "other": %d}}'
    signature = mac(f"{at}|1.10|true|ż||".encode()).hex()
    for body, status in (
        (text % (signature, 1), 200),
        (text % (signature.upper(), 2), 200),
        (text.replace("1.10", "1.1") % (signature, 1), 401),
        (text % ("", 1), 401),
        (text % ("0" * 64, 1), 401),
        (text.replace(str(at), str(at - 400)) % (mac(f"{at - 400}|1.10|true|ż||".encode()).hex(), 1), 401),
        ("[]", 401),
        ("nonsense", 401),
    ):
        assert (await desk.call(webhook, content=body.encode())).status_code == status, body


def test_every_preset_is_a_webhook_that_could_be_saved() -> None:
    for name in PRESETS:
        given: dict[str, Any] = {"verification": {"public_keys": KEYS[name]}} if name in KEYS else {}
        made = WebhookCreate.model_validate({"action": "take", "preset": name, **given})
        assert made.verification.kind != "none", name


def test_every_preset_field_and_placeholder_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text()
    named = [
        *PRESETS,
        *(f"{{{name}}}" for name in NAMES_OF_PLACEHOLDERS),
        "{header:NAME}",
        "{query:NAME}",
        "{json:PATH}",
    ]
    for model in (
        SecretVerification,
        BasicVerification,
        SignatureVerification,
        Ed25519Verification,
        X509Verification,
        Challenge,
        Answer,
    ):
        named += [name for name in model.model_fields if name not in ("kind", "place")]
    assert [name for name in named if f"`{name}`" not in page and f'"{name}"' not in page] == []


def test_what_a_request_says_itself_wins_over_its_preset() -> None:
    made = WebhookCreate.model_validate(
        {"action": "a", "preset": "stripe", "verification": {"tolerance_seconds": 60}, "idempotency_header": "X-Id"}
    )
    assert made.verification.model_dump()["tolerance_seconds"] == 60
    assert made.verification.model_dump()["element"] == "v1"
    assert (made.idempotency_header, made.idempotency_path) == ("x-id", None)
    other = WebhookCreate.model_validate({"action": "a", "preset": "stripe", "verification": {"kind": "none"}})
    assert other.verification.kind == "none"


async def test_presets_are_listed_to_those_who_build_the_app(desk: Desk, shared_platform: Platform) -> None:
    path = f"/api/apps/{desk.app.id}/webhooks/presets/"
    async with desk.platform.client(desk.caller) as client:
        listed = (await client.get(path)).json()
    assert {item["name"] for item in listed} == set(PRESETS)
    stranger = (await open_desk(shared_platform)).caller
    async with desk.platform.client(stranger) as client:
        assert (await client.get(path)).status_code == 404


PUBLISHED: list[tuple[str, str, str, dict[str, str], bytes, float]] = [
    (
        "github",
        "It's a Secret to Everybody",
        "",
        {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
        b"Hello, World!",
        0,
    ),
    (
        "slack",
        "8f742231b10e8888abcd99yyyzzz85a5",
        "",
        {
            "x-slack-request-timestamp": "1531420618",
            "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        },
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
        b"%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
        1531420618,
    ),
    (
        "twilio",
        "12345",
        "https://mycompany.com/myapp.php?foo=1&bar=2",
        {"x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "content-type": FORM["Content-Type"]},
        b"Digits=1234&CallSid=CA1234567890ABCDE&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309",
        0,
    ),
    (
        "standard",
        "whsec_plJ3nmyCDGBKInavdOK15jsl",
        "",
        {
            "webhook-id": "msg_loFOjxBNrRLzqYUf",
            "webhook-timestamp": "1731705121",
            "webhook-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
        },
        b'{"event_type":"ping","data":{"success":true}}',
        1731705121,
    ),
]
"""Signed examples of the services' own documentation."""


@pytest.mark.parametrize(("preset", "secret", "url", "headers", "body", "now"), PUBLISHED)
def test_the_examples_that_services_publish_are_verified(
    preset: str, secret: str, url: str, headers: dict[str, str], body: bytes, now: float
) -> None:
    verification = WebhookCreate.model_validate({"action": "a", "preset": preset}).verification
    delivery = Delivery(method="POST", path="/", query_string="", headers=headers, body=body, urls=[url])
    verify(verification, [secret], delivery, now=now)
    with pytest.raises(Unauthenticated):
        verify(verification, [secret + "x" * 4], delivery, now=now)


async def test_a_query_that_is_no_text_keeps_its_bytes(desk: Desk) -> None:
    webhook = await desk.open(verification=placed("{query}|{body}"), secret=SECRET)
    answers: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"x", "more_body": False}

    async def send(message: Any) -> None:
        answers.append(message)

    path = httpx.URL(webhook["url"]).path
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"a=\xff&b=\xc5\xbc",
        "headers": [(b"x-signature", mac(b"a=\xff&b=\xc5\xbc|x").hex().encode())],
    }
    await desk.platform.app(scope, receive, send)
    assert answers[0]["status"] == 200, answers
    async with desk.platform.database.transaction() as session:
        run = (await session.scalars(select(Run).where(Run.app_id == desk.app.id))).one()
    assert run.event["query"] == {"a": "?", "b": "ż"}


@given(
    preset=st.sampled_from(sorted(PRESETS)),
    values=st.lists(st.text("tv1=,; abc0.ż\xff", max_size=30), min_size=4, max_size=4),
    body=st.binary(max_size=20),
    content_type=st.sampled_from(["", "application/json", FORM["Content-Type"]]),
)
def test_what_strangers_send_is_refused_and_breaks_nothing(
    preset: str, values: list[str], body: bytes, content_type: str
) -> None:
    keys: dict[str, Any] = {"verification": {"public_keys": KEYS[preset]}} if preset in KEYS else {}
    verification = WebhookCreate.model_validate({"action": "a", "preset": preset, **keys}).verification
    names = [str(value) for name, value in verification.model_dump().items() if name.endswith("header") and value]
    names += ["webhook-id", "webhook-signature", "svix-id"]
    headers = {**dict(zip(names, values, strict=False)), "content-type": content_type}
    delivery = Delivery(method="POST", path="/", query_string=values[3], headers=headers, body=body)
    with pytest.raises(Unauthenticated):
        verify(verification, ["5e" * 16 if preset == "adyen" else WHSEC], delivery)


NAMES = st.sampled_from(["body", "timestamp", "url", "method", "path", "query", "id", "form", "header:a", "query:b"])


@given(
    parts=st.lists(st.one_of(NAMES.map(lambda name: "{" + name + "}"), st.text("abc{}.:", max_size=4)), max_size=6),
    body=st.binary(max_size=20),
)
def test_a_template_is_refused_or_rendered_whole(parts: list[str], body: bytes) -> None:
    template = "".join(parts)
    delivery = Delivery(method="POST", path="/p", query_string="b=2", headers={"a": "1"}, body=body)
    try:
        check_template(template)
    except ValueError:
        return
    values = {"{timestamp}": b"9", "{url}": b"u", "{method}": b"POST", "{path}": b"/p", "{query}": b"b=2"}
    values |= {"{id}": b"i", "{form}": b"", "{header:a}": b"1", "{query:b}": b"2"}
    before, found, after = template.partition("{body}")
    expected = [before.encode(), body if found else b"", after.encode()]
    for name, value in values.items():
        expected = [expected[0].replace(name.encode(), value), expected[1], expected[2].replace(name.encode(), value)]
    assert render(template, delivery, url="u", timestamp="9", identifier="i") == b"".join(expected)

"""Every preset with deliveries that are signed here by the rule that the service documents, over the real API."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from platform_api.webhooks.signatures.presets import PRESETS
from tests.platform_api.webhooks.desk import Desk

pytestmark = pytest.mark.anyio

SECRET, OTHER = "a shared secret", "another secret!!"
DISCORD, STRANGER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
SENDGRID, OTHER_CURVE = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Sent:
    """What a service signs: to which address, when, what, and with which secret."""

    url: str
    body: bytes
    at: int
    secret: str = SECRET

    def mac(self, text: bytes, algorithm: str = "sha256") -> bytes:
        return hmac.new(self.secret.encode(), text, getattr(hashlib, algorithm)).digest()

    def hex(self, text: bytes) -> str:
        return self.mac(text).hex()

    def base64(self, text: bytes, algorithm: str = "sha256") -> str:
        return base64.b64encode(self.mac(text, algorithm)).decode()


@dataclass(frozen=True)
class Service:
    """How a service signs, and what of a delivery of the same event stays the same."""

    headers: Callable[[Sent], dict[str, str]]
    known_by: dict[str, str] = field(default_factory=dict)
    is_timed: bool = False
    takes_lists: bool = False
    signs_body: bool = True
    body: Callable[[str], bytes] | None = None
    content_type: str = "application/json"


def _twilio(sent: Sent) -> dict[str, str]:
    pairs = sorted({tuple(pair.split("=")) for pair in sent.body.decode().split("&")})
    text = sent.url + "".join(name + value for name, value in pairs)
    return {"X-Twilio-Signature": sent.base64(text.encode(), "sha1")}


def _standard(prefix: str) -> Callable[[Sent], dict[str, str]]:
    def headers(sent: Sent) -> dict[str, str]:
        text = b"msg_1.%d." % sent.at + sent.body
        return {
            f"{prefix}-id": "msg_1",
            f"{prefix}-timestamp": str(sent.at),
            f"{prefix}-signature": f"v1,{sent.base64(text)}",
        }

    return headers


def _discord(sent: Sent) -> dict[str, str]:
    key = DISCORD if sent.secret == SECRET else STRANGER
    signature = key.sign(str(sent.at).encode() + sent.body).hex()
    return {"X-Signature-Ed25519": signature, "X-Signature-Timestamp": str(sent.at)}


def _sendgrid(sent: Sent) -> dict[str, str]:
    key = SENDGRID if sent.secret == SECRET else OTHER_CURVE
    signature = key.sign(str(sent.at).encode() + sent.body, ECDSA(SHA256()))
    return {
        "X-Twilio-Email-Event-Webhook-Timestamp": str(sent.at),
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
    }


def _twitch(sent: Sent) -> dict[str, str]:
    at = datetime.fromtimestamp(sent.at, UTC).strftime("%Y-%m-%dT%H:%M:%S.123456789Z")
    return {
        "Twitch-Eventsub-Message-Id": "m1",
        "Twitch-Eventsub-Message-Timestamp": at,
        "Twitch-Eventsub-Message-Signature": f"sha256={sent.hex(f'm1{at}'.encode() + sent.body)}",
    }


def _zendesk(sent: Sent) -> dict[str, str]:
    at = datetime.fromtimestamp(sent.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "X-Zendesk-Webhook-Signature-Timestamp": at,
        "X-Zendesk-Webhook-Signature": sent.base64(at.encode() + sent.body),
    }


def _mailgun(secret: str) -> bytes:
    at, token = str(int(time.time())), "t" * 50
    signature = hmac.digest(secret.encode(), f"{at}{token}".encode(), "sha256").hex()
    signed = {"timestamp": at, "token": token, "signature": signature}
    return json.dumps({"signature": signed, "event-data": {"id": "e1", "event": "opened"}}).encode()


def _adyen(secret: str) -> bytes:
    item = {
        "pspReference": "p1",
        "merchantAccountCode": "Shop:Main",
        "merchantReference": "order 5",
        "amount": {"value": 1130, "currency": "EUR"},
        "eventCode": "AUTHORISATION",
        "success": "true",
    }
    text = "p1::Shop:Main:order 5:1130:EUR:AUTHORISATION:true"
    signature = base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha256")).decode()
    item["additionalData"] = {"hmacSignature": signature}
    return json.dumps({"live": "false", "notificationItems": [{"NotificationRequestItem": item}]}).encode()


SERVICES: dict[str, Service] = {
    "adyen": Service(lambda sent: {}, signs_body=False, body=_adyen),
    "asana": Service(lambda sent: {"X-Hook-Signature": sent.hex(sent.body)}),
    "calendly": Service(
        lambda sent: {
            "Calendly-Webhook-Signature": f"t={sent.at},v1={sent.hex(b'%d.' % sent.at + sent.body)}",
        },
        is_timed=True,
        takes_lists=True,
    ),
    "intercom": Service(lambda sent: {"X-Hub-Signature": f"sha1={sent.mac(sent.body, 'sha1').hex()}"}),
    "jira": Service(
        lambda sent: {"X-Hub-Signature": f"sha256={sent.hex(sent.body)}"},
        known_by={"X-Atlassian-Webhook-Identifier": "j1"},
    ),
    "mailgun": Service(lambda sent: {}, signs_body=False, body=_mailgun),
    "notion": Service(lambda sent: {"X-Notion-Signature": f"sha256={sent.hex(sent.body)}"}),
    "sendgrid": Service(_sendgrid, is_timed=True),
    "trello": Service(lambda sent: {"X-Trello-Webhook": sent.base64(sent.body + sent.url.encode(), "sha1")}),
    "twitch": Service(_twitch, is_timed=True),
    "xero": Service(lambda sent: {"x-xero-signature": sent.base64(sent.body)}),
    "zendesk": Service(_zendesk, known_by={"X-Zendesk-Webhook-Invocation-Id": "z1"}, is_timed=True),
    "bitbucket": Service(
        lambda sent: {"X-Hub-Signature": f"sha256={sent.hex(sent.body)}"}, known_by={"X-Request-UUID": "u1"}
    ),
    "discord": Service(_discord, is_timed=True),
    "dropbox": Service(lambda sent: {"X-Dropbox-Signature": sent.hex(sent.body)}),
    "github": Service(
        lambda sent: {"X-Hub-Signature-256": f"sha256={sent.hex(sent.body)}"}, known_by={"X-GitHub-Delivery": "g1"}
    ),
    "gitlab": Service(
        lambda sent: {"X-Gitlab-Token": sent.secret}, known_by={"Idempotency-Key": "k1"}, signs_body=False
    ),
    "hubspot": Service(
        lambda sent: {
            "X-HubSpot-Request-Timestamp": str(sent.at * 1000),
            "X-HubSpot-Signature-v3": sent.base64(f"POST{sent.url}".encode() + sent.body + b"%d" % (sent.at * 1000)),
        },
        is_timed=True,
    ),
    "linear": Service(lambda sent: {"Linear-Signature": sent.hex(sent.body)}, known_by={"Linear-Delivery": "l1"}),
    "meta": Service(lambda sent: {"X-Hub-Signature-256": f"sha256={sent.hex(sent.body)}"}),
    "microsoft_graph": Service(
        lambda sent: {},
        signs_body=False,
        body=lambda secret: json.dumps({"value": [{"clientState": secret}]}).encode(),
    ),
    "paddle": Service(
        lambda sent: {"Paddle-Signature": f"ts={sent.at};h1={sent.hex(b'%d:' % sent.at + sent.body)}"},
        is_timed=True,
        takes_lists=True,
    ),
    "pagerduty": Service(
        lambda sent: {"X-PagerDuty-Signature": f"v1={'0' * 64},v1={sent.hex(sent.body)}"}, takes_lists=True
    ),
    "shopify": Service(
        lambda sent: {"X-Shopify-Hmac-Sha256": sent.base64(sent.body)}, known_by={"X-Shopify-Webhook-Id": "s1"}
    ),
    "slack": Service(
        lambda sent: {
            "X-Slack-Request-Timestamp": str(sent.at),
            "X-Slack-Signature": f"v0={sent.hex(b'v0:%d:' % sent.at + sent.body)}",
        },
        is_timed=True,
    ),
    "square": Service(lambda sent: {"X-Square-HmacSha256-Signature": sent.base64(sent.url.encode() + sent.body)}),
    "standard": Service(_standard("webhook"), is_timed=True, takes_lists=True),
    "stripe": Service(
        lambda sent: {"Stripe-Signature": f"t={sent.at},v1={sent.hex(b'%d.' % sent.at + sent.body)},v0={'0' * 64}"},
        is_timed=True,
        takes_lists=True,
    ),
    "svix": Service(_standard("svix"), is_timed=True, takes_lists=True),
    "telegram": Service(lambda sent: {"X-Telegram-Bot-Api-Secret-Token": sent.secret}, signs_body=False),
    "twilio": Service(
        _twilio,
        known_by={"I-Twilio-Idempotency-Token": "t1"},
        body=lambda _: b"Body=hello&To=1&From=2",
        content_type=FORM,
    ),
    "typeform": Service(lambda sent: {"Typeform-Signature": f"sha256={sent.base64(sent.body)}"}),
    "woocommerce": Service(
        lambda sent: {"X-WC-Webhook-Signature": sent.base64(sent.body)}, known_by={"X-WC-Webhook-Delivery-ID": "w1"}
    ),
    "x": Service(lambda sent: {"X-Twitter-Webhooks-Signature": f"sha256={sent.base64(sent.body)}"}),
    "zoom": Service(
        lambda sent: {
            "x-zm-request-timestamp": str(sent.at),
            "x-zm-signature": f"v0={sent.hex(b'v0:%d:' % sent.at + sent.body)}",
        },
        is_timed=True,
    ),
}
BODY = {
    "id": "evt_1",
    "action": {"id": "a1"},
    "event_id": "e1",
    "event": {"id": "e1"},
    "update_id": 7,
    "text": "zażółć 😀",
}


def secrets_for(name: str) -> dict[str, Any]:
    if name == "discord":
        public = DISCORD.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
        return {"verification": {"public_keys": [public]}}
    if name == "sendgrid":
        pem = SENDGRID.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        return {"verification": {"public_keys": ["".join(pem.splitlines()[1:-1])]}}
    if name == "adyen":
        return {"secret": SECRET.encode().hex()}
    is_encoded = PRESETS[name]["verification"]["kind"] == "standard"
    return {"secret": f"whsec_{base64.b64encode(SECRET.encode()).decode()}" if is_encoded else SECRET}


def test_every_preset_is_tried() -> None:
    assert SERVICES.keys() == PRESETS.keys()


def assert_answered(answer: httpx.Response, *, status: int = 200, content_type: str = "", body: str = "") -> None:
    expected = (status, f"{content_type}; charset=utf-8" if content_type else None, body)
    assert (answer.status_code, answer.headers.get("content-type"), answer.text) == expected


@pytest.mark.parametrize("name", sorted(SERVICES))
async def test_a_service_is_believed_what_it_signs_and_nobody_else(desk: Desk, name: str) -> None:
    service = SERVICES[name]
    webhook = await desk.open(preset=name, **secrets_for(name))
    now = int(time.time())
    body = service.body(SECRET) if service.body else json.dumps(BODY, ensure_ascii=False).encode()

    async def call(
        sent: bytes = body, *, at: int = now, secret: str = SECRET, signed: bytes | None = None, **headers: str
    ) -> httpx.Response:
        made = service.headers(Sent(webhook["url"], sent if signed is None else signed, at, secret))
        # Names of headers have no case.
        given = {
            key.upper(): value.encode("latin-1") for key, value in {**service.known_by, **made, **headers}.items()
        }
        return await desk.call(
            webhook, content=sent, headers={"CONTENT-TYPE": service.content_type.encode(), **given}
        )

    first = await call()
    assert first.status_code == 200, first.text
    again = await call()
    is_known = webhook["verification"]["kind"] == "standard" or any(
        webhook[f"idempotency_{place}"] for place in ("header", "path", "field")
    )
    if (told := PRESETS[name].get("answer")) is None:
        assert (again.status_code, again.json() == first.json()) == (200, is_known)
    else:
        assert_answered(first, **told)
        assert_answered(again, **told)
    runs = await desk.runs()
    assert runs == (1 if is_known else 2)

    refused = []
    if service.body is None or service.signs_body:
        refused.append(await call(secret=OTHER))
    else:
        refused.append(await call(service.body(OTHER)))
    if service.signs_body:
        refused += [await call(body + b"1", signed=body), await call(b"", signed=body)]
        signature = service.headers(Sent(webhook["url"], body, now))
        last = list(signature)[-1] if name != "discord" else "X-Signature-Ed25519"
        refused += [await call(**{last: wrong}) for wrong in ("", "x", "é", "=" * 500)]
        if not service.takes_lists:
            refused.append(await call(**{last: f"{signature[last]}, {signature[last]}"}))
    if service.is_timed:
        refused += [await call(at=now - 700), await call(at=now + 700), await call(at=0)]
    assert [answer.status_code for answer in refused] == [401] * len(refused)
    assert await desk.runs() == runs


@pytest.mark.parametrize(
    "name", sorted(name for name, service in SERVICES.items() if service.signs_body and not service.body)
)
@pytest.mark.parametrize("content", [b"", b"\xff\x00\xfe", "zażółć".encode("utf-16"), b"a=1&b=%00", b"{", b"[1, 2"])
def test_any_bytes_are_verified_as_they_came(name: str, content: bytes) -> None:
    from platform_api.core.errors import Unauthenticated
    from platform_api.webhooks.schemas import WebhookCreate
    from platform_api.webhooks.signatures.signed_text import Delivery
    from platform_api.webhooks.signatures.verification import verify

    fields = secrets_for(name)
    verification = WebhookCreate.model_validate({"action": "a", "preset": name, **fields}).verification
    url, now = "https://a.example/hook/", int(time.time())
    headers = {key.lower(): value for key, value in SERVICES[name].headers(Sent(url, content, now)).items()}
    delivery = Delivery(method="POST", path="/hook/", query_string="", headers=headers, body=content, urls=[url])
    secrets = [fields["secret"]] if "secret" in fields else []
    verify(verification, secrets, delivery, now=now)
    changed = Delivery(
        method="POST", path="/hook/", query_string="", headers=headers, body=content + b" ", urls=[url]
    )
    with pytest.raises(Unauthenticated):
        verify(verification, secrets, changed, now=now)

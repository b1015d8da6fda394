"""Tries again as the policy allows; signatures over what is really sent."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import replace

import pytest
from authlib.oauth1.rfc5849.signature import verify_hmac_sha1
from authlib.oauth1.rfc5849.wrapper import OAuth1Request
from yarl import URL

from platform_api.core.errors import Unprocessable
from platform_api.integrations.answers import requested_wait
from platform_api.integrations.calls.retrying import send_with_retries
from platform_api.integrations.definitions.definition import IntegrationDefinition, RetryPolicy
from platform_api.integrations.outgoing.caller import Caller, UpstreamAnswer, UpstreamRequest
from platform_api.integrations.requests.building import build_request
from platform_api.integrations.schemas import CallWrite
from platform_api.mock_shop.faults import Fault
from tests.platform_api.conftest import Platform
from tests.platform_api.integrations.conftest import RunningShop, connect_shop

pytestmark = pytest.mark.anyio

KEY = {"X-Api-Key": "shop-key-anna"}


class _Counting:
    """A caller and how often it was asked to send."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self.sent = 0

    async def send(self, request: UpstreamRequest, *, deadline_seconds: float) -> UpstreamAnswer:
        self.sent += 1
        return await self._caller.send(request, deadline_seconds=deadline_seconds)


def ask(shop: RunningShop, method: str = "GET", path: str = "/offers") -> UpstreamRequest:
    return UpstreamRequest(method, URL(shop.url + path), KEY)


@pytest.mark.parametrize(
    ("method", "status", "retry_after", "expected"),
    [
        ("GET", 503, None, 200),
        ("GET", 404, None, 404),
        ("POST", 503, None, 503),
        ("POST", 503, 0.01, 201),
        ("POST", 500, 0.01, 500),
    ],
)
async def test_what_the_policy_allows_is_tried_again(
    shop: RunningShop, method: str, status: int, retry_after: float | None, expected: int
) -> None:
    shop.shop.faults.add(Fault("status", path="/orders", status=status, retry_after=retry_after))
    async with Caller(allow_private=True) as caller:
        answer = await send_with_retries(caller, ask(shop, method, "/orders"), RetryPolicy())
    assert answer.status == expected


@pytest.mark.slow
async def test_the_number_of_tries_is_the_policys(shop: RunningShop) -> None:
    shop.shop.faults.add(Fault("status", path="/offers", status=503, times=3))
    async with Caller(allow_private=True) as caller:
        assert (await send_with_retries(caller, ask(shop), RetryPolicy(attempts=2))).status == 503
        shop.shop.faults.clear()
        shop.shop.faults.add(Fault("status", path="/offers", status=503, times=3))
        assert (await send_with_retries(caller, ask(shop), RetryPolicy(attempts=4))).status == 200


async def test_a_wait_beyond_the_deadline_is_not_begun(shop: RunningShop) -> None:
    shop.shop.faults.add(Fault("status", path="/offers", status=429, retry_after=30))
    async with Caller(allow_private=True) as caller:
        counting = _Counting(caller)
        answer = await send_with_retries(counting, ask(shop), RetryPolicy(), total_seconds=20)
    assert (answer.status, counting.sent) == (429, 1)


async def test_an_upstream_that_never_answers_ends_at_the_deadline(shop: RunningShop) -> None:
    shop.shop.faults.add(Fault("never", path="/offers"))
    async with Caller(allow_private=True) as caller:
        answer = await send_with_retries(caller, ask(shop), RetryPolicy(), total_seconds=0.3)
    assert (answer.status, answer.ok) == (504, False)


async def test_a_refused_address_is_not_tried_again(shop: RunningShop) -> None:
    async with Caller(allow_private=False) as caller:
        counting = _Counting(caller)
        answer = await send_with_retries(counting, ask(shop), RetryPolicy(attempts=10))
    assert answer.failure is not None and "private or local address" in answer.failure
    assert counting.sent == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("3", 3.0), ("0.5", 0.5), ("-1", None), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)
def test_retry_after_is_a_number_or_a_date(value: str, seconds: float | None) -> None:
    answer = UpstreamAnswer(429, {"retry-after": value}, "", None, "", 0)
    assert requested_wait(answer, RetryPolicy()) == seconds
    assert requested_wait(replace(answer, headers={}), RetryPolicy()) is None


async def test_a_call_with_files_is_tried_again_with_its_files(shared_platform: Platform, shop: RunningShop) -> None:
    caller = await shared_platform.create_caller()
    await connect_shop(shared_platform, caller, shop.url, retry={"attempts": 2})
    shop.shop.faults.add(Fault("status", path="/offers", status=503, retry_after=0.01))
    async with shared_platform.client(caller) as client:
        answer = await client.post(
            "/api/integrations/shop/call/",
            data={"method": "POST", "endpoint": "/offers/10000000/image"},
            files={"image": ("a.png", b"\x89PNG12", "image/png")},
        )
    assert answer.json()["api_data"]["files"]["image"]["size"] == 6


def definition(auth: Mapping[str, object]) -> IntegrationDefinition:
    return IntegrationDefinition.model_validate(
        {"id": "x", "name": "X", "base_url": "https://x.example/v1", "auth": auth}
    )


@pytest.mark.parametrize(
    ("key_format", "secret"), [("raw", "s3cret"), ("hex", "733363726574"), ("base64", "czNjcmV0")]
)
def test_an_hmac_signs_the_declared_parts_of_what_is_sent(key_format: str, secret: str) -> None:
    auth = {
        "type": "hmac",
        "fields": ["timestamp", "method", "path", "query", "body", "key"],
        "separator": "|",
        "key_format": key_format,
        "prefix": "v1=",
        "key_header": "X-Key",
        "timestamp_header": "X-Time",
    }
    call = CallWrite(method="POST", endpoint="/a b", request_params={"q": "ä"}, data={"n": 1})
    request = build_request(definition(auth), {}, {"key": "k1", "secret": secret}, call)
    assert request.sign is not None and request.body == b'{"n":1}'
    headers = request.sign(request.method, request.url, request.body)
    message = f'{headers["X-Time"]}|POST|/v1/a%20b|q=%C3%A4|{{"n":1}}|k1'
    expected = hmac.new(b"s3cret", message.encode(), hashlib.sha256).hexdigest()
    assert headers["X-Signature"] == f"v1={expected}"
    assert headers["X-Key"] == "k1"
    assert abs(int(headers["X-Time"]) - time.time()) < 300


def test_a_key_that_is_not_written_as_declared_is_refused() -> None:
    auth = {"type": "hmac", "fields": ["body"], "key_format": "hex"}
    with pytest.raises(Unprocessable, match="'secret' must be hex"):
        build_request(definition(auth), {}, {"key": "k", "secret": "zz"}, CallWrite())


class Shared:
    """What both sides know, in the shape that authlib's server side asks for."""

    def get_client_secret(self) -> str:
        return "cs"

    def get_oauth_token_secret(self) -> str:
        return "ts"


def test_an_oauth_1_signature_verifies_and_is_new_each_time() -> None:
    auth = {"type": "oauth1", **dict.fromkeys(("request_token_url", "authorize_url", "token_url"), "https://x/t")}
    keys = {"client_key": "ck", "client_secret": "cs", "token": "t", "token_secret": "ts"}
    request = build_request(definition(auth), {}, keys, CallWrite(endpoint="/a", request_params={"q": "ä b"}))
    assert request.sign is not None
    headers = [dict(request.sign("GET", request.url, b"")) for _ in range(2)]
    assert headers[0] != headers[1]

    for sent in headers:
        received = OAuth1Request("GET", str(request.url), headers=sent)
        received.client = received.credential = Shared()
        assert verify_hmac_sha1(received)

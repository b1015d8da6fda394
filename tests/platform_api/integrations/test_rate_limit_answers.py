"""Limits as services tell them: how long an answer asks to wait, and that nobody waits longer than a call lasts."""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
from pydantic import ValidationError
from yarl import URL

from platform_api.integrations.answers import is_rate_limited, requested_wait
from platform_api.integrations.calls.retrying import send_with_retries
from platform_api.integrations.definitions.definition import RetryPolicy
from platform_api.integrations.outgoing.caller import Caller, UpstreamAnswer, UpstreamRequest
from tests.platform_api.integrations.raw_upstream import raw_upstream

pytestmark = pytest.mark.anyio

THEN = datetime(2100, 1, 1, tzinfo=UTC)
DAYS = 3 * 86_400


def _is_as_told(asked: float | None, told: str) -> bool:
    """Whether it is so many seconds, or the time until `THEN`."""
    seconds = float(told) if told.replace(".", "").isdigit() and float(told) < 10**6 else None
    if seconds is None:
        return asked is not None and abs(asked - (THEN - datetime.now(UTC)).total_seconds()) < 3600
    return asked == seconds


def _asked(status: int, headers: dict[str, str], **policy: Any) -> float | None:
    return requested_wait(UpstreamAnswer(status, headers, "", None, "", 0), RetryPolicy(**policy))


@pytest.mark.parametrize("status", [403, 429, 503])
@pytest.mark.parametrize("value", ["7", "0.5", format_datetime(THEN, usegmt=True), "0"])
def test_retry_after_is_followed_for_every_status_that_may_carry_it(status: int, value: str) -> None:
    assert _is_as_told(_asked(status, {"retry-AFTER": value}), value)


@pytest.mark.parametrize(
    ("reset", "unit"),
    [
        (str(int(THEN.timestamp())), "auto"),
        (f"{THEN.timestamp():.3f}", "auto"),
        (str(int(THEN.timestamp() * 1000)), "auto"),
        (str(DAYS), "auto"),
        (THEN.isoformat(), "auto"),
        (format_datetime(THEN, usegmt=True), "auto"),
        (str(DAYS), "seconds"),
        (THEN.isoformat(), "ms"),
        (str(int(THEN.timestamp())), "epoch"),
        (str(int(THEN.timestamp() * 1000)), "epoch_ms"),
    ],
)
@pytest.mark.parametrize("prefix", ["X-RateLimit-", "RateLimit-", "x-rate-limit-"])
def test_a_limit_that_is_used_up_asks_to_wait_until_it_is_lifted(prefix: str, reset: str, unit: str) -> None:
    headers = {prefix + "Remaining": "0", prefix + "Reset": reset}
    for status in (403, 429):
        assert _is_as_told(_asked(status, headers, reset=unit), reset)


def test_the_definition_names_the_headers() -> None:
    names = {"remaining_header": "X-Left", "reset_header": "X-Again"}
    assert _asked(403, {"x-left": "0", "x-again": "9"}, **names) == 9
    assert _asked(403, {"x-left": "1", "x-again": "9"}, **names) is None
    assert _asked(403, {"x-left": "0", "x-ratelimit-reset": "9"}, **names) is None
    assert _asked(403, {"x-left": "0", "x-ratelimit-reset": "9"}, remaining_header="X-Left") == 9
    assert _asked(429, {"x-again": "1500"}, reset_header="X-Again", reset="ms") == 1.5
    assert _asked(429, {"x-again": "150000000"}, reset_header="X-Again", reset="seconds") == 150_000_000


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        ("limit=100, remaining=0, reset=30", 30),
        ('"default";r=0;t=30', 30),
        ('"a";r=0;t=30, "b";r=0;t=90, "c";r=5;t=3600', 90),
        ('"a, r=0;t=7"; r=0 ; t=30; pk=:Y2xpZW50:', 30),
        ('"default";r=0', None),
        ("nonsense", None),
    ],
)
@pytest.mark.parametrize("status", [403, 429, 503])
def test_the_draft_of_a_standard_is_read(status: int, value: str, asked: float | None) -> None:
    headers = {"RateLimit": value, "RateLimit-Policy": '"default";q=100;w=60'}
    assert _asked(status, headers) == asked
    assert is_rate_limited(UpstreamAnswer(status, headers, "", None, "", 0), RetryPolicy()) == (
        status == 429 or (status == 403 and asked is not None)
    )


def test_a_quota_that_is_left_is_no_limit() -> None:
    for value in ('"default";r=1;t=30', "limit=100, remaining=1, reset=30", '"default";t=30'):
        assert _asked(403, {"RateLimit": value}) is None
        assert _asked(429, {"RateLimit": value}) == 30
    assert _asked(429, {"Retry-After": "5", "RateLimit": '"a";r=0;t=30'}) == 5


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({"Retry-After-Ms": "1500", "Retry-After": "2"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"X-Retry-After": "7"}, 7),
        ({"X-RateLimit-Retry-After": "8"}, 8),
        ({"Retry-After": "30s"}, 30),
        ({"Retry-After": "2, 5"}, 5),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.25", "X-RateLimit-Reset": "1700000000"}, 1.25),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360),
        (
            {
                "x-ratelimit-remaining-requests": "9",
                "x-ratelimit-reset-requests": "1h",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "17ms",
            },
            0.017,
        ),
        ({"x-limits-ratelimit-tokens-remaining": "0", "x-limits-ratelimit-tokens-reset": "12"}, 12),
        ({"X-RateLimit-Remaining": "4, 0", "X-RateLimit-Reset": "5, 3600"}, 3600),
    ],
)
def test_limits_of_other_names_and_units_are_read(headers: dict[str, str], asked: float) -> None:
    for status in (403, 429):
        assert _asked(status, headers) == pytest.approx(asked)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (403, {}),
        (403, {"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "6m0s"}),
        (403, {"Retry-After": "5 apples"}),
        (403, {"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "9"}),
        (403, {"X-RateLimit-Reset": "9"}),
        (403, {"X-RateLimit-Remaining": "none", "X-RateLimit-Reset": "9"}),
        (200, {"Retry-After": "9"}),
        (401, {"Retry-After": "9"}),
        (403, {"Retry-After": "soon"}),
        (403, {"Retry-After": "-9"}),
        (403, {"Retry-After": "nan"}),
        (403, {"Retry-After": "2026-13-45"}),
    ],
)
def test_what_is_no_limit_asks_nothing(status: int, headers: dict[str, str]) -> None:
    assert _asked(status, headers) is None
    assert not is_rate_limited(UpstreamAnswer(status, headers, "", None, "", 0), RetryPolicy())


HOSTILE = ["99999999999", "9" * 400, "1e308", "inf", "Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31T23:59:59+00:00"]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", ["Retry-After", "X-RateLimit-Reset"])
@pytest.mark.parametrize("status", [403, 429, 503])
async def test_a_hostile_wait_is_not_begun(name: str, value: str, status: int) -> None:
    async with raw_upstream() as upstream, Caller(allow_private=True) as caller:
        for _ in range(3):
            headers = {name.replace("-", "_"): value, "X_RateLimit_Remaining": "0"}
            upstream.answer(b"{}", status=status, **headers)
        request = UpstreamRequest("POST", URL(upstream.url), {})
        answer = await send_with_retries(caller, request, RetryPolicy(attempts=3))
    assert (answer.status, len(upstream.arrived)) == (status, 1)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("headers", "policy", "expected"),
    [
        ({"retry_after": "0"}, {}, 200),
        ({"x_ratelimit_remaining": "0", "x_ratelimit_reset": "0"}, {}, 200),
        pytest.param(
            {"x_left": "0", "x_again": "1"},
            {"remaining_header": "X-Left", "reset_header": "X-Again"},
            200,
            marks=pytest.mark.slow,
        ),
        ({}, {}, 403),
        ({"x_ratelimit_remaining": "3", "x_ratelimit_reset": "0"}, {}, 403),
        ({"retry_after": "0"}, {"statuses": (502,)}, 403),
        ({"retry_after": "0"}, {"attempts": 1}, 403),
    ],
)
async def test_a_403_that_is_a_limit_is_tried_again(
    method: str, headers: dict[str, str], policy: dict[str, Any], expected: int
) -> None:
    async with raw_upstream() as upstream, Caller(allow_private=True) as caller:
        upstream.answer(b"{}", status=403, **headers)
        request = UpstreamRequest(method, URL(upstream.url), {})
        answer = await send_with_retries(caller, request, RetryPolicy(**policy))
    assert (answer.status, len(upstream.arrived)) == (expected, 2 if expected == 200 else 1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reset": "minutes"}, "reset"),
        ({"reset_header": "X A"}, "header name"),
        ({"remaining_header": ""}, "header name"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(changes: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RetryPolicy.model_validate(changes)

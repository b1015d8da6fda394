"""Reads what an answer asks of the caller: to wait before the next call, or to prove itself with other credentials.

How long to wait is the upstream's word (`Retry-After`, or a used-up limit and when it is reset): callers bound it.
"""

import math
import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from platform_api.integrations.definitions.definition import IntegrationDefinition, RetryPolicy
from platform_api.integrations.outgoing.caller import UpstreamAnswer

_TOO_MANY, _FORBIDDEN, _UNAVAILABLE = 429, 403, 503
_PREFIXES = ("x-ratelimit-", "ratelimit-", "x-rate-limit-")
# Those with the finer unit first.
_WAIT_MS_HEADERS = ("retry-after-ms", "x-ms-retry-after-ms")
_WAIT_HEADERS = ("retry-after", "x-retry-after", "x-ratelimit-retry-after")
# A header of one limit among several: `x-ratelimit-remaining-requests`, `anthropic-ratelimit-tokens-reset`.
_LIMIT_HEADER = re.compile(r"(.*rate-?limit-)(?:(.+)-)?(remaining|reset-after|reset)(?:-(.+))?")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
# Smaller numbers are seconds from now: as a timestamp they would be of 1973, in seconds or in milliseconds.
_MIN_EPOCH, _MIN_EPOCH_MS = 10**8, 10**11


def rejects_credentials(definition: IntegrationDefinition, answer: UpstreamAnswer) -> bool:
    """Returns whether the service rejects the credentials, as its definition says; some do so with a status of 200.

    A rate limit and a missing answer say nothing of credentials.
    """
    if answer.failure is not None:
        return False
    refusal = definition.refusal
    if refusal.is_said_in(answer.data):
        return True
    return answer.status in refusal.statuses and not is_rate_limited(answer, definition.retry)


def is_rate_limited(answer: UpstreamAnswer, policy: RetryPolicy) -> bool:
    """Returns whether an answer rejects the request because of too many requests, so that nothing was done."""
    if answer.status == _TOO_MANY:
        return True
    return answer.status == _FORBIDDEN and requested_wait(answer, policy) is not None


def requested_wait(answer: UpstreamAnswer, policy: RetryPolicy) -> float | None:
    """Returns the seconds that an answer asks to wait (0 to infinity); None when it asks for no readable wait."""
    if answer.status not in (_TOO_MANY, _FORBIDDEN, _UNAVAILABLE):
        return None
    headers = {name.lower(): value.strip() for name, value in answer.headers.items()}
    waits = [_seconds(headers.get(name), "ms") for name in _WAIT_MS_HEADERS]
    waits += [_seconds(headers.get(name), "seconds") for name in _WAIT_HEADERS]
    if (after := next((wait for wait in waits if wait is not None), None)) is not None:
        return after
    if answer.status == _TOO_MANY or _is_used_up(headers, policy):
        return _until_reset(headers, policy)
    return None


def _is_used_up(headers: dict[str, str], policy: RetryPolicy) -> bool:
    if policy.remaining_header is not None:
        remaining = [headers.get(policy.remaining_header.lower())]
    else:
        remaining = [headers.get(prefix + "remaining") for prefix in _PREFIXES]
        remaining += [quota.get("remaining") for quota in _quotas(headers)]
        remaining += [limit["remaining"] for limit in _limits(headers).values() if "remaining" in limit]
    return any(map(_is_none_left, remaining))


def _is_none_left(text: str | None) -> bool:
    numbers = [number for part in (text or "").split(",") if (number := _number(part)) is not None]
    return any(number <= 0 for number in numbers)


def _limits(headers: dict[str, str]) -> dict[tuple[str | None, ...], dict[str, str]]:
    """Returns `remaining`, `reset` and `reset-after` of each limit, keyed by the rest of its headers' names."""
    limits: dict[tuple[str | None, ...], dict[str, str]] = {}
    for name, text in headers.items():
        if (match := _LIMIT_HEADER.fullmatch(name)) is not None:
            limits.setdefault((match[1], match[2], match[4]), {})[match[3]] = text
    return limits


def _until_reset(headers: dict[str, str], policy: RetryPolicy) -> float | None:
    if policy.reset_header is not None:
        return _seconds(headers.get(policy.reset_header.lower()), policy.reset)
    limits = _limits(headers).values()
    used_up = [_until_limit_reset(limit, policy) for limit in limits if _is_none_left(limit.get("remaining"))]
    if known := [wait for wait in used_up if wait is not None]:
        return max(known)
    waits = [_seconds(headers.get(prefix + "reset"), policy.reset) for prefix in _PREFIXES]
    wait = next((wait for wait in waits if wait is not None), None)
    if wait is None:
        wait = _until_quota_reset(headers)
    if wait is None:
        wait = min(
            (reset for limit in limits if (reset := _until_limit_reset(limit, policy)) is not None), default=None
        )
    return wait


def _until_limit_reset(limit: dict[str, str], policy: RetryPolicy) -> float | None:
    after = _seconds(limit.get("reset-after"), "seconds")
    return _seconds(limit.get("reset"), policy.reset) if after is None else after


def _quotas(headers: dict[str, str]) -> list[dict[str, str]]:
    """Returns `remaining` and `reset` (seconds) of each quota in the header `RateLimit` of the IETF drafts."""
    text = re.sub(r'"[^"]*"', "", headers.get("ratelimit", ""))
    if "reset" in text:
        # Up to draft 7 there is one quota, its keys separated by commas.
        return [dict(re.findall(r"(remaining|reset)\s*=\s*([\d.]+)", text))]
    names = {"r": "remaining", "t": "reset"}
    quotas = [re.findall(r";\s*([rt])\s*=\s*([\d.]+)", quota) for quota in text.split(",")]
    return [{names[name]: value for name, value in pairs} for pairs in quotas if pairs]


def _until_quota_reset(headers: dict[str, str]) -> float | None:
    """Returns the longest wait for a used-up quota; when no quota says that it is used up, for any."""
    quotas = [quota for quota in _quotas(headers) if "reset" in quota]
    used_up = [quota for quota in quotas if _number(quota.get("remaining")) == 0]
    waits = [_seconds(quota["reset"], "seconds") for quota in used_up or quotas]
    return max((wait for wait in waits if wait is not None), default=None)


def _seconds(text: str | None, unit: str) -> float | None:
    """Returns a wait in seconds. `unit` is `seconds`, `ms`, `epoch`, `epoch_ms`, or `auto`: any but `ms`, by size."""
    if not text:
        return None
    number = _number(text)
    if number is None:
        return _until_date(text) if (wait := _duration(text)) is None else wait
    if number < 0:
        return None
    if unit == "auto":
        unit = "seconds" if number < _MIN_EPOCH else "epoch" if number < _MIN_EPOCH_MS else "epoch_ms"
    if unit in ("ms", "epoch_ms"):
        number /= 1000
    return number if unit in ("seconds", "ms") else max(number - time.time(), 0.0)


def _duration(text: str) -> float | None:
    """Returns the seconds of `6m0s` or `250ms`; of several waits, from a repeated header, the longest."""
    waits = [_single_duration(part.strip()) for part in text.split(",")]
    known = [wait for wait in waits if wait is not None]
    return max(known) if len(known) == len(waits) else None


def _single_duration(text: str) -> float | None:
    if _DURATION.fullmatch(text):
        parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text)
        return sum(float(amount) * _UNITS[unit] for amount, unit in parts)
    number = _number(text)
    return number if number is None or 0 <= number < _MIN_EPOCH else None


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return None if math.isnan(number) else number


def _until_date(text: str) -> float | None:
    """Returns the seconds until an HTTP date, or an RFC 3339 date as some services send it."""
    try:
        then = datetime.fromisoformat(text) if text[:4].isdecimal() else parsedate_to_datetime(text)
        return max((then.replace(tzinfo=then.tzinfo or UTC) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None

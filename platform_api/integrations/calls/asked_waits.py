"""How long an answer asks to wait: `Retry-After`, or a limit that is used up and when it is lifted.

What stands there is the upstream's word: whoever waits bounds it.
"""

import math
import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from platform_api.integrations.definitions.definition import RetryPolicy
from platform_api.integrations.outgoing.caller import UpstreamAnswer

_TOO_MANY, _FORBIDDEN, _UNAVAILABLE = 429, 403, 503
_PREFIXES = ("x-ratelimit-", "ratelimit-", "x-rate-limit-")
# Exact ones first.
_AFTER_MS = ("retry-after-ms", "x-ms-retry-after-ms")
_AFTER = ("retry-after", "x-retry-after", "x-ratelimit-retry-after")
# Of one limit among several: `x-ratelimit-remaining-requests`, `anthropic-ratelimit-tokens-reset`.
_OF_A_LIMIT = re.compile(r"(.*rate-?limit-)(?:(.+)-)?(remaining|reset-after|reset)(?:-(.+))?")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
# Smaller numbers are seconds from now: as a time they would be of 1973, or in milliseconds of the same year.
_FIRST_EPOCH, _FIRST_EPOCH_MS = 10**8, 10**11


def is_rate_limited(answer: UpstreamAnswer, policy: RetryPolicy) -> bool:
    """Whether an answer refuses for now because of too many requests: nothing was done."""
    if answer.status == _TOO_MANY:
        return True
    return answer.status == _FORBIDDEN and asked_wait(answer, policy) is not None


def asked_wait(answer: UpstreamAnswer, policy: RetryPolicy) -> float | None:
    """Seconds that an answer asks to wait, from 0 to infinity; None when it asks nothing that can be read."""
    if answer.status not in (_TOO_MANY, _FORBIDDEN, _UNAVAILABLE):
        return None
    headers = {name.lower(): value.strip() for name, value in answer.headers.items()}
    asked = [_seconds(headers.get(name), "ms") for name in _AFTER_MS]
    asked += [_seconds(headers.get(name), "seconds") for name in _AFTER]
    if (after := next((wait for wait in asked if wait is not None), None)) is not None:
        return after
    if answer.status == _TOO_MANY or _is_used_up(headers, policy):
        return _until_reset(headers, policy)
    return None


def retry_after(answer: UpstreamAnswer) -> float | None:
    """Seconds of `Retry-After`, a number or a date."""
    return _seconds(
        next((value for name, value in answer.headers.items() if name.lower() == "retry-after"), None), "seconds"
    )


def _is_used_up(headers: dict[str, str], policy: RetryPolicy) -> bool:
    if policy.remaining_header is not None:
        told = [headers.get(policy.remaining_header.lower())]
    else:
        told = [headers.get(prefix + "remaining") for prefix in _PREFIXES]
        told += [quota.get("remaining") for quota in _quotas(headers)]
        told += [limit["remaining"] for limit in _limits(headers).values() if "remaining" in limit]
    return any(map(_is_none_left, told))


def _is_none_left(text: str | None) -> bool:
    numbers = [number for part in (text or "").split(",") if (number := _number(part)) is not None]
    return any(number <= 0 for number in numbers)


def _limits(headers: dict[str, str]) -> dict[tuple[str | None, ...], dict[str, str]]:
    """What is told of each limit, by the names of its headers: `remaining`, `reset`, `reset-after`."""
    limits: dict[tuple[str | None, ...], dict[str, str]] = {}
    for name, text in headers.items():
        if (found := _OF_A_LIMIT.fullmatch(name)) is not None:
            limits.setdefault((found[1], found[2], found[4]), {})[found[3]] = text
    return limits


def _until_reset(headers: dict[str, str], policy: RetryPolicy) -> float | None:
    if policy.reset_header is not None:
        return _seconds(headers.get(policy.reset_header.lower()), policy.reset)
    limits = _limits(headers).values()
    used_up = [_until_lifted(limit, policy) for limit in limits if _is_none_left(limit.get("remaining"))]
    if known := [wait for wait in used_up if wait is not None]:
        return max(known)
    waits = [_seconds(headers.get(prefix + "reset"), policy.reset) for prefix in _PREFIXES]
    wait = next((wait for wait in waits if wait is not None), None)
    if wait is None:
        wait = _until_quotas(headers)
    if wait is None:
        wait = min((one for limit in limits if (one := _until_lifted(limit, policy)) is not None), default=None)
    return wait


def _until_lifted(limit: dict[str, str], policy: RetryPolicy) -> float | None:
    after = _seconds(limit.get("reset-after"), "seconds")
    return _seconds(limit.get("reset"), policy.reset) if after is None else after


def _quotas(headers: dict[str, str]) -> list[dict[str, str]]:
    """What the field `RateLimit` of the IETF's drafts tells, for each quota `remaining` and `reset` (seconds)."""
    text = re.sub(r'"[^"]*"', "", headers.get("ratelimit", ""))
    if "reset" in text:
        # Up to the draft 7 one quota, its keys separated by commas.
        return [dict(re.findall(r"(remaining|reset)\s*=\s*([\d.]+)", text))]
    names = {"r": "remaining", "t": "reset"}
    found = [re.findall(r";\s*([rt])\s*=\s*([\d.]+)", quota) for quota in text.split(",")]
    return [{names[name]: value for name, value in pairs} for pairs in found if pairs]


def _until_quotas(headers: dict[str, str]) -> float | None:
    """The longest wait for a quota that is used up; where none says so, for any."""
    quotas = [quota for quota in _quotas(headers) if "reset" in quota]
    used_up = [quota for quota in quotas if _number(quota.get("remaining")) == 0]
    waits = [_seconds(quota["reset"], "seconds") for quota in used_up or quotas]
    return max((wait for wait in waits if wait is not None), default=None)


def _seconds(text: str | None, unit: str) -> float | None:
    """`unit` is `seconds` or `ms` from now, `epoch`, `epoch_ms`, or `auto`: any but `ms`, by the number's size."""
    if not text:
        return None
    number = _number(text)
    if number is None:
        return _until_date(text) if (wait := _duration(text)) is None else wait
    if number < 0:
        return None
    if unit == "auto":
        unit = "seconds" if number < _FIRST_EPOCH else "epoch" if number < _FIRST_EPOCH_MS else "epoch_ms"
    if unit in ("ms", "epoch_ms"):
        number /= 1000
    return number if unit in ("seconds", "ms") else max(number - time.time(), 0.0)


def _duration(text: str) -> float | None:
    """The seconds of `6m0s` or `250ms`; of several waits, as a header that came twice has them, the longest."""
    waits = [_duration_of(part.strip()) for part in text.split(",")]
    known = [wait for wait in waits if wait is not None]
    return max(known) if len(known) == len(waits) else None


def _duration_of(text: str) -> float | None:
    if _DURATION.fullmatch(text):
        parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text)
        return sum(float(amount) * _UNITS[unit] for amount, unit in parts)
    number = _number(text)
    return number if number is None or 0 <= number < _FIRST_EPOCH else None


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return None if math.isnan(number) else number


def _until_date(text: str) -> float | None:
    """A date of HTTP, or of RFC 3339 as some services write it."""
    try:
        then = datetime.fromisoformat(text) if text[:4].isdecimal() else parsedate_to_datetime(text)
        return max((then.replace(tzinfo=then.tzinfo or UTC) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None

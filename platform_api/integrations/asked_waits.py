"""How long an answer asks to wait: `Retry-After`, or a limit that is used up and when it is lifted.

What stands there is the upstream's word: whoever waits bounds it.
"""

import math
import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from platform_api.integrations.definition import RetryPolicy
from platform_api.integrations.outgoing import UpstreamAnswer

_TOO_MANY, _FORBIDDEN, _UNAVAILABLE = 429, 403, 503
_PREFIXES = ("x-ratelimit-", "ratelimit-", "x-rate-limit-")
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
    after = _seconds(headers.get("retry-after"), "seconds")
    if after is not None:
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
    numbers = [number for text in told if (number := _number(text)) is not None]
    return any(number <= 0 for number in numbers)


def _until_reset(headers: dict[str, str], policy: RetryPolicy) -> float | None:
    if policy.reset_header is not None:
        return _seconds(headers.get(policy.reset_header.lower()), policy.reset)
    waits = [_seconds(headers.get(prefix + "reset"), policy.reset) for prefix in _PREFIXES]
    wait = next((wait for wait in waits if wait is not None), None)
    return _until_quotas(headers) if wait is None else wait


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
        return _until_date(text)
    if number < 0:
        return None
    if unit == "auto":
        unit = "seconds" if number < _FIRST_EPOCH else "epoch" if number < _FIRST_EPOCH_MS else "epoch_ms"
    if unit in ("ms", "epoch_ms"):
        number /= 1000
    return number if unit in ("seconds", "ms") else max(number - time.time(), 0.0)


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

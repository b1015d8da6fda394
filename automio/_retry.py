"""When a request is sent again, and after what wait.

Only after failures that pass by themselves, and only when sending twice does no harm: a request that never left
may always be repeated, one that the platform may have acted upon only when it is safe or idempotent. 401 and 403 are
never retried; nothing waits longer than the policy's total.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypedDict

from tenacity import RetryCallState
from tenacity.stop import stop_after_attempt, stop_any, stop_base, stop_before_delay

from automio._exceptions import ConnectionFailed, RequestTimeout
from automio._exchange import Reply, Request

RETRIED_STATUSES = frozenset({429, 502, 503, 504})


class NeverSent(ConnectionFailed):
    """The connection could not be opened, so the platform never saw the request."""


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often and how long: `total_seconds` bounds the attempts and the waits together.

    The wait before attempt n+1 is random between half and all of `first_wait * 2**(n-1)` seconds, at most
    `longest_wait`; a `Retry-After` of the platform takes its place, and ends the attempts when it exceeds the total.
    `RetryPolicy(attempts=1)` never retries.
    """

    attempts: int = 4
    total_seconds: float = 30.0
    first_wait: float = 0.25
    longest_wait: float = 8.0


class RetryOptions(TypedDict):
    """What `tenacity.Retrying` and `tenacity.AsyncRetrying` are given alike."""

    stop: stop_base
    wait: Callable[[RetryCallState], float]
    retry: Callable[[RetryCallState], bool]
    retry_error_callback: Callable[[RetryCallState], Any]


def retry_options(policy: RetryPolicy, request: Request) -> RetryOptions:
    """Tenacity's options for one request; the last outcome, reply or error, is the caller's."""
    return RetryOptions(
        stop=stop_any(stop_after_attempt(policy.attempts), stop_before_delay(policy.total_seconds)),
        wait=lambda state: _wait(policy, state),
        retry=lambda state: _is_worth_repeating(request, state),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )


def _is_worth_repeating(request: Request, state: RetryCallState) -> bool:
    outcome = state.outcome
    if outcome is None:
        return False
    error = outcome.exception()
    if isinstance(error, NeverSent):
        return True
    if not request.repeatable:
        return False
    if error is not None:
        return isinstance(error, ConnectionFailed | RequestTimeout)
    reply = outcome.result()
    return isinstance(reply, Reply) and reply.status in RETRIED_STATUSES


def _wait(policy: RetryPolicy, state: RetryCallState) -> float:
    if state.outcome is not None and not state.outcome.failed:
        asked = retry_after(state.outcome.result())
        if asked is not None:
            return asked + random.uniform(0, 0.1)
    return backoff(policy, state.attempt_number)


def backoff(policy: RetryPolicy, attempt: int) -> float:
    """Seconds to wait after the failed attempt of this number (from 1)."""
    longest: float = min(policy.first_wait * 2 ** (attempt - 1), policy.longest_wait)
    return random.uniform(longest / 2, longest)


def retry_after(reply: Reply) -> float | None:
    """Seconds a reply asks to wait, from a number or an HTTP date; None without a usable header."""
    text = reply.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())

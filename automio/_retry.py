"""Decides when a request is retried, and how long to wait.

A request is retried only after temporary failures, and only when sending it twice is safe: a request that was never
sent may always be retried, one that the platform may have acted on only when it is safe or idempotent. 401 and 403
are never retried; the waits never exceed the policy's total.
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
    """Reports that the connection could not be opened, so the platform never saw the request."""


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """Limits for retries: `total_seconds` is the limit for all attempts and waits together.

    The wait before attempt n+1 is random between half and all of `first_wait * 2**(n-1)` seconds, at most
    `longest_wait`. A `Retry-After` of the platform replaces it, and stops the retries when it exceeds the total.
    `RetryPolicy(attempts=1)` never retries.
    """

    attempts: int = 4
    total_seconds: float = 30.0
    first_wait: float = 0.25
    longest_wait: float = 8.0


class RetryOptions(TypedDict):
    """Holds arguments for `tenacity.Retrying` and `tenacity.AsyncRetrying`."""

    stop: stop_base
    wait: Callable[[RetryCallState], float]
    retry: Callable[[RetryCallState], bool]
    retry_error_callback: Callable[[RetryCallState], Any]


def retry_options(policy: RetryPolicy, request: Request) -> RetryOptions:
    """Returns tenacity's options for a request; after the last attempt its reply or error goes to the caller."""
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
        seconds = retry_after(state.outcome.result())
        if seconds is not None:
            return seconds + random.uniform(0, 0.1)
    return backoff(policy, state.attempt_number)


def backoff(policy: RetryPolicy, attempt: int) -> float:
    """Returns the seconds to wait after a failed attempt; `attempt` counts from 1."""
    max_wait: float = min(policy.first_wait * 2 ** (attempt - 1), policy.longest_wait)
    return random.uniform(max_wait / 2, max_wait)


def retry_after(reply: Reply) -> float | None:
    """Returns the seconds in a reply's `Retry-After` (a number or an HTTP date); None without a valid header."""
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

"""Retries a call as its integration's policy allows, with jittered or requested waits and one deadline for all."""

import time
from dataclasses import replace
from typing import Protocol

from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_attempt, wait_random_exponential

from platform_api.integrations.answers import is_rate_limited, requested_wait
from platform_api.integrations.definitions.definition import RetryPolicy
from platform_api.integrations.outgoing.caller import BAD_GATEWAY, UpstreamAnswer, UpstreamRequest

_TOTAL_SECONDS = 60.0
_FORBIDDEN, _TOO_MANY = 403, 429
_jittered = wait_random_exponential(multiplier=0.25, max=10)


class Sender(Protocol):
    """Sends a request once."""

    async def send(self, request: UpstreamRequest, *, deadline_seconds: float) -> UpstreamAnswer:
        """Returns the answer, or one that says why there is none."""


async def send_with_retries(
    caller: Sender, request: UpstreamRequest, policy: RetryPolicy, *, total_seconds: float = _TOTAL_SECONDS
) -> UpstreamAnswer:
    """Returns the first answer that is not retryable, or the last one that the policy or the deadline allows."""
    ends = time.monotonic() + total_seconds
    first = await caller.send(request, deadline_seconds=total_seconds)
    # Nearly every call ends here; tenacity would cost a third of a call.
    if policy.attempts == 1 or not _is_retryable(first, request.method, policy):
        return first
    return await _retry(caller, request, policy, first=first, ends=ends)


async def _retry(
    caller: Sender, request: UpstreamRequest, policy: RetryPolicy, *, first: UpstreamAnswer, ends: float
) -> UpstreamAnswer:
    stop_after_attempts = stop_after_attempt(policy.attempts)
    answers = [first]
    may_have_executed = first.may_have_executed

    def is_over(state: RetryCallState) -> bool:
        # A wait past the deadline is pointless: no better answer than the last one can come.
        return stop_after_attempts(state) or time.monotonic() + state.upcoming_sleep >= ends

    retrying = AsyncRetrying(
        retry=retry_if_result(lambda answer: _is_retryable(answer, request.method, policy)),
        wait=lambda state: _wait(state, policy),
        stop=is_over,
        retry_error_callback=lambda state: state.outcome.result() if state.outcome is not None else None,
    )

    async def attempt() -> UpstreamAnswer:
        nonlocal may_have_executed
        if answers:
            return answers.pop()
        answer = await caller.send(request, deadline_seconds=max(ends - time.monotonic(), 0.01))
        may_have_executed = may_have_executed or answer.may_have_executed
        return answer

    answer: UpstreamAnswer = await retrying(attempt)
    return answer if answer.may_have_executed == may_have_executed else replace(answer, may_have_executed=True)


def _is_retryable(answer: UpstreamAnswer, method: str, policy: RetryPolicy) -> bool:
    if answer.is_final:
        return False
    if answer.failure is not None:
        return answer.status == BAD_GATEWAY and method in policy.methods
    if answer.status == _FORBIDDEN and is_rate_limited(answer, policy):
        # A rate limit with another status.
        return _TOO_MANY in policy.statuses
    if answer.status not in policy.statuses:
        return False
    # An answer with a time to retry means that nothing was done.
    return method in policy.methods or requested_wait(answer, policy) is not None


def _wait(state: RetryCallState, policy: RetryPolicy) -> float:
    jitter = _jittered(state)
    answer = state.outcome.result() if state.outcome is not None else None
    asked = requested_wait(answer, policy) if isinstance(answer, UpstreamAnswer) else None
    # Jitter on top, so that callers with the same requested wait do not retry together.
    return jitter if asked is None else asked + min(jitter, 1.0)

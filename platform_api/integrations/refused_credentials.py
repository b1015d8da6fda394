"""Whether an answer refuses the credentials that it was asked with, as the definition says."""

from typing import Any

from automio._paths import all_at, has_wildcards
from platform_api.integrations.asked_waits import is_rate_limited
from platform_api.integrations.definition import IntegrationDefinition
from platform_api.integrations.outgoing import UpstreamAnswer


def are_refused(definition: IntegrationDefinition, answer: UpstreamAnswer) -> bool:
    """True also for an answer of 200 that says so; False for a rate limit, and where there was no answer."""
    if answer.failure is not None:
        return False
    refusal = definition.refusal
    if refusal.at is not None and any(refusal.says(found) for found in _found(answer.data, refusal.at)):
        return True
    return answer.status in refusal.statuses and not is_rate_limited(answer, definition.retry)


def _found(data: Any, path: str) -> list[Any]:
    """What stands at a path; with `*` in it, at all places that it leads to."""
    try:
        found = all_at(data, path)
        return found if has_wildcards(path) and isinstance(found, list) else [found]
    except ValueError:
        return []

"""Whether an answer refuses the credentials that it was asked with, as the definition says."""

from platform_api.integrations.asked_waits import is_rate_limited
from platform_api.integrations.definition import IntegrationDefinition
from platform_api.integrations.oauth import pick
from platform_api.integrations.outgoing import UpstreamAnswer


def are_refused(definition: IntegrationDefinition, answer: UpstreamAnswer) -> bool:
    """True also for an answer of 200 that says so; False for a rate limit, and where there was no answer."""
    if answer.failure is not None:
        return False
    refusal = definition.refusal
    if refusal.at is not None and refusal.says(pick(answer.data, refusal.at)):
        return True
    return answer.status in refusal.statuses and not is_rate_limited(answer, definition.retry)

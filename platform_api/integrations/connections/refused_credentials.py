"""Whether an answer refuses the credentials that it was asked with, as the definition says."""

from platform_api.integrations.calls.asked_waits import is_rate_limited
from platform_api.integrations.definitions.definition import IntegrationDefinition
from platform_api.integrations.outgoing.caller import UpstreamAnswer


def are_refused(definition: IntegrationDefinition, answer: UpstreamAnswer) -> bool:
    """True also for an answer of 200 that says so; False for a rate limit, and where there was no answer."""
    if answer.failure is not None:
        return False
    refusal = definition.refusal
    if refusal.is_said_in(answer.data):
        return True
    return answer.status in refusal.statuses and not is_rate_limited(answer, definition.retry)

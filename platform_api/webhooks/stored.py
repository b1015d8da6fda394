"""Reads the parts of a webhook that are stored as JSON: verification, challenge and answer."""

from pydantic import TypeAdapter

from platform_api.webhooks.answers import Answer
from platform_api.webhooks.challenges import Challenge
from platform_api.webhooks.models import Webhook
from platform_api.webhooks.signatures.verifications import STORED, Verification

_VERIFICATION: TypeAdapter[Verification] = TypeAdapter(Verification)


def verification_of(webhook: Webhook) -> Verification:
    """Returns how the webhook's sender proves their identity."""
    return _VERIFICATION.validate_python(webhook.verification, context=STORED)


def answer_of(webhook: Webhook) -> Answer | None:
    """Returns the answer to a call that started a run; None: the run's ids."""
    return None if webhook.answer is None else Answer.model_validate(webhook.answer)


def challenge_of(webhook: Webhook) -> Challenge | None:
    """Returns the question that is answered without a run."""
    return None if webhook.challenge is None else Challenge.model_validate(webhook.challenge, context=STORED)

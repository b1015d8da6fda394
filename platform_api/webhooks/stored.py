"""Validates what a webhook's row says in JSON: how its sender is known, what it asks, what it is answered."""

from pydantic import TypeAdapter

from platform_api.webhooks.answers import Answer
from platform_api.webhooks.challenges import Challenge
from platform_api.webhooks.models import Webhook
from platform_api.webhooks.signatures.verifications import STORED, Verification

_VERIFICATION: TypeAdapter[Verification] = TypeAdapter(Verification)


def verification_of(webhook: Webhook) -> Verification:
    """How its sender is known."""
    return _VERIFICATION.validate_python(webhook.verification, context=STORED)


def answer_of(webhook: Webhook) -> Answer | None:
    """What a call that started a run is answered; None: the run's ids."""
    return None if webhook.answer is None else Answer.model_validate(webhook.answer)


def challenge_of(webhook: Webhook) -> Challenge | None:
    """The question that is answered without a run."""
    return None if webhook.challenge is None else Challenge.model_validate(webhook.challenge, context=STORED)

"""Handles calls of webhooks: answers a sender's challenge, or starts a run."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from automio._paths import at
from platform_api.accounts.models import Scope
from platform_api.accounts.on_behalf import act_for
from platform_api.actions.access import get_action
from platform_api.actions.service import start_action
from platform_api.apps.access import get_usable_app
from platform_api.apps.models import App
from platform_api.core.crypto import Vault
from platform_api.core.errors import BadRequest, Conflict, Forbidden, NotFound, PlatformError
from platform_api.runs.models import BegunBy
from platform_api.webhooks.answers import Answer
from platform_api.webhooks.bodies import ParsedBody, off_loop, parse_body, parse_exactly, parse_json, undecoded
from platform_api.webhooks.challenges import ChallengeAnswer, answer_body, answer_form, answer_header, answer_query
from platform_api.webhooks.content_encoding import decode_content
from platform_api.webhooks.events import event_of
from platform_api.webhooks.forms import parse_query
from platform_api.webhooks.models import Webhook, WebhookDelivery
from platform_api.webhooks.schemas import WebhookActionRun
from platform_api.webhooks.service import secrets_of
from platform_api.webhooks.signatures.signed_text import Delivery
from platform_api.webhooks.signatures.verification import verify
from platform_api.webhooks.signatures.verifications import (
    BasicVerification,
    SecretVerification,
    StandardVerification,
    Verification,
)
from platform_api.webhooks.stored import answer_of, challenge_of, verification_of

log = structlog.stdlib.get_logger()

_SCOPES = frozenset({Scope.RUN, Scope.DATA})


async def call_webhook(
    session: AsyncSession, vault: Vault, app_slug: str, webhook_slug: str, delivery: Delivery
) -> WebhookActionRun | ChallengeAnswer | Answer:
    """Starts the run of a call, or returns that of the first call with the same id.

    Returns the webhook's own answer if it has one, else the run.

    Raises NotFound for an address that is unknown or disabled; Unauthenticated when the sender's proof is missing or
    wrong.
    """
    webhook = await _find(session, app_slug, webhook_slug)
    secrets = secrets_of(webhook, vault)
    query = parse_query(delivery.query_string)
    challenge = challenge_of(webhook)
    if challenge is not None:
        answer = (
            answer_query(challenge, secrets, delivery.method, query)
            or answer_header(challenge, delivery)
            or answer_form(challenge, delivery)
        )
        if answer is not None:
            return answer
    verification = verification_of(webhook)
    await off_loop(len(delivery.body), verify, verification, secrets, delivery)
    content, reason = await off_loop(len(delivery.body), decode_content, delivery.headers, delivery.body)
    body = await parse_body(delivery.content_type, content) if reason is None else undecoded(delivery.body, reason)
    delivery = replace(delivery, body=content)
    if challenge is not None:
        value = await off_loop(len(content), parse_json, delivery.content_type, content)
        answer = answer_body(challenge, secrets, value)
        if answer is not None:
            return answer
    if delivery.method not in webhook.methods:
        raise BadRequest(f"this webhook accepts {', '.join(webhook.methods)}, not {delivery.method}")
    run = await _start(session, webhook, delivery, body, verification)
    return answer_of(webhook) or run


async def allowed_methods(session: AsyncSession, app_slug: str, webhook_slug: str) -> Sequence[str]:
    """Returns the methods that start the webhook's action. Raises NotFound."""
    return (await _find(session, app_slug, webhook_slug)).methods


async def _start(
    session: AsyncSession, webhook: Webhook, delivery: Delivery, body: ParsedBody, verification: Verification
) -> WebhookActionRun:
    digest = await off_loop(len(delivery.body), _digest, webhook, delivery, body, verification)
    if digest is not None and (first := await _first_run(session, webhook, digest)) is not None:
        return first
    try:
        actor = await act_for(
            session,
            user_id=webhook.user_id,
            organization_id=webhook.organization_id,
            app_id=webhook.app_id,
            scopes=_SCOPES,
        )
        action, app = await get_action(session, actor, str(webhook.action_id))
        await get_usable_app(session, actor, app.id)
    except (Forbidden, NotFound) as error:
        # The sender is a stranger: why the address does not work is for its owners to see, in the log.
        log.warning("webhook.refused", webhook_id=webhook.id, reason=error.message)
        raise _no_webhook() from error
    event = event_of(
        delivery,
        body,
        hidden_headers=frozenset(_secret_headers(verification)),
        hidden_parameters=frozenset(_secret_parameters(verification)),
    )
    event["webhook"] = {"id": webhook.id, "name": webhook.name}
    try:
        run = await start_action(session, actor, action, app, event=event, begun_by=BegunBy.WEBHOOK)
    except Conflict as error:
        log.warning("webhook.cannot_run", webhook_id=webhook.id, reason=error.message)
        raise PlatformError("the webhook's action cannot run at the moment; try again later") from error
    if digest is not None:
        session.add(WebhookDelivery(webhook_id=webhook.id, digest=digest, run_id=run.id, task_id=run.task_id))
    await session.execute(
        update(Webhook)
        .where(Webhook.id == webhook.id)
        .values(calls=Webhook.calls + 1, last_called_at=func.now(), updated_at=Webhook.updated_at)
        .execution_options(synchronize_session=False)
    )
    await session.flush()
    return WebhookActionRun(task_id=run.task_id, run_id=run.id)


def _secret_headers(verification: Verification) -> list[str]:
    """Returns the headers whose secret is between the sender and the platform."""
    match verification:
        case SecretVerification(header=str(header)):
            return [header]
        case BasicVerification():
            return ["authorization"]
        case _:
            return []


def _secret_parameters(verification: Verification) -> list[str]:
    match verification:
        case SecretVerification(query=str(name)):
            return [name]
        case _:
            return []


def _digest(webhook: Webhook, delivery: Delivery, body: ParsedBody, verification: Verification) -> bytes | None:
    """Returns the SHA-256 of the sender's id of the delivery; None when there is none."""
    sent: Any = None
    if webhook.idempotency_path is not None:
        sent = at(parse_exactly(delivery.content_type, delivery.body), webhook.idempotency_path)
    elif webhook.idempotency_field is not None:
        sent = (body.form or {}).get(webhook.idempotency_field)
    elif webhook.idempotency_header is not None:
        sent = delivery.headers.get(webhook.idempotency_header)
    elif isinstance(verification, StandardVerification):
        # The standard's own rule: the same id is the same message.
        sent = delivery.headers.get(f"{verification.header_prefix}-id")
    if not isinstance(sent, str) or not sent.strip():
        return None
    return hashlib.sha256(sent.strip().encode(errors="replace")).digest()


async def _first_run(session: AsyncSession, webhook: Webhook, digest: bytes) -> WebhookActionRun | None:
    """Returns the run of an earlier call with this id. Simultaneous calls with the same id wait for each other."""
    key = int.from_bytes(digest[:8], signed=True) ^ webhook.id
    await session.execute(select(func.pg_advisory_xact_lock(key)))
    await session.execute(
        delete(WebhookDelivery).where(
            WebhookDelivery.webhook_id == webhook.id,
            WebhookDelivery.created_at < func.now() - timedelta(hours=webhook.idempotency_hours),
        )
    )
    statement = select(WebhookDelivery).where(
        WebhookDelivery.webhook_id == webhook.id, WebhookDelivery.digest == digest
    )
    first = await session.scalar(statement)
    return None if first is None else WebhookActionRun(task_id=first.task_id, run_id=first.run_id)


async def _find(session: AsyncSession, app_slug: str, webhook_slug: str) -> Webhook:
    statement = (
        select(Webhook)
        .join(App, App.id == Webhook.app_id)
        .where(Webhook.slug == _text(webhook_slug), App.slug == _text(app_slug), Webhook.is_enabled)
    )
    webhook = await session.scalar(statement)
    if webhook is None:
        raise _no_webhook()
    return webhook


def _no_webhook() -> NotFound:
    return NotFound("there is no webhook at this address")


def _text(value: str) -> str:
    return value.replace("\x00", "")

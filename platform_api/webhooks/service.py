"""Making and changing webhooks, and starting runs for whoever calls them."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import structlog
from pydantic import TypeAdapter
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Role, Scope
from platform_api.accounts.on_behalf import act_for
from platform_api.accounts.tenancy import visible_to
from platform_api.actions.access import get_action
from platform_api.actions.models import Action, ActionType
from platform_api.actions.service import start_action
from platform_api.apps.access import get_usable_app
from platform_api.apps.models import App
from platform_api.core.crypto import Vault
from platform_api.core.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PlatformError,
    Unauthenticated,
    Unprocessable,
)
from platform_api.webhooks.events import event_of, parse_json
from platform_api.webhooks.models import Webhook, WebhookDelivery
from platform_api.webhooks.schemas import (
    Challenge,
    NoVerification,
    SecretVerification,
    Verification,
    WebhookActionRun,
    WebhookCreate,
    WebhookUpdate,
)
from platform_api.webhooks.verification import verify

log = structlog.stdlib.get_logger()

MOST_WEBHOOKS = 200
"""Of one app in one organization."""
_LONGEST_CHALLENGE = 2000
_LONGEST_ID = 500
_MOST_PARAMETERS = 200
_SCOPES = frozenset({Scope.RUN, Scope.DATA})

_VERIFICATION: TypeAdapter[Verification] = TypeAdapter(Verification)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to a webhook. Header names are in lower case."""

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class ChallengeAnswer:
    """What a service that tries the address wants to get back."""

    text: str
    is_json: bool


async def create_webhook(
    session: AsyncSession, actor: Actor, vault: Vault, app: str, wanted: WebhookCreate
) -> tuple[Webhook, App]:
    """A webhook of the caller's organization for an app of its own, or one that it installed."""
    found = await _get_app(session, actor, app)
    action = await _get_action(session, actor, found, wanted.action)
    count = (
        select(func.count())
        .select_from(Webhook)
        .where(visible_to(actor, Webhook.organization_id), Webhook.app_id == found.id)
    )
    if (await session.scalar(count) or 0) >= MOST_WEBHOOKS:
        raise Conflict(f"the app has {MOST_WEBHOOKS} webhooks already; delete one first")
    _check_secret(wanted.verification, wanted.challenge, has_secret=wanted.secret is not None)
    webhook = Webhook(
        organization_id=actor.organization_id,
        app_id=found.id,
        action_id=action.id,
        user_id=actor.user_id,
        slug=_new_slug(),
        name=wanted.name or action.name[:150],
        is_enabled=wanted.is_enabled,
        methods=list(wanted.methods),
        verification=wanted.verification.model_dump(mode="json"),
        sealed_secret=_seal(vault, wanted.secret),
        challenge=None if wanted.challenge is None else wanted.challenge.model_dump(mode="json"),
        idempotency_header=wanted.idempotency_header,
        idempotency_hours=wanted.idempotency_hours,
    )
    session.add(webhook)
    await session.flush()
    await session.refresh(webhook)
    return webhook, found


async def list_webhooks(session: AsyncSession, actor: Actor, app: str) -> tuple[Sequence[Webhook], App]:
    """The organization's webhooks of an app."""
    found = await _get_app(session, actor, app)
    statement = select(Webhook).where(visible_to(actor, Webhook.organization_id), Webhook.app_id == found.id)
    return (await session.scalars(statement.order_by(Webhook.id))).all(), found


async def get_webhook(session: AsyncSession, actor: Actor, app: str, webhook_id: int) -> tuple[Webhook, App]:
    """One of them; NotFound otherwise."""
    found = await _get_app(session, actor, app)
    statement = select(Webhook).where(
        Webhook.id == webhook_id, Webhook.app_id == found.id, visible_to(actor, Webhook.organization_id)
    )
    webhook = await session.scalar(statement)
    if webhook is None:
        raise NotFound(f"there is no webhook {webhook_id}")
    return webhook, found


async def update_webhook(
    session: AsyncSession, actor: Actor, vault: Vault, app: str, webhook_id: int, wanted: WebhookUpdate
) -> tuple[Webhook, App]:
    """Changes what the request names. From then on its runs have the caller's rights."""
    webhook, found = await get_webhook(session, actor, app, webhook_id)
    given = wanted.model_fields_set
    if wanted.action is not None:
        webhook.action_id = (await _get_action(session, actor, found, wanted.action)).id
    for name in ("name", "is_enabled", "methods", "idempotency_hours"):
        if name in given and (value := getattr(wanted, name)) is not None:
            setattr(webhook, name, value)
    if wanted.verification is not None:
        webhook.verification = wanted.verification.model_dump(mode="json")
    if wanted.secret is not None:
        webhook.sealed_secret = _seal(vault, wanted.secret)
    if "challenge" in given:
        webhook.challenge = None if wanted.challenge is None else wanted.challenge.model_dump(mode="json")
    if "idempotency_header" in given:
        webhook.idempotency_header = wanted.idempotency_header
    challenge = None if webhook.challenge is None else Challenge.model_validate(webhook.challenge)
    _check_secret(verification_of(webhook), challenge, has_secret=webhook.sealed_secret is not None)
    webhook.user_id = actor.user_id
    await session.flush()
    await session.refresh(webhook)
    return webhook, found


async def rotate_webhook(session: AsyncSession, actor: Actor, app: str, webhook_id: int) -> tuple[Webhook, App]:
    """Gives it another address; the old one is nobody's from then on."""
    webhook, found = await get_webhook(session, actor, app, webhook_id)
    webhook.slug = _new_slug()
    webhook.user_id = actor.user_id
    await session.flush()
    await session.refresh(webhook)
    return webhook, found


async def delete_webhook(session: AsyncSession, actor: Actor, app: str, webhook_id: int) -> None:
    """Removes it. Runs it started go on."""
    webhook, _ = await get_webhook(session, actor, app, webhook_id)
    await session.delete(webhook)
    await session.flush()


def verification_of(webhook: Webhook) -> Verification:
    """How its sender is known."""
    return _VERIFICATION.validate_python(webhook.verification)


async def call_webhook(
    session: AsyncSession, vault: Vault, app_slug: str, webhook_slug: str, call: Call
) -> WebhookActionRun | ChallengeAnswer:
    """Starts the run that a call asks for, or gives that of the first call with the same id.

    Raises NotFound for an address that is nobody's, or switched off; Unauthenticated when the sender is not who they
    should be.
    """
    webhook = await _find(session, app_slug, webhook_slug)
    secret = None if webhook.sealed_secret is None else str(vault.decrypt(webhook.sealed_secret)["secret"])
    query = _query(call.query_string)
    challenge = None if webhook.challenge is None else Challenge.model_validate(webhook.challenge)
    if challenge is not None and challenge.place == "query" and call.method == "GET":
        return _answer_query(challenge, secret, query)
    verification = verification_of(webhook)
    verify(verification, secret, headers=call.headers, body=call.body)
    if challenge is not None and challenge.place == "body":
        asked = parse_json(call.headers.get("content-type", ""), call.body)
        if isinstance(asked, dict) and asked.get("type") == "url_verification":
            return ChallengeAnswer(str(asked.get(challenge.name, ""))[:_LONGEST_CHALLENGE], is_json=True)
    if call.method not in webhook.methods:
        raise BadRequest(f"this webhook takes {', '.join(webhook.methods)}, not {call.method}")
    return await _start(session, webhook, call, query, verification)


async def _start(
    session: AsyncSession, webhook: Webhook, call: Call, query: dict[str, list[str]], verification: Verification
) -> WebhookActionRun:
    sent_id = call.headers.get(webhook.idempotency_header or "", "").strip()
    digest = hashlib.sha256(sent_id.encode()).digest() if sent_id and len(sent_id) <= _LONGEST_ID else None
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
        raise _nobodys() from error
    # The secret in a header is between the sender and the platform.
    left_out = frozenset({verification.header}) if isinstance(verification, SecretVerification) else frozenset()
    event = event_of(
        method=call.method, path=call.path, query=query, headers=call.headers, body=call.body, left_out=left_out
    )
    event["webhook"] = {"id": webhook.id, "name": webhook.name}
    try:
        run = await start_action(session, actor, action, app, event=event)
    except Conflict as error:
        log.warning("webhook.cannot_run", webhook_id=webhook.id, reason=error.message)
        raise PlatformError("the webhook's action cannot run at present") from error
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


async def _first_run(session: AsyncSession, webhook: Webhook, digest: bytes) -> WebhookActionRun | None:
    """The run of an earlier call with this id. Calls with the same id at the same time wait for each other."""
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


def _answer_query(challenge: Challenge, secret: str | None, query: dict[str, list[str]]) -> ChallengeAnswer:
    asked = query.get(challenge.name, [""])[0]
    if not asked:
        raise BadRequest(f"the query parameter {challenge.name} is missing")
    if challenge.token_name is not None:
        sent = query.get(challenge.token_name, [""])[0]
        if secret is None or not secrets.compare_digest(sent.encode(errors="replace"), secret.encode()):
            raise Unauthenticated("the webhook's secret is missing or wrong")
    return ChallengeAnswer(asked[:_LONGEST_CHALLENGE], is_json=False)


async def _find(session: AsyncSession, app_slug: str, webhook_slug: str) -> Webhook:
    statement = (
        select(Webhook)
        .join(App, App.id == Webhook.app_id)
        .where(Webhook.slug == _text(webhook_slug), App.slug == _text(app_slug), Webhook.is_enabled)
    )
    webhook = await session.scalar(statement)
    if webhook is None:
        raise _nobodys()
    return webhook


def _nobodys() -> NotFound:
    return NotFound("there is no webhook at this address")


def _query(text: str) -> dict[str, list[str]]:
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError as error:
        raise BadRequest(f"the query has more than {_MOST_PARAMETERS} parameters") from error


def _text(value: str) -> str:
    return value.replace("\x00", "")


async def _get_app(session: AsyncSession, actor: Actor, app: str) -> App:
    """An app that the caller's organization works with, for its builders."""
    found = await get_usable_app(session, actor, app)
    actor.require_scope(Scope.BUILD)
    actor.require_role(Role.BUILDER)
    return found


async def _get_action(session: AsyncSession, actor: Actor, app: App, reference: int | str) -> Action:
    action, _ = await get_action(session, actor, str(reference), app=str(app.id))
    if action.action_type is not ActionType.WEBHOOK:
        raise Unprocessable(f"action: {action.slug} is a {action.action_type}; a webhook starts a webhook_action")
    return action


def _check_secret(verification: Verification, challenge: Challenge | None, *, has_secret: bool) -> None:
    if not has_secret and not isinstance(verification, NoVerification):
        raise Unprocessable("secret: this verification needs one; it is what the sender signs with or sends")
    if not has_secret and challenge is not None and challenge.token_name is not None:
        raise Unprocessable("secret: challenge.token_name needs one to compare with")


def _seal(vault: Vault, secret: str | None) -> bytes | None:
    value: dict[str, Any] = {"secret": secret}
    return None if secret is None else vault.encrypt(value)


def _new_slug() -> str:
    return secrets.token_urlsafe(24)

"""Making and changing webhooks."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Role, Scope
from platform_api.accounts.tenancy import visible_to
from platform_api.actions.access import get_action
from platform_api.actions.models import Action, ActionType
from platform_api.apps.access import get_usable_app
from platform_api.apps.models import App
from platform_api.core.crypto import Vault
from platform_api.core.errors import Conflict, NotFound, Unprocessable
from platform_api.webhooks.challenges import Challenge
from platform_api.webhooks.models import Webhook
from platform_api.webhooks.schemas import WebhookCreate, WebhookUpdate
from platform_api.webhooks.signatures.presets import IDEMPOTENCY, PRESETS
from platform_api.webhooks.signatures.verification import check_secrets
from platform_api.webhooks.signatures.verifications import Verification
from platform_api.webhooks.stored import challenge_of, verification_of

MAX_WEBHOOKS = 200
"""Of one app in one organization."""


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
    if (await session.scalar(count) or 0) >= MAX_WEBHOOKS:
        raise Conflict(f"the app has {MAX_WEBHOOKS} webhooks already; delete one first")
    given = _given_secrets(wanted)
    _check(wanted.verification, wanted.challenge, given or [])
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
        sealed_secret=None if given is None else _seal(vault, given),
        challenge=None if wanted.challenge is None else wanted.challenge.model_dump(mode="json"),
        answer=None if wanted.answer is None else wanted.answer.model_dump(mode="json"),
        idempotency_hours=wanted.idempotency_hours,
        **{name: getattr(wanted, name) for name in IDEMPOTENCY},
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
    if (secrets_given := _given_secrets(wanted)) is not None:
        webhook.sealed_secret = _seal(vault, secrets_given)
    if "challenge" in given:
        webhook.challenge = None if wanted.challenge is None else wanted.challenge.model_dump(mode="json")
    if "answer" in given:
        webhook.answer = None if wanted.answer is None else wanted.answer.model_dump(mode="json")
    has_place = any(getattr(wanted, name) is not None for name in IDEMPOTENCY)
    for name in IDEMPOTENCY:
        # There is one place: naming another leaves the old.
        if has_place or name in given:
            setattr(webhook, name, getattr(wanted, name))
    if given & {"verification", "challenge", "secret", "secrets"}:
        _check(verification_of(webhook), challenge_of(webhook), secrets_of(webhook, vault))
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


def secrets_of(webhook: Webhook, vault: Vault) -> list[str]:
    """Its secrets, the newest first. Raises UnreadableSecret."""
    if webhook.sealed_secret is None:
        return []
    opened = vault.decrypt(webhook.sealed_secret)
    # Before there could be several, one was stored.
    return list(opened["secrets"]) if "secrets" in opened else [str(opened["secret"])]


async def list_presets(session: AsyncSession, actor: Actor, app: str) -> Mapping[str, Mapping[str, Any]]:
    """What is known of services, by their names."""
    await _get_app(session, actor, app)
    return PRESETS


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


def _given_secrets(wanted: WebhookCreate | WebhookUpdate) -> list[str] | None:
    if wanted.secrets is not None:
        return wanted.secrets
    return None if wanted.secret is None else [wanted.secret]


def _check(verification: Verification, challenge: Challenge | None, given: Sequence[str]) -> None:
    """Raises Unprocessable."""
    check_secrets(verification, given)
    if challenge is not None and challenge.needs_secret and not given:
        raise Unprocessable("secret: the challenge needs one, to compare with token_name or to make its proof")


def _seal(vault: Vault, given: Sequence[str]) -> bytes:
    return vault.encrypt({"secrets": list(given)})


def _new_slug() -> str:
    return secrets.token_urlsafe(24)

"""Creates and changes webhooks."""

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
from platform_api.core.errors import LimitReached, NotFound, Unprocessable
from platform_api.core.paging import Orders, Part, Window, contains, read_items
from platform_api.webhooks.challenges import Challenge
from platform_api.webhooks.models import Webhook
from platform_api.webhooks.schemas import WebhookCreate, WebhookUpdate
from platform_api.webhooks.signatures.presets import IDEMPOTENCY, PRESETS
from platform_api.webhooks.signatures.verification import check_secrets
from platform_api.webhooks.signatures.verifications import Verification
from platform_api.webhooks.stored import challenge_of, verification_of

MAX_WEBHOOKS = 200
"""Maximum webhooks of one app in one organization."""
_ORDERS = Orders(
    "webhooks", Webhook.id, created_at=Webhook.id, name=func.lower(Webhook.name), updated_at=Webhook.updated_at
)


async def create_webhook(
    session: AsyncSession, actor: Actor, vault: Vault, app: str, data: WebhookCreate
) -> tuple[Webhook, App]:
    """Creates a webhook of the caller's organization for an app of its own, or one that it installed."""
    target = await _get_app(session, actor, app)
    action = await _get_action(session, actor, target, data.action)
    count = (
        select(func.count())
        .select_from(Webhook)
        .where(visible_to(actor, Webhook.organization_id), Webhook.app_id == target.id)
    )
    if (await session.scalar(count) or 0) >= MAX_WEBHOOKS:
        raise LimitReached(f"the app has {MAX_WEBHOOKS} webhooks already; delete one first")
    given_secrets = _given_secrets(data)
    _check(data.verification, data.challenge, given_secrets or [])
    webhook = Webhook(
        organization_id=actor.organization_id,
        app_id=target.id,
        action_id=action.id,
        user_id=actor.user_id,
        slug=_new_slug(),
        name=data.name or action.name[:150],
        is_enabled=data.is_enabled,
        methods=list(data.methods),
        verification=data.verification.model_dump(mode="json"),
        sealed_secret=None if given_secrets is None else _encrypt(vault, given_secrets),
        challenge=None if data.challenge is None else data.challenge.model_dump(mode="json"),
        answer=None if data.answer is None else data.answer.model_dump(mode="json"),
        idempotency_hours=data.idempotency_hours,
        **{name: getattr(data, name) for name in IDEMPOTENCY},
    )
    session.add(webhook)
    await session.flush()
    await session.refresh(webhook)
    return webhook, target


async def list_webhooks(
    session: AsyncSession, actor: Actor, app: str, *, search: str | None, order: str, window: Window
) -> tuple[Part[Webhook], App]:
    """Returns a part of the organization's webhooks of an app, and the app; `search` looks in names."""
    target = await _get_app(session, actor, app)
    statement = select(Webhook).where(visible_to(actor, Webhook.organization_id), Webhook.app_id == target.id)
    if search:
        statement = statement.where(contains(search, Webhook.name))
    return await read_items(session, statement, _ORDERS.of(order, within=target.id), window), target


async def get_webhook(session: AsyncSession, actor: Actor, app: str, webhook_id: int) -> tuple[Webhook, App]:
    """Returns one of the organization's webhooks of an app; raises NotFound."""
    target = await _get_app(session, actor, app)
    statement = select(Webhook).where(
        Webhook.id == webhook_id, Webhook.app_id == target.id, visible_to(actor, Webhook.organization_id)
    )
    webhook = await session.scalar(statement)
    if webhook is None:
        raise NotFound(f"there is no webhook {webhook_id}")
    return webhook, target


async def update_webhook(
    session: AsyncSession, actor: Actor, vault: Vault, app: str, webhook_id: int, data: WebhookUpdate
) -> tuple[Webhook, App]:
    """Changes what the request contains. From then on the webhook's runs have the caller's rights."""
    webhook, target = await get_webhook(session, actor, app, webhook_id)
    given = data.model_fields_set
    if data.action is not None:
        webhook.action_id = (await _get_action(session, actor, target, data.action)).id
    for name in ("name", "is_enabled", "methods", "idempotency_hours"):
        if name in given and (value := getattr(data, name)) is not None:
            setattr(webhook, name, value)
    if data.verification is not None:
        webhook.verification = data.verification.model_dump(mode="json")
    if (given_secrets := _given_secrets(data)) is not None:
        webhook.sealed_secret = _encrypt(vault, given_secrets)
    if "challenge" in given:
        webhook.challenge = None if data.challenge is None else data.challenge.model_dump(mode="json")
    if "answer" in given:
        webhook.answer = None if data.answer is None else data.answer.model_dump(mode="json")
    has_place = any(getattr(data, name) is not None for name in IDEMPOTENCY)
    for name in IDEMPOTENCY:
        # There is one place only: a new one replaces the old one.
        if has_place or name in given:
            setattr(webhook, name, getattr(data, name))
    if given & {"verification", "challenge", "secret", "secrets"}:
        _check(verification_of(webhook), challenge_of(webhook), secrets_of(webhook, vault))
    webhook.user_id = actor.user_id
    await session.flush()
    await session.refresh(webhook)
    return webhook, target


async def rotate_webhook(session: AsyncSession, actor: Actor, app: str, webhook_id: int) -> tuple[Webhook, App]:
    """Gives the webhook another address; the old one no longer works."""
    webhook, target = await get_webhook(session, actor, app, webhook_id)
    webhook.slug = _new_slug()
    webhook.user_id = actor.user_id
    await session.flush()
    await session.refresh(webhook)
    return webhook, target


async def delete_webhook(session: AsyncSession, actor: Actor, app: str, webhook_id: int) -> None:
    """Removes a webhook. Runs that it started continue."""
    webhook, _ = await get_webhook(session, actor, app, webhook_id)
    await session.delete(webhook)
    await session.flush()


def secrets_of(webhook: Webhook, vault: Vault) -> list[str]:
    """Returns the webhook's secrets, the newest first. Raises UnreadableSecret."""
    if webhook.sealed_secret is None:
        return []
    opened = vault.decrypt(webhook.sealed_secret)
    # Earlier releases stored a single one.
    return list(opened["secrets"]) if "secrets" in opened else [str(opened["secret"])]


async def list_presets(session: AsyncSession, actor: Actor, app: str) -> Mapping[str, Mapping[str, Any]]:
    """Returns the presets by the names of their services."""
    await _get_app(session, actor, app)
    return PRESETS


async def _get_app(session: AsyncSession, actor: Actor, app: str) -> App:
    """Returns an app that the caller's organization works with, for its builders."""
    target = await get_usable_app(session, actor, app)
    actor.require_scope(Scope.BUILD)
    actor.require_role(Role.BUILDER)
    return target


async def _get_action(session: AsyncSession, actor: Actor, app: App, reference: int | str) -> Action:
    action, _ = await get_action(session, actor, str(reference), app=str(app.id))
    if action.action_type is not ActionType.WEBHOOK:
        raise Unprocessable(
            f"action: {action.slug} is a {action.action_type}; a webhook can only start a webhook_action",
            field="action",
        )
    return action


def _given_secrets(data: WebhookCreate | WebhookUpdate) -> list[str] | None:
    if data.secrets is not None:
        return data.secrets
    return None if data.secret is None else [data.secret]


def _check(verification: Verification, challenge: Challenge | None, given: Sequence[str]) -> None:
    """Raises Unprocessable where secrets are missing or have the wrong form."""
    check_secrets(verification, given)
    if challenge is not None and challenge.needs_secret and not given:
        raise Unprocessable(
            "secret: the challenge needs one, to compare with token_name or to make its proof", field="secret"
        )


def _encrypt(vault: Vault, given: Sequence[str]) -> bytes:
    return vault.encrypt({"secrets": list(given)})


def _new_slug() -> str:
    return secrets.token_urlsafe(24)

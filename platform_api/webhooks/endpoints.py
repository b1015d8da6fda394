"""Webhooks over HTTP: for builders, and for the services that call them (contract §11)."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from platform_api.accounts.dependencies import BuildActorDep
from platform_api.apps.models import App
from platform_api.core.database import SessionDep
from platform_api.core.errors import TooLarge
from platform_api.core.settings import Settings
from platform_api.integrations.lifespan import VaultDep
from platform_api.webhooks import service
from platform_api.webhooks.events import MOST_BODY_BYTES, headers_of
from platform_api.webhooks.models import Webhook
from platform_api.webhooks.schemas import (
    Challenge,
    WebhookActionRun,
    WebhookCreate,
    WebhookRead,
    WebhookUpdate,
)
from platform_api.webhooks.service import Call, ChallengeAnswer

router = APIRouter(prefix="/apps/{app}/webhooks", tags=["webhooks"])
call_router = APIRouter(prefix="/webhooks", tags=["webhooks"])

AppReference = Annotated[str, Path(description="Id or slug of the app", max_length=63)]
WebhookId = Annotated[int, Path(ge=1, le=2**63 - 1)]
AppSlug = Annotated[str, Path(description="Slug of the app", max_length=63)]
WebhookSlug = Annotated[str, Path(description="The webhook's secret", max_length=100)]


@router.get("/", summary="Webhooks of an app in the caller's organization")
async def list_webhooks(
    request: Request, actor: BuildActorDep, session: SessionDep, app: AppReference
) -> list[WebhookRead]:
    webhooks, found = await service.list_webhooks(session, actor, app)
    return [_read(request, webhook, found) for webhook in webhooks]


@router.post("/", status_code=201, summary="Create a webhook")
async def create_webhook(
    request: Request,
    actor: BuildActorDep,
    session: SessionDep,
    vault: VaultDep,
    app: AppReference,
    body: WebhookCreate,
) -> WebhookRead:
    return _read(request, *await service.create_webhook(session, actor, vault, app, body))


@router.get("/{webhook_id}/", summary="One webhook")
async def get_webhook(
    request: Request, actor: BuildActorDep, session: SessionDep, app: AppReference, webhook_id: WebhookId
) -> WebhookRead:
    return _read(request, *await service.get_webhook(session, actor, app, webhook_id))


@router.patch("/{webhook_id}/", summary="Change a webhook; what is left out stays")
async def update_webhook(
    request: Request,
    actor: BuildActorDep,
    session: SessionDep,
    vault: VaultDep,
    app: AppReference,
    webhook_id: WebhookId,
    body: WebhookUpdate,
) -> WebhookRead:
    return _read(request, *await service.update_webhook(session, actor, vault, app, webhook_id, body))


@router.post("/{webhook_id}/rotate/", summary="Give a webhook another address; the old one ends")
async def rotate_webhook(
    request: Request, actor: BuildActorDep, session: SessionDep, app: AppReference, webhook_id: WebhookId
) -> WebhookRead:
    return _read(request, *await service.rotate_webhook(session, actor, app, webhook_id))


@router.delete("/{webhook_id}/", status_code=204, summary="Delete a webhook; runs it started go on")
async def delete_webhook(actor: BuildActorDep, session: SessionDep, app: AppReference, webhook_id: WebhookId) -> None:
    await service.delete_webhook(session, actor, app, webhook_id)


_DESCRIBED = "Called by other services, without a token: the address is the secret, and the webhook may ask for more"


@call_router.post("/{app_slug}/{webhook_slug}/", summary="Start a webhook's action", description=_DESCRIBED)
async def call_webhook(
    request: Request, session: SessionDep, vault: VaultDep, app_slug: AppSlug, webhook_slug: WebhookSlug
) -> WebhookActionRun:
    answer = await _call(request, session, vault, app_slug, webhook_slug)
    return answer  # type: ignore[return-value]  # a response is passed on as it is


@call_router.get("/{app_slug}/{webhook_slug}/", summary="Answer a challenge, or start", description=_DESCRIBED)
async def get_call_webhook(
    request: Request, session: SessionDep, vault: VaultDep, app_slug: AppSlug, webhook_slug: WebhookSlug
) -> WebhookActionRun:
    answer = await _call(request, session, vault, app_slug, webhook_slug)
    return answer  # type: ignore[return-value]  # a response is passed on as it is


@call_router.put("/{app_slug}/{webhook_slug}/", summary="Start a webhook's action", description=_DESCRIBED)
async def put_call_webhook(
    request: Request, session: SessionDep, vault: VaultDep, app_slug: AppSlug, webhook_slug: WebhookSlug
) -> WebhookActionRun:
    answer = await _call(request, session, vault, app_slug, webhook_slug)
    return answer  # type: ignore[return-value]  # a response is passed on as it is


async def _call(
    request: Request, session: SessionDep, vault: VaultDep, app_slug: str, webhook_slug: str
) -> WebhookActionRun | Response:
    call = Call(
        method=request.method,
        path=request.url.path,
        query_string=request.url.query,
        headers=headers_of(request.headers.raw),
        body=await _body(request),
    )
    answer = await service.call_webhook(session, vault, app_slug, webhook_slug, call)
    if isinstance(answer, ChallengeAnswer):
        return JSONResponse({"challenge": answer.text}) if answer.is_json else PlainTextResponse(answer.text)
    return answer


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY_BYTES:
            raise TooLarge(f"the body is larger than the {MOST_BODY_BYTES} bytes that a webhook takes")
    return bytes(body)


def _read(request: Request, webhook: Webhook, app: App) -> WebhookRead:
    settings: Settings = request.app.state.settings
    return WebhookRead(
        id=webhook.id,
        app=webhook.app_id,
        organization=webhook.organization_id,
        action=webhook.action_id,
        name=webhook.name,
        slug=webhook.slug,
        url=f"{settings.public_url}/api/webhooks/{app.slug}/{webhook.slug}/",
        is_enabled=webhook.is_enabled,
        methods=webhook.methods,
        verification=service.verification_of(webhook),
        has_secret=webhook.sealed_secret is not None,
        challenge=None if webhook.challenge is None else Challenge.model_validate(webhook.challenge),
        idempotency_header=webhook.idempotency_header,
        idempotency_hours=webhook.idempotency_hours,
        user=webhook.user_id,
        calls=webhook.calls,
        last_called_at=webhook.last_called_at,
        created_at=webhook.created_at,
        updated_at=webhook.updated_at,
    )

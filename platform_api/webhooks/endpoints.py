"""Serves webhooks over HTTP: for builders, and for the services that call them (contract §11)."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.datastructures import URL

from platform_api.accounts.dependencies import BuildActorDep
from platform_api.apps.models import App
from platform_api.apps.parameters import AppReference
from platform_api.core.database import SessionDep
from platform_api.core.errors import TooLarge
from platform_api.core.http.dependencies import SettingsDep
from platform_api.core.http.pagination import NamedOrder, PartDep, SearchQuery
from platform_api.core.services import services_of
from platform_api.core.settings import Settings
from platform_api.integrations.lifespan import VaultDep
from platform_api.webhooks import calling, service
from platform_api.webhooks.answers import Answer
from platform_api.webhooks.bodies import MAX_BODY_BYTES
from platform_api.webhooks.challenges import ChallengeAnswer
from platform_api.webhooks.events import headers_of
from platform_api.webhooks.models import Webhook
from platform_api.webhooks.schemas import (
    WebhookActionRun,
    WebhookCreate,
    WebhookPage,
    WebhookPreset,
    WebhookRead,
    WebhookUpdate,
)
from platform_api.webhooks.signatures.signed_text import Delivery

router = APIRouter(prefix="/apps/{app}/webhooks", tags=["webhooks"])
call_router = APIRouter(prefix="/webhooks", tags=["webhooks"])

WebhookId = Annotated[int, Path(ge=1, le=2**63 - 1)]
AppSlug = Annotated[str, Path(description="Slug of the app", max_length=63)]
WebhookSlug = Annotated[str, Path(description="The webhook's secret", max_length=100)]


@router.get("/", summary="List the webhooks of an app in the caller's organization")
async def list_webhooks(
    actor: BuildActorDep,
    session: SessionDep,
    settings: SettingsDep,
    app: AppReference,
    listing: PartDep,
    search: SearchQuery = None,
    order: NamedOrder = "created_at",
) -> WebhookPage:
    part, found = await service.list_webhooks(session, actor, app, search=search, order=order, window=listing.window)
    return WebhookPage(**listing.links(part), results=[_read(settings, webhook, found) for webhook in part.items])


@router.post("/", status_code=201, summary="Create a webhook")
async def create_webhook(
    actor: BuildActorDep,
    session: SessionDep,
    settings: SettingsDep,
    vault: VaultDep,
    app: AppReference,
    body: WebhookCreate,
) -> WebhookRead:
    return _read(settings, *await service.create_webhook(session, actor, vault, app, body))


@router.get("/presets/", summary="List the services whose verification is known")
async def list_presets(actor: BuildActorDep, session: SessionDep, app: AppReference) -> list[WebhookPreset]:
    presets = await service.list_presets(session, actor, app)
    return [WebhookPreset(name=name, fields=dict(fields)) for name, fields in sorted(presets.items())]


@router.get("/{webhook_id}/", summary="Return a webhook")
async def get_webhook(
    actor: BuildActorDep, session: SessionDep, settings: SettingsDep, app: AppReference, webhook_id: WebhookId
) -> WebhookRead:
    return _read(settings, *await service.get_webhook(session, actor, app, webhook_id))


@router.patch("/{webhook_id}/", summary="Change a webhook; fields that are left out keep their values")
async def update_webhook(
    actor: BuildActorDep,
    session: SessionDep,
    settings: SettingsDep,
    vault: VaultDep,
    app: AppReference,
    webhook_id: WebhookId,
    body: WebhookUpdate,
) -> WebhookRead:
    return _read(settings, *await service.update_webhook(session, actor, vault, app, webhook_id, body))


@router.post("/{webhook_id}/rotate/", summary="Give a webhook a new address; the old one stops working")
async def rotate_webhook(
    actor: BuildActorDep, session: SessionDep, settings: SettingsDep, app: AppReference, webhook_id: WebhookId
) -> WebhookRead:
    return _read(settings, *await service.rotate_webhook(session, actor, app, webhook_id))


@router.delete("/{webhook_id}/", status_code=204, summary="Delete a webhook; runs that it started continue")
async def delete_webhook(actor: BuildActorDep, session: SessionDep, app: AppReference, webhook_id: WebhookId) -> None:
    await service.delete_webhook(session, actor, app, webhook_id)


_DESCRIBED = "Called by other services, without a token: the address is the secret, and the webhook may ask for more"


@call_router.post("/{app_slug}/{webhook_slug}/", summary="Start a webhook's action", description=_DESCRIBED)
async def call_webhook(
    request: Request, session: SessionDep, vault: VaultDep, app_slug: AppSlug, webhook_slug: WebhookSlug
) -> WebhookActionRun:
    answer = await _call(request, session, vault, app_slug, webhook_slug)
    return answer  # type: ignore[return-value]  # a response is passed on as it is


@call_router.get(
    "/{app_slug}/{webhook_slug}/", summary="Answer a challenge, or start a webhook's action", description=_DESCRIBED
)
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


@call_router.options("/{app_slug}/{webhook_slug}/", include_in_schema=False)
async def ask_webhook(
    request: Request, session: SessionDep, app_slug: AppSlug, webhook_slug: WebhookSlug
) -> Response:
    """Says which methods are taken; starts nothing."""
    methods = await calling.allowed_methods(session, app_slug, webhook_slug)
    headers = {"Allow": ", ".join([*methods, "HEAD", "OPTIONS"])}
    if origin := request.headers.get("webhook-request-origin"):
        # CloudEvents' HTTP webhooks: the sender asks for permission, which having the address is.
        headers["WebHook-Allowed-Origin"] = origin
    return Response(status_code=204, headers=headers)


async def _call(
    request: Request, session: SessionDep, vault: VaultDep, app_slug: str, webhook_slug: str
) -> WebhookActionRun | Response:
    if request.scope.get("is_head"):
        # Who only looks whether somebody is there starts nothing.
        methods = await calling.allowed_methods(session, app_slug, webhook_slug)
        return Response(headers={"Allow": ", ".join([*methods, "HEAD", "OPTIONS"])})
    path = request.scope["raw_path"].decode("latin-1")
    # A query that is no UTF-8 keeps its bytes: they may be signed.
    query = request.scope["query_string"].decode(errors="surrogateescape")
    settings = services_of(request)[Settings]
    delivery = Delivery(
        method=request.method,
        path=path,
        query_string=query,
        headers=headers_of(request.headers.raw),
        body=await _body(request),
        urls=_urls(settings.public_url, f"/api/webhooks/{app_slug}/{webhook_slug}/", path, query),
    )
    answer = await calling.call_webhook(session, vault, app_slug, webhook_slug, delivery)
    if isinstance(answer, ChallengeAnswer):
        content = answer.content
        if answer.header is not None:
            return Response(headers={answer.header: str(content)})
        return PlainTextResponse(content) if isinstance(content, str) else JSONResponse(content)
    if isinstance(answer, Answer):
        return Response(answer.body or None, answer.status, answer.headers)
    return answer


def _urls(public_url: str, path: str, sent_path: str, query: str) -> list[str]:
    """Returns the URLs by which the sender may know this address: as given or as called, with its port or without."""
    base = URL(public_url)
    port = base.port or (443 if base.scheme == "https" else 80)
    bases = [
        public_url,
        *(f"{base.scheme}://{host}" for host in (base.netloc, base.hostname, f"{base.hostname}:{port}")),
    ]
    paths = [path, path.rstrip("/"), sent_path]
    ending = f"?{query}" if query else ""
    return list(dict.fromkeys(f"{base}{path}{ending}" for base in bases for path in paths))


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge(f"the body is larger than the {MAX_BODY_BYTES} bytes that a webhook takes")
    return bytes(body)


def _read(settings: Settings, webhook: Webhook, app: App) -> WebhookRead:
    return WebhookRead.of(webhook, app, public_url=settings.public_url)

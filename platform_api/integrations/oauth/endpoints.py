"""Serves OAuth clients of an organization, and the start of a sign-in."""

from fastapi import APIRouter

from platform_api.accounts.dependencies import BuildActorDep
from platform_api.core.database import SessionDep
from platform_api.integrations.lifespan import OAuthFlowDep, VaultDep
from platform_api.integrations.oauth import clients
from platform_api.integrations.parameters import IntegrationReference
from platform_api.integrations.schemas import OAuthClientRead, OAuthClientWrite, OAuthStart, OAuthStarted

router = APIRouter(prefix="/integrations", tags=["integrations"])


@router.get(
    "/{integration_id}/oauth/client/", summary="Return the organization's OAuth client, and the redirect URI to copy"
)
async def get_oauth_client(
    actor: BuildActorDep, session: SessionDep, flow: OAuthFlowDep, integration_id: IntegrationReference
) -> OAuthClientRead:
    client_id = await clients.find_client_id(session, actor, integration_id)
    return OAuthClientRead(client_id=client_id, redirect_uri=flow.redirect_uri)


@router.put("/{integration_id}/oauth/client/", summary="Set the organization's OAuth client")
async def put_oauth_client(
    actor: BuildActorDep,
    session: SessionDep,
    vault: VaultDep,
    flow: OAuthFlowDep,
    integration_id: IntegrationReference,
    body: OAuthClientWrite,
) -> OAuthClientRead:
    await clients.set_client(
        session,
        actor,
        vault,
        integration_id,
        client_id=body.client_id,
        client_secret=body.client_secret.get_secret_value(),
    )
    return OAuthClientRead(client_id=body.client_id, redirect_uri=flow.redirect_uri)


@router.delete("/{integration_id}/oauth/client/", status_code=204, summary="Delete the organization's OAuth client")
async def delete_oauth_client(
    actor: BuildActorDep, session: SessionDep, integration_id: IntegrationReference
) -> None:
    await clients.forget_client(session, actor, integration_id)


@router.post("/{integration_id}/oauth/start/", summary="Start to connect an account through its provider's sign-in")
async def start_oauth(
    actor: BuildActorDep,
    session: SessionDep,
    flow: OAuthFlowDep,
    integration_id: IntegrationReference,
    body: OAuthStart | None = None,
) -> OAuthStarted:
    body = body or OAuthStart()
    url, expires_at = await flow.start(
        session, actor, integration_id, placeholders=body.placeholders, connection_id=body.connection_id
    )
    return OAuthStarted(url=url, expires_at=expires_at)

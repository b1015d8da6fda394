"""OAuth clients of an organization, and the start of a sign-in."""

from fastapi import APIRouter
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from platform_api.accounts.dependencies import BuildActorDep
from platform_api.accounts.tenancy import visible_to
from platform_api.core.database import SessionDep
from platform_api.core.errors import NotFound
from platform_api.integrations.access import get_definition
from platform_api.integrations.endpoints import IntegrationReference
from platform_api.integrations.lifespan import OAuthFlowDep, VaultDep
from platform_api.integrations.models import OAuthClient
from platform_api.integrations.oauth.oauth2 import check_client
from platform_api.integrations.schemas import OAuthClientRead, OAuthClientWrite, OAuthStart, OAuthStarted

router = APIRouter(prefix="/integrations", tags=["integrations"])


@router.get("/{integration_id}/oauth/client/", summary="Its OAuth client, and the redirect URI to copy")
async def get_oauth_client(
    actor: BuildActorDep, session: SessionDep, flow: OAuthFlowDep, integration_id: IntegrationReference
) -> OAuthClientRead:
    definition = await get_definition(session, actor, integration_id)
    client_id = await session.scalar(
        select(OAuthClient.client_id).where(
            OAuthClient.integration_id == definition.id, visible_to(actor, OAuthClient.organization_id)
        )
    )
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
    definition = await get_definition(session, actor, integration_id)
    check_client(definition, body.client_id, body.client_secret.get_secret_value())
    kept = {
        "client_id": body.client_id,
        "sealed_secret": vault.encrypt({"client_secret": body.client_secret.get_secret_value()}),
    }
    statement = insert(OAuthClient).values(
        organization_id=actor.organization_id, integration_id=definition.id, **kept
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[OAuthClient.organization_id, OAuthClient.integration_id], set_=kept
        )
    )
    return OAuthClientRead(client_id=body.client_id, redirect_uri=flow.redirect_uri)


@router.delete("/{integration_id}/oauth/client/", status_code=204, summary="Forget the organization's OAuth client")
async def delete_oauth_client(
    actor: BuildActorDep, session: SessionDep, integration_id: IntegrationReference
) -> None:
    removed = await session.scalar(
        delete(OAuthClient)
        .where(OAuthClient.integration_id == integration_id, visible_to(actor, OAuthClient.organization_id))
        .returning(OAuthClient.id)
    )
    if removed is None:
        raise NotFound(f"your organization has no OAuth client for {integration_id!r}")


@router.post("/{integration_id}/oauth/start/", summary="Begin to connect an account through its provider's sign-in")
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

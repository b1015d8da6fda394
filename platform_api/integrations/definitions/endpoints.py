"""Serves the organization's own definitions and the built-in catalogue (contract §6)."""

from typing import Literal

from fastapi import APIRouter

from platform_api.accounts.dependencies import BuildActorDep
from platform_api.core.database import SessionDep
from platform_api.core.http.pagination import ListingDep, SearchQuery
from platform_api.integrations import service
from platform_api.integrations.access import choose_connection, get_definition, list_connections
from platform_api.integrations.connections.service import usable_connection_ids
from platform_api.integrations.definitions.definition import IntegrationDefinition
from platform_api.integrations.parameters import CallActorDep, ConnectionReference, IntegrationReference
from platform_api.integrations.schemas import IntegrationPage, IntegrationRead

router = APIRouter(prefix="/integrations", tags=["integrations"])


@router.get("/", summary="List the organization's own integrations and the built-in catalogue")
async def list_integrations(
    actor: CallActorDep,
    session: SessionDep,
    listing: ListingDep,
    search: SearchQuery = None,
    order: Literal["name", "-name"] = "name",
) -> IntegrationPage:
    part = await service.list_integrations(session, actor, search=search, order=order, window=listing.window)
    connected = await usable_connection_ids(session, actor)
    clients = await service.oauth_clients(session, actor)
    return IntegrationPage(
        **listing.links(part),
        results=[
            IntegrationRead.of(
                integration.definition,
                connected=connected.get(integration.definition.id, []),
                oauth_clients=clients,
                is_built_in=integration.is_built_in,
            )
            for integration in part.items
        ],
    )


@router.post("/", status_code=201, summary="Define an integration of the organization's own")
async def create_integration(
    actor: BuildActorDep, session: SessionDep, body: IntegrationDefinition
) -> IntegrationDefinition:
    return await service.create_integration(session, actor, body)


@router.get("/{integration_id}/", summary="Return an integration with the connections that may be used")
async def get_integration(
    actor: CallActorDep,
    session: SessionDep,
    integration_id: IntegrationReference,
    connection_id: ConnectionReference = None,
) -> IntegrationRead:
    definition = await get_definition(session, actor, integration_id)
    clients = await service.oauth_clients(session, actor, integration_id)
    if connection_id is not None:
        chosen = await choose_connection(session, actor, integration_id, reference=connection_id)
        return IntegrationRead.of(definition, connected=[chosen.id], oauth_clients=clients)
    connections = await list_connections(session, actor, integration_id)
    return IntegrationRead.of(
        definition, connected=[connection.id for connection in connections], oauth_clients=clients
    )


@router.put("/{integration_id}/", summary="Change an integration of the organization's own")
async def replace_integration(
    actor: BuildActorDep, session: SessionDep, integration_id: IntegrationReference, body: IntegrationDefinition
) -> IntegrationDefinition:
    return await service.replace_integration(session, actor, integration_id, body)

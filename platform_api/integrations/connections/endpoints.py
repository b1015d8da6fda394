"""Serves connections to integrations over HTTP (contract §6)."""

from fastapi import APIRouter

from platform_api.accounts.dependencies import BuildActorDep
from platform_api.core.database import SessionDep, release_connection
from platform_api.core.http.pagination import NamedOrder, PartDep, SearchQuery
from platform_api.core.types import ConnectionId
from platform_api.integrations.access import choose_connection, get_definition, list_connections, read_connections
from platform_api.integrations.calls.verification import test_result, verification_call, verify_credentials
from platform_api.integrations.connections import service
from platform_api.integrations.lifespan import GatewayDep, VaultDep
from platform_api.integrations.parameters import CallActorDep, IntegrationReference
from platform_api.integrations.schemas import (
    ChoiceRead,
    ConnectionMade,
    ConnectionName,
    ConnectionPage,
    ConnectionRead,
    ConnectionRename,
    ConnectionTest,
    ConnectionWrite,
)

router = APIRouter(prefix="/integrations", tags=["integrations"])


@router.put("/connections/{connection_id}/", summary="Rename a connection")
async def rename_connection(
    actor: BuildActorDep, session: SessionDep, connection_id: ConnectionId, body: ConnectionRename
) -> ConnectionRead:
    return ConnectionRead.model_validate(await service.rename_connection(session, actor, connection_id, body.name))


@router.delete(
    "/connections/{connection_id}/", status_code=204, summary="Disconnect an account and delete its credentials"
)
async def delete_connection(actor: BuildActorDep, session: SessionDep, connection_id: ConnectionId) -> None:
    await service.delete_connection(session, actor, connection_id)


@router.get("/{integration_id}/get_connections/", summary="List the connections that the caller may use")
async def get_connections(
    actor: CallActorDep, session: SessionDep, integration_id: IntegrationReference
) -> list[ConnectionName]:
    await get_definition(session, actor, integration_id)
    connections = await list_connections(session, actor, integration_id)
    return [ConnectionName.model_validate(connection) for connection in connections]


@router.get("/{integration_id}/connections/", summary="List connections with their state")
async def list_connection_states(
    actor: BuildActorDep,
    session: SessionDep,
    integration_id: IntegrationReference,
    listing: PartDep,
    search: SearchQuery = None,
    order: NamedOrder = "created_at",
) -> ConnectionPage:
    await get_definition(session, actor, integration_id)
    part = await read_connections(session, actor, integration_id, search=search, order=order, window=listing.window)
    return ConnectionPage(
        **listing.links(part),
        results=[ConnectionRead.model_validate(connection) for connection in part.items],
    )


@router.post("/{integration_id}/connections/", status_code=201, summary="Connect an account by its credentials")
async def create_connection(
    actor: BuildActorDep,
    session: SessionDep,
    vault: VaultDep,
    gateway: GatewayDep,
    integration_id: IntegrationReference,
    body: ConnectionWrite,
) -> ConnectionMade:
    definition = await service.check_connection(session, actor, integration_id, body)
    await release_connection(session)
    verified = await verify_credentials(gateway, definition, body, actor)
    connection = await service.create_connection(session, actor, vault, integration_id, body, verified)
    choices = [ChoiceRead.of(choice, connection.placeholders) for choice in verified.choices]
    return ConnectionMade.model_validate(connection).model_copy(update={"tested": verified.test, "choices": choices})


@router.post("/{integration_id}/connections/{connection_id}/test/", summary="Test a connection's credentials")
async def test_connection(
    actor: BuildActorDep,
    session: SessionDep,
    gateway: GatewayDep,
    integration_id: IntegrationReference,
    connection_id: ConnectionId,
) -> ConnectionTest:
    definition = await get_definition(session, actor, integration_id)
    connection = await choose_connection(session, actor, integration_id, reference=str(connection_id))
    await release_connection(session)
    answer = await gateway.send(gateway.open(definition, connection, actor=actor), verification_call(definition))
    return test_result(definition, answer)

"""Serves what an account can be used with, and the choice of one."""

from fastapi import APIRouter

from platform_api.accounts.dependencies import BuildActorDep
from platform_api.core.database import SessionDep, release_connection
from platform_api.core.types import ConnectionId
from platform_api.integrations.access import choose_connection, get_definition
from platform_api.integrations.connections.service import require_choices, store_choice
from platform_api.integrations.lifespan import GatewayDep, VaultDep
from platform_api.integrations.parameters import IntegrationReference
from platform_api.integrations.schemas import ChoiceRead, ChoicesRead, ChoiceWrite, ConnectionRead

router = APIRouter(prefix="/integrations", tags=["integrations"])


@router.post(
    "/{integration_id}/connections/{connection_id}/choices/",
    summary="List what a connection's account can be used with, and choose",
)
async def choose_of_account(
    actor: BuildActorDep,
    session: SessionDep,
    vault: VaultDep,
    gateway: GatewayDep,
    integration_id: IntegrationReference,
    connection_id: ConnectionId,
    body: ChoiceWrite | None = None,
) -> ChoicesRead:
    requested = body.choose if body is not None else {}
    definition = await get_definition(session, actor, integration_id)
    require_choices(definition)
    connection = await choose_connection(session, actor, integration_id, reference=str(connection_id))
    opened = gateway.open(definition, connection, actor=actor)
    await release_connection(session)
    choices = await gateway.ask_choices(opened)
    changed = await store_choice(
        session, actor, vault, definition, connection_id, choices=choices, requested=requested
    )
    return ChoicesRead(
        connection=ConnectionRead.model_validate(changed),
        choices=[ChoiceRead.of(choice, changed.placeholders) for choice in choices],
    )

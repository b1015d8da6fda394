"""Serves the decisions which connections an app may use."""

from fastapi import APIRouter

from platform_api.accounts.dependencies import ActorDep, BuildActorDep
from platform_api.apps.parameters import AppReference
from platform_api.core.database import SessionDep
from platform_api.integrations.connections import activation
from platform_api.integrations.parameters import IntegrationReference
from platform_api.integrations.schemas import ActivationRead, ActivationWrite

router = APIRouter(prefix="/apps", tags=["integrations"])


@router.get("/{app}/integrations/", summary="List which integrations an app may use, as far as decided")
async def list_activations(actor: ActorDep, session: SessionDep, app: AppReference) -> list[ActivationRead]:
    return [ActivationRead.of(one) for one in await activation.list_activations(session, actor, app)]


@router.get("/{app}/integrations/{integration_id}/", summary="Return which connections an app may use")
async def get_activation(
    actor: ActorDep, session: SessionDep, app: AppReference, integration_id: IntegrationReference
) -> ActivationRead:
    return ActivationRead.of(await activation.get_activation(session, actor, app, integration_id))


@router.put("/{app}/integrations/{integration_id}/", summary="Decide which connections an app may use")
async def set_activation(
    actor: BuildActorDep,
    session: SessionDep,
    app: AppReference,
    integration_id: IntegrationReference,
    body: ActivationWrite,
) -> ActivationRead:
    return ActivationRead.of(await activation.set_activation(session, actor, app, integration_id, body))


@router.delete(
    "/{app}/integrations/{integration_id}/",
    status_code=204,
    summary="Withdraw the decision which connections an app may use",
)
async def forget_activation(
    actor: BuildActorDep, session: SessionDep, app: AppReference, integration_id: IntegrationReference
) -> None:
    await activation.forget_activation(session, actor, app, integration_id)

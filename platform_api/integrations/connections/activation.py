"""What an organization lets an app use: its connections to an integration, all, some or none."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.apps.access import get_usable_app
from platform_api.apps.access_summary import describes_access
from platform_api.apps.models import App
from platform_api.core.errors import Forbidden, NotFound, Unprocessable
from platform_api.integrations.access import get_definition, list_connections
from platform_api.integrations.models import Activation, Connection, DescribedActivation
from platform_api.integrations.schemas import ActivationWrite


async def list_activations(session: AsyncSession, actor: Actor, app: str) -> list[DescribedActivation]:
    """What was decided about an app, by integration."""
    found = await get_usable_app(session, actor, app)
    decided = await session.scalars(_decisions(actor, found).order_by(Activation.integration_id))
    return [await _describe(session, actor, found, one.integration_id, one) for one in decided.all()]


async def get_activation(session: AsyncSession, actor: Actor, app: str, integration_id: str) -> DescribedActivation:
    """What an app may use of an integration. Raises NotFound."""
    found = await get_usable_app(session, actor, app)
    await get_definition(session, actor, integration_id)
    decision = await session.scalar(_decisions(actor, found).where(Activation.integration_id == integration_id))
    return await _describe(session, actor, found, integration_id, decision)


async def set_activation(
    session: AsyncSession, actor: Actor, app: str, integration_id: str, wanted: ActivationWrite
) -> DescribedActivation:
    """Decides. Raises NotFound, Unprocessable for connections that are not the organization's, Forbidden."""
    found = await get_usable_app(session, actor, app)
    _require_unbound(actor)
    await get_definition(session, actor, integration_id)
    await _check_connections(session, actor, integration_id, wanted.connection_ids or [])
    chosen = wanted.connection_ids if wanted.connection_ids is None else sorted(set(wanted.connection_ids))
    kept = {"is_activated": wanted.activated, "connection_ids": chosen}
    statement = insert(Activation).values(
        organization_id=actor.organization_id, app_id=found.id, integration_id=integration_id, **kept
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[Activation.organization_id, Activation.app_id, Activation.integration_id], set_=kept
        )
    )
    return await get_activation(session, actor, app, integration_id)


async def forget_activation(session: AsyncSession, actor: Actor, app: str, integration_id: str) -> None:
    """Takes a decision back. Raises NotFound when there is none."""
    found = await get_usable_app(session, actor, app)
    _require_unbound(actor)
    removed = await session.scalar(
        delete(Activation)
        .where(
            Activation.app_id == found.id,
            Activation.integration_id == integration_id,
            visible_to(actor, Activation.organization_id),
        )
        .returning(Activation.app_id)
    )
    if removed is None:
        raise NotFound(f"nothing was decided about {integration_id!r} and the app {found.slug}")


@describes_access("connections")
async def _describe_for_install(session: AsyncSession, app: App) -> list[Any]:
    """What an install with an activation opens to the app's owner."""
    return [
        "Scripts of the app's owner call through the connections that your organization activates for the app,"
        " while the app is installed and active; the calls count in your organization's budget and stand in its log."
    ]


def _decisions(actor: Actor, app: App) -> Select[Activation]:
    return select(Activation).where(Activation.app_id == app.id, visible_to(actor, Activation.organization_id))


def _require_unbound(actor: Actor) -> None:
    if actor.app_id is not None:
        raise Forbidden("what an app may use is not decided with a token that is bound to the app")


async def _describe(
    session: AsyncSession, actor: Actor, app: App, integration_id: str, decision: Activation | None
) -> DescribedActivation:
    usable = await list_connections(session, replace(actor, app_id=app.id), integration_id)
    return DescribedActivation(integration_id, decision, usable)


async def _check_connections(
    session: AsyncSession, actor: Actor, integration_id: str, connection_ids: Sequence[int]
) -> None:
    known = await session.scalars(
        select(Connection.id).where(
            Connection.id.in_(connection_ids),
            Connection.integration_id == integration_id,
            visible_to(actor, Connection.organization_id),
        )
    )
    if unknown := sorted(set(connection_ids) - set(known)):
        named = ", ".join(str(one) for one in unknown[:5])
        raise Unprocessable(f"connection_ids: your organization has no connection {named} to {integration_id}")

"""Decides which connections of an organization an app may use: all to an integration, some or none."""

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
    """Returns the decisions about an app, by integration."""
    usable_app = await get_usable_app(session, actor, app)
    decisions = await session.scalars(_decisions(actor, usable_app).order_by(Activation.integration_id))
    return [
        await _describe(session, actor, usable_app, decision.integration_id, decision) for decision in decisions.all()
    ]


async def get_activation(session: AsyncSession, actor: Actor, app: str, integration_id: str) -> DescribedActivation:
    """Returns what an app may use of an integration. Raises NotFound."""
    usable_app = await get_usable_app(session, actor, app)
    await get_definition(session, actor, integration_id)
    decision = await session.scalar(_decisions(actor, usable_app).where(Activation.integration_id == integration_id))
    return await _describe(session, actor, usable_app, integration_id, decision)


async def set_activation(
    session: AsyncSession, actor: Actor, app: str, integration_id: str, body: ActivationWrite
) -> DescribedActivation:
    """Stores a decision. Raises NotFound, Forbidden, Unprocessable for connections of others."""
    usable_app = await get_usable_app(session, actor, app)
    _require_unbound(actor)
    await get_definition(session, actor, integration_id)
    await _check_connections(session, actor, integration_id, body.connection_ids or [])
    chosen = body.connection_ids if body.connection_ids is None else sorted(set(body.connection_ids))
    decision = {"is_activated": body.activated, "connection_ids": chosen}
    statement = insert(Activation).values(
        organization_id=actor.organization_id, app_id=usable_app.id, integration_id=integration_id, **decision
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[Activation.organization_id, Activation.app_id, Activation.integration_id], set_=decision
        )
    )
    return await get_activation(session, actor, app, integration_id)


async def forget_activation(session: AsyncSession, actor: Actor, app: str, integration_id: str) -> None:
    """Deletes a decision. Raises NotFound when there is none."""
    usable_app = await get_usable_app(session, actor, app)
    _require_unbound(actor)
    removed = await session.scalar(
        delete(Activation)
        .where(
            Activation.app_id == usable_app.id,
            Activation.integration_id == integration_id,
            visible_to(actor, Activation.organization_id),
        )
        .returning(Activation.app_id)
    )
    if removed is None:
        raise NotFound(f"there is no decision about {integration_id!r} and the app {usable_app.slug}")


@describes_access("connections")
async def _describe_for_install(session: AsyncSession, app: App) -> list[Any]:
    """Returns what an install with an activation opens to the app's owner."""
    return [
        "Scripts of the app's owner call through the connections that your organization activates for the app,"
        " while the app is installed and active; the calls count in your organization's budget and appear in its log."
    ]


def _decisions(actor: Actor, app: App) -> Select[Activation]:
    return select(Activation).where(Activation.app_id == app.id, visible_to(actor, Activation.organization_id))


def _require_unbound(actor: Actor) -> None:
    if actor.app_id is not None:
        raise Forbidden("a token that is bound to an app cannot decide what the app may use; use another token")


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
        listed = ", ".join(map(str, unknown[:5]))
        raise Unprocessable(
            f"connection_ids: your organization has no connection {listed} to {integration_id}",
            field="connection_ids",
        )
